"""What each task says of a claim, and the verdict of all of them together.

1. The differences of a task, one a seed, are tested against the threshold by sign flips, two-sided.
2. Hommel over the tasks of the claim, at alpha over the number of tested claims: *up* is a task
   above the threshold, *down* one below it, *open* one that is neither.
3. All up: supported. All down: refuted. Some up and some down: it depends on the task. Else open.

A task on which every difference is the threshold itself has no room to show one (both cells at the
ceiling, or at the floor) and no vote, and neither has one of fewer seeds than any p-value needs.
Both follow from the sizes of the differences, and sign flips are a test given these sizes: leaving
such tasks out does not raise its level. Fewer than four tasks that vote are no verdict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lstm_bench.stats.comparisons import fewest_to_decide, sign_flip
from lstm_bench.stats.family import hommel
from lstm_bench.stats.means import mean_interval

SUPPORTED, REFUTED, DEPENDS, OPEN = "supported", "refuted", "depends on the task", "open"
UP, DOWN, NO_ROOM, FEW, NONE = "up", "down", "no room", "too few seeds", "no value"
PILOT = "not judged"
ABSENT = "not judged here"  # a verdict: the sweep trains nothing for the claim
FEWEST_TASKS = 4  # that can vote
MOST_CLAIMS = 10  # tested: with more, twelve seeds cannot say that a claim depends on the task


@dataclass(frozen=True)
class Vote:
    """A task's part in a verdict.

    differences   one a seed
    way           up, down, open, or why it has no vote: no room, too few seeds, no value, or not
                  judged, on seeds of development
    p, adjusted   of the test, where it votes: alone, and over the tasks and claims
    """

    task: str
    differences: np.ndarray
    way: str
    p: float | None = None
    adjusted: float | None = None

    @property
    def counts(self) -> bool:
        return self.way in (UP, DOWN, OPEN)

    @property
    def interval(self) -> tuple[float, float, float]:
        """The mean of the differences and its 95 % interval."""
        return mean_interval(self.differences)


def cast(
    tasks: Mapping[str, np.ndarray], threshold: float, alpha: float, claims: int
) -> list[Vote]:
    """The vote of every task, from its differences; `claims` are tested at alpha together."""
    fewest = fewest_to_decide(claims, alpha)
    mute = {task: _mute(values, threshold, fewest) for task, values in tasks.items()}
    voting = [task for task in tasks if not mute[task]]
    p = [sign_flip(tasks[task], threshold) for task in voting]
    tested = dict(zip(voting, zip(p, (min(1.0, claims * each) for each in hommel(p)))))
    found = []
    for task, values in tasks.items():
        if task not in tested:
            found.append(Vote(task, values, mute[task]))
            continue
        alone, adjusted = tested[task]
        above = UP if values.mean() > threshold else DOWN
        found.append(Vote(task, values, above if adjusted <= alpha else OPEN, alone, adjusted))
    return found


def count(tasks: Mapping[str, np.ndarray], threshold: float) -> list[Vote]:
    """Of a count without sampling error: up where it holds in every condition of a task."""
    ways = {
        task: UP if values.min() > threshold else DOWN if values.max() <= threshold else OPEN
        for task, values in tasks.items()
        if len(values)
    }
    return [Vote(task, values, ways.get(task, NONE)) for task, values in tasks.items()]


def _mute(differences: np.ndarray, threshold: float, fewest: int) -> str:
    """Why a task has no vote, or nothing."""
    if not len(differences):
        return NONE
    if not (differences != threshold).any():
        return NO_ROOM
    return FEW if len(differences) < fewest else ""


def verdict(votes: Sequence[Vote]) -> str:
    """What the tasks that vote come to."""
    ways = [vote.way for vote in votes if vote.counts]
    if len(ways) < FEWEST_TASKS:
        return OPEN
    if {UP, DOWN} <= set(ways):
        return DEPENDS
    return {UP: SUPPORTED, DOWN: REFUTED}.get(ways[0], OPEN) if len(set(ways)) == 1 else OPEN
