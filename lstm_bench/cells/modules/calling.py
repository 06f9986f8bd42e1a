"""How a module is called: found by calling it, once for each size.

A *cell* takes x (B, d) and a state and gives the next state, or (output, state). A *layer* takes a
whole sequence, (B, T, d) or (T, B, d), and gives its outputs, or (outputs, state). States may be
tensors in tuples, lists and mappings; their first axis is that of the sequences.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

from lstm_bench.cells.modules.building import seeded, state_of
from lstm_bench.errors import BenchError

OUTPUT = -1  # an output that is no part of the state
B, T = 5, 4  # of what is tried; no dimension of a module is likely to be both
STATE, BOTH = "state", "output_and_state"
CELL, LAYER = "cell", "layer"
BTD, TBD = "BTD", "TBD"


@dataclass(frozen=True)
class Call:
    """What a module takes and gives at one size.

    shape      `cell` or `layer`
    axes       of a layer, `BTD` or `TBD`
    returns    `state` or `output_and_state`; of a layer whether a state comes with its outputs
    tree       of a cell, the structure of its state
    parts      of a cell, the shape of each of its tensors for one sequence
    order      of a cell, its tensors with the one first that is its output; OUTPUT where none is
    starts     whether the first state is anything else than zeros: it is then asked for anew
    """

    shape: str
    returns: str
    axes: str = BTD
    tree: TreeSpec | None = None
    parts: tuple[tuple[int, ...], ...] = ()
    order: tuple[int, ...] = ()
    starts: bool = False

    def __str__(self) -> str:
        gives = "(output, state)" if self.returns == BOTH else "state"
        if self.shape == CELL:
            count = f"{len(self.parts)} tensors" if len(self.parts) > 1 else "one tensor"
            return f"a cell, (x (B, d), state) -> {gives}, with a state of {count}"
        order = "(B, T, d)" if self.axes == BTD else "(T, B, d)"
        return f"a layer over {order}" + (", its last state unused" if self.returns == BOTH else "")


@dataclass(frozen=True)
class Wanted:
    """What the config says of it; None where it is to be found out."""

    shape: str | None = None
    returns: str | None = None
    axes: str | None = None


def first_state(module: nn.Module, batch: int) -> Any:
    """What the module starts with: its `initial_state`, else None."""
    start = getattr(module, "initial_state", None)
    return start(batch) if callable(start) else None


def call_of(name: str, module: nn.Module, inputs: int, width: int, wanted: Wanted) -> Call:
    """Raises BenchError where it can be called in no way."""
    kept = {key: tensor.clone() for key, tensor in state_of(module).items()}
    with seeded(1), torch.no_grad():
        found = _call_of(name, module, inputs, width, wanted)
    changed = [key for key, now in state_of(module).items() if not torch.equal(now, kept[key])]
    if changed:
        raise BenchError(
            f"module {name!r}: its forward changes {changed[0]}, which is not allowed: weights are "
            "changed by training alone."
        )
    return found


def _call_of(name: str, module: nn.Module, inputs: int, width: int, wanted: Wanted) -> Call:
    refused: dict[str, BenchError | Exception] = {}
    ways: dict[str, Callable[..., Call]] = {CELL: _cell, LAYER: _layer}
    for shape in [wanted.shape] if wanted.shape in ways else ways:
        try:
            return ways[shape](module, inputs, width, wanted)
        except Exception as error:  # a module may raise anything where it is called otherwise
            refused[shape] = error
    # where it could be called in one way, that way is meant
    called = {k: e for k, e in refused.items() if isinstance(e, BenchError)} or refused
    why = [f"as a {shape} {_told(error)}" for shape, error in called.items()]
    raise BenchError(f"module {name!r} at {inputs} inputs and width {width}: {'; '.join(why)}.")


def _told(error: Exception) -> str:
    if isinstance(error, BenchError):
        return str(error)
    return f"it raised {type(error).__name__}: {' '.join(str(error).split())[:160]}"


def _cell(module: nn.Module, inputs: int, width: int, wanted: Wanted) -> Call:
    x = torch.randn(B, inputs)
    start = first_state(module, B)
    if start is not None:
        return _taken(module, x, start, module(x, start), width, wanted)
    try:
        result = module(x, None)
    except Exception as error:
        return _from_zeros(module, x, width, wanted, error)
    for state in (result, result[1] if isinstance(result, tuple) and len(result) == 2 else result):
        try:
            again = module(x, state)
        except Exception:
            continue
        given = _taken(module, x, state, again, width, wanted)
        if given.returns == (STATE if state is result else BOTH):
            return given
    raise BenchError(f"it gives {shapes_of(result)} and does not take that as its state")


def _from_zeros(module: nn.Module, x: Tensor, width: int, wanted: Wanted, error: Exception) -> Call:
    """Called with a state of zeros, one tensor or two; `error` is what it raised without."""
    for zeros in (torch.zeros(B, width), (torch.zeros(B, width),) * 2):
        try:
            result = module(x, zeros)
        except Exception as other:
            error = other if "NoneType" in str(error) else error
            continue
        return _taken(module, x, zeros, result, width, wanted)
    raise error


def _taken(
    module: nn.Module, x: Tensor, state: Any, result: Any, width: int, wanted: Wanted
) -> Call:
    """How the result of a call with this state is to be read."""
    leaves, tree = tree_flatten(state)
    same = lambda value: _shapes(value) == _shapes(state)  # noqa: E731
    pair = isinstance(result, tuple) and len(result) == 2 and same(result[1])
    returns = wanted.returns or (STATE if same(result) else BOTH)
    if (returns == STATE and not same(result)) or (returns == BOTH and not pair):
        wanted_here = {STATE: "the state", BOTH: "(output, state)"}
        meant = wanted_here.get(wanted.returns or "", " or ".join(wanted_here.values()))
        raise BenchError(
            f"it gives {shapes_of(result)}, but must give {meant}, with a state of "
            f"{shapes_of(state)}"
        )
    output = tree_flatten(result)[0][0]
    _require_output(output, (len(x), width))
    if not all(isinstance(leaf, Tensor) and leaf.shape[:1] == x.shape[:1] for leaf in leaves):
        raise BenchError(f"its state is {shapes_of(state)}, but must be tensors (B, ...)")
    parts = tuple(tuple(leaf.shape[1:]) for leaf in leaves)
    after = tree_flatten(result if returns == STATE else result[1])[0]
    alike = [i for i, leaf in enumerate(after) if torch.equal(leaf.reshape(len(x), -1), output)]
    first = 0 if returns == STATE else alike[0] if alike else OUTPUT
    order = (first, *(i for i in range(len(parts)) if i != first))
    return Call(CELL, returns, BTD, tree, parts, order, _starts(module, x, tree, leaves, result))


def _starts(module: nn.Module, x: Tensor, tree: TreeSpec, leaves: list[Any], result: Any) -> bool:
    """Whether the first state is no state of zeros, whatever the module's weights are."""
    with torch.enable_grad():
        start = first_state(module, len(x))
        given = [] if start is None else tree_flatten(start)[0]
        if given:
            return any(leaf.requires_grad or bool(leaf.any()) for leaf in given)
    zeros = tree_unflatten([torch.zeros_like(leaf) for leaf in leaves], tree)
    try:
        unset = module(x, None)
    except Exception:
        return False
    pairs = zip(tree_flatten(unset)[0], tree_flatten(module(x, zeros))[0])
    return not all(torch.allclose(a, b, atol=1e-6) for a, b in pairs)


