"""The sentence of `char_grammar` as a Markov chain: exact probabilities by dynamic programming."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from lstm_bench.tasks.base import one_hot

WORD, OPEN, CLOSE = 0, 1, 2
WEIGHTS = (0.6, 0.2, 0.2)  # of a word, an opening and a close, before the length is given
LINKED = 0.5  # share of a word's successors on one word; the rest is Dirichlet(1)


class Chain(NamedTuple):
    """Before target t the state is (depth d, last word v; 0 after an opener or a closer).

    actions     (T, depth + 1, 3) probability of WORD, OPEN, CLOSE given d
    successors  (words + 1, words) probability of a word given v
    states      (T, depth + 1, words + 1) probability of (d, v)
    """

    actions: np.ndarray
    successors: np.ndarray
    states: np.ndarray

    def symbols(self, kinds: int) -> np.ndarray:
        """The probability of every symbol at every step, (T, 2 kinds + words)."""
        words = np.einsum("tdv,td,vw->tw", self.states, self.actions[..., WORD], self.successors)
        moves = np.einsum("tdv,tda->ta", self.states, self.actions)
        spread = np.repeat(moves[:, [OPEN, CLOSE]] / kinds, kinds, axis=1)
        return np.concatenate([spread, words], axis=1)


@lru_cache(maxsize=64)
def make_chain(words: int, depth: int, grammar: int, T: int) -> Chain:
    """The chain of a sentence of T + 1 symbols; the first opens the outermost clause.

    Backwards, `ways[d]` is the weight of all ends from depth d, and an action has the share of its
    own ends; forwards, the states follow.
    """
    rng = np.random.Generator(np.random.Philox(grammar))
    linked = one_hot(rng.integers(0, words, words + 1), words)
    successors = LINKED * linked + (1 - LINKED) * rng.dirichlet(np.ones(words), words + 1)
    successors = successors / successors.sum(axis=1, keepdims=True)
    actions = np.zeros((T, depth + 1, 3))
    ways = np.zeros(depth + 2)  # of ending at depth 0 with the last symbol, up to a factor
    ways[0] = 1
    for t in reversed(range(T)):
        inside = slice(1, depth + 1)  # the outermost clause is open until the last target
        actions[t, inside, WORD] = WEIGHTS[WORD] * ways[1:-1]
        actions[t, inside, OPEN] = WEIGHTS[OPEN] * ways[2:]
        actions[t, inside, CLOSE] = WEIGHTS[CLOSE] * ways[:-2]
        ways = np.concatenate([[0.0], actions[t, inside].sum(axis=-1), [0.0]])
        actions[t, inside] /= np.where(ways[1:-1] > 0, ways[1:-1], 1)[:, None]
        ways /= ways.sum()
    states = np.zeros((T, depth + 1, words + 1))
    states[0, 1, 0] = 1
    for t in range(T - 1):
        reached = states[t].sum(axis=1)
        states[t + 1, :, 1:] = (states[t] * actions[t, :, WORD, None]) @ successors
        states[t + 1, 1:, 0] += (reached * actions[t, :, OPEN])[:-1]
        states[t + 1, :-1, 0] += (reached * actions[t, :, CLOSE])[1:]
    return Chain(actions, successors, states)


class Walk(NamedTuple):
    """The chain with (d, v) as one number s = d (words + 1) + v, and a step as one outcome.

    The outcomes are the words, then OPEN, then CLOSE; s (words + 2) + outcome is a place.

    bounds  (T, places) ascending: s + the cumulative probability of the outcomes in state s
    follow  (places,) the state after that outcome in that state, in float64 as `bounds`
    moves   (places,) WORD, OPEN or CLOSE
    levels  (places,) the depth of the clause that it opens, continues or closes
    words   (places,) the word it leaves, from 1; 0 for none
    """

    bounds: np.ndarray
    follow: np.ndarray
    moves: np.ndarray
    levels: np.ndarray
    words: np.ndarray

    def draw(self, rng: np.random.Generator, batch: int, first: int) -> np.ndarray:
        """The places of `batch` walks, (batch, T + 1), all of which start at place `first`."""
        chances = rng.random((len(self.bounds), batch))
        chances *= 1 - 2.0**-40  # the sum below never rounds up to the next state
        places = np.empty((len(chances) + 1, batch), dtype=np.int64)
        places[0] = now = np.full(batch, first)
        for chance, bounds, after in zip(chances, self.bounds, places[1:]):
            chance += self.follow.take(now)
            after[:] = now = bounds.searchsorted(chance, "right")
        return places.T


@lru_cache(maxsize=64)
def make_walk(words: int, depth: int, grammar: int, T: int) -> Walk:
    chain = make_chain(words, depth, grammar, T)
    said = chain.actions[:, :, None, WORD, None] * chain.successors
    moved = np.broadcast_to(chain.actions[:, :, None, 1:], (*said.shape[:-1], 2))
    ends = np.cumsum(np.concatenate([said, moved], axis=-1), axis=-1)
    ends[ends > 1 - 2.0**-41] = 1  # nothing is left for the outcomes after
    ends = ends.reshape(T, -1, words + 2)
    ends[..., -1] = 1
    bounds = ends + np.arange(ends.shape[1])[:, None]
    d = np.repeat(np.arange(depth + 1), words + 1)
    after_word = d[:, None] * (words + 1) + np.arange(1, words + 1)
    opened = np.minimum(d + 1, depth) * (words + 1)
    closed = np.maximum(d - 1, 0) * (words + 1)
    follow = np.concatenate([after_word, opened[:, None], closed[:, None]], axis=1)
    outcomes = np.maximum(np.arange(words + 2) - words + 1, WORD).astype(np.int8)
    moves = np.tile(outcomes, len(d))
    depths, after = np.divmod(follow.ravel(), words + 1)
    levels = depths + (moves == CLOSE)
    follow = follow.ravel().astype(np.float64)
    return Walk(bounds.reshape(T, -1), follow, moves, levels.astype(np.int32), after)


def opener(opens: np.ndarray, levels: np.ndarray, which: range) -> np.ndarray:
    """For every step (batch, L) the place of the last opener at its level, 0 for other levels."""
    steps = np.arange(opens.shape[1], dtype=np.int32)
    place = np.zeros_like(opens, dtype=np.int32)
    for d in which:
        here = levels == d
        last = np.maximum.accumulate((here & opens) * steps, axis=1)
        np.copyto(place, last, where=here)
    return place


def beliefs(chain: Chain, moves: np.ndarray, last: np.ndarray, k: int) -> np.ndarray:
    """The probability of each depth after symbol t given the last k symbols, (batch, L, depth + 1).

    moves and last (batch, L): what each symbol was, and the word it left (0 for none). By Bayes'
    rule: the chain's own probability of the depth after the first symbol of the window, times that
    of each later move. Words and kinds are no evidence of the depth beyond the first symbol's.
    """
    T = moves.shape[1]
    steps = np.arange(T)
    after_first = _after_one(chain, moves, last)
    likely = np.ones_like(after_first)  # of symbol i's move, given the depth before it
    likely[:, 1:] = chain.actions[steps[:-1], :, moves[:, 1:]]
    belief = after_first[:, np.maximum(steps - k + 1, 0)]
    for back in reversed(range(k - 1)):
        within = steps[back + 1 :]  # symbol t - back is the second of the window or a later one
        i = within - back
        shifted = _shift(belief[:, within] * likely[:, i], moves[:, i])
        belief[:, within] = _normalised(shifted)
    return belief


def _after_one(chain: Chain, moves: np.ndarray, last: np.ndarray) -> np.ndarray:
    """The probability of each depth after symbol i given that symbol alone."""
    T, levels = chain.actions.shape[:2]
    steps = np.arange(T)
    reached = np.zeros((T, levels, 3))  # joint with symbol i being WORD (unused), OPEN, CLOSE
    before = chain.states[:-1].sum(axis=2)[..., None] * chain.actions[:-1]
    reached[1:, 1:, OPEN] = before[:, :-1, OPEN]
    reached[1:, :-1, CLOSE] = before[:, 1:, CLOSE]
    reached[0, 1, OPEN] = 1
    of_word = chain.states[steps, :, last]
    joint = np.where((moves == WORD)[..., None], of_word, reached[steps, :, moves])
    return _normalised(joint)


def _normalised(joint: np.ndarray) -> np.ndarray:
    """To a sum of 1; zeros stay where no sentence has such a window."""
    total = joint.sum(axis=-1, keepdims=True)
    return joint / np.where(total > 0, total, 1)


def _shift(belief: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """The depth after a move: up by an opener, down by a closer."""
    up, down = np.zeros_like(belief), np.zeros_like(belief)
    up[..., 1:], down[..., :-1] = belief[..., :-1], belief[..., 1:]
    return np.where(
        (moves == WORD)[..., None], belief, np.where((moves == OPEN)[..., None], up, down)
    )


def entropy(p: np.ndarray) -> np.ndarray:
    """In nats, over the last axis."""
    return -(p * np.log(np.where(p > 0, p, 1))).sum(axis=-1)
