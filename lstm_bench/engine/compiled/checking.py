"""A compiled form against the step it was read from, on fresh numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from lstm_bench.cells.base import Cell, Params, State
from lstm_bench.engine import loop
from lstm_bench.engine.compiled.form import Sizes
from lstm_bench.engine.compiled.recording import network_sizes, random_case, undisturbed

if TYPE_CHECKING:
    from lstm_bench.engine.compiled import Compiled

T, B = 4, 3
ALLOWED = 1e-4  # of the norm of what is compared: float32 has 1e-6, a wrong term much more


def difference(cell: Cell, found: Compiled) -> str | None:
    """What differs from the loop in float64 at two sizes, in words; None where nothing does."""
    for number, sizes in enumerate((network_sizes(cell)[0], network_sizes(cell)[-1])):
        if told := difference_at(cell, found, sizes._replace(replicates=2), number):
            return told
    return None


def difference_at(cell: Cell, found: Compiled, sizes: Sizes, seed: int = 0) -> str | None:
    """The same at these sizes."""
    with undisturbed():
        exact = _values(cell, loop, sizes, seed, torch.float64)
        values = _values(cell, found, sizes, seed, torch.float32)
        off = {name: (values[name].double() - value).norm() for name, value in exact.items()}
        far = [n for n, value in exact.items() if not off[n] <= ALLOWED * value.norm() + 1e-5]
        if far:  # where the step itself loses digits, a kernel may lose as many
            single = _values(cell, loop, sizes, seed, torch.float32)
            far = [n for n in far if not off[n] <= 10 * (single[n].double() - exact[n]).norm()]
    return f"its compiled form differs from its step in {far[0]}" if far else None


def _values(cell: Cell, run: Any, sizes: Sizes, seed: int, dtype: torch.dtype) -> dict[str, Tensor]:
    """Hidden states, the last state and all gradients of a random linear form of both."""
    given, state = random_case(cell, sizes, 10 + seed, B, torch.float64)
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)

    params = {name: value.to(dtype).requires_grad_() for name, value in given.items()}
    start: State = tuple(part.to(dtype).requires_grad_() for part in state)
    x = draw(T, sizes.replicates, sizes.inputs, B).requires_grad_()
    with torch.enable_grad():
        hidden, last = run.unroll(cell, Params(params), x, start, (1, T - 1))
        loss = sum((part * draw(*part.shape)).sum() for part in (hidden, *last))
    leaves = {**params, "the input": x, **{f"state {i}": part for i, part in enumerate(start)}}
    grads = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    found = {f"the gradient of {n}": g for n, g in zip(leaves, grads) if g is not None}
    values = {"the hidden states": hidden, **{f"the last state {i}": s for i, s in enumerate(last)}}
    return {name: value.detach() for name, value in {**values, **found}.items()}
