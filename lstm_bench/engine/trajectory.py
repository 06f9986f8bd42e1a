"""Everything a network computes on the way: states, gates and outputs at every step.

The plain loop over the equations, one part of the network after another, for looking into a trained
network: nothing is trained by it. In a deeper network, names start as those of parameters do, with
`layer2.` or `backward.`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lstm_bench.cells.base import Params, State
from lstm_bench.cells.rows import SequenceCell
from lstm_bench.engine.network import Network, Part, part_params


@dataclass(frozen=True)
class Trajectory:
    """What R replicates compute in T steps of B sequences.

    states    by name, a tensor (R, n, B) a step; the very tensors that later steps read
    gates     by name, likewise; empty unless asked for, and of a cell without gates
    outputs   (R, k, T * B)
    """

    states: Mapping[str, Sequence[Tensor]]
    gates: Mapping[str, Sequence[Tensor]]
    outputs: Tensor


def trajectory(
    network: Network, params: Params, inputs: Tensor, *, with_gates: bool = False
) -> Trajectory:
    """Run a network over inputs (T, R or 1, D, B), from its initial state on."""
    R, B = len(params.V), inputs.shape[3]
    starts = network.split(network.initial_state(R, B, params.V))
    states: dict[str, list[Tensor]] = {}
    gates: dict[str, list[Tensor]] = {}
    hidden = inputs
    for layer in range(1, network.options.layers + 1):
        read = []
        for part in (part for part in network.parts if part.layer == layer):
            seen, opened = _run(network, part, params, hidden, next(starts), with_gates)
            for name, values in zip(network.cell.state, zip(*seen)):
                states[part.prefix + name] = list(values)
            for name in opened[0] if opened else ():
                gates[part.prefix + name] = [each[name].expand(R, -1, B) for each in opened]
            read.append(torch.stack([state[0] for state in seen]))
        hidden = torch.cat(read, dim=2) if len(read) > 1 else read[0]
    return Trajectory(states, gates, network.read(params, hidden, inputs))


def _run(
    network: Network, part: Part, params: Params, inputs: Tensor, state: State, with_gates: bool
) -> tuple[list[State], list[dict[str, Tensor]]]:
    """States and gates of one cell of the network, in the order of the sequence."""
    cell = network.cell
    p = cell.prepare(part_params(params, part.prefix))
    states: list[State] = []
    gates: list[dict[str, Tensor]] = []
    inputs = inputs.flip(0) if part.backward else inputs
    if isinstance(cell, SequenceCell):
        states = [(h,) for h in cell.sequence(p, inputs, state)]
        return states[::-1] if part.backward else states, gates
    for x in inputs:
        if with_gates:
            gates.append(cell.gates(p, x, state))
        state = cell.step(p, x, state)
        states.append(state)
    return (states[::-1], gates[::-1]) if part.backward else (states, gates)


def step(network: Network, params: Params, x: Tensor, state: State) -> State:
    """The next state of a network that reads forwards: every layer sees the one below at once."""
    after: list[Tensor] = []
    for part, before in zip(network.parts, network.split(state)):
        p = network.cell.prepare(part_params(params, part.prefix))
        new = network.cell.step(p, x, before)
        after += new
        x = new[0]
    return tuple(after)


def jacobian(network: Network, params: Params, x: Tensor, state: State) -> Tensor:
    """ds_t / ds_{t-1} of each sequence, (R, B, n, n): row i is the gradient of the i-th of s_t.

    s is the whole state, its parts one after another. x (R or 1, D, B), the state each (R, n_i, B).
    """
    with torch.enable_grad():
        before = torch.cat(state, dim=1).requires_grad_()
        parts = before.split([part.shape[1] for part in state], dim=1)
        after = torch.cat(step(network, params, x.detach(), parts), dim=1)
        # sequences and replicates do not see each other: one sum serves them all
        rows = [
            torch.autograd.grad(row.sum(), before, retain_graph=True)[0] for row in after.unbind(1)
        ]
    return torch.stack(rows, dim=1).permute(0, 3, 1, 2)
