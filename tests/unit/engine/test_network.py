from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from lstm_bench import cells
from lstm_bench.cells.lstm import LSTM
from lstm_bench.engine.network import Network
from lstm_bench.engine.runtime import resolve_device
from lstm_bench.errors import BenchError

CELLS = sorted(cells.registry())


def network(cell: str = "lstm", width: int = 6, **options: float) -> Network:
    return Network(cells.create(cell, options), 3, width, 2)


def as_bytes(weights: dict[str, np.ndarray]) -> dict[str, bytes]:
    return {name: value.tobytes() for name, value in weights.items()}


@pytest.mark.parametrize("cell", CELLS)
def test_initial_weights_are_a_function_of_cell_width_and_seed(cell: str):
    first = as_bytes(network(cell).init(0))
    assert as_bytes(network(cell).init(0)) == first
    assert as_bytes(network(cell).init(1)) != first
    other = next(width for width in (7, 8) if width in cells.create(cell).widths(3))
    assert as_bytes(network(cell, width=other).init(0)).keys() == first.keys()


def test_initial_weights_depend_on_the_options_of_the_cell():
    assert network(forget_bias=3.0).init(0)["W_f"].tobytes() != network().init(0)["W_f"].tobytes()


def test_an_option_given_as_a_whole_number_is_the_same_option():
    assert as_bytes(network(forget_bias=3).init(0)) == as_bytes(network(forget_bias=3.0).init(0))


def test_a_new_option_left_at_its_default_moves_no_number_of_a_trained_condition():
    @dataclass(frozen=True)
    class WithANewOption(LSTM):
        zoneout: float = 0.0

    later = Network(WithANewOption(), 3, 6, 2)
    assert as_bytes(later.init(0)) == as_bytes(network().init(0))


def test_two_cells_do_not_share_a_stream_of_random_numbers():
    assert network("elman").init(0)["W"].tobytes() != network("jordan").init(0)["W"].tobytes()


def test_the_readout_belongs_to_every_network():
    weights = network().init(0)
    assert weights["V"].shape == (2, 6)
    assert weights["b_y"].tolist() == [0, 0]
    assert network().parameters == sum(value.size for value in weights.values())


def test_the_number_of_parameters_is_the_textbooks():
    d, h, k = 3, 6, 2
    readout = k * h + k
    expected = {
        "elman": h * d + h * h + h,
        "irnn": h * d + h * h + h,
        "jordan": h * d + h * k + h,
        "lstm": 4 * (h * d + h * h + h),
        "gru": 3 * (h * d + h * h + h) + h,
    }
    found = {cell: network(cell).parameters - readout for cell in expected}
    assert found == expected


def test_weights_for_a_file_are_those_of_the_training_in_the_shapes_of_the_paper():
    net = network()
    flat = net.pack([4, 5], torch.zeros(1))
    stored, views = net.layout.unpack(flat), net.layout.views(flat)
    assert all(torch.equal(stored[name].view_as(views[name]), views[name]) for name in views)
    assert stored["b_f"].shape == (2, net.width)
    assert stored["U_f"].shape == (2, net.width, net.width)


def test_a_device_that_is_not_there_is_one_sentence():
    with pytest.raises(BenchError, match="auto, cpu and cuda"):
        resolve_device("tpu")
    assert resolve_device("cpu").type == "cpu"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_asking_for_a_gpu_where_there_is_none_says_what_to_do():
    with pytest.raises(BenchError, match="'auto'"):
        resolve_device("cuda")
    assert resolve_device("auto").type == "cpu"
