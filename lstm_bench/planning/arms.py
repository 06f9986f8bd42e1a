"""Arms that an experiment's tables could not tell apart are refused before anything is trained."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lstm_bench.errors import BenchError
from lstm_bench.experiments import Experiment
from lstm_bench.store.collect import COLUMNS
from lstm_bench.sweep import Member

TAKEN = {"task", "cell", "condition", *(name for table in COLUMNS.values() for name in table.names)}


def require_arms(experiment: Experiment, members: Iterable[Member]) -> None:
    """Raise BenchError unless every member has the same factors, each a column of its own.

    A condition has one value of each, but of those the experiment says that it shares.
    """
    first: Member | None = None
    values: dict[tuple[str, str], Any] = {}
    for member in members:
        first = first or member
        if set(member.factors) != set(first.factors):
            raise BenchError(
                f"experiment {experiment.name!r}: the factors {_told(member)} and {_told(first)} "
                "are not allowed beside each other; every arm must have a value of each."
            )
        for factor, value in member.factors.items():
            if factor in TAKEN:
                raise BenchError(
                    f"experiment {experiment.name!r}: the factor {factor!r} is not allowed; it is "
                    "a column of every run already."
                )
            known = values.setdefault((member.condition.id, factor), value)
            if known != value and factor not in experiment.shared:
                raise BenchError(
                    f"experiment {experiment.name!r}: {factor} {value!r} is not allowed for "
                    f"{member.cell} on {member.task} (T={member.condition.T}), since {known!r} is "
                    f"the same condition; its arms must differ in what is trained."
                )


def _told(member: Member) -> str:
    return ", ".join(member.factors) or "(none)"
