"""What a claim is judged by: one value a task, cell and seed, on runs whose answers are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lstm_bench.experiments.base import Evidence
from lstm_bench.experiments.gradient_flow import GradientFlow
from lstm_bench.experiments.selective_memory import SelectiveMemory
from lstm_bench.experiments.truncation import Truncation, held
from lstm_bench.spec import Condition, Training
from tests.unit.experiments.hand_made import BUDGET, evidence, planned


def seen(rows: list[dict[str, Any]], probe: list[dict[str, Any]], **plan: Any) -> Evidence:
    about = {"task_label": "a", "cell_label": "l", "T": 100, "status": "solved"}
    return evidence([{**about, **row} for row in rows], plan or {"c": planned()}, probe=probe)


def gradient(seed: int, measure: str, stage: str, value: float, lag: int = 0) -> dict[str, Any]:
    about = {"condition": "c", "seed": seed, "part": "h", "lag": lag}
    return {**about, "measure": measure, "stage": stage, "value": value}


def test_what_ten_steps_keep_has_no_sign_and_a_gradient_of_which_nothing_is_left_keeps_0() -> None:
    slopes = {0: -0.03, 1: 0.02, 2: -np.inf, 3: np.nan}
    probe = [gradient(seed, "slope", "init", slope) for seed, slope in slopes.items()]
    probe += [gradient(seed, "slope", "end", -0.1) for seed in (0, 1)]
    replicates = [{"condition": "c", "seed": seed, "status": "solved"} for seed in slopes]
    replicates[1]["status"] = "unsolved"
    found = GradientFlow().measured(seen(replicates, probe)).set_index("seed")
    start = [10**-0.3, 10**-0.2, 0, np.nan]
    assert found.kept_at_start.tolist() == pytest.approx(start, nan_ok=True)
    assert found.kept_when_solved.tolist() == pytest.approx([0.1, *[np.nan] * 3], nan_ok=True)


def test_a_decay_length_is_the_steps_to_a_factor_e_and_only_solvers_count_after_training() -> None:
    probe = [gradient(seed, "slope", "init", -0.1) for seed in (0, 1)]
    probe += [gradient(0, "slope", "end", -0.01), gradient(1, "slope", "end", -1.0)]
    replicates = [
        {"condition": "c", "seed": 0},
        {"condition": "c", "seed": 1, "status": "unsolved"},
    ]
    table = GradientFlow().table(seen(replicates, probe)).set_index("stage")
    assert table.decay_length["init"] == pytest.approx(10 / np.log(10))
    assert table.decay_length["end"] == pytest.approx(100 / np.log(10))
    assert (table.n["init"], table.n["end"], table.trained["end"]) == (2, 1, 2)


def test_a_rung_that_was_not_tried_has_a_start_and_no_end() -> None:
    probe = [gradient(0, "slope", stage, -0.1) for stage in ("init", "end")]
    replicates = [{"condition": "c", "seed": 0, "status": "not tried"}]
    (row,) = GradientFlow().measured(seen(replicates, probe)).to_dict("records")
    assert row["kept_at_start"] == pytest.approx(0.1)
    assert np.isnan(row["kept_when_solved"])


def memory(seed: int, measure: str, of: str, value: float, gate: str = "") -> dict[str, Any]:
    about = {"condition": "c", "seed": seed, "gate": gate, "lag": -1}
    return {**about, "measure": measure, "of": of, "value": value}


def test_a_gate_is_held_against_a_clock_and_what_it_did_untrained_stands_apart() -> None:
    probe = []
    for seed in (0, 1):
        probe += [memory(seed, "auc", "trained", 0.9), memory(seed, "auc", "shuffled", 0.6)]
        probe += [memory(seed, "auc", "untrained", 1.0), memory(seed, "loss", "intact", 0.1)]
        probe += [
            memory(seed, "loss", "clamped", 0.5, "i"),
            memory(seed, "loss", "clamped", 1, "f"),
        ]
    replicates = [
        {"condition": "c", "seed": 0, "updates_to_solve": 40},
        {"condition": "c", "seed": 1, "status": "unsolved"},
    ]
    found = SelectiveMemory().measured(seen(replicates, probe)).set_index("seed")
    assert found.auc_beyond_clock[0] == pytest.approx(0.3)
    assert found.auc_beyond_untrained[0] == pytest.approx(-0.1)  # not the larger of two controls
    assert found.loss_without_input_gate[0] == pytest.approx(0.4)
    assert found.loss_without_forget_gate[0] == pytest.approx(0.9)
    assert found.loc[1].drop(["task", "cell", "T", "updates"]).isna().all()  # it did not solve
    assert found.updates.tolist() == [40, BUDGET]


def test_a_network_without_a_gate_is_compared_seed_by_seed_with_the_whole_one() -> None:
    plan = {"whole": planned(), "without": planned()}
    times = {"whole": (10, 40, 100), "without": (20, 80, None)}
    names = {"whole": "lstm_peephole", "without": "lstm_nfg"}
    replicates = [
        {
            "condition": condition,
            "seed": seed,
            "cell_label": names[condition],
            "updates_to_solve": updates,
            "status": "solved" if updates else "unsolved",
        }
        for condition, each in times.items()
        for seed, updates in enumerate(each)
    ]
    probe = [memory(0, "loss", "intact", 0.1) | {"condition": "whole"}]
    table = SelectiveMemory().table(seen(replicates, probe, **plan))
    (ratio,) = table[table.measure == "ratio"].to_dict("records")
    assert (ratio["cell"], ratio["gate"], ratio["n"]) == ("lstm_nfg", "f", 3)
    assert ratio["mean"] == pytest.approx((2 * 2 * BUDGET / 100) ** (1 / 3))
    shares = table[table.measure == "share"].set_index("cell")["mean"]
    assert shares.to_dict() == pytest.approx({"lstm_peephole": 1, "lstm_nfg": 2 / 3})


def test_what_a_cut_loses_is_told_by_what_the_last_window_holds() -> None:
    """adding at T = 20: the second mark is in the last ten steps: k = 10 always holds it."""
    plan, replicates = {}, []
    arms = [(None, True, 1), (1, True, 0), (5, True, 1), (10, True, 0), (10, False, 0)]
    for k, carry, solved in arms:
        plan[f"c{k}{carry}"] = planned()
        arm = {"k": k or 20, "carry": carry, "status": "solved" if solved else "unsolved"}
        replicates.append({"condition": f"c{k}{carry}", "seed": 0, "T": 20, **arm})
    found = Truncation().measured(seen(replicates, [], **plan)).set_index(["carry", "window"])
    assert found.lost_by_cut.to_dict() == {
        (True, "no step"): 1,
        (True, "sometimes"): 0,
        (True, "always"): 1,
        (False, "always"): 1,
    }


@pytest.mark.parametrize(
    ("task", "options", "T", "shares"),
    [
        ("adding", {}, 20, {1: 0.1, 5: 0.5, 10: 1}),
        ("temporal_order", {}, 50, {20: 0, 21: 0.2, 25: 1}),
        ("adding_1997", {}, 40, {1: 0, 10: 0, 20: 0}),
        ("copy", {}, 10, {8: 0, 14: 1, 16: 1}),  # of 16 steps the first three are to be kept
        ("flip_flop", {"variant": "instructions", "bits": 1}, 4, {1: 0, 2: 0.5, 4: 1}),
        ("reverse", {}, 10, {5: np.nan}),  # does not say what is relevant
    ],
)
def test_what_the_last_window_holds_is_what_the_task_says(
    task: str, options: dict[str, Any], T: int, shares: dict[int, float]
) -> None:
    condition = Condition(task, T, "lstm", 8, task_options=options, training=Training())
    found = {k: held(condition, k) for k in shares}
    assert found == pytest.approx(shares, abs=0.04, nan_ok=True)
