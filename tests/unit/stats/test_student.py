from __future__ import annotations

import numpy as np
import pytest

from lstm_bench.stats.student import student_interval


@pytest.mark.parametrize("n", [3, 5, 10])
def test_the_interval_covers_a_normal_mean_as_often_as_it_says(n: int) -> None:
    rng = np.random.default_rng(0)
    found = [student_interval(rng.normal(1.0, 2.0, n)) for _ in range(2000)]
    covered = np.mean([low <= 1.0 <= high for _, low, high in found])
    assert abs(covered - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 2000)


def test_one_value_has_no_interval_and_none_has_no_mean() -> None:
    assert student_interval([0.5, float("nan")])[0] == 0.5
    assert np.isnan(student_interval([0.5])[1:]).all()
    assert np.isnan(student_interval([])).all()
