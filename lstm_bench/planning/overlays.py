"""A config and its overlays, merged as the workflow does: mappings key by key, all else whole."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from lstm_bench.errors import BenchError


def merged(paths: Iterable[str]) -> dict[str, Any]:
    """The config of these files, the later over the earlier. Raises BenchError."""
    found: dict[str, Any] = {}
    for path in paths:
        try:
            read = yaml.safe_load(Path(path).read_text())
        except OSError as error:
            raise BenchError(
                f"{path}: {error.strerror}; run this where config.yaml and the Snakefile are."
            ) from None
        except yaml.YAMLError as error:
            told = str(error).splitlines()[0]
            raise BenchError(f"{path} is not YAML ({told}).") from None
        if not isinstance(read or {}, dict):
            raise BenchError(f"{path}: {read!r} is not allowed; it must be a mapping of keys.")
        _update(found, read or {})
    return found


def _update(onto: dict[str, Any], given: dict[str, Any]) -> None:
    for key, value in given.items():
        if isinstance(value, dict) and isinstance(onto.get(key), dict):
            _update(onto[key], value)
        else:
            onto[key] = value
