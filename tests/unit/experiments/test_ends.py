"""Whatever became of the replicates, there is a table, a figure and a report, and they say so."""

from __future__ import annotations

import json
import re
from html import unescape
from math import inf
from pathlib import Path

import pandas as pd
import pytest

from lstm_bench.errors import BenchError
from lstm_bench.experiments.base import NOTHING
from lstm_bench.experiments.gradient_flow import GradientFlow
from lstm_bench.experiments.run import conclude, draw, read_csv
from lstm_bench.experiments.speed_tables import PEAK, TUNED
from lstm_bench.planning.freeze import freeze
from lstm_bench.plotting import style
from lstm_bench.published.run import conclude as conclude_table
from lstm_bench.report.published import write_tables
from lstm_bench.spec import SeedBlock
from lstm_bench.stats.rate_search import Trial
from lstm_bench.store.collect import COLUMNS, collect
from lstm_bench.store.paths import Results
from lstm_bench.store.searches import write_search
from lstm_bench.store.tables import write_table
from tests.unit.experiments.outcomes import (
    ENDS,
    NARROW,
    PROBES,
    answer,
    ended,
    everything,
    made,
    store,
    whole_sweep,
)
from tests.unit.experiments.test_speed import row as speed_row

TRAINED = [name for name in everything() if name not in ("speed", "tuning")]
WITHOUT_TRAINING = ["cost"]
MEASURING = ("extrapolation", "gradient_flow", "selective_memory")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(style, "KINDS", ("svg",))


def said(name: str) -> str:
    told = answer(Results().experiment(name))
    assert told.endswith(".")
    assert "nan" not in re.findall(r"\w+", told)
    return told


@pytest.mark.parametrize("end", ["error", "anything"])
def test_a_sweep_of_every_experiment_is_concluded_drawn_and_reported(end: str) -> None:
    page = unescape(whole_sweep(TRAINED, ENDS[end]))
    answers = {name: said(name) for name in TRAINED}
    assert "nan" not in re.findall(r"\w+", re.sub(r'"data:[^"]*"', "", page))
    for name, told in answers.items():
        assert (Results().experiment(name) / "figure.svg").stat().st_size > 1000
        assert told.split(".")[0] in page
        if end == "error" and name not in WITHOUT_TRAINING:
            assert told == NOTHING
    claims = json.loads((Results().claims / "verdicts.json").read_text())["claims"]
    for claim in claims:
        if end == "error" and not claim["exact"] and claim["figure"]:
            assert claim["reason"] == NOTHING


def test_one_of_each_is_a_sweep() -> None:
    change = {**NARROW["one of each"], "catalogue": {"task": "temporal_order", "cell": "gru"}}
    whole_sweep(TRAINED, ENDS["as usual"], **change)
    for name in TRAINED:
        assert said(name)


@pytest.mark.parametrize(
    ("end", "told"), [("timeout", "timed out"), ("diverged", "diverged"), ("as usual", "")]
)
def test_a_sweep_that_failed_says_so_at_its_top_and_asks_for_no_more_of_it(
    end: str, told: str
) -> None:
    page = whole_sweep(["horizon", "gradient_flow"], ENDS[end], cells=["elman", "lstm"])
    top = page.partition("<main>")[0]
    assert ("All 24 replicates" in top) == bool(told)
    assert (f"All 24 replicates {told}." in top) == bool(told)
    claims = {
        claim["id"]: claim
        for claim in json.loads((Results().claims / "verdicts.json").read_text())["claims"]
    }
    for name in ("long_dependencies", "gradients_after_training"):
        assert (claims[name]["reason"] == f"all 24 replicates {told}.") == bool(told)
        assert claims[name]["more_replicates"] is None or not told
    # the gradient at the initial weights is what it is, however training ends
    assert claims["gradients_at_start"]["n"] == 3


def test_a_sweep_that_trains_nothing_has_a_report() -> None:
    page = whole_sweep(WITHOUT_TRAINING, ENDS["as usual"])
    assert "nan" not in re.findall(r"\w+", re.sub(r'"data:[^"]*"', "", page))


