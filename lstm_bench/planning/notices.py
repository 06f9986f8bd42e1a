"""What a user should know of a sweep's learning rates before it starts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from lstm_bench.spec import Condition
from lstm_bench.store.planned import PlannedMember
from lstm_bench.sweep import Choice, Sweep, once_each


def notices(
    sweep: Sweep,
    otherwise: Mapping[tuple[str, str], Mapping[str, object]],
    members: Iterable[PlannedMember],
    untuned: Sequence[tuple[str, str]],
) -> Iterator[str]:
    """How many conditions are trained with the config's own rate, where others have tuned ones.

    `otherwise`: by pair, what its rate was tuned with and the sweep does not.
    """
    of = {member.condition: (member.task, member.cell) for member in members}
    own = sum(pair in untuned for pair in of.values())
    if sweep.rates and of:
        mend = "" if own else "; set learning_rates to null to use it everywhere"
        yield (
            f"training.learning_rate ({sweep.training.learning_rate:g}) serves {own} of {len(of)} "
            "conditions; the others have a rate tuned for their task and cell, or one of their own"
            f"{mend}."
        )
    taken = sum(pair in otherwise for pair in of.values())
    if taken:
        told = ", ".join(f"{key} {value}" for key, value in once_each(otherwise.values()).items())
        yield f"{taken} conditions take rates that were tuned otherwise ({told}): tune them anew."


def untuned_pairs(
    sweep: Sweep,
    tasks: Iterable[Choice],
    members: Iterable[PlannedMember],
    planned: Mapping[str, Condition],
) -> list[tuple[str, str]]:
    """Labels of the pairs trained with the config's own rate, which is none of theirs."""
    own = sweep.training.learning_rate
    trained = {
        (member.task, member.cell)
        for member in members
        if planned[member.condition].training.learning_rate == own
    }
    return [pair for pair in sweep.untuned(tasks) if pair in trained]
