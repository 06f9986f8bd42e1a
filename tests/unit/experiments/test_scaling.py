"""Scaling on replicates whose growth with T is known."""

from __future__ import annotations

import numpy as np
import pytest

from lstm_bench.experiments.scaling import Scaling
from tests.unit.experiments.hand_made import BUDGET, evidence, planned

LENGTHS = [10, 20, 40, 80, 160, 320]


def seen(spread: float = 0.2):
    """A cell that grows as sqrt(T), one exponentially, one that solves three lengths."""
    rng = np.random.default_rng(0)
    growth = {
        "power": lambda T: 20 * T**0.5,
        "exponential": lambda T: 30 * 2 ** (T / 80),
        "short": lambda T: 50.0 if T <= 40 else np.inf,
    }
    rows, plan = [], {}
    for T in LENGTHS:
        plan[f"c{T}"] = planned(flops=100 * T)
        for cell, updates in growth.items():
            for seed in range(20):
                u = float(updates(T) * 2 ** rng.normal(0, spread))
                own = {"task_label": "adding", "cell_label": cell, "T": T, "seed": seed}
                solved = u if u < BUDGET else None
                rows.append({**own, "condition": f"c{T}", "updates_to_solve": solved})
    return evidence(rows, plan)


def test_a_square_root_and_an_exponential_are_told_apart_and_three_lengths_are_not_fitted() -> None:
    experiment, found = Scaling(), seen()
    table = experiment.table(found)
    summary = experiment.summary(table, found).set_index(["cell", "unit"])
    assert summary.form.to_dict() == {
        ("power", "updates"): "power",
        ("power", "operations"): "power",
        ("exponential", "updates"): "exponential",
        ("exponential", "operations"): summary.form["exponential", "operations"],
        ("short", "updates"): "not fitted",
        ("short", "operations"): "not fitted",
    }
    power = summary.loc[("power", "updates")]
    assert power.power == pytest.approx(0.5, abs=0.05)
    assert power.power_low < 0.5 < power.power_high
    operations = summary.loc[("power", "operations")]
    assert operations.power == pytest.approx(power.power + 1)  # an update takes 100 T of them
    assert summary.loc[("exponential", "updates")].exponential == pytest.approx(1 / 80, rel=0.05)
    short = table[table.cell == "short"].set_index("T")
    assert short.fitted.to_dict() == {T: T <= 40 for T in LENGTHS}
    assert short.updates.notna().to_dict() == short.fitted.to_dict()


def test_the_figure_has_the_curves_of_those_that_are_fitted() -> None:
    experiment, found = Scaling(), seen()
    table = experiment.table(found)
    summary = experiment.summary(table, found)
    numbers = experiment.figure(table, summary, found).numbers()
    curves = numbers[numbers["kind"] == "curve"]
    assert set(curves.series) == {"power", "exponential"}
    ends = curves[curves.series == "power"].y.agg(["min", "max"])
    assert ends.to_list() == pytest.approx([20 * 10**0.5, 20 * 320**0.5], rel=0.1)
    assert "in 1 of 2 pairs" in experiment.figure(table, summary, found).title
