"""Ablation, fairness and sensitivity on replicates whose answer is known."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lstm_bench.errors import BenchError
from lstm_bench.experiments.ablation import Ablation, AblationSettings, per_seed
from lstm_bench.experiments.base import Evidence
from lstm_bench.experiments.fairness import Fairness, per_replicate
from lstm_bench.experiments.sensitivity import Sensitivity, SensitivitySettings, drawn
from lstm_bench.plotting.render import render
from lstm_bench.plotting.style import figure_bytes, paper_style
from lstm_bench.stats import importance
from tests.unit.experiments.hand_made import BUDGET, evidence, planned

ABLATION = Ablation(AblationSettings(variants=("lstm_nfg", "lstm_cifg"), rates=(0.01, 0.03)))
USUAL = {"task_label": "adding", "T": 20, "width": 8, "learning_rate": 0.01, "floor": 0.2}
USUAL |= {"best_validation_loss": 0.1, "test_score": 0.5}


def ablation(updates: Callable[[str, float, int], float | None], seeds: int = 10) -> Evidence:
    """Three cells at two rates; `updates` by cell, rate and seed."""
    rows, plan = [], {}
    for cell in ("lstm_peephole", "lstm_nfg", "lstm_cifg"):
        for rate in ABLATION.settings.rates:
            id = f"{cell}{rate}"
            plan[id] = planned(learning_rate=rate)
            for seed in range(seeds):
                found = updates(cell, rate, seed)
                row = {"condition": id, "cell_label": cell, "learning_rate": rate, "seed": seed}
                rows.append({**USUAL, **row, "updates_to_solve": found})
    return evidence(rows, plan)


def test_a_component_that_doubles_the_updates_is_told_apart_by_a_ratio_of_two() -> None:
    rng = np.random.default_rng(1)
    luck = 2 ** rng.normal(0, 0.8, 10)  # shared by the cells of a seed, far wider than the effect
    own = {cell: 2 ** rng.normal(0, 0.1, 10) for cell in ("lstm_peephole", "lstm_nfg", "lstm_cifg")}
    slower = {"lstm_peephole": 1, "lstm_nfg": 2, "lstm_cifg": 1}
    seen = ablation(lambda cell, _, seed: 100 * luck[seed] * own[cell][seed] * slower[cell])
    experiment = ABLATION
    table = experiment.table(seen).set_index("cell")
    assert table.ratio["lstm_nfg"] == pytest.approx(2, rel=0.1)
    assert table.ratio_low["lstm_nfg"] < 2 < table.ratio_high["lstm_nfg"]
    assert table.p_adjusted["lstm_nfg"] <= 0.05 < table.p_adjusted["lstm_cifg"]
    assert table.group.to_dict() == {
        "lstm_peephole": "tied",
        "lstm_nfg": "slower",
        "lstm_cifg": "tied",
    }
    answer = experiment.verdict(table.reset_index(), table.reset_index())["answer"]
    assert "adding: lstm_nfg slower (× " in answer


def test_equal_variants_are_seldom_told_apart() -> None:
    """Type-I error of the family of two variants, at alpha = 0.05."""
    wrong = 0
    for family in range(30):
        rng = np.random.default_rng(family)
        drawn_ = {c: rng.lognormal(5, 1, 10) for c in ("lstm_peephole", "lstm_nfg", "lstm_cifg")}
        table = Ablation().table(ablation(lambda cell, _, seed: drawn_[cell][seed]))  # noqa: B023
        wrong += bool((table.p_adjusted <= 0.05).any())
    assert wrong <= 5  # three standard errors above 1.5


def test_no_replicate_chooses_its_own_rate() -> None:
    """Even seeds do best at 0.03 and odd ones at 0.01, so each half is given the other's choice."""
    seen = ablation(lambda _, rate, seed: 100.0 if (rate == 0.03) == (seed % 2 == 0) else 400.0)
    rows = per_seed(seen)
    assert len(rows) == 30
    assert (rows.learning_rate == np.where(rows.seed % 2 == 0, 0.01, 0.03)).all()
    assert (2**rows.log2_updates).tolist() == pytest.approx([400] * 30)


