"""Coverage, simulated over four shapes of differences: its mean and its minimum are stated."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lstm_bench.stats.comparisons import probability_of_improvement
from lstm_bench.stats.intervals import difference, interval, iqm, mean_of_strata

Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
SIMULATIONS = 600
SHAPES: dict[str, tuple[Draw, float]] = {
    "normal": (lambda rng, shape: rng.normal(0.3, 1, shape), 0.3),
    "heavy tails": (lambda rng, shape: rng.standard_t(4, shape), 0.0),
    "of two lognormals": (
        lambda rng, shape: rng.lognormal(0, 0.5, shape) - rng.lognormal(0, 0.5, shape),
        0.0,
    ),
    "shares of four lengths": (
        lambda rng, shape: (rng.binomial(4, 0.8, shape) - rng.binomial(4, 0.4, shape)) / 4,
        0.4,
    ),
}


def coverage(n: int, method: str) -> np.ndarray:
    """The share of simulations whose interval of the mean covers the true one, by shape."""
    found = []
    for place, (draw, truth) in enumerate(SHAPES.values()):
        data = draw(np.random.default_rng(place), (SIMULATIONS, n))
        low, high = interval([data], method=method, resamples=1000)
        found.append(float(((low <= truth) & (truth <= high)).mean()))
    return np.array(found)


@pytest.mark.parametrize(
    ("n", "mean", "lowest"), [(5, 0.90, 0.88), (10, 0.93, 0.92), (20, 0.93, 0.92)]
)
def test_an_expanded_interval_covers_the_mean(n: int, mean: float, lowest: float) -> None:
    found = coverage(n, "expanded")
    assert mean <= found.mean() <= 0.97, found
    assert found.min() >= lowest, found


@pytest.mark.filterwarnings("ignore")  # BCa has no interval where all values are equal
@pytest.mark.parametrize("n", [5, 10, 20])
@pytest.mark.parametrize("other", ["percentile", "bca"])
def test_the_expanded_interval_is_the_one_that_coverage_chose(n: int, other: str) -> None:
    chosen, rejected = coverage(n, "expanded"), coverage(n, other)
    assert abs(chosen.mean() - 0.95) < abs(rejected.mean() - 0.95)
    assert chosen.min() > rejected.min()


@pytest.mark.parametrize("n", [10, 20])
def test_intervals_of_unpaired_differences_and_of_strata_cover_too(n: int) -> None:
    rng = np.random.default_rng(3)
    a, b, c = (rng.normal(mean, sd, (SIMULATIONS, n)) for mean, sd in ((1, 1), (0, 2), (2, 1)))
    for samples, statistic, truth, method in (
        ([a, b], difference(), 1.0, "expanded"),
        ([a, b, c], mean_of_strata, 1.0, "expanded"),
        ([a, b], difference(iqm), 1.0, "percentile"),
    ):
        low, high = interval(samples, statistic, method=method, resamples=500)
        assert 0.93 <= ((low <= truth) & (truth <= high)).mean() <= 0.975


@pytest.mark.parametrize("n", [5, 10, 20])
def test_the_interval_of_the_probability_of_improvement_covers_it(n: int) -> None:
    rng = np.random.default_rng(4)
    truth = 0.760  # P(N(1, 1) > N(0, 1)) = Phi(1 / sqrt 2)
    covered = 0
    for _ in range(100):
        tasks = [(rng.normal(1, 1, n), rng.normal(0, 1, n)) for _ in range(2)]
        _, low, high = probability_of_improvement(*zip(*tasks))
        covered += low <= truth <= high
    assert covered / 100 >= 0.90


def test_the_interquartile_mean_leaves_a_quarter_out_at_either_end() -> None:
    assert iqm([0, 1, 2, 3, 4, 5, 6, 1000]) == pytest.approx(3.5)


def test_an_interval_is_seeded_and_one_value_has_none() -> None:
    data = [np.random.default_rng(0).normal(size=10)]
    assert interval(data) == interval(data)
    with pytest.raises(ValueError, match="not 1"):
        interval([[1.0]])
