"""The cells against torch.nn, in float64: outputs, final states and every gradient."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

from tests.numerics.support import (
    EXACT,
    assert_agree,
    cell_named,
    forward_and_gradients,
    leaves,
    make_params,
    randn,
)

D, H, B, T = 3, 7, 5, 11
GATES = {"lstm": "ifco", "gru": "rzn", "elman": "", "irnn": ""}  # torch's order
TWINS = {
    "lstm": lambda: nn.LSTM(D, H),
    "gru": lambda: nn.GRU(D, H),
    "elman": lambda: nn.RNN(D, H, nonlinearity="tanh"),
    "irnn": lambda: nn.RNN(D, H, nonlinearity="relu"),
}


def stacked(params: Mapping[str, Tensor], kind: str, gates: str) -> Tensor:
    return torch.cat([params[f"{kind}_{g}"] for g in gates] if gates else [params[kind]], dim=1)[0]


def torch_weights(name: str, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """torch.nn has two biases: ours goes to the first, except the GRU's recurrent b_u."""
    gates = GATES[name]
    bias = stacked(params, "b", gates).squeeze(1)
    second = torch.zeros_like(bias)
    if name == "gru":
        second = torch.cat([second[: 2 * H], params["b_u"][0, :, 0]])
    return {
        "weight_ih_l0": stacked(params, "W", gates),
        "weight_hh_l0": stacked(params, "U", gates),
        "bias_ih_l0": bias,
        "bias_hh_l0": second,
    }


def by_torch(name: str, params: Mapping[str, Tensor], inputs: Tensor, state: tuple[Tensor, ...]):
    """What `forward_and_gradients` returns, computed by torch.nn and given our names."""
    twin, p = TWINS[name]().double(), leaves(params)
    x = leaves({"inputs": inputs, **{f"state{i}": s for i, s in enumerate(state)}})
    start = tuple(x[f"state{i}"].transpose(1, 2) for i in range(len(state)))
    output, last = torch.func.functional_call(
        twin,
        torch_weights(name, p),
        (x["inputs"][:, 0].transpose(1, 2), start if name == "lstm" else start[0]),
    )
    finals = [part.transpose(1, 2) for part in (last if name == "lstm" else (last,))]
    hidden = output.transpose(1, 2).unsqueeze(1)
    loss = (hidden * randn(11, *hidden.shape)).sum()
    for i, part in enumerate(finals):
        loss = loss + (part * randn(12 + i, *part.shape)).sum()
    wanted = {k: v for k, v in {**p, **x}.items() if k not in ("V", "b_y")}
    gradients = torch.autograd.grad(loss, list(wanted.values()))
    return {
        "hidden": hidden.detach(),
        **{f"final{i}": part.detach() for i, part in enumerate(finals)},
        **{f"d{k}": g for k, g in zip(wanted, gradients)},
    }


@pytest.mark.parametrize("name", TWINS)
def test_a_cell_equals_its_twin_in_torch_nn_in_outputs_and_all_gradients(name: str):
    cell = cell_named(name)
    params, inputs = make_params(cell, D, H), randn(1, T, 1, D, B)
    state = tuple(randn(2 + i, 1, H, B) for i in range(len(cell.state)))
    found = forward_and_gradients(cell, params, inputs, state, range(T), "loop")
    assert_agree(found, by_torch(name, params, inputs, state), EXACT)


@pytest.mark.parametrize("name", TWINS)
def test_the_comparison_covers_every_parameter_of_the_cell(name: str):
    cell = cell_named(name)
    params, inputs = make_params(cell, D, H), randn(1, T, 1, D, B)
    state = tuple(randn(2 + i, 1, H, B) for i in range(len(cell.state)))
    found = by_torch(name, params, inputs, state)
    assert {f"d{k}" for k in cell.shapes(D, H, 2)} <= found.keys()
    assert all(found[f"d{k}"].abs().max() > 0 for k in cell.shapes(D, H, 2))


@pytest.mark.parametrize("name", TWINS)
def test_swapping_two_weights_would_be_noticed(name: str):
    cell = cell_named(name)
    params, inputs = make_params(cell, D, H), randn(1, T, 1, D, B)
    state = tuple(randn(2 + i, 1, H, B) for i in range(len(cell.state)))
    wrong = {**params, next(iter(params)): -params[next(iter(params))]}
    found = forward_and_gradients(cell, wrong, inputs, state, range(T), "loop")
    with pytest.raises(AssertionError, match="hidden is off"):
        assert_agree(found, by_torch(name, params, inputs, state), EXACT)