def test_nobody_solving_is_a_ratio_of_one_and_no_positive_control() -> None:
    seen = ablation(lambda *_: None)
    table = Ablation().table(seen)
    assert (table.ratio == 1).all()
    verdict = Ablation().verdict(table, table)
    assert verdict["positive_control"] == {"adding": False}
    assert "does not solve adding" in verdict["answer"]


TAKES = {"width": 900.0, "parameters": 900.0, "state": 200.0, "flops": None}


def fairness(
    seeds: int = 10,
    takes: dict[str, float | None] = TAKES,
) -> Evidence:
    """lstm solves in 400 updates at 4 FLOPs each; elman in 900 at 1, or in 200 at equal state."""
    rows, plan = [], {}
    for cell in ("elman", "lstm"):
        for matched in takes:
            id = f"{cell}{matched}"
            plan[id] = planned(flops=400 if cell == "lstm" else 100)
            for seed in range(seeds):
                updates = 400.0 if cell == "lstm" else takes[matched]
                about = {"condition": id, "cell_label": cell, "matched": matched, "seed": seed}
                spent = (updates or BUDGET) * (2.0 if cell == "lstm" else 1.0)
                about |= {"updates_to_solve": updates, "train_seconds": spent}
                rows.append({**USUAL, **about, "updates": updates or BUDGET})
    return evidence(rows, plan)


def test_equal_time_is_the_run_at_equal_width_read_earlier() -> None:
    rows = per_replicate(fairness())
    timed = rows[rows.matched == "time"].drop_duplicates("cell").set_index("cell")
    assert timed.budget.to_dict() == {"elman": 1000, "lstm": 250}
    assert timed.solved.to_dict() == {"elman": True, "lstm": False}  # 400 > 250
    assert timed.solved_in_seconds.to_dict() == {"elman": True, "lstm": True}  # 400 <= 1000 / 2
    declared = per_replicate(fairness(), {"elman": 1.0, "lstm": 2.0})
    timed = declared[declared.matched == "time"].drop_duplicates("cell").set_index("cell")
    assert timed.budget["lstm"] == 500
    assert timed.solved["lstm"]


def test_seeds_too_few_to_tell_any_two_apart_have_no_letters_and_say_how_many_could() -> None:
    experiment = Fairness()
    told = {}
    for n in (5, 6):
        seen = fairness(n)
        table = experiment.table(seen)
        told[n] = experiment.verdict(table, experiment.summary(table, seen))
    assert told[5]["answer"] == "5 seeds cannot tell any two cells apart; 6 or more could."
    assert set(told[5]["letters"]["width"].values()) == {"–"}  # type: ignore[index]
    assert "cannot tell" not in str(told[6]["answer"])


def test_the_verdict_does_not_hang_on_measured_seconds() -> None:
    experiment, one, other = Fairness(), fairness(), fairness()
    other.timing["train_seconds"] *= np.linspace(0.5, 5, len(other.timing))
    verdicts = []
    for seen in (one, other):
        table = experiment.table(seen)
        verdicts.append(experiment.verdict(table, experiment.summary(table, seen)))
    assert verdicts[0] == verdicts[1]


def test_an_order_that_only_matching_turns_round_is_found_and_said() -> None:
    """Told apart where all seeds of one side solve and none of the other's."""
    experiment, seen = Fairness(), fairness()
    table = experiment.table(seen)
    every = experiment.summary(table, seen)
    summary = every[every.task == "all tasks"].set_index(["matched", "cell"])
    assert summary.difference[("flops", "elman")] == -1
    assert summary.letters[("flops", "elman")] != summary.letters[("flops", "lstm")]
    assert summary.difference[("time", "elman")] == 1
    assert summary.difference_at_measured_seconds[("time", "elman")] == 0
    assert summary.difference[("width", "elman")] == 0
    verdict = experiment.verdict(table, every)
    assert "No two cells are told apart at equal width" in verdict["answer"]


