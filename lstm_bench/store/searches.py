"""What a search for learning rates left behind: its trials, and the seed blocks it trained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from math import isfinite
from typing import Any

from lstm_bench.stats.rate_search import Trial
from lstm_bench.store.checksums import read_checked_json, write_checked_json
from lstm_bench.store.files import damaged
from lstm_bench.store.paths import Results
from lstm_bench.store.planned import PlannedSearch
from lstm_bench.store.plans import Plan


def write_search(
    results: Results,
    name: str,
    search: PlannedSearch,
    trials: Sequence[Trial],
    tried: Iterable[tuple[str, str]],
) -> None:
    """Write the record of a finished search; what is infinite is null."""
    rows = [
        {k: v if not isinstance(v, float) or isfinite(v) else None for k, v in asdict(t).items()}
        for t in trials
    ]
    about = {"task": search.task, "cell": search.cell}
    record: dict[str, object] = {**about, "trials": [{**about, **row} for row in rows]}
    record |= {"tried": [list(pair) for pair in tried], "asked": search.asked}
    write_checked_json(results.search(name), record)


def read_trials(plan: Plan, results: Results) -> list[dict[str, Any]]:
    """The trials of every search of a plan. Raises DamagedFile where one is not finished."""
    found: list[dict[str, Any]] = []
    for name in plan.searches:
        path = results.search(name)
        try:
            found += read_checked_json(path)["trials"]
        except (KeyError, TypeError) as error:
            raise damaged(path, error) from error
    return found
