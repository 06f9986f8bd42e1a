"""Language modelling in miniature: a probabilistic grammar with nested agreement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lstm_bench.errors import BenchError
from lstm_bench.tasks.base import CERTAIN, Batch, Task, one_hot
from lstm_bench.tasks.grammar_chain import (
    CLOSE,
    OPEN,
    WORD,
    Chain,
    beliefs,
    entropy,
    make_chain,
    make_walk,
    opener,
)


@dataclass(frozen=True)
class CharGrammar(Task):
    """Predict the next symbol of a sentence whose clauses nest and must close as they opened.

    A clause is an opener of one of K kinds, words and clauses, and the closer of the same kind:

        S -> C      C -> o_i R c_i      R -> nothing | w R | C R      i = 1 ... K

    `kinds` is K, `words` the number of words w, `depth` how deep clauses nest at most, and
    `grammar` the seed of the table that makes a word depend on the symbol before it. Openers are
    uniform over the kinds and words tell nothing of them, so that an agreement cannot be guessed
    from its surroundings. A sentence has T + 1 symbols: the
    outermost clause opens at step 0 and is closed by the last target, T steps later, with shorter
    agreements nested in between. The sequence of words, openings and closes is the grammar's
    own (weights 0.6, 0.2, 0.2) given that it fills T + 1 symbols exactly.

        input    A  x  y  B  z  b  C  x  y  c  z  x       K=3 (A a, B b, C c), T=12
        target   x  y  B  z  b  C  x  y  c  z  x  a

    The loss is the cross-entropy of the next symbol at every step. The score is the accuracy of
    the agreement: the share of closers whose kind is ranked first among the closers, once for the
    last closer of each sentence (T steps after its opener) and once for all nested ones, whichever
    is lower. Predicting words well does not help; chance is 1/K. Solved at 0.99.

    Chance and optimal loss are exact entropies. Given its length, a sentence is a Markov chain in
    (depth, last word), with transitions from a backward recursion; a forward recursion gives the
    probability of every state at every step. The chance loss is the mean entropy of the symbols at
    each step (no input or memory, but the clock). The optimal loss is the mean entropy of the next
    symbol given the state and the open kinds. `window` is exact as well: the last k symbols give
    the depth by Bayes' rule, and the kind of a clause that opened earlier is uniform.
    """

    kinds: int = 4
    words: int = 6
    depth: int = 3
    grammar: int = 0

    name = "char_grammar"
    loss = "cross_entropy"
    score_name = "agreement accuracy"
    solved_score = 0.99
    shortest = 2
    version = 2
    draws_at_once = 8  # the walk has as many calls for eight batches as for one
    citation = (
        "this suite's; after the agreement tests of Linzen, Dupoux & Goldberg (2016), Assessing "
        "the ability of LSTMs to learn syntax-sensitive dependencies"
    )
    formula = r"C \to o_i R c_i, \quad R \to \epsilon \mid w R \mid C R; \quad y_t = x_{t+1}"
    presets: ClassVar = {"flat": {"depth": 1}, "deep": {"depth": 6}}

    def __post_init__(self) -> None:
        least = {"kinds": 2, "words": 1, "depth": 1, "grammar": 0}
        for name, value in least.items():
            if getattr(self, name) < value:
                raise BenchError(
                    f"task 'char_grammar': option {name} is {getattr(self, name)}, but must be "
                    f"at least {value}."
                )

    @property
    def inputs(self) -> int:
        return 2 * self.kinds + self.words

    @property
    def outputs(self) -> int:
        return self.inputs

    def target_steps(self, T: int) -> tuple[int, ...]:
        return tuple(range(T))

    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        K, V = self.kinds, self.words
        walk = make_walk(V, self.depth, self.grammar, T)
        places = walk.draw(rng, batch, first=V)  # an opener at depth 0
        moves, levels = walk.moves.take(places), walk.levels.take(places)
        kinds = rng.integers(0, K, (batch, T + 1))
        openers = opener(moves == OPEN, levels, range(1, self.depth + 1))
        openers += (T + 1) * np.arange(batch)[:, None]
        agreed = kinds.take(openers) + K * (moves == CLOSE)
        tokens = np.where(moves == WORD, walk.words.take(places) + 2 * K - 1, agreed)
        mask = np.ones((batch, T), dtype=np.float32)
        return Batch(one_hot(tokens[:, :-1], self.inputs), tokens[:, 1:], mask)

    def memoryless(self, batch: Batch) -> np.ndarray:
        p = self.chain(batch.inputs.shape[1]).symbols(self.kinds)
        return np.broadcast_to(_logits(p), (*batch.targets.shape, self.outputs)).copy()

    def chance_loss(self, T: int) -> float:
        return float(entropy(self.chain(T).symbols(self.kinds)).mean())

    def optimal_loss(self, T: int) -> float:
        chain = self.chain(T)
        next_action = entropy(chain.actions)  # (T, depth + 1)
        next_word = chain.actions[..., WORD, None] * entropy(chain.successors)
        next_kind = chain.actions[..., OPEN, None] * np.log(self.kinds)
        each = next_action[..., None] + next_word + next_kind
        return float((chain.states * each).sum() / T)

    def perfect(self, batch: Batch) -> np.ndarray:
        """The conditional probabilities, for one who keeps the depth and the open kinds."""
        moves, heights, _ = self._parsed(batch)
        known = one_hot(heights, self.depth + 1).astype(np.float64)
        return self._predicted(batch, known, moves.shape[1])

    def window(self, batch: Batch, k: int) -> np.ndarray:
        if k < 1:
            raise BenchError(f"task 'char_grammar': a window of {k} inputs is not possible.")
        moves, _, last = self._parsed(batch)
        return self._predicted(batch, beliefs(self.chain(moves.shape[1]), moves, last, k), k)

    def _parsed(self, batch: Batch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What each input is, the depth after it, and the word it leaves; all (batch, T)."""
        K, tokens = self.kinds, batch.inputs.argmax(axis=-1)
        moves = np.where(tokens < K, OPEN, np.where(tokens < 2 * K, CLOSE, WORD))
        heights = np.cumsum((moves == OPEN) * 1 - (moves == CLOSE), axis=1)
        return moves, heights, np.where(moves == WORD, tokens - 2 * K + 1, 0)

    def _predicted(self, batch: Batch, depths: np.ndarray, k: int) -> np.ndarray:
        """Logits from the probability of each depth (batch, T, depth + 1) and the last k inputs."""
        K, chain = self.kinds, self.chain(batch.inputs.shape[1])
        moves, heights, last = self._parsed(batch)
        action = np.einsum("btd,tda->bta", depths, chain.actions)
        opened = opener(moves == OPEN, heights, range(heights.min(), heights.max() + 1))
        kind = np.take_along_axis(batch.inputs[..., :K], opened[..., None], axis=1)
        seen = opened > np.arange(moves.shape[1]) - k
        openers = np.repeat(action[..., OPEN, None] / K, K, axis=-1)
        closers = action[..., CLOSE, None] * np.where(seen[..., None], kind, 1 / K)
        words = action[..., WORD, None] * chain.successors[last]
        return _logits(np.concatenate([openers, closers, words], axis=-1))

    def score(self, outputs: np.ndarray, batch: Batch) -> float:
        K = self.kinds
        closes = (batch.targets >= K) & (batch.targets < 2 * K)
        right = outputs[..., K : 2 * K].argmax(axis=-1) == batch.targets - K
        last = float(right[:, -1].mean())
        nested = right[:, :-1][closes[:, :-1]]
        return min(last, float(nested.mean())) if nested.size else last

    def chain(self, T: int) -> Chain:
        """The sentence of T + 1 symbols as a Markov chain."""
        return make_chain(self.words, self.depth, self.grammar, T)


def _logits(p: np.ndarray) -> np.ndarray:
    return np.where(p > 0, np.log(np.where(p > 0, p, 1)), -CERTAIN).astype(np.float32)
