from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score, roc_auc_score

from lstm_bench.probes.readout import memory_curve, ridge_r2
from lstm_bench.probes.selective_memory import auc


def test_the_auc_is_that_of_scikit_learn_ties_included() -> None:
    rng = np.random.default_rng(0)
    values = np.round(rng.normal(size=300), 1)  # many ties
    positive = rng.random(300) < 0.2
    assert auc(values, positive) == pytest.approx(roc_auc_score(positive, values))
    assert np.isnan(auc(values, np.zeros(300, dtype=bool)))


def test_the_ridge_readout_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(3, 2, (400, 5))
    y = x @ rng.normal(size=(5, 1)) + rng.normal(size=(400, 1))
    fit = np.arange(400) < 200
    scaled = (x - x[fit].mean(axis=0)) / x[fit].std(axis=0)
    model = Ridge(alpha=1.0).fit(scaled[fit], y[fit])
    said = model.predict(scaled[~fit]).reshape(-1, 1)
    total = ((y[~fit] - y[fit].mean(axis=0)) ** 2).sum()
    assert ridge_r2(x, y, fit) == pytest.approx(1 - ((y[~fit] - said) ** 2).sum() / total)
    assert abs(ridge_r2(x, y, fit) - r2_score(y[~fit], said)) < 0.01


def delayed(B: int = 200, L: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (B, L, 1), and states (L, 3, B): the input of two steps before, and noise."""
    rng = np.random.default_rng(2)
    inputs = rng.normal(size=(B, L, 1))
    states = rng.normal(size=(L, 3, B))
    states[2:, 0] = inputs[:, :-2, 0].T
    return inputs, states


def test_the_memory_curve_finds_a_delay_where_it_is_and_nowhere_else() -> None:
    inputs, states = delayed()
    every = np.ones(inputs.shape[:2], dtype=bool)
    found = memory_curve(states, inputs, every, every, [0, 1, 2, 3])
    assert found[2] > 0.99
    assert max(found[lag] for lag in (0, 1, 3)) < 0.05


def test_an_input_that_another_has_superseded_is_not_asked_for() -> None:
    inputs, states = delayed()
    wanted = np.zeros(inputs.shape[:2], dtype=bool)
    wanted[:, [1, 3]] = True  # at lag 3, step 1 is superseded by 3 from step 3 on
    every = np.ones_like(wanted)
    states[4, 1] = inputs[:, 1, 0]  # readable three steps later all the same
    states[6, 1] = inputs[:, 3, 0]
    assert memory_curve(states, inputs, wanted, every, [3])[3] > 0.99
    only = memory_curve(states[:5], inputs[:, :5], wanted[:, :5], every[:, :5], [3], wanted[:, :5])
    assert only == {}


def test_too_few_pairs_say_nothing() -> None:
    inputs, states = delayed(B=10)
    every = np.ones(inputs.shape[:2], dtype=bool)
    assert memory_curve(states, inputs, every, every, [11]) == {}
    assert memory_curve(states, inputs, every, every, [30]) == {}
