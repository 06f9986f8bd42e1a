"""What a module of torch that reads whole sequences promises of the order of its axes."""

from __future__ import annotations

from lstm_bench.cells.base import Cell
from lstm_bench.cells.modules.calling import BTD
from lstm_bench.cells.modules.cell import ModuleLayer
from lstm_bench.check.cells.sampling import (
    EXACT,
    apart,
    hidden_states,
    random_inputs,
    random_params,
)
from lstm_bench.check.promises import hold

NAMED = {True: "(B, T, d)", False: "(T, B, d)"}


def reads_its_axes_in_order(cell: Cell) -> None:
    """Time and sequences are not exchanged: a change moves later steps, not other sequences."""
    if not isinstance(cell, ModuleLayer):
        return
    taken = cell.call.axes == BTD
    named = getattr(cell.at(3, cell.widths(3).start).module, "batch_first", taken)
    params, inputs = random_params(cell), random_inputs()
    changed = inputs.clone()
    changed[1, :, :, 1] += 1
    before, after = (hidden_states(cell, params, x) for x in (inputs, changed))
    others = [0, *range(2, inputs.shape[3])]
    across = apart(after[1][..., others], before[1][..., others])
    along = apart(after[2:, ..., 1], before[2:, ..., 1])
    hold(
        bool(named) == taken or cell.axes != "auto",
        f"{cell.name} has its axes swapped: it says batch_first={named} and reads {NAMED[taken]}, "
        f"where a change moves next steps by {along:.2g} and other sequences by {across:.2g}",
    )
    hold(
        across <= EXACT or along > EXACT,
        f"{cell.name} has its axes swapped: named {NAMED[taken]}, a change in one sequence moves "
        f"another by {across:.2g}, and its own next steps by {along:.2g}",
    )
