"""Any cell on compiled code: the kernel is derived from the equations of `step`.

    step -> recording (torch's operations) -> reading (rows of units) -> lowering (pieces)
         -> gradient (the same nodes) -> schedule (loops) -> writing (C++) -> fused/form.cpp

In float32 on a CPU with a compiler. What cannot be expressed runs on the loop, and `derived_from`
says what it was; what differs from `step` on fresh numbers, a hidden random number say, does too.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import torch
from torch import Tensor

from lstm_bench.cells.base import Cell, Params, State
from lstm_bench.engine.compiled.checking import difference
from lstm_bench.engine.compiled.form import Refused, Sizes
from lstm_bench.engine.compiled.kernel import Compiled, why
from lstm_bench.engine.fused.library import Unavailable, available
from lstm_bench.environment import ISA, word
from lstm_bench.errors import tell

BY_TORCH = False

_derived: dict[Hashable, Compiled | str] = {}
_ready: dict[Hashable, Compiled | str] = {}


def derived_from(cell: Cell) -> Compiled | str:
    """What its equations make of a cell, or why nothing; it needs no compiler."""
    key = _key(cell)
    if key not in _derived:
        try:
            _derived[key] = Compiled(cell)
        except Refused as reason:
            _derived[key] = f"{reason} cannot be compiled"
        except Exception as error:  # a cell may do anything, and the loop runs whatever it does
            _derived[key] = f"its step cannot be recorded: {why(error)}"
    return _derived[key]


def compiled(cell: Cell) -> Compiled | str:
    """What runs a cell on this machine, or why nothing does; one line says so the first time."""
    key = word(ISA), *_key(cell)
    if key not in _ready:
        found = derived_from(cell)
        if isinstance(found, Compiled):
            found = _tried(cell, found)
        if isinstance(found, str):
            tell(f"lstm_bench: no kernel for cell {title(cell)}: {found}")
        _ready[key] = found
    return _ready[key]


def _key(cell: Cell) -> tuple[Hashable, ...]:
    """Equal cells may be of two classes, and an option may be a list."""
    try:
        hash(cell)
    except TypeError:
        return type(cell), repr(cell)
    return type(cell), cell


def _tried(cell: Cell, found: Compiled) -> Compiled | str:
    try:
        found.nest()
        return difference(cell, found) or found
    except Unavailable as reason:
        return str(reason)
    except Exception as error:
        return f"it cannot be compared with its step: {why(error)}"


def title(cell: Cell) -> str:
    """The name of a cell; of one in no registry, that of its class."""
    return getattr(cell, "name", type(cell).__name__)


def supports(cell: Cell, like: Tensor) -> bool:
    """True for a cell whose step can be compiled, in float32 on a CPU with a compiler."""
    fits = like.dtype == torch.float32 and like.device.type == "cpu"
    return fits and available() and isinstance(compiled(cell), Compiled)


def fits(cell: Cell, sizes: Sizes) -> bool:
    """Whether the kernel of a supported cell holds at these sizes; one line says why not, once."""
    found = compiled(cell)
    if isinstance(found, str):
        return False
    told = sizes[:3] in found.misfits
    reason = found.misfit(cell, sizes)
    if reason and not told:
        at = f"{sizes.inputs} inputs and width {sizes.width}"
        tell(f"lstm_bench: no kernel for cell {title(cell)} at {at}: {reason}")
    return not reason


def unroll(
    cell: Cell,
    p: Params,
    inputs: Tensor,
    state: State,
    steps: Sequence[int],
    decay: float = 0.0,
) -> tuple[Tensor, State]:
    """See `engine.unroll`; with a `decay` above 0 the gradient is that of `intervention`.

    The norm is that of a whole batch, which must then be one tile (`running.tiles_of`).
    """
    found = compiled(cell)
    assert isinstance(found, Compiled)
    return found.unroll(cell, p, inputs, state, steps, decay)
