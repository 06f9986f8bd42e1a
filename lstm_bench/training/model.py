"""The training loop: the replicates of a seed block side by side.

Each replicate has its own data, initial weights, gradient norm, stopping and status; the leading
axis of every tensor is the replicate. Those that stop are taken out, and the rest go on with the
same numbers they would have had alone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lstm_bench import engine, tasks
from lstm_bench.cells.base import State
from lstm_bench.engine.chunks import ThroughTime
from lstm_bench.engine.network import Network
from lstm_bench.engine.parameters import in_company
from lstm_bench.errors import BenchError, unknown
from lstm_bench.spec import Condition, SeedBlock, Training, next_evaluation
from lstm_bench.tasks import Batch
from lstm_bench.tasks.in_order import trained_steps
from lstm_bench.training import optimisers
from lstm_bench.training.clipping import clip
from lstm_bench.training.curriculum import Start
from lstm_bench.training.data import tensors
from lstm_bench.training.held_out import HeldOut, Measured
from lstm_bench.training.losses import REDUCTIONS, replicate_losses, summed
from lstm_bench.training.stateful import started, stream_of
from lstm_bench.training.stopping import Progress, StoppingRule

Curve = dict[str, float | int]


@dataclass
class ReplicateBatch:
    """The seed block in training. `weights`, `loss_sum` and the rest hold the active rows only."""

    condition: Condition
    block: SeedBlock
    network: Network
    task: tasks.Task
    device: torch.device
    backend: str
    weights: Tensor
    optimiser: optimisers.Optimiser
    progress: list[Progress]
    active: list[int]
    final: Tensor
    loss_sum: Tensor
    norm_sum: Tensor
    bad_update: Tensor
    asked: tuple[int, ...]
    best: Tensor  # of every replicate, at its lowest validation loss; kept where `keep` is best
    state: State | None = None  # of the active rows after the last update, where it is carried
    update: int = 0
    since_evaluation: int = 0
    seconds: float = 0.0
    evaluation_seconds: float = 0.0
    curves: list[Curve] = field(default_factory=list)

    @classmethod
    def create(
        cls,
        condition: Condition,
        block: SeedBlock,
        device: torch.device,
        backend: str = "auto",
        starts: Sequence[Start] = (),
    ) -> ReplicateBatch:
        """Every seed of the block at its fresh weights, or at one of `starts` each."""
        task = tasks.create(condition.task, condition.task_options)
        task.require(condition.T)
        network = Network.of(condition, task)
        weights = network.pack(block.seeds, torch.zeros(1, device=device))
        if starts:
            weights = network.layout.pack([start.weights for start in starts], weights[:1])
        t, R = condition.training, len(block.seeds)
        _check(t)
        return cls(
            condition=condition,
            block=block,
            network=network,
            task=task,
            device=device,
            backend=network.backend(weights, backend),
            weights=weights,
            optimiser=optimisers.create(t.optimiser, weights, t.learning_rate, t.momentum),
            progress=[
                Progress(seed, spent=start.spent if start else 0)
                for seed, start in zip_longest(block.seeds, starts)
            ],
            active=list(range(R)),
            final=weights.clone(),
            loss_sum=weights.new_zeros(R),
            norm_sum=weights.new_zeros(R),
            bad_update=torch.full((R,), -1, device=device),
            asked=trained_steps(task, condition.T, t.stateful),
            best=weights.clone(),
        )

    def train(self, *, after_update: Callable[[ReplicateBatch], None] = lambda model: None) -> None:
        """Train until every replicate has a status. `after_update` may raise to interrupt."""
        t = self.condition.training
        milestones = self.task.milestones(self.condition.T)
        rule = StoppingRule(t, self.task.solved_score, milestones)
        held_out = self._held_out()
        held_out.draw_validation([self.progress[r] for r in self.active])
        streams = [stream_of(self.condition, seed) for seed in self.block.seeds]
        if self.update == 0 and not self.curves:
            self._evaluate(held_out, rule)
        evaluated = self.update - self.since_evaluation
        due = next_evaluation(evaluated, t)
        while self.active:
            begun = time.perf_counter()
            begins = [streams[r].begins(self.update) for r in self.active]
            self.step([streams[r](self.update) for r in self.active], begins)
            elapsed = time.perf_counter() - begun
            self.seconds += elapsed
            for r in self.active:
                self.progress[r].train_seconds += elapsed / len(self.active)
            if self.update >= min(due, t.share):
                self._evaluate(held_out, rule)
                due = next_evaluation(self.update, t)
            after_update(self)

    def tested(self) -> Measured:
        """Loss and score of every replicate's final weights on its test sequences, read once."""
        return self._held_out().test(self.final, self.block.seeds)

    def _held_out(self) -> HeldOut:
        return HeldOut(self.condition, self.task, self.network, self.device, self.backend)

    def step(self, batches: list[Batch], begins: Sequence[Any] = ()) -> None:
        """One update of every active replicate: forward, backward, clip, optimiser.

        begins   by replicate, which sequences do not go on where the update before ended; without
                 it, all
        """
        t, layout = self.condition.training, self.network.layout
        weights, rows = self.weights, len(self.active)
        if engine.by_torch(self.backend):
            weights = in_company(weights)
        data = tensors(batches * (len(weights) // rows), self.asked, self.device)
        leaves = layout.leaves(weights)
        state = None
        if self.state is not None and begins:
            state = started(self.network, self.state, np.stack(begins), weights)
        outputs, after = self.network.run(
            leaves,
            data.inputs,
            data.steps,
            state,
            backend=self.backend,
            size=data.size,
            through=ThroughTime.of(t),
        )
        if t.stateful:
            self.state = tuple(part.detach()[:rows] for part in after)
        losses = replicate_losses(self.task.loss, outputs, data.targets, data.weights)
        objective = self._objective(losses, batches)
        gradients = torch.autograd.grad(objective, list(leaves.values()), allow_unused=True)
        flat = torch.zeros_like(self.weights)
        found = [(v, g) for v, g in zip(layout.views(flat).values(), gradients) if g is not None]
        torch._foreach_copy_([view for view, _ in found], [g[:rows] for _, g in found])
        norms = clip(flat, t.clip, t.clip_at)
        losses = losses.detach()[:rows]
        self.update += 1
        self.since_evaluation += 1
        if t.weight_decay:
            self.weights.mul_(1 - t.learning_rate * t.weight_decay)
        self.optimiser.step(self.weights, flat, self.update)
        bad = ~(torch.isfinite(losses) & torch.isfinite(norms)) & (self.bad_update < 0)
        self.bad_update.masked_fill_(bad, self.update)
        self.loss_sum += losses
        self.norm_sum += norms

    def _objective(self, losses: Tensor, batches: list[Batch]) -> Tensor:
        """What is differentiated, for all replicates at once: see `Training.reduction`."""
        if self.condition.training.reduction == "mean":
            return losses.sum()
        kind, outputs = self.task.loss, self.task.outputs
        asked = [float(batch.mask.sum()) / len(batch.mask) for batch in batches]
        factors = [summed(kind, outputs, each) for each in asked]
        copies = len(losses) // len(batches)  # see `in_company`
        return (losses * losses.new_tensor(factors * copies)).sum()

    def _evaluate(self, held_out: HeldOut, rule: StoppingRule) -> None:
        """Measure every active replicate, and take out those that stop."""
        begun = time.perf_counter()
        losses, scores = held_out.validation(self.weights)
        count = self.since_evaluation
        means = [(x / count).tolist() if count else None for x in (self.loss_sum, self.norm_sum)]
        bad = self.bad_update.tolist()
        for row, r in enumerate(self.active):
            p = self.progress[r]
            self.curves.append(
                {
                    "seed": p.seed,
                    "update": self.update,
                    "train_loss": means[0][row] if means[0] else float("nan"),
                    "gradient_norm": means[1][row] if means[1] else float("nan"),
                    "validation_loss": losses[row],
                    "validation_score": scores[row],
                }
            )
            if bad[row] >= 0 or not math.isfinite(losses[row]):
                p.finish("diverged", "not finite", bad[row] if bad[row] >= 0 else self.update)
                continue
            met = rule.observe(p, self.update, losses[row], scores[row])
            if p.best_update == self.update:
                self.best[r] = self.weights[row]
            if met and self._confirmed(held_out, p, row, rule):
                p.solve(met)
            rule.stop(p, self.update)
        self.loss_sum.zero_()
        self.norm_sum.zero_()
        self.since_evaluation = 0
        kept = self._retire()
        if kept is not None:
            held_out.keep(kept)
        self.evaluation_seconds += time.perf_counter() - begun

    def _confirmed(self, held_out: HeldOut, p: Progress, row: int, rule: StoppingRule) -> bool:
        """Whether a replicate meets the criterion on fresh sequences, new at every attempt."""
        size, weights = self.condition.training.confirmation_size, self.weights[row : row + 1]
        if size is None:
            return True
        score = held_out.confirmation(weights, p.seed, size, attempt=p.confirmations)
        p.confirmations += 1
        return rule.meets(score)

    def _retire(self) -> Tensor | None:
        """Put the weights of stopped replicates aside; returns the rows that stay, if some went."""
        stay = [row for row, r in enumerate(self.active) if self.progress[r].status is None]
        if len(stay) == len(self.active):
            return None
        for row, r in enumerate(self.active):
            if row not in stay:
                kept = self.condition.training.keep
                self.final[r] = self.best[r] if kept == "best" else self.weights[row]
        rows = torch.tensor(stay, dtype=torch.long, device=self.device)
        self.weights = self.weights[rows]
        self.optimiser.keep(rows)
        self.loss_sum, self.norm_sum = self.loss_sum[rows], self.norm_sum[rows]
        self.bad_update = self.bad_update[rows]
        if self.state is not None:
            self.state = tuple(part[rows] for part in self.state)
        self.active = [self.active[row] for row in stay]
        return rows

    def abandon(self, status: str, reason: str) -> None:
        """Give every replicate still in training this status (time-out, out of memory)."""
        for r in self.active:
            self.progress[r].finish(status, reason, self.update)
        self._retire()

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint has to hold beside plain data."""
        named = {"weights": self.weights, "final": self.final, "bad_update": self.bad_update}
        sums = {"loss_sum": self.loss_sum, "norm_sum": self.norm_sum}
        if self.condition.training.keep == "best":
            named["best"] = self.best
        named |= {f"state.{i}": part for i, part in enumerate(self.state or ())}
        return {**named, **sums, **{f"optimiser.{k}": v for k, v in self.optimiser.state.items()}}

    def restore(self, tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
        """Go on where a checkpoint stopped."""
        for name in ("weights", "final", "bad_update", "loss_sum", "norm_sum"):
            setattr(self, name, tensors[name])
        self.best = tensors.get("best", self.best)
        parts = sum(name.startswith("state.") for name in tensors)  # a file has them in any order
        self.state = tuple(tensors[f"state.{i}"] for i in range(parts)) or None
        self.optimiser.state = {k: tensors[f"optimiser.{k}"] for k in self.optimiser.state}
        self.progress = [
            Progress(**{**p, "met": [(u, s) for u, s in p["met"]]}) for p in about["progress"]
        ]
        self.active, self.update = about["active"], about["update"]
        self.since_evaluation, self.curves = about["since_evaluation"], about["curves"]
        self.seconds, self.evaluation_seconds = about["seconds"], about["evaluation_seconds"]


def _check(t: Training) -> None:
    """Raise BenchError for a word that is none of those allowed, or a set that cannot be."""
    allowed = {"reduction": REDUCTIONS, "stop": ("solved", "budget"), "keep": ("last", "best")}
    for name, words in allowed.items():
        if getattr(t, name) not in words:
            raise unknown(name, getattr(t, name), words)
    if t.weight_decay < 0:
        raise BenchError(f"weight_decay: {t.weight_decay:g} is not allowed; it must be at least 0.")
    if t.train_distinct is not None and not 1 <= t.train_distinct <= (t.train_size or 0):
        raise BenchError(
            f"train_distinct: {t.train_distinct} is not allowed; it must be between 1 and "
            f"train_size ({t.train_size})."
        )
