"""Temporal order as first published: Hochreiter & Schmidhuber (1997), Experiment 6a."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lstm_bench.tasks import lengths
from lstm_bench.tasks.base import Batch, Task, one_hot

TOLERANCE = 0.3
E, B, DISTRACTORS, X = 0, 1, (2, 3, 4, 5), 6  # the symbols E, B, a, b, c, d, X, Y
Span = tuple[int, int]


@dataclass(frozen=True)
class TemporalOrder1997(Task):
    """Two symbols X or Y among distractors; the class is which two, in which order.

    A sequence starts with E, ends with the trigger B, and otherwise holds a, b, c or d, but for an
    X or a Y at t1 in [T/10, 2T/10] and another at t2 in [5T/10, 6T/10]. The length is uniform on T
    to 1.1 T. At T = 100 these are the paper's numbers: length 100 to 110, t1 from 10 to 20, t2 from
    50 to 60, bounds included; other T scale them, rounded down. Steps are counted from 0, the E.

        E a X b d c c Y a b a B       -> class XY of XX, XY, YX, YY (Q, R, S, U in the paper)

    The targets are one-hot and the loss is the squared error, averaged over the outputs. Without
    memory the best answer is 1/4 at each of the 4 outputs: a loss of (1/4)(3/4) = 3/16.
    A window of the last k inputs that sees one symbol is left with two classes.

    An answer is right when every output is within 0.3 of its target, so that chance is 0. Solved
    when no more than 3 of 2560 sequences are wrong, the worst trial the paper reports. The paper
    stops training when the mean error is below 0.1 and the last 2000 sequences were right.
    `temporal_order` is the form with fixed length, no E or B, and a cross-entropy.
    """

    name = "temporal_order_1997"
    loss = "squared_error"
    score_name = "share within 0.3"
    solved_score = 1 - 3 / 2560
    shortest = 10
    citation = "Hochreiter & Schmidhuber (1997), Long Short-Term Memory, sec. 5.6 (Experiment 6a)"
    formula = (
        r"y = \mathrm{onehot}(2\,[s_{t_1} = Y] + [s_{t_2} = Y]), "
        r"\quad t_1 \in [T/10, T/5],\ t_2 \in [T/2, 3T/5]"
    )
    presets: ClassVar = {"hochreiter1997": {}}

    inputs = 8
    outputs = 4

    def steps(self, T: int) -> int:
        return lengths.longest(T)

    def target_steps(self, T: int) -> tuple[int, ...]:
        return lengths.target_steps(T)

    def spans(self, T: int) -> list[Span]:
        """The first and the last step at which each X or Y may stand."""
        return [(T // 10, 2 * T // 10), (5 * T // 10, 6 * T // 10)]

    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        return sample_form_1997(rng, batch, T, self.spans(T))

    def relevance(self, batch: Batch) -> np.ndarray:
        return batch.inputs[..., X:].max(axis=-1) > 0  # X or Y

    def memoryless(self, batch: Batch) -> np.ndarray:
        return np.full_like(batch.targets, 1 / self.outputs)

    def chance_loss(self, T: int) -> float:
        return (1 - 1 / self.outputs) / self.outputs

    def window(self, batch: Batch, k: int) -> np.ndarray:
        spans = self.spans(lengths.shortest(batch.inputs.shape[1]))
        return class_probabilities(batch.inputs[..., X:], spans, k)

    def score(self, outputs: np.ndarray, batch: Batch) -> float:
        """The share of sequences with every output within 0.3 of its target."""
        return share_within(outputs, batch)


def share_within(outputs: np.ndarray, batch: Batch) -> float:
    right = (np.abs(outputs - batch.targets) < TOLERANCE).all(axis=-1)
    return float(right[batch.mask > 0].mean())


def sample_form_1997(rng: np.random.Generator, batch: int, T: int, spans: Sequence[Span]) -> Batch:
    """E, distractors with an X or a Y in each span, B; one-hot targets of 2^len(spans) classes."""
    L, rows = lengths.longest(T), np.arange(batch)
    n = lengths.draw(rng, batch, T)
    tokens = rng.integers(DISTRACTORS[0], DISTRACTORS[-1] + 1, (batch, L))
    label = np.zeros(batch, dtype=np.int64)
    for first, last in spans:
        order = rng.integers(0, 2, batch)
        tokens[rows, rng.integers(first, last + 1, batch)] = X + order
        label = 2 * label + order
    tokens[:, 0] = E
    tokens[rows, n - 1] = B
    inputs = one_hot(tokens, 8, lengths.inside(n, L))
    mask = lengths.last_step_mask(n, L)
    targets = lengths.at_last_step(one_hot(label, 2 ** len(spans)), mask)
    return Batch(inputs, targets, mask)


def class_probabilities(marks: np.ndarray, spans: Sequence[Span], k: int) -> np.ndarray:
    """P(class | the last k symbols, the clock), (batch, L, 2^len(spans)) float32.

    `marks` (batch, L, 2) shows the X and the Y. A symbol in the window is known by its span; one
    outside is X or Y alike. Spans do not overlap.
    """
    size, L, _ = marks.shape
    p = np.ones((size, L, 1), dtype=np.float32)
    for first, last in spans:
        within = marks * ((np.arange(L) >= first) & (np.arange(L) <= last))[:, None]
        seen = np.cumsum(within, axis=1, dtype=np.float32)
        seen[:, k:] -= seen[:, :-k].copy()
        seen[seen.sum(axis=-1) == 0] = 0.5
        p = (p[..., :, None] * seen[..., None, :]).reshape(size, L, -1)
    return p
