"""A module of torch as a cell of the suite, or as a layer over whole sequences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._pytree import tree_flatten, tree_unflatten

from lstm_bench.cells.base import WIDEST, Cell, Params, State, require_choice
from lstm_bench.cells.modules.building import built, constants_of, frozen_in, weights_of
from lstm_bench.cells.modules.calling import (
    BOTH,
    BTD,
    CELL,
    LAYER,
    OUTPUT,
    STATE,
    TBD,
    Call,
    Wanted,
    call_of,
    first_state,
)
from lstm_bench.cells.rows import RowCell, SequenceCell, Weights
from lstm_bench.errors import BenchError
from lstm_bench.registry import chosen_options

Ask = Callable[..., Any]  # of a module and its arguments
INPUTS = 3  # at which it is tried
TRIED = (*range(1, 17), 24, 32, 64)
AUTO = "auto"
CHOICES = {
    "shape": (AUTO, CELL, LAYER, "factory"),
    "returns": (AUTO, STATE, BOTH),
    "axes": (AUTO, BTD, TBD),
}


class Sized(NamedTuple):
    """A module at one size: one that was built, how it is called, the shapes of its weights."""

    module: nn.Module
    call: Call
    shapes: dict[str, tuple[int, ...]]
    constants: dict[str, Tensor]
    frozen: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Module(Cell):
    """What cells and layers made of modules share: building them and looking at them.

    `shape` says whether it is a cell, a layer or a factory of either, `returns` whether a result
    is the state or (output, state), and `axes` the order of a layer's inputs, BTD or TBD; found out
    where it is `auto`. The other options are the constructor's.
    """

    shape: str = AUTO
    returns: str = AUTO
    axes: str = AUTO

    reference: ClassVar[str]
    maker: ClassVar[Callable[..., Any]]

    @property
    def name(self) -> str:  # type: ignore[override]
        return self.reference

    @classmethod
    def required(cls) -> list[str]:
        """Options without a default."""
        return [each.name for each in fields(cls) if each.default is MISSING]

    def require(self) -> None:
        """Raise BenchError for a word that is none, and where it cannot be called."""
        for option, allowed in CHOICES.items():
            require_choice(self, option, allowed)
        if self.shape == "factory" and isinstance(self.maker, type):
            raise BenchError(f"module {self.name!r} is a class, not a factory; leave shape out.")
        _ = self.call

    @property
    def _options(self) -> dict[str, Any]:
        return {k: v for k, v in chosen_options(self).items() if k not in CHOICES}

    @cached_property
    def _known(self) -> dict[tuple[int, int], Sized]:
        return {}

    def at(self, inputs: int, width: int) -> Sized:
        """The module of these sizes, built and called once. Raises BenchError."""
        if (inputs, width) not in self._known:
            module = built(self.name, self.maker, inputs, width, self._options)
            said = {k: v for k in CHOICES if (v := getattr(self, k)) not in (AUTO, "factory")}
            call = call_of(self.name, module, inputs, width, Wanted(**said))
            shapes = {name: tuple(w.shape) for name, w in weights_of(module).items()}
            self._known[inputs, width] = Sized(
                module, call, shapes, constants_of(module), frozen_in(module)
            )
        return self._known[inputs, width]

    @cached_property
    def _widths(self) -> range:
        """From the first two widths that can be built, or the error of one that cannot."""
        possible: list[int] = []
        refused: BenchError | None = None
        for width in TRIED:
            try:
                self.at(INPUTS, width)
                possible.append(width)
            except BenchError as error:
                refused = error
            if len(possible) == 2:
                return range(possible[0], WIDEST, possible[1] - possible[0])
        if possible:
            return range(possible[0], WIDEST, possible[0])
        assert refused is not None
        raise refused

    def widths(self, inputs: int) -> range:
        return self._widths

    @property
    def call(self) -> Call:
        """How it is called, at the smallest size."""
        return self.at(INPUTS, self._widths.start).call

    @property
    def untrained(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.at(INPUTS, self._widths.start).frozen

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        self.at(inputs, width)
        seed = int(rng.integers(2**62))
        module = built(self.name, self.maker, inputs, width, self._options, seed)
        return {name: weight.numpy() for name, weight in weights_of(module).items()}

    def shapes(self, inputs: int, width: int, outputs: int) -> dict[str, tuple[int, ...]]:
        return self.at(inputs, width).shapes

    def run(self, sized: Sized, weights: Weights, *args: Any, ask: Ask | None = None) -> Any:
        """What `ask` asks of the module with these weights, its forward where nothing else."""
        module = sized.module if ask is None else Asked(sized.module, ask)
        prefix, device = "" if ask is None else "module.", args[0].device
        given = {prefix + name: each.to(device) for name, each in sized.constants.items()}
        for name, weight in weights.items():
            given[prefix + name] = weight.detach() if name in sized.frozen else weight
        return functional_call(module, given, args)


@dataclass(frozen=True, kw_only=True)
class ModuleCell(Module, RowCell):
    """A module that takes one step.

    The parts of its state are the tensors of the module's: first its output, whether that is one of
    them or not, and last, where it starts with anything else than zeros, whether it has begun.
    """

    @property
    def state(self) -> tuple[str, ...]:  # type: ignore[override]
        others = (f"s{i}" for i in range(2, len(self.call.order) + 1))
        return ("h", *others, *(["begun"] if self.call.starts else []))

    @property
    def roles(self) -> Mapping[str, str]:  # type: ignore[override]
        """Those that the module says, as a cell of the suite does."""
        return getattr(self.at(INPUTS, self._widths.start).module, "roles", {})

    def gates(self, p: Params, x: Tensor, state: State) -> dict[str, Tensor]:
        """What the module's own `gates(x, state)` gives, each (B, n), where it has one."""
        sized = self.at(x.shape[1], state[0].shape[1])
        if not hasattr(sized.module, "gates"):
            return {}
        ask: Ask = lambda module, x, held: module.gates(x, held)  # noqa: E731
        found = [
            self.run(sized, weights, rows, held_in(sized.call, parts, len(rows)), ask=ask)
            for weights, rows, parts in self.each(p, x, state)
        ]
        return {name: torch.stack([gates[name] for gates in found]).mT for name in found[0]}

    def initial_state(
        self, replicates: int, width: int, batch: int, like: Tensor, inputs: int = 1
    ) -> State:
        call = self.at(inputs, width).call
        sizes = [width if i == OUTPUT else int(np.prod(call.parts[i])) for i in call.order]
        sizes += [1] if call.starts else []
        return tuple(like.new_zeros(replicates, size, batch) for size in sizes)

    def one(self, weights: Weights, x: Tensor, state: State) -> State:
        sized = self.at(x.shape[1], state[0].shape[1])
        call = sized.call
        after = self._after(call, self.run(sized, weights, x, held_in(call, state, len(x))))
        if not call.starts:
            return after
        first = self._after(call, self.run(sized, weights, x, ask=begun(call)))
        chosen = (torch.where(state[-1] > 0, a, f) for a, f in zip(after, first))
        return (*chosen, torch.ones_like(state[-1]))

    def _after(self, call: Call, result: Any) -> State:
        output, state = result if call.returns == BOTH else (result, result)
        parts = [part.reshape(len(part), -1) for part in tree_flatten(state)[0]]
        return tuple(output if i == OUTPUT else parts[i] for i in call.order)


