"""What the experiment `data` concludes from losses, and which tasks it takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from lstm_bench.errors import BenchError
from lstm_bench.experiments.data_answer import concluded as concluded_of
from lstm_bench.experiments.data_answer import of_cells, sentence
from lstm_bench.planning.overlays import inherited, merged
from lstm_bench.planning.plan import resolve
from lstm_bench.store.plans import Plan
from tests.workflow.workspace import ROOT

SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
SHIPPED = yaml.safe_load((ROOT / "config.yaml").read_text())
PRESET = yaml.safe_load((ROOT / "workflow/presets/data.yaml").read_text())
NOISY = 1.02 + np.array([-0.02, 0.02, -0.01, 0.01, 0.0])
SPREAD = np.array([-0.002, -0.001, 0.0, 0.001, 0.002])


def runs(**losses: float | np.ndarray) -> pd.DataFrame:
    """Five seeds a cell, and five of a rate that is worse on validation and better on the test."""
    rows = []
    for cell, loss in losses.items():
        for rate, validation, test in ((0.01, 1.0, loss), (0.1, 2.0, loss / 2)):
            for seed, spread in enumerate(SPREAD):
                own = {"cell": cell, "rate": rate, "seed": seed, "parameters": 100}
                of_seed = np.broadcast_to(test, 5)[seed] * (1 + spread)
                own |= {"best_validation_loss": validation, "test_loss": of_seed}
                rows.append({**own, "memory": cell != "window", "update_seconds": 0.1})
    return pd.DataFrame(rows)


def concluded(baseline: float, **losses: float | np.ndarray) -> dict[str, object]:
    rows = pd.DataFrame(of_cells(runs(**losses), baseline))
    simple = [
        {"cell": "persistence", "kind": "baseline", "loss": 2.0, "n": 1},
        {"cell": "autoregression", "kind": "baseline", "loss": baseline, "n": 1},
    ]
    both = pd.concat([rows, pd.DataFrame(simple)])
    return {"task": "x", "T": 8, **concluded_of(both, margin=0.02)}


def test_cells_are_tied_behind_or_open_by_their_whole_interval():
    found = concluded(1.0, lstm=0.500, gru=0.502, elman=0.6, window=0.8)
    assert (found["best_cell"], found["best_baseline"]) == ("lstm", "autoregression")
    assert found["tied"] == "lstm, gru"
    assert found["behind"] == "elman, window"
    assert found["open"] == ""
    assert found["to_baseline"] == pytest.approx(0.5, rel=1e-4)
    assert found["memory"] == pytest.approx(1.6)
    assert found["naive_to_best"] == pytest.approx(4.0)
    near = concluded(1.0, lstm=0.5, gru=0.5 * NOISY)  # the margin lies within its interval
    assert (near["tied"], near["behind"], near["open"]) == ("lstm", "", "gru")


def test_the_rate_is_chosen_on_validation_whatever_the_test_says():
    (row,) = of_cells(runs(lstm=0.5), 1.0)
    assert row["chosen"] == "rate 0.01"
    assert row["loss"] == pytest.approx(0.5)


def test_a_rate_at_which_a_seed_diverged_is_not_chosen():
    whole = runs(lstm=0.5)
    (row,) = of_cells(whole[(whole.rate == 0.1) | (whole.seed > 0)], 1.0)
    assert (row["chosen"], row["n"]) == ("rate 0.1", 5)


@pytest.mark.parametrize(
    ("baseline", "said"),
    [(0.6, "beats"), (0.45, "is beaten by"), (0.5, "is tied with")],
)
def test_the_best_cell_stands_to_the_best_baseline_by_the_margin(baseline: float, said: str):
    told = sentence(concluded(baseline, lstm=0.5, window=0.55), 0.02)
    assert f"lstm, {said} the best baseline, autoregression" in told
    assert "The window without memory has × 1.1 [1.1, 1.1] the loss" in told


def plan(folder: Path, **changes: object) -> Plan:
    rng = np.random.default_rng(0)
    path = folder / "x.csv"
    if not path.exists():
        pd.DataFrame({"a": rng.normal(size=400), "y": rng.normal(size=400)}).to_csv(
            path, index=False
        )
    own = {"tasks": [{"task": "series", "file": str(path)}], **changes}
    layers = [("config.yaml", SHIPPED), ("data.yaml", PRESET), ("own", own)]
    return resolve(merged(layers), SCHEMA, inherited(layers))


def test_cells_have_about_the_same_size_and_the_same_rates(tmp_path: Path):
    found = plan(tmp_path)
    sizes = [entry.parameters for entry in found.conditions.values()]
    members = found.experiments["data"].members
    assert found.sweep.tasks[0].shown == "x"  # the name of its file
    assert len(members) == 5 * 2
    ours = [found.conditions[member.condition] for member in members]
    assert all(abs(each.parameters / 5000 - 1) < 0.05 for each in ours), sizes
    assert {each.spec.training.stop for each in ours} == {"budget"}
    assert not any(str(tmp_path) in str(each.spec.to_json()) for each in ours)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lengths": {"from": 8, "to": 64}}, "T is the window that is read from the file"),
        ({"tasks": ["adding"]}, "'data' needs a task from a file"),
        ({"experiments": ["horizon"]}, "'horizon' asks when a task is solved"),
        ({"lengths": [400]}, "T=400 is too long for task 'series' with x.csv"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    changes: dict[str, object], said: str, tmp_path: Path
):
    with pytest.raises(BenchError, match=said):
        plan(tmp_path, **changes)


def test_a_sweep_may_hold_tasks_of_both_kinds(tmp_path: Path):
    plan(tmp_path)
    both = ["adding", {"task": "series", "file": str(tmp_path / "x.csv")}]
    found = plan(tmp_path, tasks=both, experiments=["data", "horizon"])
    assert {member.task for member in found.experiments["data"].members} == {"x"}
    assert {member.task for member in found.experiments["horizon"].members} == {"adding"}
