"""Rates, ratios, growth and time to solve from samples that are known; a tiny run of the probe."""

from __future__ import annotations

import dataclasses
import os
import signal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lstm_bench.experiments.base import Evidence
from lstm_bench.experiments.speed import Speed, SpeedSettings
from lstm_bench.experiments.speed_tables import PEAK, TUNED, growth, measured, with_solving
from lstm_bench.probes import speed
from lstm_bench.speed.cases import Case
from lstm_bench.speed.contenders import reference
from lstm_bench.speed.worker import Worker, answer
from lstm_bench.speed.workers import Failed, Remote
from lstm_bench.sweep import Choice, Sweep

SIZES = {"cell": "lstm", "threads": 1, "width": 32, "replicates": 4, "batch": 32, "inputs": 2}


def row(contender: str, T: int, seconds: list[float], status: str = "ok") -> dict[str, Any]:
    operations = 7_000_000_000 if contender == PEAK else 1_000_000 * T
    return {
        **SIZES,
        "contender": contender,
        "T": T,
        "floating_point_operations": operations,
        "status": status,
        "reason": "",
        "seconds": np.array(seconds),
        "discarded": 1,
        "peak_memory_bytes": 1000.0 * T,
        "along_T": True,
        "along_width": T == 100,
        "processor": "a processor",
    }


def probe() -> pd.DataFrame:
    rows = []
    for T in (100, 1000):
        rows += [
            row("fused", T, [1e-5 * T * f for f in (0.9, 1.0, 1.1, 1.0, 0.95, 1.2, 1.0)]),
            row(TUNED, T, [3e-5 * T] * 7),
            row("jax", T, [], "out_of_memory"),
            row(PEAK, T, [0.05] * 7),
        ]
    return pd.DataFrame(rows)


def evidence(**changes: Any) -> Evidence:
    nothing = pd.DataFrame()
    plan = {"c": {"spec": {"width": 32, "training": {"batch": 32}}}}
    basis = Evidence(nothing, nothing, nothing, probe(), ["adding"], ["lstm"], plan)
    return dataclasses.replace(basis, **changes)


def test_the_peak_is_that_of_undisturbed_cases_where_there_are_any():
    rows = [row(PEAK, T, [seconds] * 7) for T, seconds in ((20, 0.05), (50, 0.05), (100, 0.07))]
    disturbed = [row(PEAK, T, [0.2] * 7, "disturbed") for T in (200, 300, 400, 500)]
    own = row("fused", 500, [5e-3] * 7)
    quiet = measured(pd.DataFrame([*rows, *disturbed, own])).set_index(["contender", "T"])
    assert quiet.of_peak["fused", 500] == pytest.approx(100 / 140)
    busy = measured(pd.DataFrame([*disturbed, own])).set_index(["contender", "T"])
    assert busy.of_peak["fused", 500] == pytest.approx(100 / 35)


def test_rates_shares_and_ratios_come_from_the_medians_of_the_same_case():
    table = measured(probe()).set_index(["contender", "T"])
    own = table.loc["fused", 100]
    assert own.seconds == pytest.approx(1e-3)
    assert (own.low, own.high) == pytest.approx((0.9e-3, 1.2e-3))
    assert own.gigaflops == pytest.approx(100)
    assert own.of_peak == pytest.approx(100 / 140)
    assert own.times_tuned == pytest.approx(3)
    assert table.loc[TUNED, 100].times_tuned == pytest.approx(1)
    assert np.isnan(table.loc["jax", 100].seconds)
    assert list(table[table.is_backend].index.unique(0)) == ["fused"]


def test_growth_is_the_exponent_of_time_and_memory_along_T():
    grown = growth(measured(probe())).set_index("contender")
    assert grown.exponent_of_T["fused"] == pytest.approx(1)
    assert grown.memory_exponent_of_T["fused"] == pytest.approx(1)
    assert grown.memory_bytes_a_step["fused"] == pytest.approx(1000)
    assert "jax" not in grown.index


def test_time_to_solve_is_updates_times_the_seconds_of_one_replicate():
    training = pd.DataFrame(
        [
            {"task": "adding", "cell": "lstm", "T": 100, "mean_updates": 500.0},
            {"task": "adding", "cell": "gru", "T": 1000, "mean_updates": 9.0},
            {"task": "copy", "cell": "lstm", "T": 50, "mean_updates": 9.0},
        ]
    )
    table = with_solving(measured(probe()), training, [(32, 32)]).set_index(["contender", "T"])
    assert table.solve_seconds_adding["fused", 100] == pytest.approx(500 * 1e-3 / 4)
    assert table.solve_seconds_adding.notna().sum() == 2  # fused and torch.nn at T = 100
    assert table.solve_seconds_copy.isna().all()
    other = with_solving(measured(probe()), training, [(64, 32)])
    assert other.solve_seconds_adding.isna().all()


