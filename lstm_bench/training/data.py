"""Batches as tensors: feature-major, time first, padded to a multiple of 32 sequences.

A batch of R replicates is (L, R, inputs, B'); B' >= B. With B' a multiple of 32 every replicate
fills whole vector registers, so that its numbers do not depend on the replicates beside it. The
sequences added are the batch's own again, at weight zero: a sequence of another kind could overflow
where none of the batch does, and infinity times zero is no number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lstm_bench.engine.parameters import aligned
from lstm_bench.tasks import Batch, Task, generator, stream

PADDING = 32


@dataclass(frozen=True)
class Tensors:
    """R batches side by side.

    inputs (L, R, d, B'), or tokens (L, R, B'); targets (R, k, S * B') or class numbers (R, S * B');
    weights (R, S * B'), zero on padding, summing to 1 for each replicate; steps, the S steps where
    outputs are read; size, the number B of real sequences.
    """

    inputs: Tensor
    targets: Tensor
    weights: Tensor
    steps: tuple[int, ...]
    size: int


def tensors(batches: Sequence[Batch], steps: tuple[int, ...], device: torch.device) -> Tensors:
    """Pad, transpose and stack one batch a replicate; all have the same shape."""
    first = batches[0]
    batch, length, *features = first.inputs.shape
    padded, R, S = aligned(batch, PADDING), len(batches), len(steps)
    again = np.arange(padded) % batch if padded > batch else slice(None)
    at = places(steps)
    inputs = np.empty((length, R, *features, padded), np.float32 if features else np.int64)
    weights = np.zeros((R, S, padded), dtype=np.float32)
    classes = first.targets.ndim == 2
    targets = np.zeros(
        (R, S, padded) if classes else (R, first.targets.shape[2], S, padded),
        dtype=first.targets.dtype,
    )
    for r, each in enumerate(batches):
        inputs[:, r] = np.moveaxis(each.inputs[again], 0, -1)
        weights[r, :, :batch] = (each.mask[:, at] / max(each.mask.sum(), 1)).T  # or none is asked
        if classes:
            targets[r, :, :batch] = each.targets[:, at].T
        else:
            targets[r, :, :, :batch] = each.targets[:, at].transpose(2, 1, 0)
    flat = (R, S * padded) if classes else (R, targets.shape[1], S * padded)
    return Tensors(
        torch.from_numpy(inputs).to(device),
        torch.from_numpy(targets.reshape(flat)).to(device),
        torch.from_numpy(weights.reshape(R, S * padded)).to(device),
        steps,
        batch,
    )


def places(steps: tuple[int, ...]) -> slice | np.ndarray:
    """What takes these increasing steps out of an array: of neighbours a slice, a view."""
    if steps and steps[-1] - steps[0] == len(steps) - 1:
        return slice(steps[0], steps[-1] + 1)
    return np.array(steps, dtype=np.intp)


class TrainStream:
    """The training batches of one seed: a function of (task, T, seed, update).

    Without `train_size` every update draws fresh sequences; where the task says `draws_at_once`, so
    many updates share a draw, and a resumed run draws that again. With it the seed has a finite
    training set, and each update takes `batch` of its sequences, in an order shuffled anew every
    epoch. With `distinct` too, the set repeats so many sequences, the very ones of a set of that
    size.
    """

    def __init__(
        self,
        task: Task,
        T: int,
        seed: int,
        batch: int,
        train_size: int | None,
        distinct: int | None = None,
    ) -> None:
        self.task, self.T, self.seed, self.batch = task, T, seed, batch
        self._fresh = stream("train", task, T, seed=seed)
        self._drawn: tuple[int, Batch] | None = None
        self.finite: Batch | None = None
        if train_size is not None:
            rng = generator("train_set", task, T, seed=seed)
            drawn = task.sample_split(rng, distinct or train_size, T, "train")
            self.finite = drawn.rows(np.arange(train_size) % len(drawn.inputs))

    def __call__(self, update: int) -> Batch:
        if self.finite is None:
            return self._fresh_batch(update)
        rows = [self._row(place) for place in self._places(update)]
        return self.finite.rows(rows)

    def begins(self, update: int) -> np.ndarray | None:
        """Which sequences start anew: all, where no state is carried (`training.stateful`)."""
        return None

    def _fresh_batch(self, update: int) -> Batch:
        draw, place = divmod(update, self.task.draws_at_once)
        if self.task.draws_at_once == 1:
            return self._draw(draw)
        if self._drawn is None or self._drawn[0] != draw:
            self._drawn = (draw, self._draw(draw))
        return self._drawn[1].rows(slice(place * self.batch, (place + 1) * self.batch))

    def _draw(self, draw: int) -> Batch:
        count = self.batch * self.task.draws_at_once
        return self.task.sample_split(self._fresh(draw), count, self.T, "train")

    def _places(self, update: int) -> range:
        return range(update * self.batch, (update + 1) * self.batch)

    def _row(self, place: int) -> int:
        assert self.finite is not None
        size = len(self.finite.inputs)
        return int(self._order(place // size)[place % size])

    def _order(self, epoch: int) -> np.ndarray:
        assert self.finite is not None
        if getattr(self, "_cached", (None,))[0] != epoch:
            rng = generator("epoch", self.task, self.T, seed=self.seed, counter=epoch)
            self._cached = (epoch, rng.permutation(len(self.finite.inputs)))
        return self._cached[1]
