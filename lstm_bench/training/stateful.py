"""One long series or text straight through: the state after a batch is where the next one starts.

Training cuts the training part into pieces of T rows and deals them to the sequences of a batch as
B streams of neighbours, so that row b of an update goes on where row b of the one before ended. Its
state is handed on, its gradient is not: backpropagation through time truncated at T steps, with an
update at each cut (Williams & Peng 1990). Every step is asked, since the state knows what came
before the piece.

A held-out part is read in its order, too, and answers where windows of T rows would: the loss of
every item can be compared with that of a network that starts anew at each window.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from lstm_bench.cells.base import Params, State
from lstm_bench.engine import by_torch
from lstm_bench.engine.network import Network
from lstm_bench.engine.parameters import in_company
from lstm_bench.spec import Condition
from lstm_bench.tasks import Batch, Task, create, generator
from lstm_bench.tasks.in_order import InOrder, in_order
from lstm_bench.training.data import TrainStream, tensors
from lstm_bench.training.evaluation import joined
from lstm_bench.training.losses import LOSSES

LANES = 32  # sequences that a held-out part without breaks is read in, and read at a time
LANE = 16  # windows of T rows that each of them has, at least


def stream_of(condition: Condition, seed: int) -> TrainStream:
    """The batches that this condition trains a seed with, whoever asks for them."""
    task, t = create(condition.task, condition.task_options), condition.training
    if t.stateful:
        return StreamInOrder(in_order(task), condition.T, seed, t.batch)
    return TrainStream(task, condition.T, seed, t.batch, t.train_size, t.train_distinct)


class StreamInOrder(TrainStream):
    """Batches of pieces that follow one another, a function of (task, T, seed, update).

    An epoch has an update for each piece of a stream; where it begins, the cuts between pieces and
    the first piece of each stream are drawn anew.
    """

    def __init__(self, task: InOrder, T: int, seed: int, batch: int) -> None:
        super().__init__(task, T, seed, batch, train_size=None)
        self.file = task
        self.updates = max(task.fewest_pieces(T, "train") // batch, 1)
        self._epoch: tuple[int, np.ndarray, np.ndarray] | None = None

    def __call__(self, update: int) -> Batch:
        rows = self._at(update)[0]
        return self.file.read(rows[:, None] + np.arange(self.T))

    def begins(self, update: int) -> np.ndarray:
        """(batch,) which sequences start anew in this update, with the state of a first step."""
        return self._at(update)[1]

    def _at(self, update: int) -> tuple[np.ndarray, np.ndarray]:
        """First rows of an update's pieces, and which of them do not follow the one before."""
        epoch, step = divmod(update, self.updates)
        if self._epoch is None or self._epoch[0] != epoch:
            rng = generator("epoch", self.file, self.T, seed=self.seed, counter=epoch)
            first, follows = self.file.pieces(self.T, "train", offset=int(rng.integers(self.T)))
            turn = int(rng.integers(len(first)))
            self._epoch = (epoch, np.roll(first, turn), np.roll(follows, turn))
        _, first, follows = self._epoch
        own = (np.arange(self.batch) * len(first) // self.batch + step) % len(first)
        return first[own], ~follows[own] if step else np.ones(self.batch, dtype=bool)


def started(network: Network, state: State, begins: np.ndarray, like: Tensor) -> State:
    """The state before an update: that after the last one, or the first where a sequence begins.

    begins   (R, B); the state has as many sequences or, padded, each of them again
    like     the weights (R', size) that run, of which the first R are the replicates
    """
    batch = state[0].shape[-1]
    first = network.initial_state(len(like), batch, like)
    anew = torch.from_numpy(begins[:, np.arange(batch) % begins.shape[1]]).to(like.device)
    copies = len(like) // len(anew)  # see `in_company`
    found = []
    for own, carried in zip(first, state):
        where = anew.view(len(anew), *(1,) * (own.ndim - 2), batch)
        found.append(
            torch.where(where, own[: len(anew)], carried).repeat(copies, *(1,) * (own.ndim - 1))
        )
    return tuple(found)


class Lanes(NamedTuple):
    """A held-out part, cut into stretches that are read side by side, from a first state each.

    rows    (B, L) what is read; a lane that has ended reads its last row again
    items   (B, L) the place, see `FromFile.places`, that is asked there, or -1
    """

    rows: np.ndarray
    items: np.ndarray


def lanes(task: InOrder, T: int, split: str, size: int) -> list[Lanes]:
    """Those of a split, so many at a time; no item has less past than a window of T rows.

    Every stretch has one of its own at least.
    """
    asked = task.asked_rows(T, split, task.places(T, split, size))
    most = max(LANE * T, -(-int(asked.max() - asked.min() + 1) // LANES))
    cut: list[tuple[np.ndarray, np.ndarray]] = []
    for first, end in task.stretches(T, split):
        inside = np.flatnonzero((asked[:, 0] >= first) & (asked[:, 0] < end))
        if not len(inside):
            continue
        number = (asked[inside, 0] - asked[inside[0], 0]) // most
        for own in (inside[number == each] for each in np.unique(number)):
            begin = first if own[0] == inside[0] else int(asked[own[0], -1]) - T + 1
            rows = np.arange(begin, int(asked[own[-1], -1]) + 1)
            items = np.full(len(rows), -1)
            items[asked[own] - begin] = own[:, None]
            cut.append((rows, items))
    return [_side_by_side(cut[start : start + LANES]) for start in range(0, len(cut), LANES)]


def _side_by_side(cut: list[tuple[np.ndarray, np.ndarray]]) -> Lanes:
    length = max(len(rows) for rows, _ in cut)
    return Lanes(
        np.stack([np.pad(rows, (0, length - len(rows)), mode="edge") for rows, _ in cut]),
        np.stack([np.pad(own, (0, length - len(own)), constant_values=-1) for _, own in cut]),
    )


@dataclass(frozen=True)
class Answers:
    """What a network answers in T steps of all lanes: (R, n, k) outputs of n questions.

    items   (n,) the place of each in `FromFile.places`
    asked   the questions as n sequences of a single step
    """

    items: np.ndarray
    outputs: Tensor
    asked: Batch


def answers(
    network: Network, weights: Tensor, task: InOrder, T: int, split: str, size: int, backend: str
) -> Iterator[Answers]:
    """A split read in its order by each row of `weights` (R, size)."""
    R, weights = len(weights), in_company(weights) if by_torch(backend) else weights
    params = Params(network.layout.views(weights))
    for group in lanes(task, T, split, size):
        state: State | None = None
        for start in range(0, group.rows.shape[1], T):
            batch = task.read(group.rows[:, start : start + T])
            items = group.items[:, start : start + T]
            picked, steps = items >= 0, tuple(range(items.shape[1]))
            whole = batch._replace(mask=np.ones_like(batch.mask))
            data = tensors([whole], steps, weights.device)
            with torch.no_grad():
                y, state = network.run(params, data.inputs, steps, state, backend, data.size)
            if picked.any():
                by_step = y.unflatten(2, (len(steps), -1))[:R, ..., : data.size]
                outputs = by_step.permute(0, 3, 2, 1)[:, torch.from_numpy(picked)]
                asked = Batch(*(each[picked][:, None] for each in whole[:3]))
                yield Answers(items[picked], outputs, asked)


def evaluate_in_order(
    network: Network, weights: Tensor, task: InOrder, T: int, split: str, size: int, backend: str
) -> tuple[list[float], list[float]]:
    """Mean loss and score of each row of `weights`, as `evaluation.evaluate`."""
    losses, scores, counts = [], [], []
    held: list[tuple[np.ndarray, Batch]] = []
    for each in answers(network, weights, task, T, split, size, backend):
        losses.append(_losses(task, each).mean(axis=1))
        counts.append(len(each.items))
        outputs = each.outputs[:, :, None].cpu().numpy()
        if task.loss == "cross_entropy":  # an accuracy, a mean over answers, which are large
            scores.append([task.score(own, each.asked) for own in outputs])
        else:
            held.append((outputs, each.asked))
    loss = np.average(losses, axis=0, weights=counts)
    if scores:
        return loss.tolist(), np.average(scores, axis=0, weights=counts).tolist()
    whole, asked = np.concatenate([own for own, _ in held], axis=1), joined([b for _, b in held])
    return loss.tolist(), [task.score(own, asked) for own in whole]


def losses_in_order(
    network: Network, weights: Tensor, task: InOrder, T: int, split: str, size: int, backend: str
) -> np.ndarray:
    """(R, items) the mean loss over the questions of each item of a split."""
    total = np.zeros((len(weights), len(task.places(T, split, size))))
    count = np.zeros(total.shape[1])
    for each in answers(network, weights, task, T, split, size, backend):
        count += np.bincount(each.items, minlength=len(count))
        for row, losses in zip(total, _losses(task, each)):
            row += np.bincount(each.items, losses, len(count))
    return total / count


def _losses(task: Task, each: Answers) -> np.ndarray:
    """(R, n) the loss of every answer."""
    targets = torch.from_numpy(each.asked.targets[:, 0]).to(each.outputs.device)
    targets = targets if targets.ndim == 1 else targets.T
    targets = targets.expand(len(each.outputs), *targets.shape)
    return LOSSES[task.loss](each.outputs.mT, targets).cpu().numpy()
