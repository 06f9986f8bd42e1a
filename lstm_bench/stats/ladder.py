"""Climbing a ladder of lengths, and the bracket of T* that its rungs allow. Standard library only.

T* is the length at which the share of replicates that solve a task falls to one half. What n
replicates say of a share is one of three things: *surely below* one half, *surely at or above* it,
or neither, each at the one-sided level of .08 (exact binomial): at most 0 of 6, 3 of 12, 6 of 20
are surely below, at least 6 of 6, 9 of 12, 14 of 20 surely at or above. T* lies between the last
length before the first at which "less than half" is plausible and the length after the last at
which "half or more" is. The bracket needs no curve between two lengths; tests/unit/stats/
test_ladder.py simulates that it holds T* with the skipping of lengths and seeds below.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import comb, inf, isqrt
from typing import TypeVar

Block = TypeVar("Block")
LEVEL = 0.08
LOOK_TO = 160  # up to here one rung beyond a failing one is tried: solving it is not monotone


@cache
def surely_below(k: int, n: int) -> bool:
    """Whether k of n exclude a share of one half or more, at `LEVEL`; never where n is 0."""
    return sum(comb(n, i) for i in range(k + 1)) <= LEVEL * 2**n


def surely_above(k: int, n: int) -> bool:
    """Whether k of n exclude a share of less than one half, at `LEVEL`; never where n is 0."""
    return surely_below(n - k, n)


@dataclass(frozen=True)
class Rung:
    """A length, its replicates that ended by themselves, and those that solved it.

    tried   False where no replicate was trained, since shorter rungs failed: the share counts as
            surely below one half. A rung that was tried may have n = 0: all errors of the machine
    """

    T: int
    solved: int = 0
    n: int = 0
    tried: bool = True

    @property
    def fails(self) -> bool:
        """Surely below one half."""
        return not self.tried or surely_below(self.solved, self.n)

    @property
    def holds(self) -> bool:
        """Surely at or above one half."""
        return self.tried and surely_above(self.solved, self.n)

    @property
    def below(self) -> bool:
        """Less than half of them solved it; also where nothing is known."""
        return not self.n or 2 * self.solved < self.n


@dataclass(frozen=True)
class Bracket:
    """The lengths between which T* lies; low is 0 and high infinite where no length bounds it."""

    low: float
    high: float

    @property
    def shown(self) -> str:
        """`20–40`, `< 10`, `> 1024`, or `unknown`."""
        if self.low and self.high < inf:
            return f"{self.low:g}–{self.high:g}"
        if self.high < inf:
            return f"< {self.high:g}"
        return f"> {self.low:g}" if self.low else "unknown"


def bracket(rungs: Sequence[Rung]) -> Bracket:
    """Where T* lies, from rungs in the order of their lengths."""
    return between([(rung.T, rung.holds, rung.fails) for rung in rungs])


def between(known: Sequence[tuple[float, bool, bool]]) -> Bracket:
    """Where a change lies, from (length, surely before it, surely after it), in rising order."""
    lengths = [0.0, *(float(T) for T, _, _ in known), inf]
    low = next((i for i, (_, before, _) in enumerate(known) if not before), len(known))
    high = max((i for i, (_, _, after) in enumerate(known) if not after), default=-1)
    return Bracket(lengths[low], lengths[high + 2])


def not_monotone(rungs: Sequence[Rung]) -> list[int]:
    """The lengths solved by a larger share than a shorter one that surely fails."""
    known = [rung for rung in rungs if rung.n]
    failing: list[Rung] = []
    found = []
    for rung in known:
        if any(rung.solved * shorter.n > shorter.solved * rung.n for shorter in failing):
            found.append(rung.T)
        if rung.fails:
            failing.append(rung)
    return found


def midpoint(rungs: Sequence[Rung]) -> int | None:
    """The length in the middle, on a log scale, of a bracket of two neighbouring rungs.

    None where the bracket is another, or where no whole number lies between its ends.
    """
    ends = bracket(rungs)
    for shorter, longer in pairwise(rungs):
        if (shorter.T, longer.T) == (ends.low, ends.high):
            middle = isqrt(shorter.T * longer.T)
            return middle if shorter.T < middle < longer.T else None
    return None


def possible_midpoints(lengths: Sequence[int], count: int) -> tuple[int, ...]:
    """Every length that `climb` may come to by splitting a bracket `count` times, rising."""
    known = sorted(lengths)
    for _ in range(count):
        middles = {isqrt(shorter * longer) for shorter, longer in pairwise(known)}
        known = sorted({*known, *middles})
    return tuple(T for T in known if T not in set(lengths))


def climb(
    lengths: Sequence[int],
    blocks: Sequence[Block],
    try_block: Callable[[int, Block], tuple[int, int]],
    midpoints: int = 0,
    look_to: int = LOOK_TO,
) -> list[Rung]:
    """Try rungs from the shortest on until they fail; all rungs, in the order of their lengths.

    lengths     in rising order
    blocks      the seed blocks, in the order in which they are tried
    try_block   trains one block at a length, or reads what was trained, and gives (solved, n): the
                replicates that solved it, of those that count
    midpoints   how often a bracket of two neighbouring rungs is split, once the climb has ended
    look_to     the longest rung tried, by its first block, beyond one that surely fails

    A rung tries its first block; where none of it solved, the rung ends, otherwise the rest follow.
    The climb ends after a rung surely below one half, or two in a row below it.
    """
    rungs: list[Rung] = []
    for T in lengths:
        rungs.append(_rung(T, blocks, try_block))
        if rungs[-1].fails or (len(rungs) > 1 and rungs[-1].below and rungs[-2].below):
            break
    rest = list(lengths[len(rungs) :])
    if rungs and rungs[-1].fails and rest and rest[0] <= look_to:
        T = rest.pop(0)
        rungs.append(Rung(T, *try_block(T, blocks[0])))
    rungs += [Rung(T, tried=False) for T in rest]
    for _ in range(midpoints):
        if (middle := midpoint(rungs)) is None:
            break
        rungs = sorted([*rungs, _rung(middle, blocks, try_block)], key=lambda rung: rung.T)
    return rungs


def _rung(
    T: int, blocks: Sequence[Block], try_block: Callable[[int, Block], tuple[int, int]]
) -> Rung:
    rung = Rung(T, *try_block(T, blocks[0]))
    for block in blocks[1:] if rung.solved else ():
        solved, n = try_block(T, block)
        rung = Rung(T, rung.solved + solved, rung.n + n)
    return rung