def _layer(module: nn.Module, inputs: int, width: int, wanted: Wanted) -> Call:
    start = first_state(module, B)

    def run(x: Tensor) -> Any:
        return module(x) if start is None else module(x, start)

    # as many sequences as steps where it starts with a state of its own batch
    x = torch.randn(B, B if start is not None else T, inputs)
    result = run(x)
    both = isinstance(result, tuple)
    outputs = result[0] if both else result
    _require_output(outputs, (*x.shape[:2], width))
    if wanted.axes:
        axes = wanted.axes
    else:
        moved = x.clone()
        moved[1, 1] += 1
        after = run(moved)
        seen = ((after[0] if both else after) - outputs).abs().amax(2) > 1e-5
        along, across = bool(seen[1].sum() > seen[1, 1]), bool(seen[:, 1].sum() > seen[1, 1])
        named = getattr(module, "batch_first", True)
        axes = (BTD if named else TBD) if along == across else (BTD if along else TBD)
    return Call(LAYER, BOTH if both else STATE, axes)


def _require_output(output: Any, shape: tuple[int, ...]) -> None:
    if not isinstance(output, Tensor) or tuple(output.shape) != shape:
        raise BenchError(f"its output is {shapes_of(output)}, but must be {shape}")
    if output.is_complex():
        raise BenchError("its output is complex, but must be real")
    if output.device.type != "cpu":
        raise BenchError(f"its output is on {output.device}, but must be where its input is")


def _shapes(value: Any) -> Any:
    leaves, tree = tree_flatten(value)
    return tree, [tuple(leaf.shape) if isinstance(leaf, Tensor) else leaf for leaf in leaves]


def shapes_of(value: Any) -> str:
    """A result for people: the shapes of its tensors, in their structure."""
    if isinstance(value, Tensor):
        return str(tuple(value.shape))
    if isinstance(value, tuple | list):
        return f"({', '.join(shapes_of(each) for each in value)})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{k}: {shapes_of(v)}' for k, v in value.items())}}}"
    return type(value).__name__
