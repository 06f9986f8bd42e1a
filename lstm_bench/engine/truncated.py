"""The truncated gradient of 1997, written out.

Through time the error flows along the internal state alone. Nothing of it goes back through a gate
or a hidden unit, so only the forward pass is a loop over time. With dy_t what arrives at the output
of a cell, and sums over the cells of a block written Σ:

    ds_t = dy_t ⊙ o_t ⊙ h'(s_t)        e_t = sum of ds_t' over t' >= t     what reaches s_t
    δ_o,t = σ'(net_o) Σ dy_t ⊙ h(s_t)
    δ_i,t = σ'(net_i) Σ e_t ⊙ g(net_c)
    δ_c,t = g'(net_c) ⊙ e_t ⊙ i_t
    dW = sum of δ_t x_t^T,   dU = sum of δ_t u_{t-1}^T,   db = sum of δ_t

(Hochreiter & Schmidhuber 1997, appendix A.1.)

In float32 on a CPU compiled code does it (fused/truncated.cpp), one sequence after another: with
the paper's batch of one, torch spends a step on calling and not on computing. Elsewhere the loop
runs the cell, whose `step` cuts the gradient itself.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from lstm_bench.cells.base import Cell, Params, State
from lstm_bench.cells.lstm_1997 import LSTM1997
from lstm_bench.engine.fused.calling import as_tensor
from lstm_bench.engine.fused.library import available, load
from lstm_bench.engine.parameters import aligned

BY_TORCH = False


def supports(cell: Cell, like: Tensor) -> bool:
    """True for the very class with its truncated gradient, in float32 on a CPU with a compiler."""
    fits = type(cell) is LSTM1997 and cell.truncated and not cell.direct
    return fits and like.dtype == torch.float32 and like.device.type == "cpu" and available()


def unroll(
    cell: Cell, p: Params, inputs: Tensor, state: State, steps: Sequence[int]
) -> tuple[Tensor, State]:
    """See `lstm_bench.engine.unroll`."""
    assert isinstance(cell, LSTM1997)
    units = "ioc" if cell.output_gate else "ic"
    W = torch.cat([p[f"W_{unit}"] for unit in units], dim=1)
    biases = [
        p[f"b_{unit}"] if f"b_{unit}" in p else torch.zeros_like(p[f"W_{unit}"][..., :1])
        for unit in units
    ]
    U = None
    if cell.recurrence != "none":
        U = torch.cat([p[f"U_{unit}"] for unit in units], dim=1)
    hidden, h, s, gates = TruncatedKernel.apply(
        W, U, torch.cat(biases, dim=1), inputs, *state, tuple(steps), cell
    )
    return hidden, (h, s, gates)


class Pass(ctypes.Structure):
    """The kernel's view of one pass; see truncated.cpp."""

    SIZES = (
        *("R", "T", "B", "H", "D", "S", "N", "M", "blocks", "per_block"),
        *("output_gate", "centred_input", "centred_output", "shared_inputs", "keep"),
    )
    POINTERS = (
        *("weights", "recurrent", "bias", "inputs", "h0", "s0", "gates0", "steps"),
        *("active", "squashed", "seen", "hidden", "h_last", "s_last", "gates_last"),
        *("d_hidden", "d_h_last", "d_s_last", "d_gates_last"),
        *("d_weights", "d_recurrent", "d_bias", "d_inputs", "d_s0"),
    )
    _fields_ = [(name, ctypes.c_long) for name in SIZES]
    _fields_ += [(name, ctypes.c_void_p) for name in POINTERS]


def run(tensors: dict[str, Tensor | None], sizes: dict[str, int], *, backward: bool) -> None:
    """One pass of all replicates; the call releases Python's lock."""
    view = Pass(**sizes, **{n: x.data_ptr() for n, x in tensors.items() if x is not None})
    if load().truncated(ctypes.byref(view), int(backward)):
        raise MemoryError("the truncated kernel found no memory for its work space")


def contiguous(tensors: dict[str, Tensor | None]) -> dict[str, Tensor | None]:
    return {name: None if x is None else x.contiguous() for name, x in tensors.items()}


class TruncatedKernel(torch.autograd.Function):
    """A whole sequence a call. Rows of W, U and b: the input gates, the output gates, the cells."""

    @staticmethod
    def forward(
        ctx: Any,
        W: Tensor,
        U: Tensor | None,
        b: Tensor,
        inputs: Tensor,
        h: Tensor,
        s: Tensor,
        gates: Tensor,
        steps: tuple[int, ...],
        cell: LSTM1997,
    ) -> tuple[Tensor, ...]:
        ctx.set_materialize_grads(False)
        (R, H, B), n, (T, shared, D, _) = s.shape, gates.shape[1], inputs.shape
        keep, lanes = any(ctx.needs_input_grad), load().lanes()
        sizes = {
            "R": R, "T": T, "B": B, "H": H, "D": D, "S": len(steps), "N": H + n,
            "M": 0 if U is None else U.shape[2], "blocks": H // cell.cells_per_block,
            "per_block": cell.cells_per_block, "output_gate": int(cell.output_gate),
            "centred_input": int(cell.input_squash == "centred"),
            "centred_output": int(cell.output_squash == "centred"),
            "shared_inputs": int(shared == 1 and R > 1), "keep": int(keep),
        }  # fmt: skip
        given = {"weights": W, "recurrent": U, "bias": b, "inputs": inputs, "h0": h, "s0": s}
        kept = contiguous({**given, "gates0": gates, "steps": as_tensor(steps)})
        if keep:
            kept["active"] = s.new_empty(R * B * T * aligned(H + n, lanes))
            kept["squashed"] = s.new_empty(R * B * T * aligned(H, lanes))
            kept["seen"] = s.new_empty(R * B * (T + 1) * (H + n))
        made = {
            "hidden": s.new_empty(len(steps), R, H, B),
            "h_last": s.new_empty(R, H, B),
            "s_last": s.new_empty(R, H, B),
            "gates_last": s.new_empty(R, n, B),
        }
        run({**kept, **made}, sizes, backward=False)
        if keep:
            ctx.kept, ctx.sizes = kept, sizes
        return tuple(made.values())

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:
        kept, sizes = ctx.kept, ctx.sizes
        names = ("d_hidden", "d_h_last", "d_s_last", "d_gates_last")
        given = contiguous(dict(zip(names, grads)))
        like = {name: kept[name] for name in ("weights", "recurrent", "bias", "s0")}
        made = {f"d_{k}": None if x is None else torch.empty_like(x) for k, x in like.items()}
        if ctx.needs_input_grad[3]:
            shape = [sizes[name] for name in ("T", "R", "D", "B")]
            made["d_inputs"] = kept["inputs"].new_empty(shape)
        run({**kept, **given, **made}, sizes, backward=True)
        dx = made.get("d_inputs")
        if dx is not None:
            dx = dx.sum_to_size(kept["inputs"].shape)
        first = (made["d_weights"], made["d_recurrent"], made["d_bias"])
        return *first, dx, None, made["d_s0"], None, None, None
