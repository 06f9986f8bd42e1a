from __future__ import annotations

import numpy as np
import pytest

from lstm_bench import cells
from lstm_bench.cells import initialise


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize(("rows", "columns"), [(60, 60), (200, 10), (10, 200)])
def test_glorot_is_uniform_up_to_the_square_root_of_6_over_the_sum_of_both_sides(
    rows: int, columns: int
):
    weights = initialise.glorot(rng(), rows, columns)
    limit = np.sqrt(6 / (rows + columns))
    assert weights.shape == (rows, columns)
    assert 0.99 * limit < np.abs(weights).max() <= limit
    kurtosis_error = limit**2 * np.sqrt(4 / 45 / weights.size)
    assert abs((weights**2).mean() - limit**2 / 3) < 4 * kurtosis_error


def test_gaussians_have_the_deviation_asked_for():
    weights = initialise.normal(rng(), 100, 100, 0.001)
    assert abs(weights.std() - 0.001) < 4 * 0.001 / np.sqrt(2 * weights.size)
    assert abs(weights.mean()) < 4 * 0.001 / np.sqrt(weights.size)


def test_the_irnn_starts_as_an_exact_memory():
    weights = cells.create("irnn").init(rng(), 2, 5, 1)
    np.testing.assert_array_equal(weights["U"], np.eye(5))
    assert not weights["b"].any()


def test_the_grus_update_bias_is_where_the_update_gate_starts():
    weights = cells.create("gru", {"update_bias": 2.0}).init(rng(), 2, 5, 1)
    assert (weights["b_z"] == 2).all()
    assert not any(weights[name].any() for name in ("b_r", "b_n", "b_u"))
