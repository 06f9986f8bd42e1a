"""Random networks in float64, and how two tensors are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from lstm_bench import cells, engine
from lstm_bench.cells.base import Cell, Params, State
from lstm_bench.engine.fused import library
from lstm_bench.engine.network import Network

# 1e-10 is 5e5 units in the last place of float64: room for a few thousand additions in another
# order, none for a wrong term.
EXACT = 1e-10


def any_cells_backend() -> str:
    """What `auto` takes for a cell that no backend knows by name, in float32 on a CPU."""
    return "compiled" if library.available() else "loop"


def make_params(
    cell: Cell, D: int, H: int, k: int = 2, R: int = 1, seed: int = 0, scale: float = 0.3
) -> dict[str, Tensor]:
    """Every parameter of R replicates, away from zero, float64: matrices (R, rows, columns)."""
    layout = Network(cell, D, H, k).layout
    generator = torch.Generator().manual_seed(seed)
    flat = scale * torch.randn(R, layout.size, generator=generator, dtype=torch.float64)
    return {name: view.clone() for name, view in layout.views(flat).items()}


def randn(seed: int, *shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def leaves(tensors: Mapping[str, Tensor], dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
    return {name: t.detach().to(dtype).clone().requires_grad_() for name, t in tensors.items()}


def forward_and_gradients(
    cell: Cell,
    params: Mapping[str, Tensor],
    inputs: Tensor,
    state: State,
    steps: Sequence[int],
    backend: str,
    dtype: torch.dtype = torch.float64,
) -> dict[str, Tensor]:
    """Hidden states, final state and every gradient of one random linear form of both."""
    p = leaves(params, dtype)
    x = leaves({"inputs": inputs, **{f"state{i}": s for i, s in enumerate(state)}}, dtype)
    start = tuple(x[f"state{i}"] for i in range(len(state)))
    hidden, last = engine.unroll(cell, Params(p), x["inputs"], start, steps, backend)
    loss = (hidden * randn(11, *hidden.shape).to(hidden)).sum()
    for i, part in enumerate(last):
        loss = loss + (part * randn(12 + i, *part.shape).to(part)).sum()
    wanted = {**p, **x}
    found = torch.autograd.grad(loss, list(wanted.values()), allow_unused=True)
    gradients = {f"d{k}": g for k, g in zip(wanted, found) if g is not None}
    finals = {f"final{i}": part.detach() for i, part in enumerate(last)}
    return {"hidden": hidden.detach(), **finals, **gradients}


def relative_error(value: Tensor, reference: Tensor) -> float:
    """||value - reference|| / ||reference||, in float64."""
    reference = reference.double()
    return float((value.double() - reference).norm() / reference.norm().clamp(min=1e-300))


def assert_agree(
    found: Mapping[str, Tensor], reference: Mapping[str, Tensor], tolerance: float
) -> None:
    assert found.keys() == reference.keys()
    for name in reference:
        assert found[name].shape == reference[name].shape, f"{name} has another shape"
        error = relative_error(found[name], reference[name])
        assert error < tolerance, f"{name} is off by {error:.1e}, {tolerance:.0e} is allowed"


def cell_named(name: str) -> Cell:
    return cells.create(name)
