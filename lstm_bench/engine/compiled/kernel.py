"""The kernel of one cell: its program, its plans by size, and what torch computes once a pass."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from lstm_bench.cells.base import Cell, Params, State
from lstm_bench.cells.rows import RowCell
from lstm_bench.engine.compiled.checking import difference_at
from lstm_bench.engine.compiled.form import Refused, Size, Sizes
from lstm_bench.engine.compiled.gradient import derived
from lstm_bench.engine.compiled.lowering import lowered
from lstm_bench.engine.compiled.plan import Plan
from lstm_bench.engine.compiled.reading import Reading
from lstm_bench.engine.compiled.recording import Call, Ref, network_sizes, record, refs
from lstm_bench.engine.compiled.running import FormThroughTime
from lstm_bench.engine.compiled.schedule import scheduled
from lstm_bench.engine.compiled.writing import Program
from lstm_bench.engine.fused.library import Written, instruction_set, load_for
from lstm_bench.engine.parameters import in_company
from lstm_bench.environment import ISA, word


class Compiled:
    """A cell's program, its compiled loops, and what torch computes once a pass."""

    def __init__(self, cell: Cell) -> None:
        (recording, trace), sample = record(cell), network_sizes(cell)[0]
        reading = Reading(recording, trace, sample)
        form = derived(*lowered(reading.after, sample))
        self.names = [leaf for leaf, _ in recording.leaves]
        self.leaves = reading.leaves
        self.calls = _needed(recording.calls, {number for number, _ in reading.leaves})
        shown = [
            self.names[number] if number < len(self.names) else f"m{place}"
            for place, (number, _) in enumerate(reading.leaves)
        ]
        self.program = Program(form, scheduled(form), type(cell).__name__, shown, cell.state)
        self.rows = cell.shapes if isinstance(cell, RowCell) else None
        prepared = self.rows is None and type(cell).prepare is not Cell.prepare
        self.by_torch = bool(self.calls) or prepared
        self.read = [
            n
            for n in (*refs(self.calls), *map(Ref, dict(reading.leaves)))
            if n.number < len(self.names)
        ]
        as_they_are = not self.calls and not any(turned for _, turned in self.leaves)
        self.plain = [self.names[number] for number, _ in self.leaves] if as_they_are else []
        self.plans: dict[Any, Plan] = {}
        self.misfits: dict[tuple[int, int, int], str] = {}  # by sizes, why no plan; "" for one
        self.loops: dict[str, tuple[int, ctypes.CDLL]] = {}

    def nest(self) -> tuple[int, ctypes.CDLL]:
        """The address of the loops, for this machine, and the runner. Raises Unavailable."""
        wanted = word(ISA)
        if wanted not in self.loops:
            isa = instruction_set()
            library = load_for(isa, Written(self.program.title, self.program.text))
            address = ctypes.cast(library.nest, ctypes.c_void_p).value or 0
            self.loops[wanted] = address, load_for(isa)
        return self.loops[wanted]

    def unroll(
        self,
        cell: Cell,
        params: Params,
        inputs: Tensor,
        state: State,
        steps: Sequence[int],
        decay: float = 0.0,
    ) -> tuple[Tensor, State]:
        R, width = state[0].shape[:2]
        outputs = params["V"].shape[1] if "V" in params else 0
        sizes = Sizes(inputs.shape[2], width, outputs, max(R, 2) if self.by_torch else R)
        if self.by_torch:  # two replicates at least: see `parameters.in_company`
            params = cell.prepare(Params({name: in_company(w) for name, w in params.items()}))
        leaves = self.weights(params, sizes)
        if len(leaves[0]) > R:
            leaves = [leaf[:R] for leaf in leaves]
        plan = self.plan(sizes, leaves, state)
        hidden, *last = FormThroughTime.apply(
            plan, *self.nest(), inputs, tuple(steps), decay, *state, *leaves
        )
        return hidden, tuple(last)

    def plan(self, sizes: Sizes, leaves: Sequence[Tensor], state: State) -> Plan:
        """Raises Refused at sizes where the form does not hold."""
        shapes = tuple((leaf.shape[1], leaf.shape[2]) for leaf in leaves)
        key = (*sizes[:3], shapes)
        if key not in self.plans:
            found = Plan(self.program, sizes, shapes)
            if found.part_units != [part.shape[1] for part in state]:
                raise Refused("a state that has other sizes than those that were recorded")
            self.plans[key] = found
        return self.plans[key]

    def misfit(self, cell: Cell, sizes: Sizes) -> str:
        """Why the kernel does not hold for this cell at these sizes; empty where it does.

        What was recorded may change with the size beyond those it was recorded at: a minimum of
        two sizes, say. Numbers decide, once memory is known to be there.
        """
        if sizes[:3] not in self.misfits:
            # a layer below the last sees no readout, and is drawn beside one of one output
            drawn = sizes._replace(replicates=2, outputs=max(1, sizes.outputs))
            try:
                self.misfits[sizes[:3]] = difference_at(cell, self, drawn) or ""
            except Exception as error:  # a step may take other operations at these sizes
                self.misfits[sizes[:3]] = why(error)
        return self.misfits[sizes[:3]]

    def weights(self, p: Params, sizes: Sizes) -> list[Tensor]:
        """The matrices and vectors of the form, (R, rows, columns) each."""
        if self.plain:
            return [p[name] for name in self.plain]
        if self.rows is not None:
            return self.by_replicate(p, sizes)
        found: dict[int, Tensor] = {ref.number: p[self.names[ref.number]] for ref in self.read}
        self.called(found, sizes)
        return [_as_leaf(found[number], turned, sizes) for number, turned in self.leaves]

    def by_replicate(self, p: Params, sizes: Sizes) -> list[Tensor]:
        """The same of a cell of one replicate."""
        assert self.rows is not None
        shapes = self.rows(*sizes[:3])
        if not self.calls:
            return [_as_leaf(p[self.names[n]], turned, sizes) for n, turned in self.leaves]
        each = []
        for r in range(len(p[self.names[self.read[0].number]])):
            names = {ref.number: self.names[ref.number] for ref in self.read}
            found = {n: p[name][r].reshape(shapes[name]) for n, name in names.items()}
            self.called(found, sizes)
            each.append([_matrix(found[n], turned) for n, turned in self.leaves])
        return [torch.stack(of_leaf) for of_leaf in zip(*each)]

    def called(self, found: dict[int, Tensor], sizes: Sizes) -> None:
        """Adds what the calls make of parameters."""
        for call in self.calls:
            args, kwargs = (_given(part, found, sizes) for part in (call.args, call.kwargs))
            outs = call.func(*args, **kwargs)
            for ref, out in zip(call.outs, [outs] if isinstance(outs, Tensor) else outs):
                found[ref.number] = out


