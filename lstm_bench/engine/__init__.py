"""How a cell runs through time for R replicates at once, and how fast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from lstm_bench.cells.base import Cell, Params, State
from lstm_bench.engine import compiled, cudnn, gpu, graphs, loop, scan, sequences, truncated
from lstm_bench.engine.compiled.form import Sizes
from lstm_bench.environment import CUDA_GRAPHS, word
from lstm_bench.errors import BenchError, unknown

VERSION = "3"  # raise when trained numbers change


class Backend(Protocol):
    """A way to run cells: a module of this room, or an object where it has variants."""

    def supports(self, cell: Cell, like: Tensor) -> bool:
        """Whether it can run this cell in the dtype and on the device of `like`."""

    def unroll(
        self, cell: Cell, params: Params, inputs: Tensor, state: State, steps: Sequence[int]
    ) -> tuple[Tensor, State]:
        """See `lstm_bench.engine.unroll`."""


# in order of preference; `loop` takes every cell that has a step, so what stands after it is taken
# by name only
BACKENDS: dict[str, Backend] = {
    "sequences": sequences,
    **gpu.BACKENDS,
    "truncated": truncated,
    "compiled": compiled,
    "scan": scan,
    "graphs": graphs,  # the plain loop recorded, on a GPU
    "loop": loop,
    "cudnn": cudnn,
}


def preferred(like: Tensor) -> list[str]:
    """The backends that `auto` may take for tensors like this, the best first."""
    barred = set(gpu.BACKENDS) - set(gpu.chosen() if like.is_cuda else ())
    if word(CUDA_GRAPHS) == "0":
        barred.add("graphs")
    return [name for name in BACKENDS if name not in barred]


def backend_for(
    cell: Cell, wanted: str = "auto", like: Tensor | None = None, sizes: Sequence[Sizes] = ()
) -> str:
    """The name of the backend that will run this cell in the dtype and on the device of `like`.

    sizes   of the network: a kernel may not hold at all of them

    Raises BenchError for an unknown one, and for one that cannot run this.
    """
    like = torch.zeros(0) if like is None else like

    def able(name: str) -> bool:
        return BACKENDS[name].supports(cell, like) and (
            name != "compiled" or all(compiled.fits(cell, each) for each in sizes)
        )

    if wanted == "auto":
        return next(name for name in preferred(like) if able(name))
    if wanted not in BACKENDS:
        raise unknown("backend", wanted, [*BACKENDS, "auto"])
    if not able(wanted):
        can = ", ".join(name for name in BACKENDS if able(name))
        raise BenchError(
            f"backend: {wanted!r} cannot run cell {compiled.title(cell)!r} here ({like.dtype}, "
            f"{like.device.type}); what can: {can}."
        )
    return wanted


def by_torch(backend: str) -> bool:
    """Whether a backend computes with torch's own products and vector loops.

    Their last bits depend on sizes: sequences are then padded to a multiple of 32, and a replicate
    alone is joined by its copy (`parameters.in_company`).
    """
    return getattr(BACKENDS[backend], "BY_TORCH", True)


def by_kernel(backend: str) -> bool:
    """Whether the compiled kernel computes on a CPU where this backend is chosen."""
    return backend in ("compiled", "truncated")


def unroll(
    cell: Cell,
    params: Params,
    inputs: Tensor,
    state: State,
    steps: Sequence[int],
    backend: str = "auto",
) -> tuple[Tensor, State]:
    """Run a cell over a sequence and keep the hidden states of some steps.

    inputs  (T, R, D, B), or (T, 1, D, B) when all replicates read the same sequences
    state   the state before the first step, each (R, H, B)
    steps   S increasing step numbers
    returns hidden states (S, R, H, B) and the state after the last step

    Where torch computes (`by_torch`), B must be a multiple of 32 and R at least 2 for numbers that
    do not depend on R.
    """
    outputs = params["V"].shape[1] if "V" in params else 0
    sizes = [Sizes(inputs.shape[2], state[0].shape[1], outputs)]
    name = backend_for(cell, backend, state[0], sizes)
    return BACKENDS[name].unroll(cell, params, inputs, state, steps)
