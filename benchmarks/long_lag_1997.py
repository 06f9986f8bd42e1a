"""`python -m benchmarks.long_lag_1997`: experiments 2a and 2b of the 1997 paper, written again.

One memory cell with an input gate and no output gate, weights from input to output, no biases, one
update a sequence by the sum of all steps (Hochreiter & Schmidhuber 1997, sec. 5.2 and appendix
A.1), in numpy and float64, all trials side by side. Nothing feeds back, so that a sequence is one
expression:

    s_t = sum of σ(w_i[x_t']) σ(w_c[x_t']) over t' <= t      y_t = σ(W[x_t] + v s_t)

It has what the suite's training has not: `--construct`, the paper's way of adding cell and gate
"once the error has stopped decreasing" (taken here as less than 1 % in a window of 500 sequences),
and `--errors end`, where only the last symbol is asked.
"""

from __future__ import annotations

import click
import numpy as np

from lstm_bench.stats.rates import wilson

RANGE, TOLERANCE, WINDOW = 0.2, 0.25, 500
Weights = dict[str, np.ndarray]


def sigmoid(a: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(a, -500, 500)))


def start(rng: np.random.Generator, trials: int, symbols: int) -> Weights:
    """W (trials, symbols, symbols) from input to output; v, w_i, w_c (trials, symbols)."""
    shapes = dict.fromkeys(("W", "v", "w_i", "w_c"), (trials, symbols))
    shapes["W"] = (trials, symbols, symbols)
    return {name: rng.uniform(-RANGE, RANGE, shape) for name, shape in shapes.items()}


def draw(rng: np.random.Generator, trials: int, p: int, noisy: bool) -> np.ndarray:
    """(trials, p + 1) symbols: s, p - 1 others, s."""
    between = rng.integers(0, p - 1, (trials, p - 1)) if noisy else np.arange(p - 1)
    tokens = np.empty((trials, p + 1), dtype=np.int64)
    tokens[:, 1:-1] = between
    tokens[:, 0] = tokens[:, -1] = p - 1 + rng.integers(0, 2, trials)
    return tokens


def errors(w: Weights, tokens: np.ndarray, joined: np.ndarray) -> tuple[np.ndarray, ...]:
    """Outputs and t - y (trials, T, symbols), and the states s (trials, T); 0 where not joined."""
    rows, x = np.arange(len(tokens))[:, None], tokens[:, :-1]
    gates = sigmoid(w["w_i"][rows, x]), sigmoid(w["w_c"][rows, x])
    s = np.cumsum(gates[0] * gates[1], axis=1) * joined[:, None]
    y = sigmoid(w["W"][rows, x] + w["v"][:, None] * s[..., None])
    missing = -y
    missing[rows, np.arange(x.shape[1]), tokens[:, 1:]] += 1
    return y, missing, s


def update(
    w: Weights, tokens: np.ndarray, joined: np.ndarray, rate: float, at_end: bool
) -> np.ndarray:
    """One sequence a trial; returns t - y as it was before."""
    y, missing, s = errors(w, tokens, joined)
    delta = missing * y * (1 - y)
    if at_end:
        delta[:, :-1] = 0
    rows, x = np.arange(len(tokens))[:, None], tokens[:, :-1]
    arriving = np.einsum("rtk,rk->rt", delta, w["v"]) * joined[:, None]
    e = arriving[:, ::-1].cumsum(axis=1)[:, ::-1]  # what reaches s_t from all later steps
    i, g = sigmoid(w["w_i"][rows, x]), sigmoid(w["w_c"][rows, x])
    np.add.at(w["W"], (rows, x), rate * delta)
    np.add.at(w["w_i"], (rows, x), rate * e * g * i * (1 - i))
    np.add.at(w["w_c"], (rows, x), rate * e * i * g * (1 - g))
    w["v"] += rate * np.einsum("rtk,rt->rk", delta, s)
    return missing


def run(
    p: int, noisy: bool, construct: bool, at_end: bool, trials: int, cap: int, rate: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """(trials,) sequences to the first of 10,000 right ones in a row, -1 for none; and to joining.

    A row of right sequences need not have ended when the cap comes: one of 1000 counts then.
    """
    rng = np.random.default_rng(0)
    w = start(rng, trials, p + 1)
    joined = np.full(trials, not construct)
    joining = np.zeros(trials, dtype=np.int64)
    best, total = np.full(trials, np.inf), np.zeros(trials)
    row = np.zeros(trials, dtype=np.int64)
    for sequence in range(1, cap + 1):
        missing = update(w, draw(rng, trials, p, noisy), joined.astype(float), rate, at_end)
        judged = missing[:, -1:] if noisy or at_end else missing
        row = np.where((np.abs(judged) < TOLERANCE).all(axis=(1, 2)), row + 1, 0)
        total += (missing**2).sum(axis=(1, 2))
        if sequence % WINDOW == 0:
            joining[~joined & (total > 0.99 * best)] = sequence
            joined |= total > 0.99 * best
            best, total = np.minimum(best, total), np.zeros(trials)
        if (row >= 10_000).all():
            break
    return np.where(row >= min(10_000, 1000), sequence - row + 1, -1), joining


@click.command()
@click.option("--lag", "p", default=20, show_default=True, help="p; the paper's is 100.")
@click.option("--noisy", is_flag=True, help="Experiment 2b instead of 2a.")
@click.option("--construct", is_flag=True, help="Add cell and gate when the error stands still.")
@click.option("--errors", "asked", type=click.Choice(["always", "end"]), default="always")
@click.option("--trials", default=18, show_default=True)
@click.option("--cap", default=30_000, show_default=True)
def main(p: int, noisy: bool, construct: bool, asked: str, trials: int, cap: int) -> None:
    """Print how many trials succeed, and after how many sequences."""
    times, joining = run(p, noisy, construct, asked == "end", trials, cap)
    solved = times[times > 0]
    low, high = wilson(len(solved), trials)
    told = f"{len(solved)} of {trials} [{low:.2f}, {high:.2f}]"
    if len(solved):
        told += f", mean {solved.mean():,.0f}, {solved.min():,} to {solved.max():,}"
    if construct:
        told += f"; joined after {joining.min():,} to {joining.max():,}"
    click.echo(told)


if __name__ == "__main__":
    main()
