"""Whether one number predicts a yes or no: the area under the ROC curve, in groups."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

from lstm_bench.stats.rates import LEVEL


class Area(NamedTuple):
    """P(score of a yes > score of a no), ties half, over pairs of one group; NaN without a pair."""

    auc: float
    low: float
    high: float
    pairs: int


def _wins_and_pairs(
    scores: np.ndarray, yes: np.ndarray, groups: np.ndarray, clusters: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of a yes (rows: its cluster) and a no (columns: its) of one group, and those it wins.

    A resample that has each cluster c_i times has c^T pairs c of them: each is compared once.
    """
    member = np.eye(clusters.max() + 1)[clusters]  # (replicates, clusters)
    pairs = np.outer(yes, ~yes) & np.equal.outer(groups, groups)
    wins = np.greater.outer(scores, scores) + 0.5 * np.equal.outer(scores, scores)
    return member.T @ (wins * pairs) @ member, member.T @ pairs @ member


def auc(
    scores: Sequence[float],
    yes: Sequence[bool],
    groups: Sequence[Hashable],
    clusters: Sequence[Hashable],
    resamples: int = 500,
) -> Area:
    """The area, pooled over groups by their number of pairs, with a 95 % interval.

    Only replicates of one group are compared. The interval resamples clusters (the seeds: one
    initialisation stands behind all lengths), percentile, seeded; NaN with fewer than three.
    """
    score, positive = np.asarray(scores, dtype=float), np.asarray(yes, dtype=bool)
    group = np.unique([str(g) for g in groups], return_inverse=True)[1]
    names, cluster = np.unique([str(c) for c in clusters], return_inverse=True)
    wins, pairs = _wins_and_pairs(score, positive, group, cluster)
    point, n = (wins.sum() / pairs.sum() if pairs.any() else np.nan), int(pairs.sum())
    if not n or len(names) < 3:
        return Area(float(point), float("nan"), float("nan"), n)
    rng, everyone = np.random.default_rng(0), len(names)
    draws = []
    for _ in range(resamples):
        times = np.bincount(rng.integers(0, everyone, everyone), minlength=everyone)
        if compared := times @ pairs @ times:
            draws.append(times @ wins @ times / compared)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return Area(float(point), float(low), float(high), n)
