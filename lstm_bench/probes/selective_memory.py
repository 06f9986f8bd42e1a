"""What trained gates let in, how long they keep it, what the state still knows, what a gate is for.

Everything is read off stored weights on held-out sequences; nothing is trained. Networks of more
layers than one, or that read backwards, are left out: their gates answer to each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
import torch
from torch import Tensor

from lstm_bench import tasks
from lstm_bench.cells.base import Cell, Params
from lstm_bench.engine.network import Network
from lstm_bench.probes import stored
from lstm_bench.probes.readout import memory_curve
from lstm_bench.probes.stored import Stored, finite
from lstm_bench.training.data import tensors
from lstm_bench.training.evaluation import chunks

VERSION = "selective_memory 2"
CPU = torch.device("cpu")
GATES = ("f", "i", "o", "z", "r")  # what may be clamped, where it is a gate with weights of its own
SLOW = 0.9  # the share of the units that keep a state for less time
SOUGHT = 256  # sequences the best unit is sought and measured in: sorting them costs the most


@dataclass(frozen=True)
class Run:
    """A pass of R replicates over B sequences of L steps.

    states   (L, R, S, B), all state vectors side by side; gates   by name, each (L, R, H, B)
    """

    states: np.ndarray
    gates: dict[str, np.ndarray]


def measure(settings: Mapping[str, Any]) -> Iterator[dict[str, object]]:
    """Rows (condition, seed, measure, of, gate, lag, value); `of` says under which condition.

    auc        how well the mean over units of the gate that writes tells relevant steps: 1 always
               more open there, 0.5 no better than chance. `trained`; `untrained`, at the initial
               weights; `shuffled`, against the relevance of another sequence: what a clock alone
               would reach
    best_auc   the same of the one unit that tells them best on the first half of the sequences,
               measured on the other half
    open       the mean of a gate at `relevant` and at `irrelevant` steps
    constant   steps until the gate that keeps leaves 1/e of a state, -1 / mean log f over
               `irrelevant` steps: that of the slowest tenth of the units begins here
    memory     R² of a ridge regression from the state to the input shown `lag` steps before, on
               sequences it was not fitted to: of the last `relevant` input, of `irrelevant` ones,
               and of the relevant one in the `untrained` network
    loss       held-out loss as a share of the chance loss, `intact` and with one gate clamped
               to its mean over steps and sequences, each unit to its own; `score` likewise
    trace      the mean over units of a gate at step `lag` of the first sequence
    """
    for block in stored.stored(settings):
        options = block.network.options
        if options.layers > 1 or options.bidirectional:
            continue
        c = block.condition
        batch = stored.held_out(c, c.T, settings["sequences"])
        task = tasks.create(c.task, c.task_options)
        relevant = task.relevance(batch)
        if relevant is None:
            continue
        trained = _run(block, block.weights, batch)
        untrained = _run(block, block.untrained(), batch)
        for r, seed in enumerate(block.seeds):
            if not np.isfinite(trained.states[:, r]).all():
                continue  # diverged
            about = {"condition": c.id, "seed": seed}
            cell = block.network.cell
            for row in _of_one(cell, r, trained, untrained, batch, relevant, settings["lags"]):
                yield {**about, **row}
        for seed_row in _clamped(block, task, batch, trained):
            yield {"condition": c.id, **seed_row}


def _row(measure: str, of: str, value: float, gate: str = "", lag: int = -1) -> dict[str, object]:
    return {"measure": measure, "of": of, "gate": gate, "lag": lag, "value": finite(value)}


def _run(block: Stored, weights: Tensor, batch: tasks.Batch) -> Run:
    cell, network = block.network.cell, block.network
    params = cell.prepare(Params(network.layout.views(weights)))
    inputs = tensors([batch], (0,), CPU).inputs
    state = network.initial_state(len(weights), inputs.shape[3], weights)
    size, states, gates = len(batch.inputs), [], []
    with torch.no_grad():
        for x in inputs.unbind(0):
            gates.append(cell.gates(params, x, state))
            state = cell.step(params, x, state)
            states.append(torch.cat(state, dim=1)[..., :size])
    named = {
        name: torch.stack([g[name].expand(len(weights), -1, -1)[..., :size] for g in gates]).numpy()
        for name in gates[0]
    }
    return Run(torch.stack(states).numpy(), named)


def roles(cell: Cell, gates: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The gate that `write`s and the one that `keep`s, where the cell has both."""
    found = cell.by_role(gates)
    wanted: tuple[str, ...] = ("write", "keep")
    return {role: found[role] for role in wanted} if {*wanted} <= found.keys() else {}


def _of_one(
    cell: Cell,
    r: int,
    trained: Run,
    untrained: Run,
    batch: tasks.Batch,
    relevant: np.ndarray,
    lags: list[int],
) -> Iterator[dict[str, object]]:
    """All that is measured of replicate r but the clamps."""
    # steps of a sequence that has ended are no part of it
    running = np.flip(np.maximum.accumulate(np.flip(batch.mask, axis=1), axis=1), axis=1) > 0
    own, start = (
        roles(cell, {k: g[:, r] for k, g in run.gates.items()}) for run in (trained, untrained)
    )
    if own:
        yield from _gate_rows(own, start, relevant, running)
    other = relevant & running
    for of, run, wanted in (
        ("relevant", trained, other),
        ("irrelevant", trained, ~relevant & running),
        ("untrained", untrained, other),
    ):
        fresh = relevant if of != "irrelevant" else None
        for lag, value in memory_curve(
            run.states[:, r], batch.inputs, wanted, running, lags, superseded=fresh
        ).items():
            yield _row("memory", of, value, lag=lag)


