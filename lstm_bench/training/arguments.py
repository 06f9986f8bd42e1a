"""What a training is given from Python, checked: a sentence for what cannot be, or a plain value.

Numbers may be numpy's, or a whole one written as a float: `T=50.0` is the training of `T=50`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from lstm_bench.errors import BenchError, unknown
from lstm_bench.registry import LARGEST, plain
from lstm_bench.spec import SEED_LIMIT, Training, training_keys

MOST = 10**12  # of a number of updates or sequences, as in a config
MAY_BE_ZERO = ("momentum", "futility_margin", "weight_decay")
KINDS = {each.name: str(each.type) for each in fields(Training)}


def _refused(key: str, value: Any, allowed: str) -> BenchError:
    return BenchError(f"{key}: {value!r} is not allowed; it must be {allowed}.")


def whole(key: str, given: Any, least: int = 1, most: int = LARGEST) -> int:
    """The whole number from `least` to `most` that was given. Raises BenchError for another."""
    value = plain(given)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise _refused(key, value, f"a whole number from {least} to {most:,}")
    return value


def seeds(first_seed: Any, replicates: Any) -> range:
    """`replicates` seeds from `first_seed` on. Raises BenchError where there are none such."""
    count = whole("replicates", replicates)
    first = whole("first_seed", first_seed, least=0, most=SEED_LIMIT - count)
    return range(first, first + count)


def options(key: str, given: Any) -> Mapping[str, object]:
    """Options by name, none for None. Raises BenchError for what is no mapping."""
    if given is not None and not isinstance(given, Mapping):
        raise _refused(key, given, "a mapping of names to values, or None")
    return given or {}


def folder(key: str, given: Any) -> Path:
    """The path of a folder, which need not be there yet. Raises BenchError for what is none."""
    if not isinstance(given, str | os.PathLike) or "\0" in str(given):
        raise _refused(key, given, "the path of a folder")
    return Path(given)


def training(given: Mapping[str, object]) -> Training:
    """The settings of a training. Raises BenchError for a name or a value that cannot be.

    Words, of an optimiser say, are checked where they are used.
    """
    for key in given:
        if key not in KINDS:
            raise unknown("training option", key, training_keys())
    return Training(**{key: _setting(key, plain(value)) for key, value in given.items()})


def _setting(key: str, value: Any) -> Any:
    kind = KINDS[key]
    if value is None and "None" in kind:
        return value
    if kind.startswith("tuple"):
        if not isinstance(value, list | tuple):
            raise _refused(key, value, "a list of lengths")
        return tuple(whole(key, each) for each in value)
    if kind.startswith("int"):
        return whole(key, value, least=0 if key in MAY_BE_ZERO else 1, most=MOST)
    if kind.startswith("float"):
        return _real(key, value)
    if type(value).__name__ != kind:
        raise _refused(key, value, "True or False" if kind == "bool" else "a word")
    return value


def _real(key: str, value: Any) -> float:
    """A finite number above 0, or 0 where that may be."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _refused(key, value, "a number")
    if not math.isfinite(value):
        raise _refused(key, value, "a finite number")
    if value < 0 or (value == 0 and key not in MAY_BE_ZERO):
        raise _refused(key, value, "at least 0" if key in MAY_BE_ZERO else "more than 0")
    return float(value)
