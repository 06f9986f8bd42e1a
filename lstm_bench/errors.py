"""Errors a user can mend: one sentence that names the key, the value and what is allowed.

The command line and the workflow print the sentence alone, without a traceback; anything that is
not a `BenchError` is a fault of the suite and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BenchError(Exception):
    """Wrong input or a damaged file, told in one sentence."""


class DamagedFile(BenchError):
    """A stored file that does not match its checksum or cannot be parsed."""


def unknown(what: str, name: object, allowed: Iterable[str]) -> BenchError:
    """The sentence for a name nobody knows, with the nearest one that exists."""
    names = sorted(allowed)
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return BenchError(
        f"{what} {name!r} is unknown{hint} Known: {', '.join(names)}."
        if near
        else f"{what} {name!r} is unknown. Known: {', '.join(names)}."
    )
