"""What a user should know of a sweep's learning rates before it starts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from lstm_bench.spec import Condition
from lstm_bench.store.planned import PlannedMember
from lstm_bench.sweep import Sweep


def notices(
    sweep: Sweep, members: Iterable[PlannedMember], untuned: Sequence[tuple[str, str]]
) -> Iterator[str]:
    """How many conditions are trained with the config's own rate, where others have tuned ones."""
    of = {member.condition: (member.task, member.cell) for member in members}
    own = sum(pair in untuned for pair in of.values())
    if sweep.rates and of:
        mend = "" if own else "; set learning_rates to null to use it everywhere"
        yield (
            f"training.learning_rate ({sweep.training.learning_rate:g}) serves {own} of {len(of)} "
            "conditions; the others have a rate tuned for their task and cell, or one of their own"
            f"{mend}."
        )
    otherwise = sweep.tuned_otherwise()
    taken = sum(pair in otherwise for pair in of.values())
    if taken:
        told = ", ".join(f"{key} {value}" for key, value in sweep.other_than_tuned().items())
        yield f"{taken} conditions take rates that were tuned otherwise ({told}): tune them anew."


def untuned_pairs(
    sweep: Sweep, members: Iterable[PlannedMember], planned: Mapping[str, Condition]
) -> list[tuple[str, str]]:
    """Labels of the pairs trained with the config's own rate, which is none of theirs."""
    own = sweep.training.learning_rate
    trained = {
        (member.task, member.cell)
        for member in members
        if planned[member.condition].training.learning_rate == own
    }
    pairs = ((task.shown, cell.shown) for task, cell in sweep.untuned())
    return [pair for pair in pairs if pair in trained]
