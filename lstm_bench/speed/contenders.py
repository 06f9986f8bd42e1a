"""The suite's own backends and the matrix product they are held against, ready to be timed.

Each runs in a process of its own (`worker`): `open` prepares a case, `call` is what is timed, and
`results` gives what the last call computed, by the names of the cell's parameters.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from lstm_bench.speed.cases import Case

SGEMM = 1536  # rows and columns of the matrices whose product is the peak


class Contender(ABC):
    """Something that runs a case forward and backward."""

    kept: tuple[str, ...] = ()  # attributes that outlive a case

    @abstractmethod
    def open(self, case: Case, weights: Mapping[str, np.ndarray]) -> float:
        """Make ready for calls; returns the seconds a compiler took.

        weights: every parameter of the network by name, (R, rows, columns) or (R, rows, 1).
        """

    @abstractmethod
    def call(self) -> None:
        """One forward and one backward pass, finished when it returns."""

    @abstractmethod
    def results(self) -> dict[str, np.ndarray]:
        """Of the last call: `hidden` (R, H, B) of the last step, and `d` + name the gradients."""

    def planned_memory(self) -> int | None:
        """Bytes of a call's work space where a compiler has fixed them; None: measure."""
        return None

    def close(self) -> None:
        """Let go of the case."""
        for name in set(vars(self)) - set(self.kept):
            delattr(self, name)


class Backend(Contender):
    """A backend of the engine, in float32 on the device."""

    kept = ("name", "device")

    def __init__(self, name: str, device: str = "cpu") -> None:
        import torch

        from lstm_bench.engine.runtime import configure

        configure()
        self.name, self.device = name, torch.device(device)

    def open(self, case: Case, weights: Mapping[str, np.ndarray]) -> float:
        import torch

        from lstm_bench import cells, engine
        from lstm_bench.cells.base import Params

        started = time.perf_counter()
        self.cell = cells.create(case.cell, case.options)
        # the question `supports` compiles a kernel where one has to be
        engine.backend_for(self.cell, self.name, torch.zeros(1, device=self.device))
        built = time.perf_counter() - started
        named = {k: torch.from_numpy(v).float().to(self.device) for k, v in weights.items()}
        self.params = Params({k: v.requires_grad_() for k, v in named.items()})
        self.inputs = torch.from_numpy(case.draw_inputs()).to(self.device)
        self.direction = torch.from_numpy(case.draw_direction()).to(self.device)
        self.state = self.cell.initial_state(
            case.replicates, case.width, case.batch, self.direction, case.inputs
        )
        self.step = case.T - 1
        return built

    def call(self) -> None:
        self.hidden, self.gradients = forward_backward(
            self.cell, self.params, self.inputs, self.state, self.step, self.direction, self.name
        )
        finish(self.device)

    def results(self) -> dict[str, np.ndarray]:
        return as_arrays(self.params, self.hidden, self.gradients)


class MatrixProduct(Contender):
    """sgemm: the rate no path can pass, measured among them."""

    kept = ("device",)

    def __init__(self, device: str = "cpu") -> None:
        import torch

        from lstm_bench.engine.runtime import configure

        configure()
        self.device = torch.device(device)

    def open(self, case: Case, weights: Mapping[str, np.ndarray]) -> float:
        import torch

        self.factor = torch.rand(SGEMM, SGEMM, device=self.device)
        self.product = torch.empty_like(self.factor)
        return 0.0

    def call(self) -> None:
        import torch

        torch.mm(self.factor, self.factor, out=self.product)
        finish(self.device)

    def results(self) -> dict[str, np.ndarray]:
        return {}


def forward_backward(
    cell: Any, params: Any, inputs: Any, state: Any, step: int, direction: Any, backend: str
) -> tuple[Any, tuple[Any, ...]]:
    """Hidden states of the last step (R, H, B), and the gradient of each parameter or None."""
    import torch

    from lstm_bench import engine

    hidden, _ = engine.unroll(cell, params, inputs, state, (step,), backend)
    leaves = list(params.values())
    # a loss that is a number, as in training: a gradient handed to autograd costs a second of
    # imports at the first call
    loss = (hidden[0] * direction).sum()
    gradients = torch.autograd.grad(loss, leaves, allow_unused=True)
    return hidden[0].detach(), gradients


def as_arrays(params: Any, hidden: Any, gradients: Any) -> dict[str, np.ndarray]:
    """By name; a parameter the cell does not read (the readout) has no gradient."""
    found = {f"d{k}": g for k, g in zip(params, gradients) if g is not None}
    return {k: v.cpu().numpy() for k, v in {"hidden": hidden, **found}.items()}


def reference(case: Case, weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The plain loop in float64: what everything is compared with."""
    import torch

    from lstm_bench import cells
    from lstm_bench.cells.base import Params

    cell = cells.create(case.cell, case.options)
    exact = {k: torch.from_numpy(np.float32(v)).double() for k, v in weights.items()}
    params = Params({k: v.requires_grad_() for k, v in exact.items()})
    inputs, direction = (
        torch.from_numpy(x).double() for x in (case.draw_inputs(), case.draw_direction())
    )
    state = cell.initial_state(case.replicates, case.width, case.batch, direction, case.inputs)
    found = forward_backward(cell, params, inputs, state, case.T - 1, direction, "loop")
    return as_arrays(params, *found)


def finish(device: Any) -> None:
    """Wait for a GPU."""
    if device.type == "cuda":
        import torch

        torch.cuda.synchronize()
