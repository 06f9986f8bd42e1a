"""A config and its overlays, merged as the workflow does: mappings key by key, all else whole."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lstm_bench.errors import BenchError
from lstm_bench.store.yamls import read_yaml, require_plain


def merged(paths: Iterable[str]) -> dict[str, Any]:
    """The config of these files, the later over the earlier. Raises BenchError."""
    found: dict[str, Any] = {}
    for path in paths:
        if not Path(path).exists():
            raise BenchError(
                f"{path} is not there; run this where config.yaml and the Snakefile are."
            )
        require_plain([path])
        _update(found, read_yaml(Path(path)))
    return found


def _update(onto: dict[str, Any], given: dict[str, Any]) -> None:
    for key, value in given.items():
        if isinstance(value, dict) and isinstance(onto.get(key), dict):
            _update(onto[key], value)
        else:
            onto[key] = value
