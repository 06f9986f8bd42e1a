from __future__ import annotations

import numpy as np
import pytest

from lstm_bench import cells
from lstm_bench.errors import BenchError


def weights(width: int = 6, inputs: int = 2, seed: int = 0, **options) -> dict[str, np.ndarray]:
    cell = cells.create("lstm_1997", options)
    return cell.init(np.random.default_rng(seed), inputs, width, 1)


def test_weights_are_uniform_up_to_the_range_asked_for():
    for limit in (0.2, 0.1):
        drawn = np.concatenate([w.ravel() for w in weights(60, weight_range=limit).values()])
        assert 0.999 * limit < np.abs(drawn).max() <= limit
        assert abs(drawn.std() / limit - 1 / np.sqrt(3)) < 0.01


def test_gate_biases_start_in_steps_from_block_to_block_as_in_experiments_1_and_3():
    found = weights(cells_per_block=2, output_bias=-1, output_bias_step=-1, biases="gates")
    assert found["b_o"].tolist() == [-1, -2, -3]
    assert 0 < np.abs(found["b_i"]).max() <= 0.2
    assert "b_c" not in found
    found = weights(3, input_bias=-1, input_bias_step=-2, output_bias=-2, output_bias_step=-2)
    assert found["b_i"].tolist() == [-1, -3, -5]
    assert found["b_o"].tolist() == [-2, -4, -6]
    assert 0 < np.abs(found["b_c"]).max() <= 0.2


def test_parts_that_are_left_out_have_no_weights():
    assert not {"W_o", "U_o", "b_o"} & set(weights(output_gate=False))
    assert set(weights(biases="none", recurrence="none")) == {"W_i", "W_o", "W_c"}
    assert weights(recurrence="cells")["U_i"].shape == (6, 6)
    assert weights(recurrence="all")["U_i"].shape == (6, 18)


def test_a_width_that_is_no_whole_number_of_blocks_is_refused():
    with pytest.raises(BenchError, match="width 5 is not allowed; it must be a multiple of"):
        weights(5, cells_per_block=2)
    with pytest.raises(BenchError, match=r"width 5 .* 2 inputs and a multiple of .* = 2 cells"):
        weights(5, cells_per_block=2, direct=True)
    assert weights(6, cells_per_block=2, direct=True)["W_c"].shape == (4, 2)


def test_the_widths_it_can_have_are_told():
    assert list(cells.create("lstm_1997", {"cells_per_block": 3}).widths(2)[:3]) == [3, 6, 9]
    blocks = cells.create("lstm_1997", {"cells_per_block": 2, "direct": True})
    assert list(blocks.widths(5)[:3]) == [7, 9, 11]
    assert list(cells.create("lstm").widths(2)[:3]) == [1, 2, 3]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("recurrence", "some"),
        ("biases", "cells"),
        ("input_squash", "identity"),
        ("output_squash", "tanh"),
        ("cells_per_block", 0),
        ("weight_range", -0.1),
    ],
)
def test_an_option_with_a_value_that_means_nothing_is_refused(option: str, value):
    with pytest.raises(BenchError, match=f"option {option}.*{value}"):
        cells.create("lstm_1997", {option: value})