def test_the_verdict_says_of_each_matching_what_became_of_the_order() -> None:
    takes = {"width": None, "parameters": None, "state": 200.0, "flops": 900.0}
    experiment, seen = Fairness(), fairness(takes=takes)
    table = experiment.table(seen)
    verdict = experiment.verdict(table, experiment.summary(table, seen))
    assert "Of 1 pairs of cells told apart at equal width" in verdict["answer"]
    assert "at equal parameters 1 keep their order and 0 flip," in verdict["answer"]
    assert (
        verdict["answer"].count("0 keep their order and 0 flip (1 no longer told apart)") == 3
    )  # state, flops, time
    assert verdict["pairs"]["parameters"] == {"kept": 1, "flipped": 0, "open": 0}


def search(value: Callable[[dict[str, float]], float], trials: int = 24) -> Evidence:
    rows, plan = [], {}
    for place, point in enumerate(drawn(SensitivitySettings(trials=trials))):
        id = f"trial{place}"
        training = {k: point[k] for k in ("learning_rate", "clip_at")}
        scale, width = {"init_scale": point["init_scale"]}, int(point["width"])
        plan[id] = planned(**training, cell_options=scale, width=width)
        way = value(point)
        about = {**USUAL, "condition": id, "cell_label": "lstm", "seed": 1_000_000}
        solved = 100.0 if way > 0.9 else None
        rows.append({**about, "best_validation_loss": 0.2 * (1 - way), "updates_to_solve": solved})
    return evidence(rows, plan)


def test_what_decides_a_search_is_named_and_its_best_of_one_is_the_mean_trial(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quick = functools.partial(importance.importance, resamples=5)
    monkeypatch.setattr(importance, "importance", quick)
    seen = search(lambda point: float(point["learning_rate"] > 0.01))
    experiment = Sensitivity()
    table = experiment.table(seen)
    (row,) = experiment.summary(table, seen).to_dict("records")
    trials = table[table.measure == "trial"]
    assert row["best_of_one"] == pytest.approx(trials.value.mean())
    assert row["best_of_many"] > 0.95
    assert row["learning_rate"] > 0.7
    assert row["solved_trials"] == (trials.learning_rate > 0.01).sum()
    answer = experiment.verdict(table, pd.DataFrame([row]))["answer"]
    assert "learning rate has" in answer


def test_more_trials_begin_with_the_same_and_a_range_that_is_none_is_refused() -> None:
    few, many = (drawn(SensitivitySettings(trials=n)) for n in (5, 9))
    assert many[:5] == few
    assert all(8 <= point["width"] <= 64 for point in many)
    with pytest.raises(BenchError, match=r"sensitivity.clip_at: \[10, 1\] is not allowed"):
        drawn(SensitivitySettings(clip_at=(10, 1)))


@pytest.mark.parametrize("name", ["learning_rate", "clip_at", "init_scale"])
def test_a_range_may_end_beyond_the_whole_numbers_of_numpy(name: str) -> None:
    wide = drawn(replace(SensitivitySettings(), **{name: (1, 10**30)}))
    exponents = [np.log10(point[name]) for point in wide]
    assert min(exponents) < 5
    assert max(exponents) > 25


@pytest.mark.parametrize(
    ("experiment", "seen"),
    [
        (Ablation(), ablation(lambda *_: 100.0, seeds=2)),
        (Fairness(), fairness(seeds=1)),
        (Sensitivity(), search(lambda _: 0.0, trials=2)),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_too_few_replicates_are_a_table_and_a_figure_and_no_crash(
    experiment: Any, seen: Evidence
) -> None:
    table = experiment.table(seen)
    summary = experiment.summary(table, seen)
    assert experiment.verdict(table, summary)["answer"].endswith(".")
    assert len(experiment.display(summary))
    with paper_style():
        drawn = render(experiment.figure(table, summary, seen))
        assert len(figure_bytes(drawn, "png")) > 2000
