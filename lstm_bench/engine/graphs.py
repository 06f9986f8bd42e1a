"""The plain path as a CUDA graph: any cell, but one launch a pass instead of several a step.

`torch.cuda.make_graphed_callables` records the kernels of the forward and of the backward pass
once and replays them on fixed memory. So a graph belongs to one cell, set of shapes and set of
steps, and its outputs are overwritten by the next replay. This module keeps the promises of the
other backends all the same:

- a second forward before the backward of the first takes the plain path;
- a backward whose memory a later replay has overwritten raises an error, never a wrong number;
- states and gradients handed out are copies;
- what cannot be recorded (a cell that reads a value back, say) takes the plain path, as do
  sequences of more than LONGEST steps, whose recording would take longer than it saves.

Its numbers are the plain path's to the bit. LSTM_BENCH_CUDA_GRAPHS=0 turns it off.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from lstm_bench.cells.base import Cell, Params, State
from lstm_bench.engine import loop

LONGEST = 2000
KEPT = 4  # graphs; each holds the memory of a pass

Pass = Callable[..., tuple[Tensor, ...]]


@dataclass
class Recorded:
    """A recorded pass, or None where recording failed."""

    replay: Pass | None
    replays: int = 0
    pending: bool = False  # a forward pass has run, its backward pass has not


_recorded: OrderedDict[Hashable, Recorded] = OrderedDict()


def supports(cell: Cell, like: Tensor) -> bool:
    return like.is_cuda


def unroll(
    cell: Cell, params: Params, inputs: Tensor, state: State, steps: Sequence[int]
) -> tuple[Tensor, State]:
    """See `lstm_bench.engine.unroll`."""
    if len(inputs) > LONGEST:
        return loop.unroll(cell, params, inputs, state, steps)
    names, given = list(params), [*params.values(), inputs, *state]
    graded = torch.is_grad_enabled() and any(t.requires_grad for t in given)
    about = tuple((t.shape, t.stride(), t.dtype, graded and t.requires_grad) for t in given)
    key = (cell, inputs.device, tuple(names), tuple(steps), about)

    def plain(*tensors: Tensor) -> tuple[Tensor, ...]:
        weights = Params(dict(zip(names, tensors)))
        x, *start = tensors[len(names) :]
        hidden, last = loop.unroll(cell, weights, x, tuple(start), steps)
        return hidden, *last

    hidden, *last = run(key, plain, given, graded, record)
    return hidden, tuple(last)


def run(
    key: Hashable,
    plain: Pass,
    given: Sequence[Tensor],
    graded: bool,
    record: Callable[[Pass, Sequence[Tensor], bool], Pass | None],
) -> tuple[Tensor, ...]:
    """`plain(*given)`, by its recording where that is safe; `record` makes one."""
    if key not in _recorded:
        _recorded[key] = Recorded(record(plain, given, graded))
        while len(_recorded) > KEPT:
            _recorded.popitem(last=False)
    entry = _recorded[key]
    _recorded.move_to_end(key)
    if entry.replay is None or entry.pending:
        return plain(*given)
    entry.replays += 1
    # times one: a gradient that is handed out is then no part of the recording's memory
    tensors = [t * 1 if graded and t.requires_grad else t.detach() for t in given]
    found = entry.replay(*tensors)
    if not graded:
        return tuple(t.clone() for t in found)
    this, entry.pending = entry.replays, True

    def before_backward(gradient: Tensor) -> None:
        entry.pending = False
        if entry.replays != this:
            raise RuntimeError(
                "a later pass has overwritten the recorded one; set LSTM_BENCH_CUDA_GRAPHS=0 to "
                "keep graphs of several passes"
            )

    for t in found:
        if t.requires_grad:
            t.register_hook(before_backward)
    return tuple(t.clone() for t in found)


def record(plain: Pass, given: Sequence[Tensor], graded: bool) -> Pass | None:
    """The recording of a pass and, where gradients are wanted, of its backward pass."""
    samples = tuple(t.detach().clone().requires_grad_(graded and t.requires_grad) for t in given)
    try:
        with torch.set_grad_enabled(graded):
            replay = torch.cuda.make_graphed_callables(plain, samples, allow_unused_input=True)
        return cast(Pass, replay)
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        warnings.warn(f"no CUDA graph, the plain path runs instead: {reason}", stacklevel=2)
        torch.cuda.synchronize()
        return None
