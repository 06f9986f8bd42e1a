from __future__ import annotations

import numpy as np
import pytest

from lstm_bench import cells
from lstm_bench.cells.lstm import LSTM
from lstm_bench.errors import BenchError

WIDTH = 4000


def biases(seed: int = 0, **options: float) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    weights = cells.create("lstm", options).init(rng, 1, WIDTH, 1)
    return {name: value for name, value in weights.items() if name.startswith("b_")}


@pytest.fixture(autouse=True)
def _small_matrices(monkeypatch):
    """Only the biases are looked at; 4000 x 4000 matrices would take their time."""
    from lstm_bench.cells import initialise

    monkeypatch.setattr(initialise, "glorot", lambda rng, rows, columns: np.zeros((1, 1)))


@pytest.mark.parametrize("bias", [0.0, 1.0, 3.0])
def test_the_forget_bias_is_where_the_forget_gate_starts_and_nothing_else(bias: float):
    found = biases(forget_bias=bias)
    assert (found.pop("b_f") == bias).all()
    assert not any(value.any() for value in found.values())


def test_chrono_spreads_time_scales_up_to_the_longest_and_mirrors_them_in_the_input_gate():
    longest = 101
    found = biases(chrono=longest)
    scales = np.exp(found["b_f"])
    assert scales.min() >= 1
    assert scales.max() <= longest - 1
    error = (longest - 2) / np.sqrt(12 * WIDTH)
    assert abs(scales.mean() - longest / 2) < 4 * error
    np.testing.assert_array_equal(found["b_i"], -found["b_f"])
    assert not found["b_o"].any()


@pytest.mark.parametrize("longest", [-3, 1])
def test_chrono_needs_two_steps_or_more(longest: int):
    with pytest.raises(BenchError, match=f"chrono is {longest}, but must be 0"):
        LSTM(chrono=longest)
