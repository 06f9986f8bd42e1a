"""Whether one number predicts a yes or no: the area under the ROC curve, in groups."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import mannwhitneyu

from lstm_bench.stats.rates import LEVEL


class Area(NamedTuple):
    """P(score of a yes > score of a no), ties half, over pairs of one group; NaN without a pair."""

    auc: float
    low: float
    high: float
    pairs: int


def _pooled(scores: np.ndarray, yes: np.ndarray, groups: np.ndarray) -> tuple[float, int]:
    wins, pairs = 0.0, 0
    for group in np.unique(groups):
        here = groups == group
        above, below = scores[here & yes], scores[here & ~yes]
        if len(above) and len(below):
            wins += float(mannwhitneyu(above, below, method="asymptotic").statistic)
            pairs += len(above) * len(below)
    return (wins / pairs if pairs else float("nan")), pairs


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
    point, pairs = _pooled(score, positive, group)
    if not pairs or len(names) < 3:
        return Area(point, float("nan"), float("nan"), pairs)
    rng = np.random.default_rng(0)
    members = [np.flatnonzero(cluster == c) for c in range(len(names))]
    draws = []
    for _ in range(resamples):
        rows = np.concatenate([members[c] for c in rng.integers(0, len(names), len(names))])
        draws.append(_pooled(score[rows], positive[rows], group[rows])[0])
    known = np.array(draws)[np.isfinite(draws)]
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return Area(point, float(low), float(high), pairs)
