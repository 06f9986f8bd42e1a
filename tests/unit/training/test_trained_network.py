"""A trained replicate in the reader's hands: what it computes is what it was trained as."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lstm_bench
from lstm_bench import cells
from lstm_bench.errors import BenchError
from lstm_bench.training.trained_network import TrainedNetwork

SHORT = {"updates": 4, "evaluate_every": 2, "batch": 4, "validation_size": 32, "test_size": 64}
STACK = {"layers": 2, "bidirectional": True}


def trained(root: Path, cell: str = "lstm", task: str = "adding", **options: Any) -> TrainedNetwork:
    options = {"width": 5, "device": "cpu", "learning_rate": 0.05, **SHORT, **options}
    return lstm_bench.train(task, cell, 6, replicates=2, root=root, **options).replicate(1)


@pytest.mark.parametrize("task", ["adding", "copy", "anbn"])  # a value, classes, bits
def test_its_answers_have_the_loss_and_the_score_that_were_stored(tmp_path: Path, task: str):
    net = trained(tmp_path, "gru", task)
    row = lstm_bench.load(tmp_path).where(seed=1).replicates.iloc[0]
    from lstm_bench.training.evaluation import draw, joined

    batch = joined(list(draw(net.task, 6, "test", 1, SHORT["test_size"])))
    assert net.evaluate(batch) == pytest.approx((row.test_loss, row.test_score), rel=1e-5)


def test_numpy_gives_numpy_and_torch_gives_torch_of_the_same_dtype(tmp_path: Path):
    net = trained(tmp_path)
    x = net.sample(3).inputs
    for given in (x, x.astype(np.float64), torch.from_numpy(x), torch.from_numpy(x).double()):
        for found in (net.predict(given), net.states(given)["c"], net.gradients(given)["x"]):
            assert type(found) is type(given)
            assert found.dtype == given.dtype
    assert net.predict(x).shape == (3, 6, 1)
    assert net.states(x)["h"].shape == net.gates(x)["f"].shape == (3, 6, 5)
    assert net.gradients(x)["x"].shape == (3, 6, 2)
    assert net.predict(np.ones((1, 2, 2), int)).dtype == np.float32
    graph = net.predict(torch.from_numpy(x).requires_grad_())
    assert graph.requires_grad


def test_states_and_gates_are_those_of_the_lecture_s_equations(tmp_path: Path):
    net = trained(tmp_path)
    x = net.sample(4).inputs.astype(np.float64)
    states, gates = net.states(x), net.gates(x)
    c = np.concatenate([np.zeros_like(states["c"][:, :1]), states["c"][:, :-1]], axis=1)
    assert np.allclose(states["c"], gates["f"] * c + gates["i"] * gates["c_tilde"])
    assert np.allclose(states["h"], gates["o"] * np.tanh(states["c"]))
    assert np.allclose(net.predict(x), states["h"] @ net.weights["V"].T + net.weights["b_y"])


def test_gradients_of_a_loss_agree_with_differences_of_it(tmp_path: Path):
    net = trained(tmp_path)
    batch = net.sample(1)
    batch = batch._replace(inputs=batch.inputs.astype(np.float64))
    found, small = net.gradients(batch), 1e-6
    for t, d in ((0, 0), (5, 1)):
        losses = []
        for sign in (1, -1):
            moved = batch.inputs.copy()
            moved[0, t, d] += sign * small
            losses.append(net.evaluate(batch._replace(inputs=moved))[0])
        assert found["x"][0, t, d] == pytest.approx((losses[0] - losses[1]) / (2 * small), rel=1e-4)
    assert {"x", "h", "c"} == set(found)


def test_a_gradient_goes_back_a_step_by_the_jacobian(tmp_path: Path):
    """dL/dh_{t-1} = dL/dh_t J_t where no loss is taken at t - 1."""
    net = trained(tmp_path, "elman")
    x = net.sample(2).inputs.astype(np.float64)
    h = net.gradients(x)["h"]
    assert np.allclose(h[:, 3], np.einsum("bi,bij->bj", h[:, 4], net.jacobian(x, 4)))


def test_a_layer_sees_the_one_below_and_not_the_one_above(tmp_path: Path):
    net = trained(tmp_path, "gru", network={"layers": 2})
    found = net.jacobian(net.sample(2).inputs, 3)
    assert list(net.states(net.sample(2).inputs)) == ["layer1.h", "layer2.h"]
    assert np.abs(found[:, 5:, :5]).max() > 0
    assert np.abs(found[:, :5, 5:]).max() == 0


def test_a_jacobian_agrees_with_differences(tmp_path: Path):
    net = trained(tmp_path)
    x = net.sample(1).inputs.astype(np.float64)
    from lstm_bench.engine.trajectory import step

    params = net._params(torch.zeros(1, dtype=torch.float64))
    start = [torch.from_numpy(net.states(x)[name][:, 2].T.copy())[None] for name in ("h", "c")]
    inputs = torch.from_numpy(x[:, 3].T.copy())[None]

    def after(flat: torch.Tensor) -> torch.Tensor:
        return torch.cat(step(net.network, params, inputs, flat.split(5, dim=1)), dim=1)[0, :, 0]

    flat = torch.cat(start, dim=1)
    columns = []
    for i in range(10):
        moved = torch.zeros_like(flat)
        moved[0, i] = 1e-6
        columns.append((after(flat + moved) - after(flat - moved)) / 2e-6)
    assert np.allclose(net.jacobian(x, 3)[0], torch.stack(columns, 1).numpy(), atol=1e-8)
    assert net.jacobian(x, 0).shape == (1, 10, 10)


@pytest.mark.parametrize("cell", ["lstm", "gru", "elman", "elman_relu", "irnn"])
@pytest.mark.parametrize("network", [{}, STACK, {"readout": "logistic", "readout_bias": False}])
def test_a_module_of_torch_has_the_same_outputs(tmp_path: Path, cell: str, network: dict[str, Any]):
    options = {"input_std": 0.5} if cell == "irnn" else {}  # else nearly nothing comes in
    net = trained(tmp_path, cell, network=network, cell_options=options, learning_rate=0.003)
    x = torch.from_numpy(net.sample(8).inputs)
    recurrent, readout = net.to_torch()
    with torch.no_grad():
        hidden = recurrent(x)[0]
        assert torch.allclose(readout(hidden), net.predict(x), atol=1e-6)
    assert net.predict(x).std() > 1e-3


def test_flux_s_matrices_come_back_as_the_same_network(tmp_path: Path):
    for cell in ("lstm", "gru", "elman"):
        net = trained(tmp_path, cell)
        if cell == "gru":  # Flux has no place for b_u
            net = TrainedNetwork(net.condition, 1, {**net.weights, "b_u": np.zeros(5, np.float32)})
        again = lstm_bench.from_flux("adding", 6, **net.to_flux())
        x = net.sample(4).inputs
        assert np.array_equal(again.predict(x), net.predict(x))
        assert again.seed is None
        assert "trained elsewhere" in str(again)
        again.save(tmp_path / f"{cell}.safetensors")
        assert lstm_bench.load_network(tmp_path / f"{cell}.safetensors").seed is None


def test_a_saved_network_is_read_back_and_a_seed_block_too(tmp_path: Path):
    net = trained(tmp_path)
    x = net.sample(4).inputs
    saved = lstm_bench.load_network(net.save(tmp_path / "net.safetensors"))
    assert (saved.condition, saved.seed) == (net.condition, 1)
    assert np.array_equal(saved.predict(x), net.predict(x))
    (block,) = tmp_path.glob("results/runs/*/seeds-000-001/model.safetensors")
    assert np.array_equal(lstm_bench.load_network(block, 1).predict(x), net.predict(x))
    for seed in (None, 7):
        with pytest.raises(BenchError, match=r"\[0, 1\]"):
            lstm_bench.load_network(block, seed)


def test_every_cell_can_be_looked_into(tmp_path: Path):
    """Outputs of the plain loop, states of their width, gradients that are finite."""
    from lstm_bench.engine.network import Network
    from lstm_bench.training.api import make_condition

    for name in cells.registry():
        width = cells.create(name).widths(2).start if name == "lstm_1997" else 4
        condition = make_condition("adding", name, 6, width=max(width, 4))
        weights = {k: v.astype(np.float32) for k, v in Network.of(condition).init(0).items()}
        net = TrainedNetwork(condition, 0, weights)
        x = net.sample(3).inputs
        inputs = torch.from_numpy(x).permute(1, 2, 0)[:, None]
        expected = net.network.outputs_at(net._params(inputs), inputs, range(6), backend="loop")
        assert np.allclose(net.predict(x)[..., 0].T.ravel(), expected.flatten(), atol=1e-6), name
        assert set(net.states(x)) == set(net.network.cell.state)
        assert all(np.isfinite(grad).all() for grad in net.gradients(net.sample(3)).values())
        jacobian = net.jacobian(x, 3)
        assert jacobian.shape == (3, net.network.state_size, net.network.state_size), name
        assert np.isfinite(jacobian).all()


def test_bad_input_is_told_in_a_sentence(tmp_path: Path):
    net = trained(tmp_path)
    with pytest.raises(BenchError, match=r"predict: x has shape \(6, 2\), but must be \(B, T, 2\)"):
        net.predict(net.sample(1).inputs[0])
    with pytest.raises(BenchError, match="2 inputs of task 'adding'"):
        net.states(np.zeros((1, 6, 3)))
    with pytest.raises(BenchError, match="real numbers"):
        net.gates(np.array([[["a", "b"]]]))
    with pytest.raises(BenchError, match="real numbers"):
        net.gates(torch.zeros(1, 6, 2, dtype=torch.complex64))
    with pytest.raises(BenchError, match="t: 6 is not allowed"):
        net.jacobian(net.sample(1).inputs, 6)
    with pytest.raises(BenchError, match="cell 'elman' has no gates"):
        trained(tmp_path, "elman").gates(net.sample(1).inputs)
    for method in ("to_torch", "to_flux"):
        with pytest.raises(BenchError, match=f"^{method}: .*'mgu'"):
            getattr(trained(tmp_path, "mgu"), method)()
    before = trained(tmp_path, "gru", cell_options={"reset": "before"})
    with pytest.raises(BenchError, match="reset 'before'"):
        before.to_torch()
    with pytest.raises(BenchError, match="bidirectional"):
        trained(tmp_path, network=STACK).jacobian(net.sample(1).inputs, 1)
    with pytest.raises(BenchError, match="the shape of W_f is"):
        lstm_bench.from_flux("copy", 6, **net.to_flux())
    with pytest.raises(BenchError, match="cannot be written"):
        net.save(tmp_path)
    with pytest.raises(BenchError, match="seed: 7 is not among"):
        lstm_bench.load(tmp_path).where(cell="mgu").replicate(7)
    with pytest.raises(BenchError, match="runs are chosen, but must be one"):
        lstm_bench.load(tmp_path).replicate(0)
    with pytest.raises(BenchError, match="is not a file"):
        lstm_bench.load_network(tmp_path / "none.safetensors")
