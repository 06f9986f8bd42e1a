"""Choosing a learning rate along a ladder of lengths. Standard library only.

The first anchor tries the whole grid, each later one the rates near the last one's best, so that a
rate is judged at the lengths it is used at: at one length plain cells may solve nothing and gated
ones at every rate. The two best of an anchor are tried by more seeds. Trials are cut by seeds,
never by updates: an LSTM on adding at T = 320 stands on the plateau until update 1,000.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite
from statistics import fmean, median

TIE = 1.1  # medians of updates within a factor of the smallest are not told apart
GRAIN = 5  # nor are those within the updates between two evaluations, where all are small
NEAR = (0.25, 0.5, 1.0, 2.0)  # times the last anchor's best


@dataclass(frozen=True)
class Ended:
    """One replicate: whether it solved the task, after how many updates, its lowest loss.

    trained   whether it came to an end of its own: neither diverged, nor out of time
    """

    solved: bool
    updates: float
    loss: float
    trained: bool = True


@dataclass(frozen=True)
class Trial:
    """A learning rate at a length, and what became of its replicates.

    median_updates   to solve; infinite where half or more did not
    mean_best_loss   the lowest validation loss; infinite where none was trained to an end
    """

    T: int
    learning_rate: float
    n: int
    solved: int
    median_updates: float
    mean_best_loss: float
    chosen: bool = False

    @classmethod
    def of(cls, T: int, rate: float, ended: Sequence[Ended]) -> Trial:
        """Errors of the machine are not among those that `ended`."""
        losses = [each.loss for each in ended if each.trained and isfinite(each.loss)]
        times = [each.updates if each.solved else inf for each in ended]
        return cls(
            T,
            rate,
            len(ended),
            sum(each.solved for each in ended),
            median(times) if times else inf,
            fmean(losses) if losses else inf,
        )

    @property
    def share(self) -> float:
        """Of its replicates, those that solved the task."""
        return self.solved / self.n if self.n else 0.0


def best(trials: Sequence[Trial], by_loss: bool = False) -> Trial:
    """The largest share solved, then the fewest updates; ties go to the smaller rate.

    Where nothing is solved, or `by_loss`, the lowest loss.
    """
    top = max(trial.share for trial in trials)
    if top == 0 or by_loss:
        return min(trials, key=lambda trial: (trial.mean_best_loss, trial.learning_rate))
    among = [trial for trial in trials if trial.share == top]
    fewest = min(trial.median_updates for trial in among)
    tied = [trial for trial in among if trial.median_updates <= max(TIE * fewest, fewest + GRAIN)]
    return min(tied, key=lambda trial: trial.learning_rate)


def tune(
    anchors: Sequence[int],
    grid: Sequence[float],
    try_rate: Callable[[int, float, range], Sequence[Ended]],
    first: int = 2,
    later: int = 3,
    more: int = 3,
    by_loss: bool = False,
) -> list[Trial]:
    """Tune at each anchor, from the shortest on, as far as any rate solves the task there.

    With `by_loss` at every anchor: what is chosen is the lowest loss, solved or not.

    anchors    lengths, in rising order
    try_rate   trains replicates number `start` to `stop` at a length and a rate, and gives how they
               ended
    first, later, more   replicates of each rate at the first anchor, at a later one, and further
               ones of the two best
    """
    found: list[Trial] = []
    rates, count = list(grid), first
    for T in anchors:
        ended = {rate: list(try_rate(T, rate, range(count))) for rate in rates}
        trials = [Trial.of(T, rate, each) for rate, each in ended.items()]
        ahead = best(trials, by_loss)
        second = best([trial for trial in trials if trial != ahead] or trials, by_loss)
        for rate in sorted({ahead.learning_rate, second.learning_rate}):
            if ahead.solved or by_loss:  # where nothing is, more of it says nothing
                ended[rate] += try_rate(T, rate, range(count, count + more))
        again = {rate: Trial.of(T, rate, each) for rate, each in ended.items()}
        chosen = best(
            [again[rate] for rate in (ahead.learning_rate, second.learning_rate)], by_loss
        )
        # one of which nothing was trained to an end is no choice
        found += [
            replace(trial, chosen=trial is chosen and isfinite(trial.mean_best_loss))
            for _, trial in sorted(again.items(), key=lambda item: item[0])
        ]
        if not (chosen.solved or by_loss):
            break
        rates, count = [float(f"{chosen.learning_rate * k:.6g}") for k in NEAR], later
    return found