def test_table_summary_verdict_and_figure_of_known_samples():
    from lstm_bench.plotting.render import render
    from lstm_bench.plotting.style import figure_bytes, paper_style

    seen, experiment = evidence(), Speed()
    table = experiment.table(seen)
    summary = experiment.summary(table, seen)
    shown = experiment.display(summary).iloc[0]
    assert shown[f"fused, × {TUNED}"] == "3"
    assert shown[f"jax, × {TUNED}"] == "out of memory"
    assert shown.fastest == "fused"
    answer = experiment.verdict(table, summary)["answer"]
    assert "width 32, T=100, 4 replicates" in answer
    assert "lstm 100 GF/s on fused" in answer
    assert f"3 times {TUNED}" in answer
    with paper_style():
        drawn = render(experiment.figure(table, summary, seen))
        assert figure_bytes(drawn, "svg").startswith(b"<?xml")


def test_the_figure_names_who_ran_and_tells_their_exponents_apart():
    from lstm_bench.plotting.render import render
    from lstm_bench.plotting.style import paper_style

    powers = {"fused": 1.0, "loop": 1.01, TUNED: 1.02}
    rows = [row(n, T, [1e-5 * T**p] * 7) for n, p in powers.items() for T in (100, 1000)]
    rows += [row("cudnn", T, [], "unsupported") for T in (100, 1000)]
    rows += [row(PEAK, T, [0.05] * 7) for T in (100, 1000)]
    seen, experiment = evidence(probe=pd.DataFrame(rows)), Speed()
    table = experiment.table(seen)
    with paper_style():
        figure = render(experiment.figure(table, experiment.summary(table, seen), seen))
        (legend,) = figure.legends
        named = [text.get_text() for text in legend.get_texts()]
        ends = [text for text in figure.axes[0].texts if text.get_text().startswith("T^")]
        figure.draw_without_rendering()
        boxes = sorted((text.get_window_extent().y0, text.get_window_extent().y1) for text in ends)
    assert named == ["fused", "loop", TUNED, "sgemm"]
    assert [text.get_text() for text in ends] == ["T^1.00", "T^1.01", "T^1.02"]
    assert all(below[1] < above[0] + 1 for below, above in pairwise(boxes))


def test_shapes_lie_on_two_lines_that_cross_and_T_rises():
    chosen = {"widths": (16, 64), "lengths": (1000, 10), "length": 50, "replicates": (1, 2)}
    sweep = Sweep((), (Choice("lstm"),), None, 32, replicates=1, seed_block=1, sizes=None)  # type: ignore[arg-type]
    settings = Speed(SpeedSettings(**chosen, memory_limit_gib=2)).probe_settings(sweep)
    at = [(s["T"], s["width"]) for s in settings["shapes"] if s["replicates"] == 2]
    assert at == [(10, 32), (50, 16), (50, 32), (50, 64), (1000, 32)]
    both = [s for s in settings["shapes"] if s["along_T"] and s["along_width"]]
    assert [(s["T"], s["width"]) for s in both] == [(50, 32)] * 2
    assert settings["memory_limit_bytes"] == 2 * 2**30


TINY = {
    "cells": [{"name": "jordan", "options": {}, "shown": "jordan"}],
    "threads": [1],
    "shapes": [
        {"width": 4, "T": T, "replicates": 2, "batch": 3, "inputs": 2, "along_T": True,
         "along_width": True} for T in (5, 2_000_000_000)
    ],
    "instruction_sets": [],
    "samples": 3,
    "sample_seconds": 0.001,
    "limit_seconds": 20,
    "memory_limit_bytes": 2**30,
    "cold_cache": False,
    "device": "cpu",
}  # fmt: skip


