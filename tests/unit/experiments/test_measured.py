"""What a claim is judged by: one value a task, cell and seed, on runs whose answers are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lstm_bench.experiments.base import Evidence
from lstm_bench.experiments.gradient_flow import NONE_LEFT, GradientFlow
from lstm_bench.experiments.overfitting import Overfitting
from lstm_bench.experiments.selective_memory import SelectiveMemory
from lstm_bench.experiments.truncation import Truncation
from tests.unit.experiments.hand_made import evidence, planned
from tests.unit.experiments.test_overfitting import fitted


def seen(rows: list[dict[str, Any]], probe: list[dict[str, Any]], **plan: Any) -> Evidence:
    about = {"task_label": "a", "cell_label": "l", "T": 100, "status": "solved"}
    return evidence([{**about, **row} for row in rows], plan or {"c": planned()}, probe=probe)


def gradient(seed: int, measure: str, stage: str, value: float, lag: int = 0) -> dict[str, Any]:
    about = {"condition": "c", "seed": seed, "part": "h", "lag": lag}
    return {**about, "measure": measure, "stage": stage, "value": value}


def test_decades_have_no_sign_and_a_gradient_of_which_nothing_is_left_is_capped() -> None:
    steps = range(0, 100, 10)
    probe = [gradient(0, "slope", "init", -0.03), gradient(1, "slope", "init", 0.02)]
    probe += [gradient(2, "slope", "init", np.nan)]
    probe += [gradient(0, "log_norm", "end", -0.01 * lag, lag) for lag in steps]
    probe += [gradient(1, "log_norm", "end", -np.inf, lag) for lag in steps]
    probe += [gradient(2, "log_norm", "end", -3.0 * lag, lag) for lag in steps]
    replicates = [{"condition": "c", "seed": seed} for seed in (0, 1, 2)]
    found = GradientFlow().measured(seen(replicates, probe)).set_index("seed")
    assert found.decades_at_start.tolist() == pytest.approx([3, 2, NONE_LEFT])
    assert found.decades_at_end.tolist() == pytest.approx([1, NONE_LEFT, NONE_LEFT])


def memory(seed: int, measure: str, of: str, value: float, gate: str = "") -> dict[str, Any]:
    about = {"condition": "c", "seed": seed, "gate": gate, "lag": -1}
    return {**about, "measure": measure, "of": of, "value": value}


def test_a_gate_is_held_against_its_better_control_and_unsolved_replicates_are_left_out() -> None:
    probe = []
    for seed in (0, 1):
        probe += [memory(seed, "auc", "trained", 0.9), memory(seed, "auc", "shuffled", 0.6)]
        probe += [memory(seed, "auc", "untrained", 0.7), memory(seed, "loss", "intact", 0.1)]
        probe += [
            memory(seed, "loss", "clamped", 0.5, "i"),
            memory(seed, "loss", "clamped", 1, "f"),
        ]
        probe += [memory(seed, "loss", "clamped", 9.0, "o")]  # neither writes nor keeps
    replicates = [
        {"condition": "c", "seed": 0},
        {"condition": "c", "seed": 1, "status": "unsolved"},
    ]
    (row,) = SelectiveMemory().measured(seen(replicates, probe)).to_dict("records")
    assert row["seed"] == 0
    assert row["auc_above_controls"] == pytest.approx(0.2)
    assert row["loss_without_choice"] == pytest.approx(0.65)


def test_the_gap_is_that_beyond_the_same_seed_with_the_most_sequences() -> None:
    found = Overfitting().measured(
        fitted(
            {
                ("lstm", 0, 16): [(1, 0.0), (0.2, 0.5)],
                ("lstm", 0, 64): [(1, 0.0), (0.8, 0.5)],
                ("elman", 0, 16): [(1, 0.0), (0.4, 0.5)],
            }
        )
    )
    at = found.set_index(["cell", "data"])
    assert at.gap_beyond_plenty["lstm", "few"] == pytest.approx((0.8 - 0.2) / 2)
    assert at.gap_beyond_plenty["lstm", "plenty"] == 0
    assert np.isnan(at.gap_beyond_plenty["elman", "few"])  # it has no plenty to compare with


def test_what_a_cut_loses_counts_windows_of_at_most_half_the_length_with_the_state_carried() -> (
    None
):
    plan, replicates, probe = {}, [], []
    arms = [(None, True, 1), (25, True, 0), (50, True, 1), (75, True, 0), (50, False, 0)]
    for k, carry, solved in arms:
        plan[f"c{k}{carry}"] = planned()
        arm = {"k": k or 100, "carry": carry, "status": "solved" if solved else "unsolved"}
        replicates.append({"condition": f"c{k}{carry}", "seed": 0, **arm})
    for k, carry, bias in ((25, True, 0.9), (50, True, 0.4), (75, True, 0.1), (50, False, 0.8)):
        about = {"condition": "cNoneTrue", "seed": 0, "stage": "init"}
        probe.append({**about, "truncate": k, "carry": carry, "bias": bias})
    (row,) = Truncation().measured(seen(replicates, probe, **plan)).to_dict("records")
    assert row["solved_beyond_cut"] == 0.5
    assert row["gradient_beyond_cut"] == 0.4
