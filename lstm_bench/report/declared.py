"""Whether the verdicts were declared before they ran: the sentence above them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from lstm_bench.spec import DEVELOPMENT_SEEDS
from lstm_bench.store.commit import Added, added_by
from lstm_bench.store.declarations import DECLARATIONS
from lstm_bench.store.plans import Plan


@dataclass(frozen=True)
class Declared:
    """A sentence, and whether it is a warning."""

    sentence: str
    warns: bool


def declared(plan: Plan, timing: pd.DataFrame) -> Declared:
    """Number, commit and the times of its runs; or why verdicts are exploratory.

    timing   of the replicates that verdicts are drawn from: `started`, `finished`
    """
    made = plan.declaration
    if plan.sweep.first_seed < DEVELOPMENT_SEEDS:
        said = f"Nothing is judged: seeds below {DEVELOPMENT_SEEDS:,} are for development."
        return Declared(said, True)
    if made.exploratory:
        said = f"Verdicts are exploratory: {made.exploratory}; they confirm nothing."
        return Declared(said, True)
    added = added_by(DECLARATIONS, f"`{made.digest}`")
    return about(made.number, made.digest, added, timing)


def about(number: int, digest: str, added: Added | None, timing: pd.DataFrame) -> Declared:
    """What is said of a line of the file, given the commit that added it."""
    said = f"Declared before as number {number} ({digest})"
    said += f", commit {added.commit[:12]} of {_shown(added.time)}" if added else ""
    runs = _times(timing.started), _times(timing.finished)
    if not runs[0]:
        return Declared(f"{said}.", added is None)
    first, last = min(runs[0]), max(runs[1] or runs[0])
    said += f"; its runs began {first:%Y-%m-%d %H:%M} and ended {last:%Y-%m-%d %H:%M} UTC"
    if added is None:
        return Declared(f"{said}. No commit here holds that line, so this is not proved.", True)
    if datetime.fromisoformat(added.time) > first:
        return Declared(f"{said}: the first of them before the commit.", True)
    return Declared(f"{said}.", False)


def _times(values: Iterable[object]) -> list[datetime]:
    known = pd.Series(list(values), dtype=object).dropna()
    return [each.to_pydatetime() for each in pd.to_datetime(known, utc=True)]


def _shown(time: str) -> str:
    return f"{pd.to_datetime(time, utc=True):%Y-%m-%d %H:%M} UTC"