def _as_leaf(value: Tensor, turned: bool, sizes: Sizes) -> Tensor:
    while value.dim() < 3:
        value = value.unsqueeze(0)
    value = value.mT if turned else value
    return value if len(value) == sizes.replicates else value.expand(sizes.replicates, -1, -1)


def _matrix(value: Tensor, turned: bool) -> Tensor:
    """A matrix, or a vector as one column."""
    while value.dim() < 2:
        value = value.unsqueeze(-1)
    return value.mT if turned else value


def _given(value: Any, tensors: dict[int, Tensor], sizes: Sizes) -> Any:
    """Arguments of a recorded call, at these sizes."""
    if isinstance(value, Ref):
        return tensors[value.number]
    if isinstance(value, Size):
        return value.at(sizes)
    if isinstance(value, dict):
        return {name: _given(each, tensors, sizes) for name, each in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(_given(each, tensors, sizes) for each in value)
    return value


def _needed(calls: Sequence[Call], wanted: set[int]) -> list[Call]:
    """The calls that these tensors follow from, in their order."""
    found = []
    for call in reversed(calls):
        if any(ref.number in wanted for ref in call.outs):
            found.append(call)
            wanted |= {ref.number for ref in refs((call.args, call.kwargs))}
    return found[::-1]


def why(error: Exception) -> str:
    """In the words of a refusal; another error with its kind."""
    if isinstance(error, Refused):
        return str(error)
    return f"{type(error).__name__}: {str(error)[:200]}"
