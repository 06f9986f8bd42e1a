"""What a cell promises of what it sees: no future, no neighbour, its past, nothing random."""

from __future__ import annotations

import torch

from lstm_bench import engine
from lstm_bench.cells.base import Cell, Params
from lstm_bench.cells.rows import RowCell
from lstm_bench.check.cells.sampling import (
    BATCH,
    EXACT,
    INPUTS,
    REPLICATES,
    STEPS,
    WIDE,
    apart,
    hidden_states,
    network_of,
    random_inputs,
    random_params,
    random_state,
    width_of,
)
from lstm_bench.check.promises import hold
from lstm_bench.engine.parameters import in_company


def sees_no_future(cell: Cell) -> None:
    params, inputs = random_params(cell), random_inputs()
    before = hidden_states(cell, params, inputs)
    for k in range(STEPS):
        changed = inputs.clone()
        changed[k] += 1
        after = hidden_states(cell, params, changed)
        moved = apart(after[:k], before[:k])
        hold(
            moved <= EXACT,
            f"{cell.name} sees input {k} before step {k}: changed by 1, it moves an earlier hidden "
            f"state by {moved:.2g}",
        )
        hold(apart(after[k], before[k]) > 0, f"{cell.name} does not see its input at step {k}")


def carries_its_state(cell: Cell) -> None:
    params, inputs = random_params(cell), random_inputs()
    changed = inputs.clone()
    changed[0] += 1
    moved = apart(hidden_states(cell, params, changed)[1], hidden_states(cell, params, inputs)[1])
    hold(
        moved > EXACT,
        f"{cell.name} does not carry its state: input 0 changed by 1 moves the hidden state of the "
        f"next step by {moved:.2g}",
    )


def keeps_sequences_apart(cell: Cell) -> None:
    params, inputs = random_params(cell), random_inputs()
    before = hidden_states(cell, params, inputs)
    for b in range(BATCH):
        rest = [i for i in range(BATCH) if i != b]
        for change in (1.0, float("nan")):
            changed = inputs.clone()
            changed[..., b] += change
            moved = apart(hidden_states(cell, params, changed)[..., rest], before[..., rest])
            hold(
                moved <= EXACT,
                f"in {cell.name} a sequence depends on another of its batch: that one changed by "
                f"{change:g} moves it by {moved:.2g}",
            )


def keeps_replicates_apart(cell: Cell) -> None:
    params, inputs = random_params(cell), random_inputs()
    before = hidden_states(cell, params, inputs)
    for r in range(REPLICATES):
        changed = {name: value.clone() for name, value in params.items()}
        for value in changed.values():
            value[r] = float("nan")
        after = hidden_states(cell, Params(changed), inputs)
        rest = [i for i in range(REPLICATES) if i != r]
        moved = apart(after[:, rest], before[:, rest])
        hold(
            moved == 0,
            f"in {cell.name} a replicate depends on another: without its weights it moves by "
            f"{moved:.2g}",
        )


def repeats_itself(cell: Cell) -> None:
    params, inputs = random_params(cell), random_inputs()
    with torch.random.fork_rng(devices=[]):
        runs = [hidden_states(cell, params, inputs) for _ in range(3)]
    off = max(apart(run, runs[0]) for run in runs)
    hold(
        off == 0,
        f"{cell.name} draws random numbers or keeps some: called again with the same weights and "
        f"inputs it gives others, by up to {off:.2g}",
    )


def leaves_what_it_is_given(cell: Cell) -> None:
    params, x, state = random_params(cell), random_inputs()[0], random_state(cell)
    if isinstance(cell, RowCell):  # what its own forward is given, not copies
        shapes = cell.shapes(INPUTS, width_of(cell), 1)
        weights = {name: params[name][0].reshape(shape).clone() for name, shape in shapes.items()}
        rows = tuple(part[0].mT.contiguous() for part in state)
        x = x[0].mT.contiguous()
        given = {"the input": x, **{f"part {i} of the state": p for i, p in enumerate(rows)}}
        kept = {name: tensor.clone() for name, tensor in given.items()}
        cell.one(weights, x, rows)
    else:
        given = {"the input": x, **dict(zip((f"its {name}" for name in cell.state), state))}
        kept = {name: tensor.clone() for name, tensor in given.items()}
        cell.step(cell.prepare(params), x, state)
    for name, tensor in given.items():
        off = apart(tensor, kept[name])
        hold(off == 0, f"{cell.name} changes {name} in place, by up to {off:.2g}")


def is_the_same_in_company(cell: Cell) -> None:
    """In float32, on what will run it: alone, in two and in eight, with gradients."""
    network, steps = network_of(cell, width_of(cell, WIDE)), [STEPS - 1]
    flat = network.pack(range(8), torch.zeros(1))
    backend = network.backend(flat)
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(STEPS, 8, INPUTS, 32, generator=generator)
    found = []
    for count in (8, 2, 1):
        rows, x = flat[:count], inputs[:, :count]
        if engine.by_torch(backend):
            rows = in_company(rows)
            x = torch.cat([x] * (len(rows) // count), dim=1)
        p = network.layout.leaves(rows)
        y = network.outputs_at(p, x, steps, backend=backend)
        grads = torch.autograd.grad(y.square().sum(), list(p.values()), allow_unused=True)
        found.append([y[0].detach(), *(g[0] for g in grads if g is not None)])
    for count, values in zip((2, 1), found[1:]):
        off = max(apart(a, b) for a, b in zip(values, found[0]))
        where = "alone" if count == 1 else f"in {count}"
        hold(
            off == 0,
            f"a replicate of {cell.name} has other numbers {where} than in eight, by {off:.2g}",
        )
