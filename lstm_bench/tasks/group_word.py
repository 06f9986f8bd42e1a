"""The word problem of a group: state tracking in its general form."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import permutations
from typing import ClassVar

import numpy as np

from lstm_bench.tasks.base import Batch
from lstm_bench.tasks.state_tracking import StateTracking
from lstm_bench.tasks.support import as_logits, entropy, one_of

DEGREE = {"Z2": 2, "S3": 3, "A5": 5}  # of the permutations that make up the group
GENERATORS: dict[str, list[tuple[int, ...]]] = {  # beside the identity; the image of 0, 1, 2 ...
    "Z2": [(1, 0)],
    "S3": [(1, 0, 2), (1, 2, 0)],
    "A5": [(1, 2, 0, 3, 4), (1, 2, 3, 4, 0)],
}


@dataclass(frozen=True)
class GroupWord(StateTracking):
    """Multiply the elements of a group as they come in; name the product at every step.

    The elements of `group` are permutations: Z2 and S3 all those of 2 and 3 things, A5 the 60 even
    ones of 5. They are numbered in the order of their images, the identity being 0, and
    (p q)(i) = p(q(i)). A step shows one token; with `alphabet` = elements any element of the group,
    with generators the identity or one of (0 1) for Z2, (0 1), (0 1 2) for S3, and (0 1 2),
    (0 1 2 3 4) for A5, each equally likely. At every step the product y_t = y_{t-1} x_t is asked.

        input    x = 2   5   1   3   0      group=S3, elements 012 021 102 120 201 210
        target   y = 2   4   5   2   2

    Z2 is parity with one-hot inputs, S3 the smallest group whose order of factors matters; the word
    problem of A5, which is not solvable, is complete for NC1: no fixed depth of a linear diagonal
    recurrence tracks it, while one layer of a nonlinear one can.

    Without memory: from elements every product is equally likely, the cross-entropy is ln |G| and
    chance 1/|G|. From generators the product is a random walk, p_t(g) = mean over x of
    p_{t-1}(g x^-1), and the chance loss is the mean over t of its entropy. A window of the last k
    tokens, whose product is w, knows that y_t = g w with g from p_{t-k}. The optimal loss is 0.
    Solved when less than 1 % of the labels are wrong.

    A5 takes long to learn: expect tens of thousands of updates and a width of 100 or so at T = 20,
    and that an LSTM of width 32 knows about 60 % at T = 4 after 3000. With `final_only` the product
    is asked at the last step alone, which is HARD: see parity.
    """

    group: str = "S3"
    alphabet: str = "elements"

    name = "group_word"
    citation = (
        "Merrill, Petty & Sabharwal (2024), The Illusion of State in State-Space Models, sec. 5; "
        "after Barrington (1989) and Liu et al. (2023), Transformers Learn Shortcuts to Automata"
    )
    formula = r"y_t = y_{t-1} \cdot x_t, \quad y_0 = e"
    presets: ClassVar = {
        "merrill2024": {"group": "A5"},
        "merrill2024_s3": {"group": "S3"},
        "merrill2024_z2": {"group": "Z2"},
    }

    def __post_init__(self) -> None:
        one_of(self, group=tuple(DEGREE), alphabet=("elements", "generators"))

    @property
    def tokens(self) -> int:
        return len(self._alphabet())

    @property
    def outputs(self) -> int:
        return len(table(self.group))

    def track(self, tokens: np.ndarray) -> np.ndarray:
        product, alphabet = table(self.group), self._alphabet()
        states = np.zeros((tokens.shape[1] + 1, len(tokens)), dtype=np.int64)
        for t in range(tokens.shape[1]):
            states[t + 1] = product[states[t], alphabet[tokens[:, t]]]
        return np.ascontiguousarray(states[1:].T)

    def memoryless(self, batch: Batch) -> np.ndarray:
        chances = self._walk(batch.targets.shape[1])[1:]
        return as_logits(np.broadcast_to(chances, (*batch.targets.shape, self.outputs)))

    def chance_loss(self, T: int) -> float:
        entropies = entropy(self._walk(T)[1:])
        return float(entropies[-1] if self.final_only else entropies.mean())

    def window(self, batch: Batch, k: int) -> np.ndarray:
        product, T = table(self.group), batch.targets.shape[1]
        states = self.track(self.decode(batch.inputs))
        before = np.maximum(0, np.arange(T) + 1 - k)  # tokens that have left the window
        start = np.concatenate([np.zeros_like(states[:, :1]), states], axis=1)[:, before]
        inverse = np.argmin(product, axis=1)  # where the product is 0, the identity
        word = product[inverse[start], states]
        logits = np.empty((*states.shape, self.outputs), dtype=np.float32)
        chances = np.broadcast_to(as_logits(self._walk(T)[before]), logits.shape)
        np.put_along_axis(logits, np.moveaxis(product[:, word], 0, -1), chances, axis=-1)
        return logits

    def _alphabet(self) -> np.ndarray:
        """The elements that tokens stand for."""
        if self.alphabet == "elements":
            return np.arange(len(table(self.group)))
        known = elements(self.group)
        return np.array([0, *(known.index(g) for g in GENERATORS[self.group])])

    def _walk(self, T: int) -> np.ndarray:
        """(T + 1, |G|): the chances of each product of 0 ... T tokens."""
        product, alphabet = table(self.group), self._alphabet()
        chances = np.zeros((T + 1, len(product)))
        chances[0, 0] = 1
        for t in range(T):
            for x in alphabet:
                chances[t + 1, product[:, x]] += chances[t] / len(alphabet)
        return chances


@cache
def elements(group: str) -> list[tuple[int, ...]]:
    """The permutations of a group in lexicographic order, the identity first."""
    every = list(permutations(range(DEGREE[group])))
    return [p for p in every if _even(p)] if group == "A5" else every


def _even(p: tuple[int, ...]) -> bool:
    inversions = sum(p[i] > p[j] for j in range(len(p)) for i in range(j))
    return inversions % 2 == 0


@cache
def table(group: str) -> np.ndarray:
    """(|G|, |G|): the number of the product p q, (p q)(i) = p(q(i))."""
    known = elements(group)
    number = {p: n for n, p in enumerate(known)}
    return np.array([[number[tuple(p[i] for i in q)] for q in known] for p in known])
