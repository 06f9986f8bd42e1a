"""Associative recall: many keys and values, then queries."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import ClassVar

import numpy as np

from lstm_bench.errors import BenchError
from lstm_bench.tasks.base import CERTAIN, Batch, Task, one_hot
from lstm_bench.tasks.support import at_least


@dataclass(frozen=True)
class AssociativeRecall(Task):
    """Read pairs of a key and a value, wait T steps, answer each key with its value.

    The input shows `pairs` (D) distinct keys out of `keys`, each followed by its value out of
    `values` (V; values may repeat), then T blanks, then `queries` (Q) different keys among the D in
    random order; at each of them its value is asked.

        input    A x C y B x . . . . C A B      pairs=3, queries=3, keys=4, values=2, T=4
        target                       y x x

    Load and lag are separate knobs: `pairs` is how much is to be kept, log2 V bits a pair and which
    belongs to which; T, the blanks between the last pair and the first query, is how long. A
    sequence has 2D + T + Q steps. The loss is the cross-entropy at the Q queries. Without memory it
    is ln V, with accuracy 1/V. A network that keeps the values but not which key each belongs to
    answers by their shares among the D: a plateau at V sum_c Bin(c; D, 1/V) (-c/D ln c/D), where
    training may rest for long (1.14 of ln 8 = 2.08 for D = 4, V = 8; 41 % right). The optimal loss
    is 0. Solved when less than 1 % of the answers are wrong.

    Ba et al. ask one query of letters and digits with T = 2; their number of pairs is from memory.
    Arora et al. (MQAR) ask many queries; theirs come among other tokens at distances with a power
    law, not after one lag, and their vocabulary is 8192: the preset is the load alone.
    """

    pairs: int = 2
    queries: int = 2
    keys: int = 4
    values: int = 4

    name = "associative_recall"
    loss = "cross_entropy"
    score_name = "accuracy"
    solved_score = 0.99
    shortest = 1
    citation = (
        "Arora et al. (2023), Zoology: Measuring and Improving Recall in Efficient Language "
        "Models; Ba et al. (2016), Using Fast Weights to Attend to the Recent Past, sec. 4.1; "
        "after Graves, Wayne & Danihelka (2014), Neural Turing Machines"
    )
    formula = r"y_q = v_i \ \text{where}\ k_i = q"
    presets: ClassVar = {
        "four": {"pairs": 4, "queries": 4, "keys": 8, "values": 8},
        "ba2016": {"pairs": 8, "queries": 1, "keys": 26, "values": 10},
        "arora2023": {"pairs": 16, "queries": 16, "keys": 64, "values": 64},
    }

    def __post_init__(self) -> None:
        at_least(self, pairs=1, queries=1, values=2)
        for option, bound in (("pairs", self.keys), ("queries", self.pairs)):
            if getattr(self, option) > bound:
                other = "keys" if option == "pairs" else "pairs"
                raise BenchError(
                    f"task 'associative_recall': option {option} is {getattr(self, option)}, but "
                    f"must be at most the option {other}, {bound}."
                )

    @property
    def inputs(self) -> int:
        return self.keys + self.values + 1

    @property
    def outputs(self) -> int:
        return self.values

    def steps(self, T: int) -> int:
        return 2 * self.pairs + T + self.queries

    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        D, Q, L = self.pairs, self.queries, self.steps(T)
        keys = rng.random((batch, self.keys)).argsort(axis=1)[:, :D]
        values = rng.integers(0, self.values, (batch, D))
        order = rng.random((batch, D)).argsort(axis=1)[:, :Q]
        tokens = np.full((batch, L), self.inputs - 1)
        tokens[:, 0 : 2 * D : 2] = keys
        tokens[:, 1 : 2 * D : 2] = self.keys + values
        tokens[:, L - Q :] = np.take_along_axis(keys, order, axis=1)
        targets = np.zeros((batch, L), dtype=np.int64)
        targets[:, L - Q :] = np.take_along_axis(values, order, axis=1)
        mask = np.zeros((batch, L), dtype=np.float32)
        mask[:, L - Q :] = 1
        return Batch(one_hot(tokens, self.inputs), targets, mask)

    def memoryless(self, batch: Batch) -> np.ndarray:
        return np.zeros((*batch.targets.shape, self.outputs), dtype=np.float32)

    def chance_loss(self, T: int) -> float:
        return float(np.log(self.values))

    def milestones(self, T: int) -> dict[str, float]:
        """Below 90 % of the plateau of one who knows the values but not their keys."""
        plateau = self.unbound()
        return {"left_plateau_unbound": 0.9 * plateau} if plateau > 0 else {}

    def unbound(self) -> float:
        """The mean entropy of the shares of the values among the D that were read."""
        D, p = self.pairs, 1 / self.values
        return -self.values * sum(
            comb(D, c) * p**c * (1 - p) ** (D - c) * c / D * float(np.log(c / D))
            for c in range(1, D + 1)
        )

    def window(self, batch: Batch, k: int) -> np.ndarray:
        """Certain of the pairs in sight; a value whose key is just out of sight may be the one.

        With h keys out of sight, that value answers a query for one of them with chance 1/h.
        """
        D, Q, L = self.pairs, self.queries, batch.mask.shape[1]
        tokens = batch.inputs.argmax(axis=-1)
        keys, values = tokens[:, 0 : 2 * D : 2], tokens[:, 1 : 2 * D : 2] - self.keys
        logits = self.memoryless(batch)
        for t in range(L - Q, L):
            first = max(0, t - k + 1)
            pair = (keys == tokens[:, t, None]).argmax(axis=1)
            answer = one_hot(np.take_along_axis(values, pair[:, None], axis=1)[:, 0], self.values)
            if first % 2 == 1 and first < 2 * D:
                h = (first + 1) // 2
                odds = np.log1p(self.values / (h - 1)) if h > 1 else CERTAIN
                logits[:, t] = one_hot(values[:, h - 1], self.values) * np.float32(odds)
            seen = 2 * pair >= first
            logits[seen, t] = answer[seen] * np.float32(CERTAIN)
        return logits

    def score(self, outputs: np.ndarray, batch: Batch) -> float:
        return float((outputs.argmax(axis=-1) == batch.targets).mean())
