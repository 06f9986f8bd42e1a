"""Held-out sequences, drawn by seed and never stored; loss and score of replicates on them.

Every seed has its own validation, confirmation and test sequences, the same for every cell: cells
are paired, and replicates are independent. They come from a stream of the task, its options, T, the
seed and the split; T = 4,096 and twenty seeds would fill gigabytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lstm_bench.cells.base import Params
from lstm_bench.engine import by_torch
from lstm_bench.engine.network import Network
from lstm_bench.engine.parameters import in_company
from lstm_bench.tasks import Batch, Task, generator
from lstm_bench.training.data import PADDING, Tensors, tensors
from lstm_bench.training.losses import replicate_losses

DRAWN = 512  # sequences at a time: what is tested once need not be in memory at once
CHUNK = 128  # of them through the network at a time: the working set of a step stays in the cache
# of a task with a finite pool: confirmation leaves that of the test untouched
SPLIT_OF = {"confirmation": "validation", "probe": "test"}


def draw(task: Task, T: int, split: str, seed: int, size: int, attempt: int = 0) -> Iterator[Batch]:
    """A seed's sequences for "validation", "confirmation", "test" or a "probe" of what is stored.

    They come at most `DRAWN` at a time.

    attempt   a confirmation's number: each has new sequences
    """
    fixed = task.held_out(T, SPLIT_OF.get(split, split), size)
    if fixed is not None:  # those of a file: no seed has others
        yield from fixed
        return
    parts = -(-size // DRAWN)
    for part in range(parts):
        rng = generator(split, task, T, seed=seed, counter=attempt * parts + part)
        count = min(DRAWN, size - part * DRAWN)
        yield task.sample_split(rng, count, T, SPLIT_OF.get(split, split))


@dataclass(frozen=True)
class Chunk:
    """Sequences of R replicates side by side, ready to run.

    asked    (R,) how many places of each are asked: its share of the mean loss
    answers  of each replicate, what the score is taken on, at the steps that are read
    """

    data: Tensors
    asked: Tensor
    answers: tuple[Batch, ...]

    def keep(self, rows: Tensor) -> Chunk:
        """That of some of the replicates."""
        data, places = self.data, rows.tolist()
        kept = Tensors(
            data.inputs[:, rows].contiguous(),
            data.targets[rows],
            data.weights[rows],
            data.steps,
            data.size,
        )
        return Chunk(kept, self.asked[rows], tuple(self.answers[row] for row in places))


def chunks(task: Task, T: int, batches: Sequence[Batch], device: torch.device) -> Iterator[Chunk]:
    """One batch a replicate, all of one size, cut into chunks."""
    steps, size = task.target_steps(T), PADDING if task.reads_tokens else CHUNK
    for start in range(0, len(batches[0].inputs), size):
        rows = [batch.rows(slice(start, start + size)) for batch in batches]
        asked = torch.tensor([float(each.mask.sum()) for each in rows], device=device)
        yield Chunk(tensors(rows, steps, device), asked, tuple(each.at(steps) for each in rows))


def drawn_chunks(
    task: Task,
    T: int,
    split: str,
    seeds: Sequence[int],
    size: int,
    device: torch.device,
    attempt: int = 0,
) -> Iterator[Chunk]:
    """The sequences of these seeds, see `draw`; each chunk is made when it is asked for."""
    for batches in zip(*(draw(task, T, split, seed, size, attempt) for seed in seeds)):
        yield from chunks(task, T, batches, device)


def evaluate(
    network: Network, weights: Tensor, task: Task, held_out: Iterable[Chunk], backend: str
) -> tuple[list[float], list[float]]:
    """Mean loss and score of each row of `weights` (R, size) on its own sequences."""
    R, weights = len(weights), in_company(weights) if by_torch(backend) else weights
    params, copies = Params(network.layout.views(weights)), len(weights) // R
    answered: list[np.ndarray] = []
    answers: list[tuple[Batch, ...]] = []
    scored: list[list[float]] = []  # of tokens, by chunk: all outputs at once are not held
    counts: list[np.ndarray] = []
    losses, asked = weights.new_zeros(R), weights.new_zeros(R)
    with torch.no_grad():
        for chunk in held_out:
            data = chunk.data
            inputs, targets, shares = (
                each.repeat_interleave(copies, dim) if copies > 1 else each
                for each, dim in ((data.inputs, 1), (data.targets, 0), (data.weights, 0))
            )
            y = network.outputs_at(params, inputs, data.steps, backend=backend, size=data.size)
            losses += replicate_losses(task.loss, y, targets, shares)[:R] * chunk.asked
            asked += chunk.asked
            shaped = y.unflatten(2, (len(data.steps), -1))[:R, ..., : data.size]  # (R, k, S, B)
            outputs = shaped.permute(0, 3, 2, 1).cpu().numpy()
            if task.reads_tokens:
                scored.append([task.score(outputs[r], chunk.answers[r]) for r in range(R)])
                counts.append(chunk.asked.cpu().numpy())
            else:
                answered.append(outputs)
                answers.append(chunk.answers)
    if task.reads_tokens:
        scores = np.average(scored, axis=0, weights=counts).tolist()
    else:
        whole = np.concatenate(answered, axis=1)
        scores = [task.score(whole[r], joined([each[r] for each in answers])) for r in range(R)]
    return (losses / asked).tolist(), scores


def reference_losses(task: Task, batch: Batch) -> tuple[float, float]:
    """The losses of the best answer without memory, and of the perfect one, on these sequences."""
    size = PADDING if task.reads_tokens else max(len(batch.inputs), 1)
    pieces = [batch.rows(slice(i, i + size)) for i in range(0, len(batch.inputs), size)]
    losses = [
        [task.evaluate_loss(answer(piece), piece) for answer in (task.memoryless, task.perfect)]
        for piece in pieces
    ]
    if len(losses) == 1:
        return losses[0][0], losses[0][1]
    chance, optimal = np.average(losses, axis=0, weights=[p.mask.sum() for p in pieces])
    return float(chance), float(optimal)


def joined(batches: Sequence[Batch]) -> Batch:
    """Sequences of several batches as one."""
    fields = {name: [getattr(batch, name) for batch in batches] for name in Batch._fields}
    return Batch(**{k: np.concatenate(v) for k, v in fields.items() if v[0] is not None})