@pytest.fixture
def without_long_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the two torch paths, so that the run takes seconds."""
    monkeypatch.setattr(speed, "contenders", lambda *_: ["loop", PEAK])


def test_the_probe_times_what_agrees_and_too_much_memory_is_a_row(without_long_inputs: None):
    rows = list(speed.measure(TINY))
    by = {(r["contender"], r["T"]): r for r in rows}
    timed = by["loop", 5]
    assert timed["status"] in ("ok", "disturbed")
    assert timed["worst_error"] < speed.TOLERANCE
    assert len(timed["seconds"]) >= 3
    assert timed["start_seconds"] > 0
    assert min(timed["seconds"]) > 0
    assert by[PEAK, 5]["floating_point_operations"] == 2 * speed.SGEMM**3
    edge = by["loop", 2_000_000_000]
    assert edge["status"] == "out_of_memory"
    assert edge["reason"].startswith("estimated")
    assert not len(edge["seconds"])


def test_a_contender_that_computes_something_else_is_reported_and_not_timed(
    without_long_inputs: None, monkeypatch: pytest.MonkeyPatch
):
    exact = speed.reference
    monkeypatch.setattr(
        speed, "reference", lambda *a: {k: v * (1 + 2e-5) for k, v in exact(*a).items()}
    )
    rows = list(speed.measure({**TINY, "shapes": TINY["shapes"][:1]}))
    assert rows[0]["status"] == "wrong"
    assert "is off by 2.0e-05" in rows[0]["reason"]
    assert len(rows[0]["seconds"]) == 0


def test_a_worker_that_runs_out_of_memory_says_so_and_goes_on(tmp_path: Path):
    spec = {"contender": "loop", "threads": 1, "device": "cpu", "memory": 2**27, "plugins": []}
    remote = Remote(spec, {})
    case = Case("elman", width=64, T=2, replicates=1, batch=32, inputs=1)
    weights, exact = str(tmp_path / "weights.npz"), str(tmp_path / "exact.npz")
    np.savez(weights, **speed._weights(case))
    np.savez(exact, **reference(case, speed._weights(case)))
    try:
        for T in (10**8, 30_000):  # the inputs alone do not fit; the states do not
            longer = {**case.to_json(), "T": T}
            with pytest.raises(Failed) as caught:
                remote.ask(120, do="open", case=longer, weights=weights)
            assert caught.value.status == "out_of_memory", caught.value.reason
        process = remote.process
        found = remote.ask(60, do="check", case=case.to_json(), weights=weights, exact=exact)
        assert found["error"] < speed.TOLERANCE
        assert remote.process is process
    finally:
        remote.close()


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ("[enforce fail a", "out_of_memory"),  # no memory for the message either
        ("DefaultCPUAllocator: can't allocate memory", "out_of_memory"),
        ("mat1 and mat2 shapes cannot be multiplied", "error"),
    ],
)
def test_a_failure_is_one_of_memory_by_its_words(
    message: str, status: str, monkeypatch: pytest.MonkeyPatch
):
    worker = Worker({"contender": "loop", "threads": 1, "device": "cpu", "memory": None})

    def fails(calls: int) -> None:
        raise RuntimeError(message)

    monkeypatch.setattr(worker, "sample", fails)
    assert answer(worker, {"do": "sample", "calls": 1})["failed"] == status


@pytest.mark.parametrize(("memory", "status"), [(2**30, "out_of_memory"), (None, "error")])
def test_a_worker_that_aborts_at_its_limit_of_memory_is_out_of_it(memory: int | None, status: str):
    spec = {"contender": PEAK, "threads": 1, "device": "cpu", "memory": memory, "plugins": []}
    remote = Remote(spec, {})
    try:
        with pytest.raises(Failed):
            remote.ask(60, do="nothing known")
        assert remote.process is not None
        os.kill(remote.process.pid, signal.SIGABRT)
        with pytest.raises(Failed) as caught:
            remote.ask(60, do="sample", calls=1)
        assert caught.value.status == status
    finally:
        remote.close()


def test_a_backend_that_cannot_run_a_case_is_told_from_one_that_fails(tmp_path: Path):
    spec = {"contender": "compiled", "threads": 1, "device": "cpu", "memory": None, "plugins": []}
    remote = Remote(spec, {"LSTM_BENCH_ISA": "off"})
    case = Case("elman", width=2, T=2, replicates=1, batch=1, inputs=1)
    np.savez(tmp_path / "weights.npz", **speed._weights(case))
    try:
        with pytest.raises(Failed) as caught:
            remote.ask(60, do="open", case=case.to_json(), weights=str(tmp_path / "weights.npz"))
        assert caught.value.status == "unsupported"
        assert "'compiled' cannot run cell 'elman' here" in caught.value.reason
    finally:
        remote.close()


def test_a_worker_that_does_not_answer_in_time_is_ended_and_replaced():
    spec = {"contender": PEAK, "threads": 1, "device": "cpu", "memory": None, "plugins": []}
    remote = Remote(spec, {})
    try:
        with pytest.raises(Failed) as caught:
            remote.ask(60, do="nothing known")
        assert caught.value.status == "error"
        assert remote.process is not None
        os.kill(remote.process.pid, signal.SIGSTOP)
        with pytest.raises(Failed) as caught:
            remote.ask(0.1, do="sample", calls=1)
        assert caught.value.status == "timeout"
        assert remote.process is None
    finally:
        remote.close()
