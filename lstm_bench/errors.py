"""Errors a user can mend: one sentence that names the key, the value and what is allowed.

The command line and the workflow print the sentence alone, without a traceback; anything that is
not a `BenchError` is a fault of the suite and keeps its traceback.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import sys
from collections.abc import Iterable
from pathlib import Path

FALLBACK_STDERR = (
    "LSTM_BENCH_STDERR"  # where the workflow itself speaks: a job's own stderr is its log
)
MOST_NAMED = 100  # names in one sentence: registries fit, the runs of a sweep do not
NOTED = "LSTM_BENCH_NOTED"  # with an ending: files of what the workflow is to say itself


class BenchError(Exception):
    """Wrong input or a damaged file, told in one sentence."""


class DamagedFile(BenchError):
    """A stored file that does not match its checksum or cannot be parsed."""


def tell(sentence: object) -> None:
    """Say it on stderr, and where that is a log on a full disk, where the workflow speaks."""
    try:
        print(sentence, file=sys.stderr, flush=True)
    except OSError:
        with Path(os.devnull).open(
            "w", encoding="utf-8"
        ) as nowhere:  # what stderr still holds goes there
            os.dup2(nowhere.fileno(), sys.stderr.fileno())
        with (
            contextlib.suppress(OSError),
            Path(os.environ.get(FALLBACK_STDERR, os.devnull)).open("a", encoding="utf-8") as told,
        ):
            told.write(f"{sentence}\n")


def tell_once(kind: str, sentence: str) -> None:
    """Say it in the log of this job, and note the first of its kind for the workflow to say.

    Hundreds of jobs find the same out, and a person reads it once.
    """
    tell(sentence)
    if NOTED in os.environ:
        with (
            contextlib.suppress(OSError),  # noted already, or no room for it
            Path(f"{os.environ[NOTED]}.{kind}").open("x", encoding="utf-8") as note,
        ):
            note.write(sentence)


def unknown(what: str, name: object, allowed: Iterable[str]) -> BenchError:
    """The sentence for a name nobody knows, with the nearest one that exists."""
    names = sorted(allowed)
    near = [each for each in names if each.lower() == str(name).lower()]
    near = near or difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    more = ""
    if len(names) > MOST_NAMED:
        more = f" and {len(names) - len(near)} more"
        names = near
    return BenchError(f"{what} {name!r} is unknown{hint or '.'} Known: {', '.join(names)}{more}.")