def test_no_rate_is_chosen_where_nothing_was_trained_to_an_end() -> None:
    plan = made("tuning", cells=["lstm"], tasks=["adding"], learning_rates=["mine.yaml"])
    for name, search in plan.searches.items():
        trials = [Trial(10, rate, 0, 0, inf, inf) for rate in search.rates]
        write_search(Results(), name, search, trials, [])
    folder = conclude(plan, "tuning", Results())
    draw(plan, "tuning", Results())
    assert read_csv(folder / "summary.csv").empty
    with pytest.raises(BenchError, match="no rate to choose"):
        freeze(plan, Results())
    assert not Path("mine.yaml").exists()


@pytest.mark.parametrize("end", ["error", "diverged", "unsolved", "anything"])
def test_published_tables_are_concluded(end: str) -> None:
    plan, results = made("horizon", tables={"replicates": 2, "updates": 40}), Results()
    for entry in plan.tables.values():
        for arm in entry.arms:
            for block in arm.blocks:
                seeds = SeedBlock.parse(block)
                ended(results, plan, arm.condition, seeds, arm.label, ENDS[end])
    for name in plan.tables:
        told = conclude_table(plan, name, results).read_text(encoding="utf-8")
        assert ("no replicate could be judged" in told) == (end in ("error", "anything"))
        assert "nan" not in re.findall(r"\w+", told)
    page = write_tables(plan, results).read_text(encoding="utf-8")
    assert "nan" not in re.findall(r"\w+", page)


@pytest.mark.parametrize("end", ["solved", "unsolved"])
def test_a_gradient_predicts_nothing_where_all_end_alike(end: str) -> None:
    plan = made("gradient_flow", cells=["lstm"], tasks=["adding"])
    store(plan, ["gradient_flow"], ENDS[end])
    folder = conclude(plan, "gradient_flow", Results())
    draw(plan, "gradient_flow", Results())
    assert "over all cells: not defined" in said("gradient_flow")
    shown = GradientFlow().display(read_csv(folder / "summary.csv"))
    assert shown["AUC of a flat gradient"].tolist() == ["", ""]


@pytest.mark.parametrize("status", ["error", "out_of_memory"])
def test_a_machine_on_which_nothing_could_be_timed_has_a_figure(status: str) -> None:
    plan = made("speed")
    rows = [speed_row(name, T, [], status) for name in ("fused", TUNED, PEAK) for T in (100, 200)]
    write_table(Path(plan.probe_files("speed")[0]), [{**r, "seconds": []} for r in rows])
    conclude(plan, "speed", Results())
    draw(plan, "speed", Results())
    assert said("speed") == "No backend could be timed: see the table for the reasons."


@pytest.mark.parametrize("name", MEASURING)
def test_a_network_that_is_not_finite_takes_none_along(name: str) -> None:
    plan = made(name, cells=["gru", "lstm"])
    entry, found = plan.experiments[name], {}
    for end in ("unsolved", "diverged"):
        store(plan, [name], lambda label, c, seed, end=end: end if seed == 1 else "solved")
        rows = pd.DataFrame(PROBES[name].measure(entry.probe_settings))
        found[end] = rows
    others = [rows[rows.seed != 1].reset_index(drop=True) for rows in found.values()]
    pd.testing.assert_frame_equal(*others)
    assert (found["unsolved"].seed == 1).any()
    rows = found["diverged"][found["diverged"].seed == 1]
    measured = [c for c in ("value", "score", "cosine") if c in rows]
    at_end = rows[rows.stage == "end"] if "stage" in rows else rows
    assert at_end[measured].isna().all(axis=None)


@pytest.mark.parametrize("end", ["error", "solved", None])
def test_tables_have_their_columns_and_types_whatever_is_stored(end: str | None) -> None:
    plan = made("horizon", cells=["lstm"], tasks=["adding"], lengths=[10])
    blocks = plan.blocks(["horizon"]) if end else []
    if end:
        store(plan, ["horizon"], ENDS[end])
    for name, columns in COLUMNS.items():
        rows = collect(Results(), blocks, name)
        assert set(rows.columns) == set(columns.names)
        texts = {field.name for field in columns if str(field.type) == "string"}
        numbers = {field.name for field in columns if str(field.type) in ("int64", "double")}
        assert all(rows[column].dtype == object for column in texts)
        assert all(rows[column].dtype.kind in "if" for column in numbers)
