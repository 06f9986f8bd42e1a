"""The estimate of a sweep: what is counted, what is measured, and what stored runs change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import yaml

from lstm_bench.errors import BenchError
from lstm_bench.jobs import devices
from lstm_bench.planning import effort, estimate
from lstm_bench.planning.device_request import block_mib, gpus
from lstm_bench.planning.forecast import forecast, told
from lstm_bench.planning.overlays import merged, read_layers
from lstm_bench.planning.plan import resolve
from lstm_bench.report.estimated import compared
from lstm_bench.spec import Condition, SeedBlock
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from lstm_bench.training.calibration import update_seconds
from lstm_bench.training.run import train_block
from tests.workflow.workspace import ROOT, TINY


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    devices.devices.cache_clear()
    yield
    devices.devices.cache_clear()


SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())


def a_plan(**changes: object) -> Plan:
    config = {**TINY, "lengths": [10, 20, 40], "experiments": ["horizon", "training_time"]}
    return replace(resolve({**config, **changes}, SCHEMA), path=Path("results/plans/d.json"))


def modelled(plan: Plan, factor: float):
    """A machine on which every update takes `factor` times what the model says."""
    entries = plan.conditions
    return lambda condition, n: factor * effort.update_seconds(entries[condition.id], n)


def test_the_calibration_measures_every_kind_at_its_ends_and_scales_the_rest(tmp_path: Path):
    plan, measured = a_plan(), []

    def measure(condition: Condition, replicates: int) -> float:
        measured.append((condition.cell, condition.T, replicates))
        return modelled(plan, 3.0)(condition, replicates)

    made = forecast(plan, Results(tmp_path), measure)
    assert measured == [("elman", 40, 2), ("lstm", 40, 2), ("elman", 10, 2), ("lstm", 10, 2)]
    whole = made["rows"][-1]
    blocks = plan.blocks(plan.asked)
    work = 3 * sum(effort.training_seconds(plan.conditions[id], 2) for id, _ in blocks)
    starts = estimate.START * len(blocks)
    assert whole["core_hours_budget"] == pytest.approx((work + starts) / 3600)
    assert whole["core_hours_expected"] == pytest.approx((0.6 * work + starts) / 3600)
    assert whole["gpu_hours_budget"] == 0


def test_conditions_of_two_experiments_count_once_in_the_whole(tmp_path: Path):
    plan = a_plan()
    made = forecast(plan, Results(tmp_path), modelled(plan, 1.0))
    horizon, training_time, whole = made["rows"]
    assert [row["conditions"] for row in made["rows"]] == [6, 6, 6]
    assert whole["core_hours_budget"] == horizon["core_hours_budget"]
    assert whole["jobs"] == 6 + 4 + 3  # blocks, two an experiment, three at the end
    assert "6" in told(made)
    assert training_time["disk_mib"] > 0


def test_a_condition_that_was_not_measured_takes_the_nearest_factor():
    plan = a_plan(lengths=[10, 20, 80])
    by_length = {10: 2.0, 80: 8.0}
    calibration = estimate.calibrate(
        plan, plan.blocks(plan.asked), lambda c, n: modelled(plan, by_length[c.T])(c, n)
    )
    entries = {(e.spec.cell, e.spec.T): e for e in plan.conditions.values()}
    assert calibration.of(entries["lstm", 10]) == pytest.approx(2.0)
    assert calibration.of(entries["lstm", 20]) == pytest.approx(2.0)
    assert calibration.of(entries["lstm", 80]) == pytest.approx(8.0)


def test_long_lengths_count_as_gpu_hours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LSTM_BENCH_DEVICES", "0:16000")
    plan = a_plan(device={"cpu_up_to": 20})
    whole = forecast(plan, Results(tmp_path), modelled(plan, 1.0))["rows"][-1]
    assert whole["gpu_hours_budget"] > whole["core_hours_budget"] / 10 > 0


def test_a_gpu_is_a_resource_of_what_trains_on_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LSTM_BENCH_DEVICES", "0:16000")
    for device, expected in (("cpu", {0}), ("auto", {1}), ({"cpu_up_to": 20}, {0, 1})):
        plan = a_plan(device=device)
        ((id, block), *_) = blocks = plan.blocks(plan.asked)
        assert {gpus(plan, id) for id, _ in blocks} == expected
    assert 500 < block_mib(plan, id, block) < 2000


def test_a_length_for_a_gpu_that_is_not_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("shutil.which", lambda _: None)  # nowhere to send it
    with pytest.raises(BenchError, match="cpu_up_to 20 sends T=40 to a GPU, but torch finds none"):
        a_plan(device={"cpu_up_to": 20})


def test_a_sweep_that_stops_nothing_early_takes_its_whole_budget(tmp_path: Path):
    plan = a_plan(training={**TINY["training"], "stop": "budget"})
    whole = forecast(plan, Results(tmp_path), modelled(plan, 1.0))["rows"][-1]
    assert whole["core_hours_expected"] == pytest.approx(whole["core_hours_budget"])


def test_stored_runs_give_their_own_share_and_stand_beside_the_estimate(tmp_path: Path):
    plan, results = a_plan(lengths=[10], cells=["lstm"]), Results(tmp_path)
    ((id, block),) = plan.blocks(plan.asked)
    condition = plan.conditions[id].spec
    folder = train_block(condition, SeedBlock.parse(block), results, device="cpu")
    used = pd.read_parquet(folder / "replicates.parquet").updates.mean() / 60
    (((_, share),),) = estimate.used_shares(plan, results).values()
    assert share == pytest.approx(used)
    timing = pd.read_parquet(folder / "timing.parquet")
    assert compared(plan, results, timing) is None, "nobody asked for an estimate"
    forecast(plan, results, update_seconds)
    table = compared(plan, results, timing)
    assert table is not None
    assert table.experiment.tolist() == ["horizon", "training_time", "whole sweep"]
    clock = tmp_path / "results/benchmarks/train" / id / f"{block}.tsv"
    clock.parent.mkdir(parents=True)
    clock.write_text("s\th:m:s\n120.0\t0:02:00\n")
    assert compared(plan, results, timing).measured.tolist() == ["2.0"] * 3


def test_an_update_takes_longer_on_a_longer_sequence():
    conditions = [Condition("adding", T, "lstm", 16) for T in (10, 200)]
    short, long = (update_seconds(condition, 2) for condition in conditions)
    assert 0 < short < long


def test_overlays_are_merged_key_by_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text(
        "training: {updates: 1, batch: 2}\nlengths: [10, 20]\n", encoding="utf-8"
    )
    Path("b.yaml").write_text("training: {updates: 3}\nlengths: [30]\n", encoding="utf-8")
    assert merged(read_layers(["a.yaml", "b.yaml"])) == {
        "training": {"updates": 3, "batch": 2},
        "lengths": [30],
    }
    Path("c.yaml").write_text("[1]\n", encoding="utf-8")
    Path("d.yaml").write_text("a: [\n", encoding="utf-8")
    Path("e.yaml").write_text("a: 1\na: 2\n", encoding="utf-8")
    for name, sentence in (
        ("no.yaml", "no.yaml is not there"),
        ("c.yaml", "c.yaml: it must be a mapping"),
        ("d.yaml", "d.yaml, line 2: .* is not YAML"),
        ("e.yaml", "e.yaml, line 2: the key 'a' is there twice"),
    ):
        with pytest.raises(BenchError, match=sentence):
            read_layers([name])
