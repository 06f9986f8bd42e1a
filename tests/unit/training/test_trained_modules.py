"""A trained module of torch, in the reader's hands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import lstm_bench
from lstm_bench.errors import BenchError

OWN = "tests/unit/cells/given/own_modules.py"
SMALL = {"updates": 3, "evaluate_every": 1, "validation_size": 16, "test_size": 16}


@pytest.mark.parametrize(
    "reference", ["torch.nn:LSTM", "torch.nn:LSTMCell", f"{OWN}:MultiHead", f"{OWN}:LearntStart"]
)
def test_what_is_stored_predicts_as_the_module_does(reference: str, tmp_path: Path):
    trained = lstm_bench.train(
        "adding", reference, T=6, width=8, replicates=2, root=tmp_path, **SMALL
    )
    (again,) = lstm_bench.load(tmp_path)
    net = again.replicate(1)
    x = net.sample(5).inputs
    module, weights = net.network.cell.at(2, 8).module, net.weights
    with torch.no_grad():
        for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
            if name in weights:
                tensor.copy_(torch.from_numpy(weights[name]))
        if reference == "torch.nn:LSTM":
            hidden = module(torch.from_numpy(x).transpose(0, 1))[0].transpose(0, 1).numpy()
        else:
            start = getattr(module, "initial_state", lambda batch: None)
            state, steps = start(5), []
            for step in torch.from_numpy(x).unbind(1):
                result = module(step, state)
                output, state = result if reference.endswith("MultiHead") else (result, result)
                steps.append(output[0] if isinstance(output, tuple) else output)
            hidden = torch.stack(steps, dim=1).numpy()
    expected = hidden @ weights["V"].T + weights["b_y"]
    assert np.allclose(net.predict(x), expected, atol=1e-5)
    assert net.states(x)["h"].shape == (5, 6, 8)
    assert len(trained.replicates) == 2


def test_a_layer_says_what_it_does_not_show(tmp_path: Path):
    lstm_bench.train("adding", "torch.nn:LSTM", T=6, width=8, replicates=1, root=tmp_path, **SMALL)
    (trained,) = lstm_bench.load(tmp_path)
    net = trained.replicate(0)
    x = net.sample(2).inputs
    with pytest.raises(BenchError, match="what a step passes to the next is not seen"):
        net.gradients(x)
    with pytest.raises(BenchError, match="has no single step"):
        net.jacobian(x, 2)
