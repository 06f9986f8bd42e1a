"""A step as torch computes it: every operation it calls, recorded at six small sizes.

What is a number in one trace and another in the next is a size, and a function of the network's; so
one recording serves all sizes. A recording costs a millisecond and is made in every process, so
that none can be older than the cell.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from lstm_bench.cells.base import Cell, Params
from lstm_bench.cells.rows import RowCell
from lstm_bench.engine.compiled.form import Refused, Size, Sizes

B = 7
SAMPLES = (  # of inputs, width, outputs and replicates; the last is a check
    *((3, 11, 2, 2), (4, 11, 2, 2), (3, 18, 2, 2), (3, 11, 4, 2), (3, 11, 2, 5)),
    (6, 29, 5, 8),
)


class Ref(NamedTuple):
    """A tensor of a recording."""

    number: int


def refs(value: Any) -> list[Ref]:
    """All tensors in the arguments of a call."""
    if isinstance(value, Ref):
        return [value]
    if isinstance(value, dict):
        value = tuple(value.values())
    parts = value if isinstance(value, (tuple, list)) and not isinstance(value, Size) else ()
    return [ref for each in parts for ref in refs(each)]


class Call(NamedTuple):
    """outs = func(*args, **kwargs), with a Ref for a tensor."""

    func: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outs: tuple[Ref, ...]
    shapes: tuple[tuple[Any, ...], ...]

    @property
    def name(self) -> str:
        """Of the operation; one in place has a result like any other."""
        return self.func._schema.name.removeprefix("aten::").removesuffix("_")


class Recording(NamedTuple):
    """`leaves` names and shapes of state, input and parameters, numbered from 0; then the calls."""

    leaves: tuple[tuple[str, tuple[Any, ...]], ...]
    calls: tuple[Call, ...]
    after: tuple[Ref, ...]


class Recorder(TorchDispatchMode):
    def __init__(self, leaves: Sequence[Tensor]) -> None:
        super().__init__()
        self.numbers = {id(tensor): number for number, tensor in enumerate(leaves)}
        self.kept: list[Tensor] = list(leaves)  # an id is a tensor's while the tensor lives
        self.memory = {leaf.untyped_storage().data_ptr() for leaf in leaves}
        self.calls: list[Call] = []

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # the other answer imports the compiler of torch, a second a process

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = self._named(tuple(args)), self._named(kwargs or {})
        if func._schema.is_mutable and (kwargs or self._given(args[0])):
            raise Refused(f"{func._schema.name.removeprefix('aten::')} changes what it was given")
        out = func(*args, **(kwargs or {}))
        outs = list(out) if isinstance(out, (tuple, list)) else [out]
        if not all(isinstance(each, Tensor) for each in outs):
            raise Refused(f"{func._schema.name.removeprefix('aten::')} asks for a value")
        numbers = tuple(Ref(len(self.kept) + place) for place in range(len(outs)))
        self.calls.append(Call(func, *given, numbers, tuple(tuple(o.shape) for o in outs)))
        for each in outs:
            self.numbers[id(each)] = len(self.kept)
            self.kept.append(each)
        return out

    def _given(self, tensor: Any) -> bool:
        """Whether it shows a part of state, input or parameters; a value of the step may change.

        What saw the old value and is read later differs from the loop, and is found out there.
        """
        return not isinstance(tensor, Tensor) or tensor.untyped_storage().data_ptr() in self.memory

    def _named(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            if id(value) in self.numbers:
                return Ref(self.numbers[id(value)])
            if value.numel() == 1:
                return float(value)
            raise Refused("a tensor that is no input, no state and no parameter")
        if isinstance(value, (tuple, list)):
            return type(value)(self._named(each) for each in value)
        if isinstance(value, dict):
            return {name: self._named(each) for name, each in value.items()}
        return value


@contextmanager
def undisturbed() -> Iterator[None]:
    """On one thread, and the process's random numbers are where they were afterwards.

    Operations this small take a thousand times as long where threads wait for a busy core.
    """
    random, threads = torch.get_rng_state(), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_rng_state(random)


def network_sizes(cell: Cell) -> list[Sizes]:
    """The samples, at widths that the cell can have."""
    found = []
    for inputs, width, outputs, replicates in SAMPLES:
        allowed = cell.widths(inputs)
        place = max(0, -(-(width - allowed.start) // allowed.step))
        found.append(Sizes(inputs, allowed[place], outputs, replicates))
    return found


def random_case(
    cell: Cell, sizes: Sizes, seed: int, batch: int = B, like: torch.dtype = torch.float32
) -> tuple[dict[str, Tensor], tuple[Tensor, ...]]:
    """Parameters (R, ...) away from zero, and a state."""
    generator = torch.Generator().manual_seed(seed)
    shapes, R = cell.shapes(*sizes[:3]), sizes.replicates
    shapes |= {"V": (sizes.outputs, sizes.width), "b_y": (sizes.outputs,)}
    scale = 0.5 / sizes.width**0.5
    draw = lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.float64)  # noqa: E731
    params = {n: (scale * draw(R, *shape)).to(like) for n, shape in shapes.items()}
    state = cell.initial_state(R, sizes.width, batch, params["V"], sizes.inputs)
    return params, tuple(part + 0.3 * draw(*part.shape).to(like) for part in state)


def record_once(cell: Cell, sizes: Sizes) -> Recording:
    raw, state = random_case(cell, sizes, 0)
    with torch.no_grad():
        params: Mapping[str, Tensor] = cell.prepare(Params(raw))
        x = torch.randn(
            sizes.replicates, sizes.inputs, B, generator=torch.Generator().manual_seed(1)
        )
        step: Callable[..., tuple[Tensor, ...]] = cell.step
        if isinstance(cell, RowCell):  # one replicate, with sequences as rows
            params = {name: raw[name][0] for name in cell.shapes(*sizes[:3])}
            x, state = x[0].mT.contiguous(), tuple(part[0].mT.contiguous() for part in state)
            step = cell.one
        names = [*(f"state {i}" for i in range(len(state))), "input", *params]
        leaves = [*state, x, *params.values()]
        with Recorder(leaves) as recorder:
            after = step(params, x, state)
    shapes = tuple((name, tuple(leaf.shape)) for name, leaf in zip(names, leaves))
    if len(after) != len(state) or any(id(part) not in recorder.numbers for part in after):
        raise Refused("a step whose state is not computed by it")
    refs = tuple(Ref(recorder.numbers[id(part)]) for part in after)
    return Recording(shapes, tuple(recorder.calls), refs)


def record(cell: Cell) -> tuple[Recording, Recording]:
    """The step with sizes as functions of the network's, and one trace of it with its numbers.

    Raises Refused where the operations change from one size, or one call, to the next.
    """
    sizes = network_sizes(cell)
    with undisturbed():
        traces = [record_once(cell, each) for each in [*sizes, sizes[0]]]
    if len({len(trace.calls) for trace in traces}) > 1:
        raise Refused("a step that takes other operations at another size or call")
    at = [*sizes, sizes[0]]
    leaves = tuple((name, _shape(at, traces, i)) for i, (name, _) in enumerate(traces[0].leaves))
    calls = _common(at, [trace.calls for trace in traces])
    after = _common(at, [trace.after for trace in traces])
    return Recording(leaves, calls, after), traces[0]


def _shape(sizes: Sequence[Sizes], traces: Sequence[Recording], leaf: int) -> tuple[Any, ...]:
    """Of a leaf; empty where it is no linear function: one that no operation may read."""
    try:
        return _common(sizes, [trace.leaves[leaf][1] for trace in traces])
    except Refused:
        return ()


def _common(sizes: Sequence[Sizes], values: Sequence[Any]) -> Any:
    """What all traces have; whole numbers become a Size. Raises Refused."""
    first = values[0]
    if isinstance(first, (Ref, bool)) or not isinstance(first, (tuple, list, dict, int)):
        if any(value != first for value in values):
            raise Refused(f"a number that changes with the size or the call ({first})")
        return first
    if isinstance(first, int):
        return fitted(tuple(sizes), tuple(values))
    if isinstance(first, dict):
        return {name: _common(sizes, [value[name] for value in values]) for name in first}
    if len({len(value) for value in values}) > 1:
        raise Refused("a step that takes other operations at another size or call")
    each = [_common(sizes, parts) for parts in zip(*values)]
    return type(first)(each) if type(first) in (tuple, list) else type(first)(*each)


@functools.lru_cache(maxsize=1024)
def fitted(sizes: tuple[Sizes, ...], values: tuple[int, ...]) -> Size:
    """The Size that has these values at these sizes. Raises Refused where there is none."""
    if len(set(values)) == 1:
        return Size.of(values[0])
    rows = np.array([[*each, 1] for each in sizes[:5]], dtype=float)
    found = np.linalg.solve(rows, np.array(values[:5], dtype=float))
    factors = (Fraction(float(x)).limit_denominator(64) for x in found)
    size = Size(*(int(f) if f.denominator == 1 else f for f in factors))
    for each, value in zip(sizes, values):
        exact = size.constant + sum(a * b for a, b in zip(size, each))
        if exact != value:
            raise Refused("a size that is no linear function of inputs and width")
    return size
