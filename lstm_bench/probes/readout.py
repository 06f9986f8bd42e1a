"""What a linear readout finds in a state: ridge regression, judged where it was not fitted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

PENALTY = 1.0  # of standardised features, against the sum of squared errors
FEWEST = 4  # pairs to fit for each feature; with fewer nothing is said
MOST = 1000  # pairs to fit: more move R² by less than replicates differ


def ridge_r2(
    features: np.ndarray, targets: np.ndarray, fit: np.ndarray, penalty: float = PENALTY
) -> float:
    """The share of the targets' variance a linear readout explains where it was not fitted.

        w = (X'X + λ)^-1 X'y,     R² = 1 - sum (y - Xw)² / sum (y - mean y)²

    features (n, S), targets (n, d), fit (n,) bool: the rows to fit; the others judge. Means and
    deviations are those of the rows to fit. All d targets together; NaN where they do not vary.
    """
    x, y = features.astype(np.float64), targets.astype(np.float64)
    mean, scale = x[fit].mean(axis=0), x[fit].std(axis=0)
    x = (x - mean) / np.where(scale > 1e-9, scale, 1.0)
    y = y - y[fit].mean(axis=0)
    gram = x[fit].T @ x[fit] + penalty * np.eye(x.shape[1])
    weights = np.linalg.solve(gram, x[fit].T @ y[fit])
    total = (y[~fit] ** 2).sum()
    left = ((y[~fit] - x[~fit] @ weights) ** 2).sum()
    return float(1 - left / total) if total > 1e-9 else float("nan")


def memory_curve(
    states: np.ndarray,
    inputs: np.ndarray,
    wanted: np.ndarray,
    running: np.ndarray,
    lags: Sequence[int],
    superseded: np.ndarray | None = None,
) -> dict[int, float]:
    """R² of the input shown `lag` steps ago, read from the present state, for each lag.

    states (L, S, B); inputs (B, L, d); wanted (B, L): the steps whose inputs are asked for; running
    (B, L): the steps that are part of a sequence. With `superseded` (B, L) only inputs count after
    which no such step has come. Half of the sequences fit, half judge; a lag with too few pairs is
    left out.
    """
    L, size, B = states.shape
    found = {}
    for lag in lags:
        pairs = [_pairs(t, lag, wanted, running, superseded) for t in range(lag, L)]
        if not pairs:
            continue
        at = np.repeat(np.arange(lag, L), [len(each) for each in pairs])
        rows = np.concatenate(pairs)
        rng = np.random.default_rng(lag)
        kept = rng.permutation(len(rows))[: 2 * MOST]
        rows, at = rows[kept], at[kept]
        fit = rows < B // 2
        if fit.sum() < FEWEST * size or (~fit).sum() < FEWEST * size:
            continue
        value = ridge_r2(states[at, :, rows], inputs[rows, at - lag], fit)
        if np.isfinite(value):
            found[lag] = value
    return found


def _pairs(
    t: int, lag: int, wanted: np.ndarray, running: np.ndarray, superseded: np.ndarray | None
) -> np.ndarray:
    """The sequences in which step t - lag is wanted, t is reached, and nothing came between."""
    here = wanted[:, t - lag] & running[:, t]
    if superseded is not None and lag:
        here &= ~superseded[:, t - lag + 1 : t + 1].any(axis=1)
    return np.flatnonzero(here)
