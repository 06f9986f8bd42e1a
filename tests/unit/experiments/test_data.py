"""What the experiment `data` concludes from losses, and which tasks it takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lstm_bench.errors import BenchError
from lstm_bench.experiments.baselines import Baseline
from lstm_bench.experiments.data import Data
from lstm_bench.experiments.data_answer import concluded as concluded_of
from lstm_bench.experiments.data_answer import finding_of, rows_of, sentence
from lstm_bench.experiments.data_losses import Losses, Network, _twin, at_best_rate
from lstm_bench.stats.blocks import Items
from lstm_bench.store.plans import Plan
from tests.unit.experiments.own_data import planned

N = 400
SPREAD = np.array([-0.002, -0.001, 0.0, 0.001, 0.002])
ITEMS = np.random.default_rng(0).normal(1, 0.1, N)


def network(loss: float, window: int = 0, spread: float = 1.0, cuts: Any = None) -> Network:
    """Five seeds: the same items times a factor, so that ratios are known but for the seeds."""
    losses = loss * (1 + spread * SPREAD[:, None]) * ITEMS
    about = {"chosen": "rate 0.01", "parameters": 100, "n": 5, "update_seconds": 0.1}
    by_past = {k: factor * losses for k, factor in (cuts or {}).items()}
    return Network(losses, window, by_past, about)


def made(baseline: float, **networks: Network) -> Losses:
    simple = {name: Baseline(name, loss * ITEMS) for name, loss in
              (("mean", 3.0), ("persistence", 2.0), ("autoregression", baseline))}  # fmt: skip
    return Losses(Items(np.ones(N)), 8, "squared_error", range(5), networks, simple)


def concluded(baseline: float, **networks: Network) -> dict[str, Any]:
    rows = pd.DataFrame(rows_of(made(baseline, **networks)))
    return {"task": "x", "T": 8, **concluded_of(rows, margin=0.02)}


@pytest.mark.parametrize(
    ("factor", "past", "told"),
    [
        (0.6, 20.0, "what lies before the window helps"),
        (0.6, 8.0, "with the past of a window, too"),
        (1.001, 8.0, "tied"),
        (1.5, 8.0, "harm"),
    ],
)
def test_a_state_that_is_carried_is_compared_with_the_same_cell_without(factor, past, told):
    cuts = {4: 3.0, 8: 2.0 if past > 8 else 1.0}
    carried = replace(network(0.5 * factor, cuts=cuts), stateful=True, twin="lstm")
    found = concluded(1.0, lstm=network(0.5, cuts={4: 2.0}), carried=carried)
    assert found["carried"].startswith(
        f"State carried from batch to batch: carried has × {factor:.3g}"
    )
    assert told in found["carried"]
    assert found["carried"] in sentence(found, margin=0.02)
    if past > 8:  # the best cell, of which no cut history is enough
        assert np.isnan(found["used"])
        assert "carried uses more than the last 8 steps" in found["needs"]


def test_the_twin_of_a_carried_state_is_the_same_cell_whatever_its_rate():
    plan = planned(
        tasks=[{"task": "text", "file": str(Path(__file__))}],
        cells=["lstm", "gru", {"cell": "gru", "label": "gru on", "training": {"stateful": True}}],
        lengths=[8],
    )
    specs = {}
    for member in plan.experiments["data"].members:
        specs[member.cell] = plan.conditions[member.condition].spec
    assert specs["gru on"].training.stateful
    assert _twin(specs, "gru on") == "gru"
    del specs["gru"]
    assert _twin(specs, "gru on") == ""


def test_cells_are_tied_behind_or_open_by_their_whole_interval():
    window = network(0.8, window=4)
    found = concluded(
        1.0, lstm=network(0.500), gru=network(0.502), elman=network(0.6), window=window
    )
    assert (found["best_cell"], found["best_baseline"]) == ("lstm", "autoregression")
    assert found["tied"] == "lstm, gru"
    assert found["behind"] == "elman, window"
    assert found["open"] == ""
    assert found["to_baseline"] == pytest.approx(0.5, rel=1e-4)
    assert found["to_baseline_data"] == pytest.approx(
        0, abs=1e-3
    )  # the same items, but for a factor
    assert found["memory"] == pytest.approx(1.6)
    assert found["naive_to_best"] == pytest.approx(4.0)
    near = concluded(1.0, lstm=network(0.5), gru=network(0.51, spread=10))
    assert (near["tied"], near["behind"], near["open"]) == ("lstm", "", "gru")


def test_memory_needed_is_the_shortest_past_that_is_enough():
    cuts = {1: 2.0, 2: 1.5, 3: 1.01, 4: 1.1, 6: 1.001}
    windows = {"window of 2": network(0.7, window=2), "window of 4": network(0.505, window=4)}
    found = concluded(1.0, lstm=network(0.5, cuts=cuts), **windows)
    assert (found["needed"], found["needed_by"]) == (3, "lstm cut to 3")
    assert found["needed_ratio"] == pytest.approx(1.01)
    assert (found["used"], found["used_by"]) == (6, "lstm")  # at 4 it is not tied with the whole
    assert "Memory needed: 3 steps (lstm cut to 3: × 1.01" in found["needs"]
    assert "at best × 1.4 [1.4, 1.4] from fewer)" in found["needs"]
    assert "Beyond the last 6 steps the past changes nothing for lstm." in found["needs"]
    only = concluded(1.0, lstm=network(0.5), **windows)
    assert (only["needed"], only["needed_by"]) == (4, "window of 4")
    noise = concluded(3.0, lstm=network(2.99), **windows | {"window of 4": network(3.1, window=4)})
    assert noise["best_cell"] == "window of 2"


def test_a_share_is_one_at_the_best_baseline_and_the_rival_is_the_best_window(
    monkeypatch: pytest.MonkeyPatch,
):
    windows = {"near": network(0.8, window=4), "far": network(0.9, window=8)}
    found = made(1.0, lstm=network(0.5, spread=0), **windows)  # the mean has 3
    monkeypatch.setattr(Data, "_losses", lambda self, evidence: [({"task": "x", "T": 8}, found)])
    rows = Data().measured(None).set_index("cell")  # type: ignore[arg-type]
    lstm = rows.loc["lstm"]
    assert lstm.seed.tolist() == list(range(5))
    assert lstm.share.to_numpy() == pytest.approx(2.5 / 2)
    assert lstm.over_baseline.to_numpy() == pytest.approx(0.25)
    assert lstm.over_window.mean() == pytest.approx((0.8 - 0.5) / 2, abs=1e-3)
    assert rows.loc["near"].over_window.isna().all()


def test_a_test_part_too_short_for_blocks_decides_nothing():
    short = Items(np.ones(N), overlap=N // 2)
    simple = {"mean": Baseline("mean", 3 * ITEMS), "persistence": Baseline("persistence", ITEMS)}
    losses = Losses(short, 8, "squared_error", range(5), {"lstm": network(0.1)}, simple)
    found = concluded_of(pd.DataFrame(rows_of(losses)), margin=0.02)
    assert "cannot be told from the best baseline" in sentence({"task": "x", "T": 8, **found}, 0.02)
    assert "cannot be told: the test part is too short" in found["needs"]


def trained(*runs: tuple[float, float, int]) -> pd.DataFrame:
    return pd.DataFrame(runs, columns=["rate", "best_validation_loss", "seed"])


def test_the_rate_is_chosen_on_validation():
    both = [(rate, loss, seed) for rate, loss in ((0.01, 1.0), (0.1, 2.0)) for seed in range(5)]
    assert set(at_best_rate(trained(*both)).rate) == {0.01}
    # a rate at which a seed diverged is not chosen
    assert set(at_best_rate(trained(*both[1:])).rate) == {0.1}


def test_folds_follow_each_other_and_a_seed_that_one_lacks_counts_in_none():
    def part(loss: float, missing: int | None = None) -> Losses:
        own = network(loss)
        if missing is not None:
            own.losses[missing] = np.nan
        simple = {"mean": Baseline("mean", ITEMS, weights=np.ones(N))}
        return Losses(Items(np.ones(N)), 8, "squared_error", range(5), {"lstm": own}, simple)

    both = part(1.0).then(part(3.0, missing=2))
    assert both.networks["lstm"].losses.shape == (5, 2 * N)
    assert both.loss("lstm") == pytest.approx(2 * ITEMS.mean(), rel=1e-6)
    assert np.isnan(both.by_seed("lstm")[2])
    assert both.baselines["mean"].loss == pytest.approx(ITEMS.mean())


@pytest.mark.parametrize(
    ("baseline", "said"),
    [(0.6, "beats"), (0.45, "is beaten by"), (0.5, "is tied with")],
)
def test_the_best_cell_stands_to_the_best_baseline_by_the_margin(baseline: float, said: str):
    told = sentence(concluded(baseline, lstm=network(0.5), window=network(0.55, window=4)), 0.02)
    assert f"lstm, {said} the best baseline, autoregression" in told
    assert "The best window without memory has × 1.1 [1.1, 1.1] the loss" in told


def plan(folder: Path, **changes: object) -> Plan:
    rng = np.random.default_rng(0)
    path = folder / "x.csv"
    if not path.exists():
        pd.DataFrame({"a": rng.normal(size=1000), "y": rng.normal(size=1000)}).to_csv(
            path, index=False
        )
    return planned(**{"tasks": [{"task": "series", "file": str(path)}], "lengths": [32], **changes})


def test_cells_have_about_the_same_size_and_the_same_rates(tmp_path: Path):
    found = plan(tmp_path)
    sizes = [entry.parameters for entry in found.conditions.values()]
    members = found.experiments["data"].members
    assert found.sweep.tasks[0].shown == "x"  # the name of its file
    assert len(members) == (4 + 6) * 2  # windows of 1, 2, 4, 8, 16 and 32
    past = found.experiments["data"].probe_settings["past"]
    with_state = {m.condition for m in members if not m.cell.startswith("window")}
    assert set(past) == with_state
    assert past[min(with_state)] == [1, 2, 3, 4, 6, 8, 12, 16, 24]
    ours = [found.conditions[member.condition] for member in members]
    assert all(abs(each.parameters / 5000 - 1) < 0.05 for each in ours), sizes
    assert {each.spec.training.stop for each in ours} == {"budget"}
    assert not any(str(tmp_path) in str(each.spec.to_json()) for each in ours)


def test_a_series_too_short_for_the_usual_window_is_not_read_row_by_row(tmp_path: Path):
    pd.DataFrame({"y": np.random.default_rng(0).normal(size=100)}).to_csv(
        tmp_path / "x.csv", index=False
    )
    with pytest.raises(BenchError, match="T=32 is too long for task 'series' with"):
        planned(tasks=[{"task": "series", "file": str(tmp_path / "x.csv")}])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lengths": {"from": 8, "to": 64}}, "T is the window that is read from the file"),
        ({"tasks": ["adding"]}, "'data' needs a task from a file"),
        ({"experiments": ["horizon"]}, "'horizon' asks when a task is solved"),
        ({"training": {"stateful": True}, "lengths": [64]}, "a batch of 4 or fewer"),
        ({"lengths": [400]}, "T=400 is too long for task 'series' with x.csv"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    changes: dict[str, object], said: str, tmp_path: Path
):
    with pytest.raises(BenchError, match=said):
        plan(tmp_path, **changes)


def test_folds_are_conditions_of_their_own_and_the_last_is_that_of_one_fold(tmp_path: Path):
    one, three = plan(tmp_path), plan(tmp_path, data={"folds": 3})
    ids = [{m.condition for m in each.experiments["data"].members} for each in (one, three)]
    assert len(ids[1]) == 3 * len(ids[0])
    last = {m.condition for m in three.experiments["data"].members if m.factors["fold"] == 0}
    assert last == ids[0]
    with pytest.raises(BenchError, match="folds"):
        plan(tmp_path, data={"folds": 5})


def test_a_window_that_the_config_names_is_not_trained_twice(tmp_path: Path):
    own = [*("lstm", "gru"), {"cell": "feedforward_window", "window": 8, "label": "mine"}]
    labels = {m.cell for m in plan(tmp_path, cells=own).experiments["data"].members}
    assert {"mine", "window of 4"} <= labels
    assert "window of 8" not in labels
    none = plan(tmp_path, cells=own, data={"windows": None}).experiments["data"].members
    assert {m.cell for m in none} == {"lstm", "gru", "mine"}


def test_a_sweep_may_hold_tasks_of_both_kinds(tmp_path: Path):
    plan(tmp_path)
    both = ["adding", {"task": "series", "file": str(tmp_path / "x.csv")}]
    found = plan(tmp_path, tasks=both, experiments=["data", "horizon"])
    assert {member.task for member in found.experiments["data"].members} == {"x"}
    assert {member.task for member in found.experiments["horizon"].members} == {"adding"}


def test_networks_of_tokens_have_the_size_asked_for_with_their_embedding(tmp_path: Path):
    (tmp_path / "x.txt").write_text("the cat sees a dog and it sleeps . " * 40)
    rows = [f"{i:03d}\tx{'yz' * (i % 3)}" for i in range(90)]
    (tmp_path / "x.tsv").write_text("\n".join(["source\ttarget", *rows]))
    both = [
        {"task": "text", "file": str(tmp_path / "x.txt"), "unit": "word"},
        {"task": "pairs", "file": str(tmp_path / "x.tsv"), "label": "turned"},
    ]
    found = plan(tmp_path, tasks=both, lengths=[8], data={"parameters": 20_000})
    members = found.experiments["data"].members
    assert {member.task for member in members} == {"x", "turned"}
    ours = [found.conditions[member.condition] for member in members]
    assert all(abs(each.parameters / 20_000 - 1) < 0.05 for each in ours)
    assert {each.effort.inputs for each in ours} == {2}  # one int64 a step


@pytest.mark.parametrize(("needed", "told"), [(12, "12 steps"), (32, "32 steps or more")])
def test_a_window_that_is_needed_whole_may_be_too_short(needed: int, told: str) -> None:
    ratio = {"to_baseline": 0.7, "to_baseline_low": 0.6, "to_baseline_high": 0.8}
    row = {"best_cell": "lstm", "best_baseline": "mean", "T": 32, "needed": needed, **ratio}
    row["carried"] = ""  # no state that has seen more
    assert finding_of(pd.DataFrame([row]), 0.02).endswith(f"memory needed: {told}")
