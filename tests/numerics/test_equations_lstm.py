"""The LSTMs after 1997 against their equations, written again in numpy."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from lstm_bench import cells, engine
from lstm_bench.cells.base import Params
from tests.numerics.support import EXACT, make_params, randn
from tests.numerics.written_again import Weights, assert_written_again, logistic


def identity(a: np.ndarray) -> np.ndarray:
    return a


def greff(
    p: Weights,
    x: np.ndarray,
    state: list[np.ndarray],
    *,
    without: str = "",
    g=np.tanh,
    h=np.tanh,
    coupled: bool = False,
    peepholes: bool = True,
    full: bool = False,
) -> list[np.ndarray]:
    """One unit after another, as Greff et al. list the differences."""
    y, c, *gates = state
    size = len(y)
    now = {name: np.ones(size) for name in "ifo"}
    new_c, new_y = np.empty(size), np.empty(size)

    def net(name: str, k: int, seen: float) -> float:
        total = p[f"W_{name}"][k] @ x + p[f"U_{name}"][k] @ y + p[f"b_{name}"][k]
        if peepholes and name != "z":
            total += p[f"p_{name}"][k] * seen
        if full and name != "z":
            i, f, o = gates
            total += p[f"R_i{name}"][k] @ i + p[f"R_f{name}"][k] @ f + p[f"R_o{name}"][k] @ o
        return total

    for k in range(size):
        if without != "i":
            now["i"][k] = logistic(net("i", k, c[k]))
        if coupled:
            now["f"][k] = 1 - now["i"][k]
        elif without != "f":
            now["f"][k] = logistic(net("f", k, c[k]))
        new_c[k] = now["f"][k] * c[k] + now["i"][k] * g(net("z", k, np.nan))
        if without != "o":
            now["o"][k] = logistic(net("o", k, new_c[k]))
        new_y[k] = now["o"][k] * h(new_c[k])
    return [new_y, new_c, *(now[name] for name in "ifo" if full)]


VARIANTS = {
    "lstm_peephole": greff,
    "lstm_nig": partial(greff, without="i"),
    "lstm_nfg": partial(greff, without="f"),
    "lstm_nog": partial(greff, without="o"),
    "lstm_niaf": partial(greff, g=identity),
    "lstm_noaf": partial(greff, h=identity),
    "lstm_np": partial(greff, peepholes=False),
    "lstm_cifg": partial(greff, coupled=True),
    "lstm_fgr": partial(greff, full=True),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_differs_from_the_peephole_lstm_as_greff_et_al_say(name: str):
    assert_written_again(name, VARIANTS[name])


@pytest.mark.parametrize("name", sorted(set(VARIANTS) - {"lstm_peephole"}))
def test_no_variant_is_the_baseline(name: str):
    with pytest.raises((AssertionError, KeyError)):
        assert_written_again(name, greff)


def test_without_peepholes_the_variant_has_the_equations_of_the_lstm():
    params, inputs = make_params(cells.create("lstm_np"), 3, 5), randn(1, 6, 1, 3, 4)
    start = (randn(2, 1, 5, 4), randn(3, 1, 5, 4))
    renamed = {name.replace("_z", "_c"): value for name, value in params.items()}
    found = [
        engine.unroll(cells.create(name), Params(p), inputs, start, range(6), "loop")[0]
        for name, p in (("lstm_np", params), ("lstm", renamed))
    ]
    torch.testing.assert_close(found[0], found[1], rtol=EXACT, atol=EXACT)


def layernorm(p: Weights, x: np.ndarray, state: list[np.ndarray]) -> list[np.ndarray]:
    h, c = state

    def normal(z: np.ndarray, k: int) -> np.ndarray:
        return (z - z.mean()) / np.sqrt(z.var() + 1e-5) * p[f"alpha_{k}"] + p[f"beta_{k}"]

    f, i, o, g = np.split(normal(p["U"].dot(h), 1) + normal(p["W"].dot(x), 2) + p["b"], 4)
    c = logistic(f) * c + logistic(i) * np.tanh(g)
    return [logistic(o) * np.tanh(normal(c, 3)), c]


def projected(p: Weights, x: np.ndarray, state: list[np.ndarray]) -> list[np.ndarray]:
    r, c = state

    def net(gate: str) -> np.ndarray:
        return p[f"W_{gate}"].dot(x) + p[f"U_{gate}"].dot(r) + p[f"b_{gate}"]

    i, f = (logistic(net(gate) + p[f"p_{gate}"] * c) for gate in "if")
    c = f * c + i * np.tanh(net("c"))
    m = logistic(net("o") + p["p_o"] * c) * np.tanh(c)
    return [p["W_r"].dot(m), c]


def test_the_layer_normalised_lstm_is_that_of_ba_et_al():
    assert_written_again("lstm_layernorm", layernorm)


@pytest.mark.parametrize("ratio", [1, 3])
def test_the_projected_lstm_is_that_of_sak_et_al(ratio: int):
    assert_written_again("lstm_projected", projected, options={"cells": ratio})


def test_without_peepholes_the_projected_lstm_is_that_of_torch():
    D, H, T, B = 3, 4, 7, 5
    cell = cells.create("lstm_projected", {"cells": 2, "peepholes": False})
    params, inputs = make_params(cell, D, H), randn(1, T, 1, D, B)
    start = cell.initial_state(1, H, B, inputs, D)
    hidden, _ = engine.unroll(cell, Params(params), inputs, start, range(T), "loop")
    twin = nn.LSTM(D, 2 * H, proj_size=H, dtype=torch.float64)
    stacked = {k: torch.cat([params[f"{k}_{g}"] for g in "ifco"], dim=1)[0] for k in "WUb"}
    weights = {
        "weight_ih_l0": stacked["W"],
        "weight_hh_l0": stacked["U"],
        "bias_ih_l0": stacked["b"][:, 0],
        "bias_hh_l0": torch.zeros(8 * H, dtype=torch.float64),
        "weight_hr_l0": params["W_r"][0],
    }
    output, _ = torch.func.functional_call(twin, weights, inputs[:, 0].transpose(1, 2))
    torch.testing.assert_close(hidden[:, 0].transpose(1, 2), output, rtol=EXACT, atol=EXACT)
