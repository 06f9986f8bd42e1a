"""Operations of a pass, and the comparison with float64."""

from __future__ import annotations

import numpy as np
import pytest

from lstm_bench import cells
from lstm_bench.speed.cases import Case, relative_errors


@pytest.mark.parametrize(("cell", "gates"), [("lstm", 4), ("gru", 3), ("elman", 1), ("irnn", 1)])
def test_a_pass_has_6_R_T_B_G_H_times_H_plus_D_operations(cell: str, gates: int):
    R, B, H, T, D = 8, 32, 64, 200, 10
    case = Case(cell, width=H, T=T, replicates=R, batch=B, inputs=D)
    step = cells.create(cell).flops(D, H, 1)
    assert case.floating_point_operations(step) == 6 * R * T * B * gates * H * (H + D)


def test_a_shorter_case_has_the_same_other_sizes():
    case = Case("lstm", width=5, T=10000, replicates=8, batch=3, inputs=2)
    short = case.at_most(100, 2)
    assert (short.T, short.replicates, short.width, short.batch) == (100, 2, 5, 3)
    assert short.at_most(200, 4) == short
    assert case.draw_inputs().shape == (10000, 8, 2, 3)
    assert case.draw_direction().shape == (8, 5, 3)
    assert case.least_memory() == 4 * 8 * 10000 * 3 * 5


def test_the_relative_error_is_of_the_norm_of_each_tensor():
    exact = {"a": np.array([3.0, 4.0]), "zero": np.zeros(2), "gone": np.ones(1), "nan": np.ones(1)}
    found = {
        "a": np.array([3.0, 4.0 + 5e-5]),
        "zero": np.zeros(2),
        "nan": np.array([np.nan]),
    }
    errors = relative_errors(found, exact)
    assert errors["a"] == pytest.approx(1e-5)
    assert errors["zero"] == 0
    assert errors["gone"] == errors["nan"] == float("inf")
    assert relative_errors({"zero": np.array([0.0, 1e-9])}, {"zero": np.zeros(2)})["zero"] > 1
