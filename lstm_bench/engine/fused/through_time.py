"""The kernel as an autograd function."""

from __future__ import annotations

import ctypes
import functools
from typing import Any

import torch
from torch import Tensor

from lstm_bench.engine.bptt.buffers import as_input
from lstm_bench.engine.fused import threads
from lstm_bench.engine.fused.library import load
from lstm_bench.engine.parameters import aligned

CELLS = {"lstm": 0, "gru": 1, "tanh": 2, "relu": 3}
GATES = {"lstm": 4, "gru": 4, "tanh": 1, "relu": 1}
SAVED = {"lstm": 4, "gru": 4, "tanh": 0, "relu": 0}  # numbers a unit and step, beside its state
TILE = 32  # sequences of a tile, about: U is read once a tile and step


class Pass(ctypes.Structure):
    """The kernel's view of one pass; see through_time.cpp."""

    SIZES = ("R", "T", "B", "H", "D", "S", "F", "tiles", "shared_inputs", "keep")
    POINTERS = (
        *("M", "V", "inputs", "h0", "c0", "steps", "hs", "cs", "ys", "saved"),
        *("hidden", "h_last", "c_last"),
        *("d_hidden", "d_h_last", "d_c_last", "dM", "dV", "d_inputs", "dh0", "dc0"),
    )
    _fields_ = [(name, ctypes.c_long) for name in SIZES]
    _fields_ += [(name, ctypes.c_void_p) for name in POINTERS]


def describe(view: ctypes.Structure, tensors: dict[str, Tensor | None]) -> ctypes.Structure:
    """The view with these tensors, which must outlive the call: it holds addresses only."""
    for name, tensor in tensors.items():
        if tensor is not None:
            assert tensor.is_contiguous(), name
            setattr(view, name, tensor.data_ptr())
    return view


@functools.lru_cache(maxsize=64)
def as_tensor(steps: tuple[int, ...]) -> Tensor:
    return torch.tensor(steps, dtype=torch.int64)


def blocks(kind: str, M: Tensor, H: int, F: int) -> list[Tensor]:
    """Where U, W, b of each gate lie in M (R, GATES * H, F + D + 1), which is [U, W, b] by gate.

    Views in the order the weights are given in; for a GRU U_n, b_u, then U, W, b of r and z, then
    W_n, b_n: the rest of its first and last gate is zero.
    """
    R, rows, K = M.shape
    parts, found = ((0, F), (F, K - F - 1), (K - 1, 1)), []
    for first in range(0, rows * K, H * K):  # half the time of splitting M twice
        for column, width in parts:
            found.append(M.as_strided((R, H, width), (rows * K, K, 1), first + column))
    return [x for at, x in enumerate(found) if at not in (1, 9)] if kind == "gru" else found


class FusedThroughTime(torch.autograd.Function):
    """A whole sequence a call; the weights (R, H, ...) come in the order of `blocks`.

    V (R, F, H), of a plain network: U (R, H, F) reads V h in place of h.
    """

    @staticmethod
    def forward(
        ctx: Any,
        kind: str,
        inputs: Tensor,
        h: Tensor,
        c: Tensor | None,
        steps: tuple[int, ...],
        V: Tensor | None,
        *weights: Tensor,
    ) -> tuple[Tensor, ...]:
        ctx.set_materialize_grads(False)
        library, keep = load(), any(ctx.needs_input_grad)
        T, shared, D, B = inputs.shape
        R, H = h.shape[:2]
        F = H if V is None else V.shape[1]
        M = h.new_zeros(R, GATES[kind] * H, F + D + 1)
        torch._foreach_copy_(blocks(kind, M, H, F), list(weights))
        wide = aligned(H, library.lanes())
        slots = T + 1 if keep else 2
        sizes = {
            "R": R, "T": T, "B": B, "H": H, "D": D, "S": len(steps), "F": F, "keep": int(keep),
            "tiles": max(1, round(B / TILE)), "shared_inputs": int(shared == 1 and R > 1),
        }  # fmt: skip
        kept = {
            "M": M,
            "V": None if V is None else V.contiguous(),
            "inputs": inputs.contiguous(),
            "h0": h.contiguous(),
            "c0": None if c is None else c.contiguous(),
            "steps": as_tensor(steps),
            "hs": h.new_empty(R * B * wide * slots),
            "cs": None if c is None else h.new_empty(R * B * wide * slots),
            "ys": None if V is None else h.new_empty(R * B * aligned(F, library.lanes()) * slots),
            "saved": h.new_empty(R * B * wide * T * SAVED[kind]) if keep else None,
        }
        made: dict[str, Tensor | None] = {
            "hidden": h.new_empty(len(steps), R, H, B),
            "h_last": h.new_empty(R, H, B),
            "c_last": None if c is None else h.new_empty(R, H, B),
        }
        view = describe(Pass(**sizes), {**kept, **made})
        threads.run(library, CELLS[kind], view, backward=False)
        if keep:
            ctx.kind, ctx.kept, ctx.sizes = kind, kept, sizes
        return tuple(x for x in made.values() if x is not None)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:
        sizes, kept, like = ctx.sizes, ctx.kept, ctx.kept["M"]
        R, H, D, B, F, tiles = (sizes[name] for name in ("R", "H", "D", "B", "F", "tiles"))
        given = dict(zip(("d_hidden", "d_h_last", "d_c_last"), grads))
        given = {k: None if g is None else g.contiguous() for k, g in given.items()}
        wanted_dx = ctx.needs_input_grad[1]
        dM = like.new_empty(R, tiles, *like.shape[1:])
        dV = None if kept["V"] is None else like.new_empty(R, tiles, F, H)
        made = {
            "dM": dM,
            "dV": dV,
            "d_inputs": like.new_empty(sizes["T"], R, D, B) if wanted_dx else None,
            "dh0": like.new_empty(R, H, B),
            "dc0": None if kept["cs"] is None else like.new_empty(R, H, B),
        }
        view = describe(Pass(**sizes), {**kept, **given, **made})
        threads.run(load(), CELLS[ctx.kind], view, backward=True)
        dM, dV = _summed(dM), None if dV is None else _summed(dV)
        dx = as_input(made["d_inputs"], kept["inputs"].shape)
        return None, dx, made["dh0"], made["dc0"], None, dV, *blocks(ctx.kind, dM, H, F)


def _summed(by_tile: Tensor) -> Tensor:
    """(R, tiles, ...) to (R, ...): in the tiles' order, whichever thread was first."""
    total = by_tile[:, 0]
    for tile in range(1, by_tile.shape[1]):
        total = total + by_tile[:, tile]
    return total
