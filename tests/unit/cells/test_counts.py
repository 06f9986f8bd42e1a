"""The closed forms of the docstrings: parameters and operations of a step."""

from __future__ import annotations

import pytest

from lstm_bench import cells

D, H, K = 3, 8, 2
LAYER = H * D + H * H + H  # a matrix from the input, one from the state, a bias
PRODUCTS = H * D + H * H
SKEW = H * (H - 1) // 2  # free entries of a skew-symmetric matrix

# name, options, parameters, operations
COUNTS = [
    ("elman", {}, LAYER, 2 * PRODUCTS),
    ("elman_relu", {}, LAYER, 2 * PRODUCTS),
    ("leaky", {}, LAYER + H, 2 * PRODUCTS + 4 * H),
    ("gated_leaky", {}, 2 * LAYER, 4 * PRODUCTS),
    ("gru", {}, 3 * LAYER + H, 6 * PRODUCTS),
    ("gru", {"reset": "before"}, 3 * LAYER, 6 * PRODUCTS),
    ("mgu", {}, 2 * LAYER, 4 * PRODUCTS),
    ("ugrnn", {}, 2 * LAYER, 4 * PRODUCTS),
    ("mut1", {}, 3 * H * D + 2 * H * H + 3 * H, 2 * (3 * H * D + 2 * H * H)),
    ("lstm", {}, 4 * LAYER, 8 * PRODUCTS),
    ("lstm_peephole", {}, 4 * LAYER + 3 * H, 8 * PRODUCTS + 6 * H),
    ("lstm_nig", {}, 3 * LAYER + 2 * H, 6 * PRODUCTS + 4 * H),
    ("lstm_nfg", {}, 3 * LAYER + 2 * H, 6 * PRODUCTS + 4 * H),
    ("lstm_nog", {}, 3 * LAYER + 2 * H, 6 * PRODUCTS + 4 * H),
    ("lstm_niaf", {}, 4 * LAYER + 3 * H, 8 * PRODUCTS + 6 * H),
    ("lstm_noaf", {}, 4 * LAYER + 3 * H, 8 * PRODUCTS + 6 * H),
    ("lstm_np", {}, 4 * LAYER, 8 * PRODUCTS),
    ("lstm_cifg", {}, 3 * LAYER + 2 * H, 6 * PRODUCTS + 4 * H),
    ("lstm_fgr", {}, 4 * LAYER + 3 * H + 9 * H * H, 8 * PRODUCTS + 6 * H + 18 * H * H),
    ("lstm_layernorm", {}, 4 * PRODUCTS + 22 * H, 8 * PRODUCTS + 18 * H),
    ("scornn", {}, H * D + SKEW + H, 2 * PRODUCTS),
    ("exprnn", {}, H * D + SKEW + H, 2 * PRODUCTS),
    ("urnn", {}, H * D + 8 * (H // 2), 2 * PRODUCTS),
    ("cornn", {}, LAYER + H * H, 2 * (PRODUCTS + H * H)),
    ("antisymmetric", {}, H * D + SKEW + H, 2 * PRODUCTS),
    ("antisymmetric_gated", {}, 2 * H * D + SKEW + 2 * H, 2 * (PRODUCTS + H * D)),
    ("indrnn", {}, H * (D + 2), 2 * H * (D + 1)),
    ("mingru", {}, 2 * H * (D + 1), 4 * H * D),
    ("minlstm", {}, 3 * H * (D + 1), 6 * H * D),
    ("lru", {}, 4 * H * H + 3 * H * D + 3 * H, 2 * (4 * H * H + 3 * H * D) + 8 * H),
    ("lru", {"output": "linear"}, 2 * H * H + 3 * H * D + 3 * H, 2 * (2 * H + 3 * D) * H + 8 * H),
    ("slstm", {}, 4 * LAYER, 8 * PRODUCTS),
    ("feedforward_window", {"window": 7}, 7 * H * D + H, 14 * H * D),
    ("random_reservoir", {}, 0, 2 * PRODUCTS),
]


@pytest.mark.parametrize(("name", "options", "parameters", "operations"), COUNTS, ids=str)
def test_parameters_and_operations_are_those_of_the_docstring(
    name: str, options: dict, parameters: int, operations: int
):
    cell = cells.create(name, options)
    assert cell.parameters(D, H, K) == parameters
    assert cell.flops(D, H, K) == operations


@pytest.mark.parametrize("ratio", [1, 2, 3])
@pytest.mark.parametrize("peepholes", [True, False])
def test_a_projected_lstm_counts_its_cells(ratio: int, peepholes: bool):
    cell = cells.create("lstm_projected", {"cells": ratio, "peepholes": peepholes})
    n, p = ratio * H, 3 * ratio * H * peepholes
    assert cell.parameters(D, H, K) == 4 * (n * D + n * H + n) + p + H * n
    assert cell.flops(D, H, K) == 2 * (4 * (n * D + n * H) + p + H * n)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_the_lstm_of_1997_counts_hidden_units_and_their_sources(size: int):
    cell = cells.create("lstm_1997", {"cells_per_block": size})
    m = H + 2 * (H // size)
    assert cell.parameters(D, H, K) == m * (D + m + 1)
    assert cell.flops(D, H, K) == 2 * m * (D + m)
