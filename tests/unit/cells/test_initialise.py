from __future__ import annotations

import numpy as np
import pytest

from lstm_bench import cells
from lstm_bench.cells import initialise
from lstm_bench.errors import BenchError


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize(("rows", "columns"), [(60, 60), (200, 10), (10, 200)])
def test_glorot_is_uniform_up_to_the_square_root_of_6_over_the_sum_of_both_sides(
    rows: int, columns: int
):
    weights = initialise.glorot(rng(), rows, columns)
    limit = np.sqrt(6 / (rows + columns))
    assert weights.shape == (rows, columns)
    assert 0.99 * limit < np.abs(weights).max() <= limit
    kurtosis_error = limit**2 * np.sqrt(4 / 45 / weights.size)
    assert abs((weights**2).mean() - limit**2 / 3) < 4 * kurtosis_error


def test_gaussians_have_the_deviation_asked_for():
    weights = initialise.normal(rng(), 100, 100, 0.001)
    assert abs(weights.std() - 0.001) < 4 * 0.001 / np.sqrt(2 * weights.size)
    assert abs(weights.mean()) < 4 * 0.001 / np.sqrt(weights.size)


def test_the_irnn_starts_as_an_exact_memory():
    weights = cells.create("irnn").init(rng(), 2, 5, 1)
    np.testing.assert_array_equal(weights["U"], np.eye(5))
    assert not weights["b"].any()


def test_the_grus_update_bias_is_where_the_update_gate_starts():
    weights = cells.create("gru", {"update_bias": 2.0}).init(rng(), 2, 5, 1)
    assert (weights["b_z"] == 2).all()
    assert not any(weights[name].any() for name in ("b_r", "b_n", "b_u"))


def test_chrono_spreads_the_time_constants_of_an_lstm_and_a_gru_alike():
    width = 4000
    lstm = cells.create("lstm", {"chrono": 50}).init(rng(), 1, width, 1)["b_f"]
    gru = cells.create("gru", {"chrono": 50}).init(rng(), 1, width, 1)["b_z"]
    for bias in (lstm, gru):  # exp(b) is uniform on [1, 49]: mean 25, deviation 48 / sqrt(12)
        times = np.exp(bias)
        assert 1 <= times.min() < times.max() <= 49
        assert abs(times.mean() - 25) < 4 * 48 / np.sqrt(12 * width)
    with pytest.raises(BenchError, match="chrono is 1"):
        cells.create("gru", {"chrono": 1})


def test_an_orthogonal_matrix_keeps_lengths_and_has_no_preferred_direction():
    drawn = [initialise.orthogonal(np.random.default_rng(seed), 4) for seed in range(2000)]
    for q in drawn[:20]:
        np.testing.assert_allclose(q @ q.T, np.eye(4), atol=1e-14)
    # without the signs of R the diagonal of Q would lean to one side
    means = np.mean(drawn, axis=0)
    assert np.abs(means).max() < 4.5 * 0.5 / np.sqrt(len(drawn))


@pytest.mark.parametrize(("name", "matrices"), [("elman", ["U"]), ("elman_relu", ["U"])])
@pytest.mark.parametrize("kind", ["glorot", "orthogonal"])
def test_recurrent_weights_start_as_asked(name: str, matrices: list[str], kind: str):
    starts_as_asked(name, matrices, kind)


@pytest.mark.parametrize(("name", "gates"), [("lstm", "fioc"), ("gru", "rzn")])
@pytest.mark.parametrize("kind", ["glorot", "orthogonal"])
def test_recurrent_weights_of_every_gate_start_as_asked(name: str, gates: str, kind: str):
    starts_as_asked(name, [f"U_{gate}" for gate in gates], kind)


def starts_as_asked(name: str, matrices: list[str], kind: str) -> None:
    weights = cells.create(name, {"recurrent_init": kind}).init(rng(), 2, 6, 1)
    for matrix in matrices:
        off = np.abs(weights[matrix] @ weights[matrix].T - np.eye(6)).max()
        assert (off < 1e-14) == (kind == "orthogonal")


@pytest.mark.parametrize("name", ["elman", "elman_relu", "lstm", "gru"])
def test_another_recurrent_start_is_answered_with_the_nearest(name: str):
    with pytest.raises(BenchError, match=f"recurrent_init of cell '{name}'.*mean 'orthogonal'"):
        cells.create(name, {"recurrent_init": "ortogonal"})


@pytest.mark.parametrize(("name", "bias"), [("leaky", "a"), ("gated_leaky", "b_g")])
def test_chrono_spreads_the_time_constants_of_leaky_units(name: str, bias: str):
    weights = cells.create(name, {"chrono": 50}).init(rng(), 1, 400, 1)
    constants = 1 + np.exp(-weights[bias])  # 1/σ(bias)
    assert constants.min() >= 2
    assert constants.max() <= 50
    assert abs(constants.mean() - 26) < 4 * 48 / np.sqrt(12 * 400)
    with pytest.raises(BenchError, match="chrono is 1, but must be 0"):
        cells.create(name, {"chrono": 1})


def test_the_start_values_of_gates_are_where_the_option_says():
    for name, option, bias, sign in (
        ("gated_leaky", "gate_bias", "b_g", 1),
        ("mgu", "gate_bias", "b_f", 1),
        ("ugrnn", "forget_bias", "b_g", 1),
        ("mut1", "update_bias", "b_z", 1),
        ("lstm_peephole", "forget_bias", "b_f", 1),
        ("lstm_cifg", "forget_bias", "b_i", -1),
        ("lstm_projected", "forget_bias", "b_f", 1),
    ):
        weights = cells.create(name, {option: 2.5}).init(rng(), 2, 5, 1)
        others = [k for k in weights if k.startswith("b_") and k != bias]
        assert (weights[bias] == 2.5 * sign).all()
        assert not any(weights[k].any() for k in others)
    b = cells.create("lstm_layernorm", {"forget_bias": 2.5}).init(rng(), 2, 5, 1)["b"]
    assert b.tolist() == [2.5] * 5 + [0] * 15


def test_a_leaky_unit_starts_at_its_rate_which_lies_between_0_and_1():
    a = cells.create("leaky", {"alpha": 0.2}).init(rng(), 2, 5, 1)["a"]
    np.testing.assert_allclose(1 / (1 + np.exp(-a)), 0.2)
    for alpha in (0.0, 1.0):
        with pytest.raises(BenchError, match=f"alpha is {alpha}, but must lie between 0 and 1"):
            cells.create("leaky", {"alpha": alpha})


def test_the_variants_of_the_lstm_start_gaussian_peepholes_too():
    weights = cells.create("lstm_fgr", {"std": 0.3}).init(rng(), 20, 60, 1)
    for name in ("W_z", "U_f", "R_oi", "p_o"):
        assert abs(weights[name].std() - 0.3) < 4 * 0.3 / np.sqrt(2 * weights[name].size)


@pytest.mark.parametrize("name", ["elman", "elman_relu", "gru", "lstm"])
def test_the_init_scale_multiplies_matrices_and_leaves_biases(name: str) -> None:
    plain = cells.create(name).init(rng(), 2, 5, 1)
    scaled = cells.create(name, {"init_scale": 0.5}).init(rng(), 2, 5, 1)
    for weight, value in plain.items():
        np.testing.assert_array_equal(scaled[weight], value * (0.5 if value.ndim == 2 else 1))
    with pytest.raises(BenchError, match="init_scale is 0, but must be above 0"):
        cells.create(name, {"init_scale": 0})
