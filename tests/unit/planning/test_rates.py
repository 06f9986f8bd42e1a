"""Tuned rates: files merged pair by pair, each with what it was tuned with; nothing unmeasured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from lstm_bench.errors import BenchError
from lstm_bench.planning.freeze import freeze
from lstm_bench.planning.plan import resolve
from lstm_bench.store.checksums import write_checked
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from lstm_bench.store.rates import read_file, read_rates, require_writable
from lstm_bench.sweep import differing
from tests.workflow.workspace import ROOT, TINY

SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
OLD = {  # as 0.3.4 wrote it: one header for every pair
    "tuned_with": {"width": 32, "optimiser": "adam", "batch": 32, "updates": 2000},
    "rates": {"adding": {"lstm": 0.03}, "temporal_order": {"lstm": 0.01, "gru": 0.1}},
    "trials": [
        {"task": "adding", "cell": "lstm", "T": 30, "learning_rate": 0.03, "n": 5},
        {"task": "temporal_order", "cell": "lstm", "T": 30, "learning_rate": 0.01, "n": 5},
    ],
}


def row(
    cell: str, rate: float, chosen: bool, loss: float = 0.1, T: int = 10, solved: int = 2
) -> dict[str, Any]:
    measured = {"solved": solved, "median_updates": 60.0, "mean_best_loss": loss}
    about = {"task": "temporal_order", "cell": cell, "T": T, "learning_rate": rate, "n": 2}
    return {**about, **measured, "chosen": chosen}


def test_a_rate_is_tuned_for_a_budget_whatever_width_would_be_refused() -> None:
    matched = {"match": "parameters", "budget": 4500}
    here = {"width": {**matched, "within": 0.05}, "updates": 1000}
    assert differing({"width": matched, "updates": 1000}, here) == {}
    assert differing({"width": {**matched, "within": 0.04}}, here) == {}
    assert list(differing({"width": {**matched, "budget": 4000}}, here)) == ["width"]
    assert list(differing({"width": 32, "updates": 2000}, here)) == ["width", "updates"]


def tuned(root: Path, rows: list[dict[str, Any]], **config: Any) -> Plan:
    folder = Results(root).experiment("tuning")
    folder.mkdir(parents=True, exist_ok=True)
    write_checked(folder / "tables.sha256", {"table.csv": pd.DataFrame(rows).to_csv().encode()})
    return resolve({**TINY, **config}, SCHEMA, tuning=True)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_file_is_begun_by_tuning_and_holds_each_pair_with_its_settings(tmp_path: Path):
    plan = tuned(tmp_path, [row("lstm", 0.1, True)], learning_rates="mine.yaml")
    freeze(plan, Results(tmp_path))
    found = read_file(Path("mine.yaml"))
    assert found.chosen == {("temporal_order", "lstm"): {10: 0.1}}
    with_ = found.tuned_with["temporal_order", "lstm"]
    assert (with_["width"], with_["updates"]) == (8, 60)


def test_a_cell_s_own_training_width_and_network_are_what_it_was_tuned_with(tmp_path: Path):
    own = {"training": {"optimiser": "sgd"}, "width": 16, "network": {"layers": 2}}
    key = "lstm(layers=2, optimiser=sgd, width=16)"
    cells = {"cells": ["lstm", {"cell": "lstm", **own}], "learning_rates": "mine.yaml"}
    rows = [row("lstm", 0.1, True), row(key, 0.2, True)]
    freeze(tuned(tmp_path, rows, **cells), Results(tmp_path))
    found = read_file(Path("mine.yaml")).tuned_with
    plain, other = (found["temporal_order", cell] for cell in ("lstm", key))
    assert (plain["optimiser"], plain["width"], "network" in plain) == ("adam", 8, False)
    assert (other["optimiser"], other["width"], other["network"]) == ("sgd", 16, {"layers": 2})
    assert resolve({**TINY, **cells}, SCHEMA).sweep.other_than_tuned == {}


def test_a_rate_a_length_and_none_where_nothing_is_solved(tmp_path: Path):
    rows = [row("lstm", 0.1, True), row("lstm", 0.05, True, T=40), row("lstm", 0.05, False, T=40)]
    rows += [row("lstm", 0.02, True, T=160, solved=0), row("elman", 0.01, True, solved=0)]
    plan = tuned(tmp_path, rows, learning_rates="mine.yaml")
    freeze(plan, Results(tmp_path))
    found = read_file(Path("mine.yaml")).chosen
    assert found["temporal_order", "lstm"] == {10: 0.1, 40: 0.05}
    assert found["temporal_order", "elman"] == {10: 0.01}  # of the lowest loss
    taken = {
        T: resolve({**TINY, "lengths": [T], "learning_rates": "mine.yaml"}, SCHEMA).conditions
        for T in (10, 19, 21, 600)
    }
    rates = {
        T: next(c.spec.training.learning_rate for c in each.values() if c.spec.cell == "lstm")
        for T, each in taken.items()
    }
    assert rates == {10: 0.1, 19: 0.1, 21: 0.05, 600: 0.05}  # the nearest as a ratio


def test_a_sweep_judged_by_loss_has_a_rate_at_every_length_solved_or_not(tmp_path: Path):
    rows = [row("lstm", 0.01, True, T=10), row("lstm", 0.02, True, T=40, solved=0)]
    for stop, lengths in (("solved", [10]), ("budget", [10, 40])):
        training = {**TINY["training"], "stop": stop}
        freeze(
            tuned(tmp_path, rows, learning_rates=f"{stop}.yaml", training=training),
            Results(tmp_path),
        )
        found = read_file(Path(f"{stop}.yaml")).chosen["temporal_order", "lstm"]
        assert sorted(found) == lengths


def test_what_is_kept_keeps_its_provenance_and_its_trials(tmp_path: Path):
    Path("mine.yaml").write_text(yaml.safe_dump(OLD), encoding="utf-8")
    rows = [row("lstm", 0.1, True), row("lstm", 0.01, False)]
    told = freeze(tuned(tmp_path, rows, learning_rates="mine.yaml"), Results(tmp_path))
    assert "lstm on temporal_order: 0.01 (T = 1) is replaced by 0.1 (T = 10)" in told
    found = read_file(Path("mine.yaml"))
    assert found.by_task() == {
        "adding": {"lstm": {1: 0.03}},  # one number serves every length
        "temporal_order": {"lstm": {10: 0.1}, "gru": {1: 0.1}},
    }
    assert found.tuned_with["adding", "lstm"] == OLD["tuned_with"]
    assert found.tuned_with["temporal_order", "gru"] == OLD["tuned_with"]
    assert found.tuned_with["temporal_order", "lstm"]["width"] == 8
    assert [(t["task"], t["T"]) for t in found.trials] == [
        ("adding", 30),
        ("temporal_order", 10),
        ("temporal_order", 10),
    ]
    sweep = resolve({**TINY, "width": 32, "learning_rates": "mine.yaml"}, SCHEMA).sweep
    assert sweep.other_than_tuned == {"width": 8}  # of the pairs in use: lstm on temporal_order


def test_a_later_file_stands_over_an_earlier_one_which_tuning_leaves(tmp_path: Path):
    Path("shipped.yaml").write_text(yaml.safe_dump(OLD), encoding="utf-8")
    files = ["shipped.yaml", "mine.yaml"]
    before = Path("shipped.yaml").read_bytes()
    freeze(tuned(tmp_path, [row("lstm", 0.1, True)], learning_rates=files), Results(tmp_path))
    assert Path("shipped.yaml").read_bytes() == before
    rates = read_rates({"learning_rates": files})
    assert rates.chosen["temporal_order", "lstm"] == {10: 0.1}
    assert rates.chosen["temporal_order", "gru"] == {1: 0.1}
    assert rates.chosen["adding", "lstm"] == {1: 0.03}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("adding: {lstm: 0.05}", "the key 'adding' is none of rates, trials, tuned_with"),
        ("rates: {}\nrate: {}", "the key 'rate' is none of rates, trials, tuned_with"),
        ("trials: []", "it has no key 'rates'"),
        ("[]", "it is no mapping"),
        ("false", "it is no mapping"),
    ],
)
def test_a_file_that_holds_something_else_is_refused_in_a_sentence(text: str, why: str):
    Path("mine.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(BenchError) as caught:
        read_rates({"learning_rates": ["mine.yaml"]})
    assert str(caught.value).startswith("learning_rates: 'mine.yaml' cannot be read (")
    assert why in str(caught.value)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "{}", "rates:\n", "rates: {}\n"])
def test_a_file_that_is_empty_holds_no_rates(text: str):
    Path("mine.yaml").write_text(text, encoding="utf-8")
    assert read_rates({"learning_rates": "mine.yaml"}).chosen == {}


@pytest.mark.parametrize("cells", [["lstm", "gru"], ["lstm", "elman"]])
def test_a_rate_of_the_config_that_serves_nothing_says_how_it_would(cells: list[str]):
    Path("mine.yaml").write_text(yaml.safe_dump(OLD), encoding="utf-8")
    config = {**TINY, "cells": cells, "learning_rates": "mine.yaml"}
    told = resolve(config, SCHEMA).notices[0]
    serves = 0 if "gru" in cells else 1
    assert f"serves {serves} of 2 conditions" in told
    assert ("set learning_rates to null" in told) is (serves == 0)


def test_where_nothing_was_measured_the_file_stays(tmp_path: Path):
    Path("mine.yaml").write_text(yaml.safe_dump(OLD), encoding="utf-8")
    before = Path("mine.yaml").read_bytes()
    unmeasured = [row("lstm", rate, False, float("nan")) for rate in (0.1, 0.01)]
    with pytest.raises(BenchError, match=r"mine.yaml stays as it is"):
        freeze(tuned(tmp_path, unmeasured, learning_rates="mine.yaml"), Results(tmp_path))
    assert Path("mine.yaml").read_bytes() == before


def test_an_unmeasured_pair_beside_a_measured_one_is_left_and_no_nan_is_written(tmp_path: Path):
    rows = [row("lstm", 0.1, True), row("lstm", 0.01, False, float("nan"))]
    rows += [row("elman", 0.1, False, float("nan"))]
    freeze(tuned(tmp_path, rows, learning_rates="mine.yaml"), Results(tmp_path))
    assert list(read_file(Path("mine.yaml")).chosen) == [("temporal_order", "lstm")]
    assert "nan" not in Path("mine.yaml").read_text(encoding="utf-8").lower()


def test_the_suite_s_own_file_is_replaced_by_a_flag_alone():
    shipped = {"learning_rates": str(ROOT / "workflow/presets/learning_rates.yaml")}
    with pytest.raises(BenchError, match=r"learning_rates.*replace_shipped"):
        require_writable(shipped, ROOT)
    require_writable({**shipped, "tuning": {"replace_shipped": True}}, ROOT)
    require_writable({"learning_rates": [shipped["learning_rates"], "mine.yaml"]}, ROOT)
    with pytest.raises(BenchError, match="learning_rates: null"):
        require_writable({"learning_rates": None}, ROOT)


def test_a_file_that_is_not_there_is_an_error_in_a_sweep_and_begun_by_tuning():
    with pytest.raises(BenchError, match=r"learning_rates: 'typo.yaml' does not exist"):
        read_rates({"learning_rates": "typo.yaml"})
    assert read_rates({"learning_rates": "typo.yaml"}, tuning=True).chosen == {}
    Path("empty.yaml").touch()
    assert read_rates({"learning_rates": "empty.yaml"}).chosen == {}
    with pytest.raises(BenchError, match=r"'typo.yaml' does not exist"):
        read_rates({"learning_rates": ["typo.yaml", "empty.yaml"]})


def test_a_rate_of_a_small_trial_does_not_reach_the_sweep_it_was_not_tuned_for():
    Path("shipped.yaml").write_text(yaml.safe_dump(OLD), encoding="utf-8")
    small = {"width": 8, "optimiser": "adam", "batch": 32, "updates": 60}
    mine = {
        "tuned_with": [{**small, "pairs": {"temporal_order": ["lstm"], "copy": ["lstm"]}}],
        "rates": {"temporal_order": {"lstm": 0.3}, "copy": {"lstm": 0.2}},
    }
    Path("mine.yaml").write_text(yaml.safe_dump(mine), encoding="utf-8")
    files = {"learning_rates": ["shipped.yaml", "mine.yaml"]}
    full = {**OLD["tuned_with"], "network": {}}
    chosen = read_rates(files, here=full).chosen
    assert chosen["temporal_order", "lstm"] == {1: 0.01}  # tuned as this sweep trains
    assert chosen["copy", "lstm"] == {1: 0.2}  # the only one
    mine_first = read_rates(files, here={**small, "network": {}}).chosen
    assert mine_first["temporal_order", "lstm"] == {1: 0.3}


def test_a_sweep_says_how_many_conditions_take_rates_tuned_otherwise():
    Path("mine.yaml").write_text(yaml.safe_dump(OLD), encoding="utf-8")
    changes = {"experiments": ["horizon"], "learning_rates": "mine.yaml", "lengths": [10, 20]}
    said = resolve({**TINY, **changes}, SCHEMA).notices
    (otherwise,) = [sentence for sentence in said if "tuned otherwise" in sentence]
    assert otherwise.startswith("2 conditions")  # lstm at both lengths
    assert "width 32" in otherwise
    as_tuned = {"width": 32, "training": {**TINY["training"], "updates": 2000}}
    quiet = resolve({**TINY, **changes, **as_tuned}, SCHEMA).notices
    assert not [sentence for sentence in quiet if "tuned otherwise" in sentence]
