"""What a cell is: equations that map (input, state) to the next state.

Vectors are columns, as on the blackboard. A batch of B sequences for R replicates is a tensor
(R, size, B), a weight is (R, rows, columns) and a bias (R, rows, 1), so that

    W_f @ x + U_f @ h + b_f

is at once the equation of one unit of one network and the code for all of them.

To add a cell, subclass `Cell` in a file of this room (or of your own, named in `plugins:`), give
it a `name`, `init` and `step`. docs/adding-a-cell.md does it in 20 lines.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from lstm_bench.errors import BenchError, unknown
from lstm_bench.references import is_reference
from lstm_bench.registry import build, classes

State = tuple[Tensor, ...]
WIDEST = 2**31  # no cell is this wide
EMBEDDING = "embedding"  # the vector of every token, where a task reads tokens
# y_t = V h_t + V_x x_t + b_y: the network's own, beside the cell's
READOUT = ("V", "V_x", "b_y", EMBEDDING)


class Params(Mapping[str, Tensor]):
    """Named weights, read as attributes: `p.W_f` is (R, h, d), `p.b_f` is (R, h, 1).

    Files hold biases as (R, h). They get their last axis here: without it the equations would
    broadcast a bias over the wrong one, and say nothing.
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self._tensors = {k: v.unsqueeze(2) if v.dim() == 2 else v for k, v in tensors.items()}

    def __getattr__(self, name: str) -> Tensor:
        try:
            return self.__dict__["_tensors"][name]
        except KeyError:
            raise AttributeError(f"no parameter {name!r}") from None

    def __getitem__(self, name: str) -> Tensor:
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def __repr__(self) -> str:
        shapes = (f"{name} {tuple(tensor.shape)}" for name, tensor in self._tensors.items())
        return f"{type(self).__name__}({', '.join(shapes)})"


@dataclass(frozen=True)
class Cell(ABC):
    """A recurrent unit. Options (a forget-gate bias, say) are dataclass fields."""

    name: ClassVar[str]
    version: ClassVar[int] = 1  # raise when the equations or the initialisation change
    citation: ClassVar[str] = ""
    formula: ClassVar[str] = ""
    state: ClassVar[tuple[str, ...]] = ("h",)  # the first is what the readout sees
    untrained: ClassVar[tuple[str, ...]] = ()  # drawn by `init`, then never trained: detach them
    # which gate writes to the memory, keeps it, and shows it: {"write": "1 - z", "keep": "z"}
    roles: ClassVar[Mapping[str, str]] = {}
    reads_output: ClassVar[bool] = False  # True where `step` reads the readout's p.V and p.b_y

    @abstractmethod
    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        """The weights of one replicate: matrices (rows, columns) and biases (rows,).

        d = inputs, h = width; `outputs` is for cells that feed the output back. Everything random
        comes from `rng`, which depends on (cell, options, width, seed) and nothing else.
        """

    @abstractmethod
    def step(self, p: Params, x: Tensor, state: State) -> State:
        """The next state (each (R, h, B)) from the input x (R, d, B) and the present one."""

    def gates(self, p: Params, x: Tensor, state: State) -> dict[str, Tensor]:
        """The values of the gates in this step, by name; empty for a cell without gates."""
        return {}

    def by_role(self, gates: Mapping[str, Any]) -> dict[str, Any]:
        """The values of these gates by the roles that `roles` gives them."""
        found = {}
        for role, gate in self.roles.items():
            name = gate.removeprefix("1 - ")
            found[role] = gates[name] if name == gate else 1 - gates[name]
        return found

    def widths(self, inputs: int) -> range:
        """The widths it can have; `init` raises BenchError for another one."""
        return range(1, WIDEST)

    def prepare(self, p: Params) -> Params:
        """What `step` reads, computed once a pass: the same weights, or a function of them.

        For a weight with a constraint, say: an orthogonal U as the exponential of a free matrix.
        """
        return p

    def initial_state(
        self, replicates: int, width: int, batch: int, like: Tensor, inputs: int = 1
    ) -> State:
        """All zeros, in the dtype and on the device of `like`."""
        return tuple(like.new_zeros(replicates, width, batch) for _ in self.state)

    def shapes(self, inputs: int, width: int, outputs: int) -> dict[str, tuple[int, ...]]:
        """The shape of every parameter of one replicate."""
        rng = np.random.default_rng(0)
        return {k: v.shape for k, v in self.init(rng, inputs, width, outputs).items()}

    def parameters(self, inputs: int, width: int, outputs: int) -> int:
        """The number of the cell's trained parameters, the readout not counted."""
        shapes = self.shapes(inputs, width, outputs).items()
        return sum(int(np.prod(shape)) for name, shape in shapes if name not in self.untrained)

    def flops(self, inputs: int, width: int, outputs: int) -> int:
        """Floating-point operations of one step of one sequence: 2 for each weight of a matrix.

        Biases, squashing and the products of gates with states are not counted; a cell with
        weights that multiply a vector element by element adds 2 for each of those.
        """
        shapes = self.shapes(inputs, width, outputs).values()
        return 2 * sum(int(np.prod(s)) for s in shapes if len(s) > 1)


def registry() -> dict[str, type[Cell]]:
    return classes(Cell, "lstm_bench.cells")


def named(name: str) -> type[Cell]:
    """The class of this name, or that of the module of this reference. Raises BenchError."""
    from lstm_bench.cells import modules

    if is_reference(name):
        return modules.class_of(modules.loaded(name))
    known = registry()
    if not isinstance(name, str) or name not in known:
        raise unknown("cell", name, known)
    return known[name]


def create(name: str, options: Mapping[str, Any] | None = None) -> Cell:
    """The cell of this name or reference. Raises BenchError for an unknown name or option."""
    from lstm_bench.cells import modules

    if is_reference(name):
        cell: Cell = modules.create(name, options or {})
    else:
        cell = build(named(name), options or {}, f"cell {name!r}")
    clash = set(READOUT) & set(cell.shapes(1, cell.widths(1).start, 1))
    if clash:
        raise BenchError(
            f"cell {name!r} calls a parameter {min(clash)!r}, which is the readout's; rename it."
        )
    return cell


def require_choice(cell: Cell, option: str, allowed: Collection[str]) -> None:
    """Raise BenchError when the option is none of the words allowed."""
    value = getattr(cell, option)
    if value not in allowed:
        raise unknown(f"option {option} of cell {cell.name!r}:", value, allowed)


sigmoid = torch.sigmoid
tanh = torch.tanh
relu = torch.relu
