"""Widths that give every cell the same size: `width: {match: parameters, budget: 10000}`."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lstm_bench import cells, tasks
from lstm_bench.engine.network import Network
from lstm_bench.engine.network_options import NetworkOptions
from lstm_bench.errors import BenchError
from lstm_bench.registry import build
from lstm_bench.sweep import Choice

WIDEST = 4096
TOLERANCE = 0.02
GAP = 64  # how far the next width may be that a cell can have: one with blocks has not every width

SIZES: dict[str, tuple[Callable[[Network], int], str]] = {
    "parameters": (lambda network: network.parameters, "parameters"),
    "state": (lambda network: network.state_size, "numbers of state"),
    "flops": (lambda network: network.flops, "FLOPs a step"),
}


class Sizes:
    """The sizes of cells on tasks by width, as an experiment asks a sweep for them."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], _Sizes] = {}
        self._found: dict[tuple[str, str, str, int], int] = {}

    def _of(self, task: Choice, cell: Choice, match: str) -> _Sizes:
        key = task.key, cell.key, match
        if key not in self._known:
            self._known[key] = _Sizes(task, cell, match)
        return self._known[key]

    def largest(self, task: Choice, cells: Iterable[Choice], match: str, width: int) -> int:
        """The size of the largest of these cells at this width, of those that can have it.

        Raises BenchError where none can.
        """
        of = [self._of(task, cell, match) for cell in cells]
        sizes = [size for each in of if (size := each(width)) is not None]
        if not sizes:
            raise of[0].refused or BenchError(f"width: no cell can have {width}.")
        return max(sizes)

    def nearest(self, task: Choice, cell: Choice, match: str, budget: int) -> int:
        """The width at which this cell's size is nearest the budget, however far that is."""
        key = task.key, cell.key, match, budget
        if key not in self._found:
            self._found[key] = _nearest(self._of(task, cell, match), cell, budget)[0]
        return self._found[key]

    def matched(
        self, task: Choice, cell: Choice, match: str, budget: int, within: float | None = None
    ) -> int:
        """The width whose size is nearest the budget; the smaller of two that are equally near.

        parameters   trained numbers, the readout counted
        state        numbers carried from one step to the next
        flops        floating-point operations of one step of one sequence, the readout not counted

        Raises BenchError where the nearest is off by more than the share `within` of the budget,
        saying what is possible.
        """
        width, found = _nearest(self._of(task, cell, match), cell, budget)
        within = TOLERANCE if within is None else within
        if abs(found[width] - budget) > within * budget:
            name = SIZES[match][1]
            possible = " and ".join(f"width {w} has {n:,}" for w, n in sorted(found.items()))
            raise BenchError(
                f"width: cell {cell.shown!r} on task {task.shown!r} cannot have {budget:,} {name} "
                f"within {within:.0%}; {possible}."
            )
        return width


def _nearest(sizes: _Sizes, cell: Choice, budget: int) -> tuple[int, dict[int, int]]:
    """The width nearest the budget, and the sizes at the widths on both sides of it."""
    found = {w: size for w in _around(sizes, budget) if (size := sizes(w)) is not None}
    if not found:
        raise sizes.refused or BenchError(f"width: cell {cell.shown!r} can have no width.")
    return min(found, key=lambda w: (abs(found[w] - budget), w)), found


class _Sizes:
    """The size of a cell's network on a task by width; None where it cannot have this width."""

    def __init__(self, task: Choice, cell: Choice, match: str) -> None:
        self.task = tasks.create(task.name, task.options)
        self.cell = cells.create(cell.name, cell.at(task.lengths[0] if task.lengths else 1))
        self.options = build(NetworkOptions, cell.network, "network")
        self.size_of = SIZES[match][0]
        self.known: dict[int, int | None] = {}
        self.refused: BenchError | None = None

    def __call__(self, width: int) -> int | None:
        if width not in self.known:
            try:
                network = Network.on(self.task, self.cell, width, self.options)
                self.known[width] = self.size_of(network)
            except BenchError as error:
                self.refused, self.known[width] = error, None
        return self.known[width]

    def allowed(self, width: int, step: int) -> int | None:
        """The next width from here on, up (1) or down (-1), that the cell can have."""
        tried = range(width, width + step * GAP, step)
        return next((w for w in tried if 1 <= w <= WIDEST and self(w) is not None), None)


def _around(sizes: _Sizes, budget: int) -> list[int]:
    """The allowed widths on both sides of the budget: the last below it, the first not below."""

    def reaches(width: int) -> bool:
        at = sizes.allowed(width, 1)
        size = None if at is None else sizes(at)
        return size is None or size >= budget

    high = 1
    while high < WIDEST and not reaches(high):
        high *= 2
    low = high // 2  # the first width that reaches the budget lies in (low, high]
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
    sides = (sizes.allowed(high, 1), sizes.allowed(high - 1, -1))
    return [width for width in sides if width is not None]
