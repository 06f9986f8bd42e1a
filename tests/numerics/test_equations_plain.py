"""Plain, leaky and GRU-like cells against their equations, written again in numpy."""

from __future__ import annotations

import numpy as np
import pytest

from tests.numerics.written_again import Step, Weights, assert_written_again, logistic


def affine(p: Weights, name: str, x: np.ndarray, h: np.ndarray) -> np.ndarray:
    return p[f"b_{name}"] + p[f"U_{name}"].dot(h) + p[f"W_{name}"].dot(x)


def elman_relu(p: Weights, x: np.ndarray, state: list[np.ndarray]) -> list[np.ndarray]:
    return [np.maximum(p["b"] + p["U"].dot(state[0]) + p["W"].dot(x), 0)]


def leaky(p: Weights, x: np.ndarray, state: list[np.ndarray]) -> list[np.ndarray]:
    (h,) = state
    rate = logistic(p["a"])
    return [h + rate * (np.tanh(p["b"] + p["U"].dot(h) + p["W"].dot(x)) - h)]


def gated_leaky(p: Weights, x: np.ndarray, state: list[np.ndarray]) -> list[np.ndarray]:
    (h,) = state
    return [h + logistic(affine(p, "g", x, h)) * (np.tanh(affine(p, "h", x, h)) - h)]


def gru_before(p: Weights, x: np.ndarray, state: list[np.ndarray]) -> list[np.ndarray]:
    (h,) = state
    seen = h * logistic(affine(p, "r", x, h))
    keep = logistic(affine(p, "z", x, h))
    return [keep * h + (1 - keep) * np.tanh(affine(p, "n", x, seen))]


def mgu(p: Weights, x: np.ndarray, state: list[np.ndarray]) -> list[np.ndarray]:
    (h,) = state
    gate = logistic(affine(p, "f", x, h))
    return [h + gate * (np.tanh(affine(p, "h", x, gate * h)) - h)]


def ugrnn(p: Weights, x: np.ndarray, state: list[np.ndarray]) -> list[np.ndarray]:
    (h,) = state
    candidate = np.tanh(affine(p, "c", x, h))
    return [candidate + logistic(affine(p, "g", x, h)) * (h - candidate)]


def mut1(p: Weights, x: np.ndarray, state: list[np.ndarray]) -> list[np.ndarray]:
    (h,) = state
    update = logistic(p["W_z"].dot(x) + p["b_z"])
    seen = h * logistic(affine(p, "r", x, h))
    candidate = np.tanh(p["U_h"].dot(seen) + np.tanh(p["W_h"].dot(x)) + p["b_h"])
    return [h + update * (candidate - h)]


@pytest.mark.parametrize("step", [elman_relu, leaky, gated_leaky, mgu, ugrnn, mut1])
def test_hidden_states_are_those_of_the_written_out_equations(step: Step):
    assert_written_again(step.__name__, step)


def test_the_gru_with_the_reset_before_the_product_is_that_of_its_paper():
    assert_written_again("gru", gru_before, options={"reset": "before"})


def test_the_two_resets_of_the_gru_are_two_equations():
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        assert_written_again("gru", gru_before)
