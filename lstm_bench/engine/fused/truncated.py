"""The compiled path of the truncated gradient, as an autograd function; see truncated.cpp."""

from __future__ import annotations

import ctypes
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lstm_bench.engine.fused.calling import as_input, as_tensor, describe
from lstm_bench.engine.fused.library import load
from lstm_bench.engine.parameters import aligned


class Form(NamedTuple):
    """Which of its parts a cell has; see `LSTM1997`."""

    per_block: int
    output_gate: bool
    centred_input: bool
    centred_output: bool

    @property
    def units(self) -> str:
        return "ioc" if self.output_gate else "ic"


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
    view = describe(Pass(**sizes), tensors)
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
        form: Form,
    ) -> tuple[Tensor, ...]:
        ctx.set_materialize_grads(False)
        (R, H, B), n, (T, shared, D, _) = s.shape, gates.shape[1], inputs.shape
        keep, lanes = any(ctx.needs_input_grad), load().lanes()
        sizes = {
            "R": R, "T": T, "B": B, "H": H, "D": D, "S": len(steps), "N": H + n,
            "M": 0 if U is None else U.shape[2], "blocks": H // form.per_block,
            "per_block": form.per_block, "output_gate": int(form.output_gate),
            "centred_input": int(form.centred_input), "centred_output": int(form.centred_output),
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
        dx = as_input(made.get("d_inputs"), kept["inputs"].shape)
        first = (made["d_weights"], made["d_recurrent"], made["d_bias"])
        return *first, dx, None, made["d_s0"], None, None, None