@dataclass(frozen=True, kw_only=True)
class ModuleLayer(Module, SequenceCell):
    """A module that reads whole sequences: it can be trained, and looked at from outside."""

    def sequence(self, p: Params, inputs: Tensor, state: State) -> Tensor:
        replicates, width = state[0].shape[:2]
        sized = self.at(inputs.shape[2], width)
        # a replicate's inputs are (T, d, B)
        there, back = ((2, 0, 1), (1, 2, 0)) if sized.call.axes == BTD else ((0, 2, 1), (0, 2, 1))
        found = []
        for r in range(replicates):
            weights = {name: p[name][r].reshape(shape) for name, shape in sized.shapes.items()}
            x = inputs[:, r if inputs.shape[1] > 1 else 0].permute(there).contiguous()
            result = self.run(sized, weights, x, ask=begun(sized.call))
            outputs = result[0] if sized.call.returns == BOTH else result
            found.append(outputs.permute(back))
        return torch.stack(found, dim=1)


class Asked(nn.Module):
    """A module and what is asked of it, so that it is asked with weights that are given."""

    def __init__(self, module: nn.Module, ask: Ask) -> None:
        super().__init__()
        self.module, self.ask = module, ask

    def forward(self, *args: Any) -> Any:
        return self.ask(self.module, *args)


def begun(call: Call) -> Ask:
    """The forward of a module from the state it starts with, which may be one of its weights."""

    def ask(module: nn.Module, x: Tensor) -> Any:
        batch = x.shape[call.axes == TBD] if call.shape == LAYER else len(x)
        start = first_state(module, batch)
        return module(x) if start is None and call.shape == LAYER else module(x, start)

    return ask


def held_in(call: Call, state: State, batch: int) -> Any:
    """The state of a module from the parts (B, n) of its cell's."""
    held = dict(zip(call.order, state))
    parts = [held[i].reshape(batch, *shape) for i, shape in enumerate(call.parts)]
    assert call.tree is not None
    return tree_unflatten(parts, call.tree)
