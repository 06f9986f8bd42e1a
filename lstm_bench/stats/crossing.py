"""Ratios of paired times, and the length from which on one of two is the cheaper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lstm_bench.stats.ladder import Bracket, between
from lstm_bench.stats.means import mean_interval


@dataclass(frozen=True)
class Ratio:
    """The geometric mean of the ratios of pairs, and its 95 % interval."""

    value: float
    low: float
    high: float


def paired_ratio(times: np.ndarray, reference: np.ndarray) -> Ratio:
    """How many times as long it takes, by pair; as the claims, a mean of logarithms."""
    logs = np.log2(np.asarray(times, dtype=float)) - np.log2(np.asarray(reference, dtype=float))
    return Ratio(*(float(2.0**each) for each in mean_interval(logs)))


def crossing(lengths: Sequence[int], ratios: Sequence[Ratio], times: Sequence[float]) -> Bracket:
    """Between which lengths the ratios, each multiplied by its `times`, rise through 1.

    The last length before the first at which 1 or more is plausible, and the one after the last at
    which 1 or less is: a ratio whose interval holds 1, or is unknown, is on neither side. `times`
    turns a ratio of updates into one of something an update takes (1, FLOPs, seconds).
    """
    scaled = [(ratio.low * factor, ratio.high * factor) for ratio, factor in zip(ratios, times)]
    return between([(T, high < 1, low > 1) for T, (low, high) in zip(lengths, scaled)])
