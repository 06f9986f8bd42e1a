"""The embedded Reber grammar as a chain of states: exact probabilities, entropies and answers.

A state says what has been read; from it one or two symbols may follow, each with probability 1/2
where there are two (Reber 1967; embedded: Cleeremans, Servan-Schreiber & McClelland 1989).

    Reber       0 -B-> 1;  1 -T-> 2, -P-> 3;  2 -S-> 2, -X-> 4;  3 -T-> 3, -V-> 5;
                4 -X-> 3, -S-> 6;  5 -P-> 4, -V-> 6;  6 -E-> 7
    embedded    B T Reber T E   or   B P Reber P E
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstm_bench.tasks.base import CERTAIN

SYMBOLS = "BTSXPVE"
ARROWS = {  # of the inner grammar: state -> (symbol, next state)
    0: [("B", 1)],
    1: [("T", 2), ("P", 3)],
    2: [("S", 2), ("X", 4)],
    3: [("T", 3), ("V", 5)],
    4: [("X", 3), ("S", 6)],
    5: [("P", 4), ("V", 6)],
    6: [("E", 7)],
}
START, FIRST, LAST, END, STATES = 0, 1, 18, 19, 20  # before B, after B, before the last E, after it


def _graph(endless: bool) -> tuple[np.ndarray, np.ndarray]:
    """The symbol and the next state, (STATES, 2) each, for each fall of a coin."""
    arrows = {START: [("B", FIRST)], FIRST: [], LAST: [("E", END)]}
    for outer, base in (("T", 2), ("P", 10)):  # the inner grammar's states 0 .. 7 stand at base
        arrows[FIRST].append((outer, base))
        for state, pairs in ARROWS.items():
            arrows[base + state] = [(symbol, base + after) for symbol, after in pairs]
        arrows[base + 7] = [(outer, LAST)]
    arrows[END] = arrows[START] if endless else [("B", END)]
    falls = [(arrows[s] * 2)[:2] for s in range(STATES)]
    symbols = np.array([[SYMBOLS.index(symbol) for symbol, _ in pair] for pair in falls])
    return symbols, np.array([[after for _, after in pair] for pair in falls])


SYMBOL, ONCE = _graph(endless=False)
ENDLESS = _graph(endless=True)[1]
LEGAL = np.zeros((STATES, len(SYMBOLS)), dtype=bool)
LEGAL[np.arange(STATES)[:, None], SYMBOL] = True
LEGAL[END] = False  # nothing follows a string; an endless stream goes on with B


@dataclass(frozen=True)
class Chain:
    """The states s_0, s_1 ... after reading x_0 = B, x_1 ...; s_t gives the symbol x_{t+1}.

    after    (STATES, 2) next states
    coin     (steps, STATES) P(the coin falls 1 | state) at each step
    reached  (steps, STATES) P(state) at each step
    ends     whether END is the end: no symbol is asked there
    """

    after: np.ndarray
    coin: np.ndarray
    reached: np.ndarray
    ends: bool

    @classmethod
    def of(cls, after: np.ndarray, coin: np.ndarray, ends: bool) -> Chain:
        reached = np.zeros_like(coin)
        reached[0, FIRST] = 1
        for t in range(len(coin) - 1):
            np.add.at(reached[t + 1], after[:, 0], reached[t] * (1 - coin[t]))
            np.add.at(reached[t + 1], after[:, 1], reached[t] * coin[t])
        return cls(after, coin, reached, ends)

    @property
    def asked(self) -> np.ndarray:
        """(steps,) P(a symbol is asked)."""
        return 1 - self.reached[:, END] if self.ends else np.ones(len(self.coin))

    def symbols_given(self, weight: np.ndarray) -> np.ndarray:
        """P(next symbol), (..., steps, 7), for weights (..., steps, STATES) of the states."""
        out = np.zeros((*weight.shape[:-1], len(SYMBOLS)))
        for fall, p in enumerate((1 - self.coin, self.coin)):
            out += (weight * p) @ np.eye(len(SYMBOLS))[SYMBOL[:, fall]]
        return out

    def draw(self, rng: np.random.Generator, batch: int) -> tuple[np.ndarray, np.ndarray]:
        """States s_t and symbols x_{t+1}, (batch, steps) each."""
        steps = len(self.coin)
        u = rng.random((steps, batch))
        falls, flat = np.empty((steps, batch), dtype=np.int64), 2 * self.after.ravel()
        place = np.full(batch, 2 * FIRST)  # 2 * state, then + 1 where the coin falls 1
        chance = np.repeat(self.coin, 2, axis=1)
        for t in range(steps):
            np.add(place, u[t] < chance[t].take(place), out=falls[t])
            place = flat.take(falls[t])
        return falls.T >> 1, SYMBOL.ravel().take(falls.T)

    def states(self, tokens: np.ndarray) -> np.ndarray:
        """s_t for tokens x_t (batch, steps): reads what `draw` has written."""
        states = np.full(tokens.shape, FIRST)
        for t in range(1, tokens.shape[1]):
            before = states[:, t - 1]
            states[:, t] = self.after[before, (SYMBOL[before, 0] != tokens[:, t]).astype(int)]
        return states

    def clock(self) -> np.ndarray:
        """P(next symbol | the step, that one is asked), (steps, 7)."""
        here = self.reached.copy()
        if self.ends:
            here[:, END] = 0
        return self.symbols_given(here) / here.sum(axis=1, keepdims=True)

    def chance_loss(self) -> float:
        """The entropy of `clock`, averaged over the symbols asked, in nats."""
        return float((self.asked * _entropy(self.clock())).sum() / self.asked.sum())

    def optimal_loss(self) -> float:
        """The entropy of the next symbol given the state, averaged over the symbols asked."""
        entropy = _entropy(np.stack([self.coin, 1 - self.coin], axis=-1))
        entropy[:, (SYMBOL[:, 0] == SYMBOL[:, 1])] = 0
        return float((self.reached * entropy).sum() / self.asked.sum())

    def window(self, tokens: np.ndarray, k: int) -> np.ndarray:
        """P(next symbol | the step, the last k tokens), (batch, steps, 7): a Bayes filter."""
        size, steps = tokens.shape
        start = np.maximum(np.arange(steps) - k, 0)
        belief = np.broadcast_to(self.reached[start], (size, steps, STATES)).copy()
        for i in range(1, k + 1):  # read the token at start + i, for all steps at once
            at = np.flatnonzero(start + i <= np.arange(steps))
            if not len(at):
                break
            read, coin = tokens[:, start[at] + i], self.coin[start[at] + i - 1]
            new = np.zeros((size, len(at), STATES))
            for fall, p in enumerate((1 - coin, coin)):
                fits = SYMBOL[:, fall] == read[..., None]
                new += (belief[:, at] * p * fits) @ np.eye(STATES)[self.after[:, fall]]
            belief[:, at] = new / np.maximum(new.sum(axis=-1, keepdims=True), 1e-300)
        if self.ends:
            belief[..., END] = 0
        symbols = self.symbols_given(belief)
        return symbols / np.maximum(symbols.sum(axis=-1, keepdims=True), 1e-300)


def logits(p: np.ndarray, legal: np.ndarray | None = None) -> np.ndarray:
    """log p in float32, -CERTAIN for the impossible; half that where the grammar allows it.

    A symbol may be legal and yet have probability 0, because the string would become too long.
    """
    with np.errstate(divide="ignore"):
        out = np.maximum(np.log(p), -CERTAIN)
    if legal is not None:
        out = np.where(legal, np.maximum(out, -CERTAIN / 2), out)
    return out.astype(np.float32)


def legal_most_active(outputs: np.ndarray, legal: np.ndarray) -> np.ndarray:
    """Whether every legal symbol has a greater output than every other one, (batch, steps) bool."""
    least = np.where(legal, outputs, np.inf).min(axis=-1)
    return least > np.where(legal, -np.inf, outputs).max(axis=-1)


def once(steps: int) -> Chain:
    """One string, given that it ends within `steps` symbols after the first B."""
    in_time = np.zeros((steps + 1, STATES))  # P(the string ends within so many symbols | state)
    in_time[:, END] = 1
    for left in range(1, steps + 1):
        in_time[left] = in_time[left - 1, ONCE].mean(axis=1)
    after = in_time[steps - 1 :: -1][:steps, ONCE]  # (steps, STATES, 2)
    total = after.sum(axis=-1)
    coin = np.divide(after[..., 1], total, out=np.full(total.shape, 0.5), where=total > 0)
    return Chain.of(ONCE, coin, ends=True)


def endless(steps: int) -> Chain:
    """Strings one after another, `steps` symbols after the first B."""
    return Chain.of(ENDLESS, np.full((steps, STATES), 0.5), ends=False)


def _entropy(p: np.ndarray) -> np.ndarray:
    return -(p * np.log(np.where(p > 0, p, 1))).sum(axis=-1)
