"""What a change does to the reach: pairs of arms, main effects and interactions, by hand."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from lstm_bench.experiments.cause import answers_at_end, ways
from lstm_bench.experiments.cause_contrasts import ARM, USUAL, changed, changes, table_of
from lstm_bench.planning.overlays import inherited, merged, read_layers
from lstm_bench.planning.plan import resolve
from lstm_bench.store.plans import Plan
from lstm_bench.store.yamls import read_yaml
from lstm_bench.sweep import Choice

ROOT = Path(__file__).parents[3]
LENGTHS = (10, 20, 40, 80)


def runs(**reach: dict[str, object] | int) -> pd.DataFrame:
    """Replicates of arms that solve all lengths up to one: `elman=10`, or with what differs."""
    rows = []
    for label, about in reach.items():
        given = about if isinstance(about, dict) else {"solves": [about, about]}
        arm = {"equations": label.partition("_")[0], "budget": 100, **USUAL}
        arm |= {key: value for key, value in given.items() if key != "solves"}
        for seed, longest in enumerate(given["solves"]):
            for T in LENGTHS:
                row = {"task": "adding", "cell": label, "seed": seed, "T": T, "tried": True}
                rows.append({**row, **arm, "solved": longest >= T, "judged": True})
    return pd.DataFrame(rows)


def effects(table: pd.DataFrame) -> dict[str, float]:
    return {f"{r.factor}: {r.cell}": r.doublings for r in table.itertuples()}


def test_arms_that_differ_in_one_factor_are_compared_and_others_are_not():
    rows = runs(
        elman=10,
        elman_sgd={"solves": [20, 40], "optimiser": "sgd"},
        elman_sgd_kept={"solves": [10, 10], "optimiser": "sgd", "gradient": "x 1 a step"},
        elman_long={"solves": [80, 80], "budget": 200},
        lstm={"solves": [80, 80], "optimiser": "sgd"},
    )
    found = {(each["factor"], each["cell"], each["against"]) for each in changes(rows)}
    assert found == {
        ("optimiser", "elman_sgd", "elman"),
        ("gradient", "elman_sgd_kept", "elman_sgd"),
    }
    expected = {
        "optimiser: elman_sgd": 1.5,
        "gradient: elman_sgd_kept": -1.5,
    }
    assert effects(table_of(rows)) == pytest.approx(expected)


def test_two_by_two_of_gates_and_start():
    rows = runs(
        elman=10,
        elman_o={"solves": [20, 20], "start": "orthogonal"},
        lstm=20,
        lstm_c={"solves": [80, 80], "start": "chrono"},
    )
    expected = {
        "start: elman_o": 1.0,
        "start: lstm_c": 2.0,
        "gates, over start: lstm": 1.5,  # 1 at the usual start, 2 at the other
        "start, main effect: lstm": 1.5,
        "gates x start: lstm": 1.0,
    }
    assert effects(table_of(rows)) == pytest.approx(expected)


def test_what_a_factor_changes_stands_under_the_arm_of_its_usual_value():
    rows = runs(lstm=20, lstm_s={"solves": [10, 80], "optimiser": "sgd"})
    found = changed(rows, "optimiser")
    assert found.cell.tolist() == ["lstm", "lstm"]
    assert found.sort_values("seed").value.tolist() == pytest.approx([-1.0, 2.0])
    assert changed(rows, "start").empty


def test_a_sweep_without_such_arms_has_no_row():
    assert table_of(runs(elman=10, lstm=20)).empty


def test_ways_count_intervals_on_one_side():
    rows = pd.DataFrame({"doublings_low": [0.5, -1.0, -2.0], "doublings_high": [1.0, 1.0, -0.5]})
    assert ways(rows) == "further on 1, less far on 1 of 3"


@pytest.mark.parametrize(
    ("task", "at_end"), [("adding", True), ("two_sequence", True), ("copy", False)]
)
def test_lags_are_known_where_all_answers_come_at_the_end(task: str, at_end: bool):
    assert answers_at_end(Choice(task, lengths=(20,))) == at_end


PRESETS = {"cause": 6, "cause_sgd": 3}  # and their claims


@pytest.fixture(scope="module")
def plans() -> dict[str, Plan]:
    """Of the two presets; whether they are declared is a matter of the file of declarations."""
    found = {}
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(ROOT)
        schema = read_yaml(ROOT / "workflow/schemas/config.schema.yaml")
        for name in PRESETS:
            files = ["config.yaml", f"workflow/presets/{name}.yaml"]
            layers = read_layers(files, {"device": "cpu", "declared": False})
            found[name] = resolve(merged(layers), schema, inherited(layers))
    return found


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_judges_all_its_claims_and_every_arm_has_a_rate(name: str, plans) -> None:
    plan: Plan = plans[name]
    assert len(plan.claims) == PRESETS[name]
    assert not [claim.not_judged for claim in plan.claims.values() if claim.not_judged]
    members = {f"{m.cell} on {m.task}" for m in plan.experiments["cause"].members}
    assert not members & set(plan.sweep.untuned)


def test_the_interventions_are_left_out_where_answers_come_all_along(plans) -> None:
    arms = {(m.task, m.cell) for m in plans["cause"].experiments["cause"].members}
    assert ("copy", "lstm, curriculum") in arms
    assert ("adding", "gru, x 0.9") in arms
    assert ("copy", "gru, x 0.9") not in arms


@pytest.mark.parametrize("name", PRESETS)
def test_each_arm_is_beside_one_that_differs_in_one_factor_alone(name: str, plans) -> None:
    plan: Plan = plans[name]
    rows = [
        {"cell": m.cell, "budget": plan.conditions[m.condition].spec.training.updates, **m.factors}
        for m in plan.experiments["cause"].members
    ]
    found = list(changes(pd.DataFrame(rows).drop_duplicates(["cell", *ARM])))
    compared = {each["cell"] for each in found} | {each["against"] for each in found}
    assert compared == {row["cell"] for row in rows}