def _gate_rows(
    own: Mapping[str, np.ndarray],
    start: Mapping[str, np.ndarray],
    relevant: np.ndarray,
    running: np.ndarray,
) -> Iterator[dict[str, object]]:
    """AUCs, mean openings, the time constant and a trace; gates are (L, H, B)."""
    shuffled = np.roll(relevant, 1, axis=0)
    for of, gates, wanted in (
        ("trained", own, relevant),
        ("shuffled", own, shuffled),
        ("untrained", start, relevant),
    ):
        units = gates["write"].transpose(1, 2, 0)  # (H, B, L)
        yield _row("auc", of, auc(units.mean(axis=0)[running], wanted[running]), "write")
        yield _row("best_auc", of, best_auc(units, wanted, running), "write")
    for name, gate in own.items():
        mean = gate.mean(axis=1).T
        yield _row("open", "relevant", mean[relevant & running].mean(), name)
        yield _row("open", "irrelevant", mean[~relevant & running].mean(), name)
        for step in np.flatnonzero(running[0]):
            of = "relevant" if relevant[0, step] else "irrelevant"
            yield _row("trace", of, mean[0, step], name, int(step))
    idle = (~relevant & running).T  # (L, B)
    logs = np.log(np.clip(own["keep"].transpose(0, 2, 1)[idle], 1e-12, 1 - 1e-12)).mean(axis=0)
    yield _row("constant", "irrelevant", float(np.quantile(-1 / logs, SLOW)), "keep")


def auc(values: np.ndarray, positive: np.ndarray) -> float:
    """The chance that a positive's value exceeds a negative's, ties counting one half; (n,) each.

    NaN where there is none of either kind.
    """
    n, m = int(positive.sum()), int((~positive).sum())
    if n == 0 or m == 0:
        return float("nan")
    return float((scipy.stats.rankdata(values)[positive].sum() - n * (n + 1) / 2) / (n * m))


def best_auc(units: np.ndarray, positive: np.ndarray, running: np.ndarray) -> float:
    """The AUC, on one half of the sequences, of the unit with the largest on the other half.

    units (H, B, L); positive and running (B, L) bool. The largest of H on the sequences it was
    chosen by would exceed 0.5 by luck alone. At most `SOUGHT` sequences; NaN where a half of them
    has none of either kind.
    """
    half = min(SOUGHT, len(positive)) // 2
    first, second = slice(half), slice(half, 2 * half)

    def of(unit: np.ndarray, part: slice) -> float:
        return auc(unit[part][running[part]], positive[part][running[part]])

    chosen = np.argmax([of(unit, first) for unit in units])
    return of(units[chosen], second)


def clamped(network: Network, weights: Tensor, gate: str, value: np.ndarray) -> Tensor | None:
    """The weights (R, size) with a gate held at `value` (R, H), each replicate and unit its own.

        g_t = σ(W_g x_t + U_g h_{t-1} + b_g)   with   W_g = U_g = 0,  b_g = log(v / (1 - v))

    and so for whatever else the gate sees (peepholes, other gates). None where the cell has no such
    gate.
    """
    shapes = network.layout.slots
    if f"W_{gate}" not in shapes or f"b_{gate}" not in shapes:
        return None
    held = weights.clone()
    views = network.layout.views(held)
    for name, view in views.items():
        if name in (f"W_{gate}", f"U_{gate}", f"p_{gate}") or (
            name[:2] == "R_" and name[3] == gate
        ):
            view.zero_()
    v = torch.from_numpy(np.clip(value, 1e-6, 1 - 1e-6))
    views[f"b_{gate}"].copy_(torch.logit(v)[..., None])
    return held


def _clamped(
    block: Stored, task: tasks.Task, batch: tasks.Batch, run: Run
) -> Iterator[dict[str, object]]:
    """Loss and score of every replicate, intact and with each of its gates at its mean."""
    T, same = block.condition.T, [batch] * len(block.seeds)
    held_out = list(chunks(task, T, same, CPU))
    floor = task.evaluate_loss(task.memoryless(batch), batch)
    backend = block.network.backend(block.weights)
    few = batch.rows(slice(0, 8))
    variants: dict[str, Tensor] = {"": block.weights}
    alive = np.isfinite(run.states).all(axis=(0, 2, 3))  # those that diverged say nothing of a gate
    for name in [name for name in GATES if name in run.gates]:
        mean = run.gates[name].mean(axis=(0, 3))
        held = clamped(block.network, block.weights, name, mean)
        # a gate of other equations (normalised, coupled) would stand elsewhere: nothing is said
        if held is not None and np.allclose(
            _run(block, held, few).gates[name][:, alive], mean[None, alive, :, None], atol=1e-3
        ):
            variants[name] = held
    for name, weights in variants.items():
        losses, scores = stored.judged(block.network, weights, task, held_out, backend)
        of = "clamped" if name else "intact"
        for seed, loss, score in zip(block.seeds, losses, scores):
            yield {"seed": seed, **_row("loss", of, loss / floor, name)}
            yield {"seed": seed, **_row("score", of, score, name)}


def code_identity(settings: Mapping[str, object]) -> str:
    return stored.code_identity(settings, VERSION)
