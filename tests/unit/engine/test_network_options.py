from __future__ import annotations

import pytest
import torch

from lstm_bench import cells
from lstm_bench.engine.network import Network
from lstm_bench.engine.network_options import NetworkOptions
from lstm_bench.errors import BenchError
from lstm_bench.spec import Condition
from lstm_bench.store.tensors import load_tensors, save_tensors

WIDTH = 6


def network(cell: str = "lstm", **options) -> Network:
    return Network(cells.create(cell), 3, WIDTH, 2, NetworkOptions(**options))


def test_one_layer_keeps_the_plain_names_and_others_say_where_they_stand():
    assert list(network("elman").init(0)) == ["W", "U", "b", "V", "b_y"]
    both = network("elman", layers=2, bidirectional=True).init(0)
    assert list(both) == [
        *(f"layer1.{n}" for n in ("W", "U", "b")),
        *(f"layer1.backward.{n}" for n in ("W", "U", "b")),
        *(f"layer2.{n}" for n in ("W", "U", "b")),
        *(f"layer2.backward.{n}" for n in ("W", "U", "b")),
        "V",
        "b_y",
    ]
    assert both["layer2.W"].shape == (WIDTH, 2 * WIDTH)
    assert both["V"].shape == (2, 2 * WIDTH)


def test_the_first_layer_of_a_stack_starts_as_the_cell_alone():
    alone, stack = network().init(0), network(layers=3).init(0)
    assert stack["layer1.U_f"].tobytes() == alone["U_f"].tobytes()
    assert stack["layer2.U_f"].tobytes() != stack["layer3.U_f"].tobytes()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"layers": 3},
        {"bidirectional": True},
        {"layers": 2, "bidirectional": True, "direct": True, "readout_bias": False},
    ],
)
def test_parameters_state_and_flops_are_counted(options: dict):
    net = network(**options)
    weights = net.init(0)
    assert net.parameters == sum(value.size for value in weights.values())
    matrices = [v.size for k, v in weights.items() if v.ndim == 2 and k not in ("V", "V_x")]
    assert net.flops == 2 * sum(matrices)
    assert net.state_size == 2 * WIDTH * len(net.parts)


def test_a_readout_range_bounds_the_readout_and_its_bias_alone():
    drawn = network(readout_range=0.1, direct=True).init(0)
    plain = network(direct=True).init(0)
    for name in ("V", "V_x", "b_y"):
        assert 0.02 < abs(drawn[name]).max() <= 0.1
    assert drawn["U_f"].tobytes() == plain["U_f"].tobytes()
    assert abs(plain["V"]).max() > 0.1
    assert not plain["b_y"].any()


@pytest.mark.parametrize("option", ["layers", "bidirectional", "direct", "readout_bias"])
def test_a_cell_that_feeds_the_output_back_takes_one_plain_layer(option: str):
    value = {"layers": 2, "bidirectional": True, "direct": True, "readout_bias": False}[option]
    with pytest.raises(BenchError, match=f"{option} {value!r} is not allowed with cell 'jordan'"):
        network("jordan", **{option: value})
    assert network("jordan", readout="logistic", readout_range=0.1).parameters > 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"layers": 0}, "layers is 0"),
        ({"readout": "softmax"}, "'softmax'"),
        ({"readout_range": -1.0}, "at least 0"),
    ],
)
def test_an_option_that_cannot_be_is_one_sentence(options: dict, told: str):
    with pytest.raises(BenchError, match=told):
        NetworkOptions(**options)


def test_logistic_outputs_need_a_squared_error():
    c = Condition("temporal_order", 12, "lstm", 4, network={"readout": "logistic"})
    with pytest.raises(BenchError, match=r"'logistic' is not allowed on task 'temporal_order'"):
        Network.of(c)
    assert Network.of(Condition("adding", 12, "lstm", 4, network={"readout": "logistic"}))


def test_a_wrong_option_names_the_nearest():
    with pytest.raises(BenchError, match="did you mean 'layers'"):
        Network.of(Condition("adding", 12, "lstm", 4, network={"layer": 2}))


def test_the_weights_of_a_stack_come_back_from_a_file(tmp_path):
    net = network(layers=2, bidirectional=True, direct=True)
    flat = net.pack([4, 5], torch.zeros(1))
    stored = {name: value.numpy() for name, value in net.layout.unpack(flat).items()}
    save_tensors(tmp_path / "model.safetensors", stored, {})
    found, _ = load_tensors(tmp_path / "model.safetensors")
    assert torch.equal(
        net.layout.pack([{k: v[r] for k, v in found.items()} for r in (0, 1)], flat), flat
    )
