"""Solved in a training: its evaluations, fresh sequences at each attempt, company and kills."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lstm_bench.spec import Condition, SeedBlock, next_evaluation
from lstm_bench.tasks import Batch, create
from lstm_bench.training import checkpoint, evaluation
from lstm_bench.training.evaluation import draw
from lstm_bench.training.model import ReplicateBatch
from lstm_bench.training.stopping import APART
from tests.numerics.training import CPU, assert_same_replicate, condition, trained

SEEDS = range(6)
GRID = {"evaluate_first": 5, "evaluate_every": 50, "validation_size": 16, "confirmation_size": 256}
# some of six Elman networks solve it within the budget, and not all at one evaluation
MIXED = condition("temporal_order", 10, "elman", updates=200, learning_rate=0.03, **GRID)


class Killed(Exception):
    pass


@pytest.fixture(scope="module")
def whole() -> ReplicateBatch:
    found = trained(MIXED, SEEDS[0], SEEDS[-1])
    assert {p.status for p in found.progress} == {"solved", "unsolved"}
    assert len({p.update for p in found.progress}) > 2
    return found


def solver(model: ReplicateBatch) -> tuple[int, int, int]:
    """The seed that solved last, its update, and that at which its training stopped."""
    p = max((p for p in model.progress if p.status == "solved"), key=lambda p: p.update)
    assert p.updates_to_solve is not None
    return p.seed, p.updates_to_solve, p.update


@pytest.mark.parametrize("seed", SEEDS)
def test_a_replicate_is_confirmed_and_retired_alone_as_in_company(whole, seed: int):
    assert_same_replicate(trained(MIXED, seed, seed), whole, seed)


def test_evaluations_come_at_the_updates_of_the_rule_and_the_last_of_the_budget(whole):
    expected, t = [0], MIXED.training
    while expected[-1] < t.updates:
        expected.append(min(next_evaluation(expected[-1], t), t.updates))
    for p in whole.progress:
        seen = [point["update"] for point in whole.curves if point["seed"] == p.seed]
        assert seen == [update for update in expected if update <= p.update]


def test_both_evaluations_of_a_solve_meet_the_criterion(whole):
    for p in (p for p in whole.progress if p.status == "solved"):
        scores = {c["update"]: c["validation_score"] for c in whole.curves if c["seed"] == p.seed}
        assert scores[p.updates_to_solve] >= whole.task.solved_score
        assert scores[p.update] >= whole.task.solved_score
        between = [u for u in scores if p.updates_to_solve + APART <= u < p.update]
        assert p.confirmations > 1 or not between


def resumed_after_a_kill(c: Condition, folder: Path, killed: Any) -> ReplicateBatch:
    """Checkpoints after every update; `killed` may raise Killed. Then another process goes on."""

    def after_update(model: ReplicateBatch) -> None:
        checkpoint.save(folder, model, "code", "then")
        killed(model)

    with pytest.raises(Killed):
        trained(c, SEEDS[0], SEEDS[-1], after_update=after_update)
    again = ReplicateBatch.create(c, SeedBlock(SEEDS[0], SEEDS[-1]), CPU)
    assert checkpoint.resume(folder, again, "code") == "then"
    return again


def test_a_kill_between_the_two_evaluations_of_a_solve_changes_no_bit(whole, tmp_path: Path):
    seed, solved, stopped = solver(whole)

    def killed(model: ReplicateBatch) -> None:
        if model.update == (solved + stopped) // 2:
            raise Killed

    again = resumed_after_a_kill(MIXED, tmp_path, killed)
    assert solved in [update for update, _ in again.progress[seed].met]
    again.train()
    for each in SEEDS:
        assert_same_replicate(again, whole, each)


def test_a_kill_in_a_confirmation_changes_no_bit(whole, tmp_path: Path, monkeypatch):
    seed, _, stopped = solver(whole)
    confirmed = ReplicateBatch._confirmed

    def killed_there(self: ReplicateBatch, held_out, p, row, rule) -> bool:
        answer = confirmed(self, held_out, p, row, rule)
        if p.seed == seed and self.update == stopped:
            raise Killed
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(ReplicateBatch, "_confirmed", killed_there)
        again = resumed_after_a_kill(MIXED, tmp_path, lambda model: None)
    assert again.update == stopped - 1
    again.train()
    for each in SEEDS:
        assert_same_replicate(again, whole, each)


def test_every_attempt_at_a_confirmation_draws_new_sequences(monkeypatch):
    drawn: dict[tuple[str, int], list[bytes]] = {}

    def noting(task, T, split, seed, size, attempt=0) -> Iterator[Batch]:
        for batch in draw(task, T, split, seed, size, attempt):
            drawn.setdefault((split, attempt), []).extend(row.tobytes() for row in batch.inputs)
            yield batch

    monkeypatch.setattr(evaluation, "draw", noting)
    monkeypatch.setattr("lstm_bench.training.held_out.draw", noting)
    # evaluations at 5 ... 25, then one at 30 and its confirmation, 35 and its own, 40 and its own
    asked = itertools.count()
    meets = "lstm_bench.training.stopping.StoppingRule.meets"
    monkeypatch.setattr(meets, lambda *_: next(asked) not in (6, 8, 10))
    c = condition("adding", 10, updates=60, **{**GRID, "confirmation_size": 600})
    (p,) = trained(c).progress
    assert (p.status, p.confirmations) == ("solved", 4)
    assert {key: len(rows) for key, rows in drawn.items()} == {
        ("validation", 0): 16,
        **{("confirmation", attempt): 600 for attempt in range(4)},
    }
    every = [row for rows in drawn.values() for row in rows]
    assert len(set(every)) == len(every)


def test_the_sequences_of_a_split_are_a_seeds_own_whatever_is_drawn_at_a_time():
    task = create("adding")

    def rows(split: str, seed: int, size: int, attempt: int = 0) -> list[bytes]:
        batches = draw(task, 9, split, seed, size, attempt)
        return [row.tobytes() for batch in batches for row in batch.inputs]

    assert rows("test", 1, 700)[:512] == rows("test", 1, 512)
    sets = [rows(split, seed, 600) for split in ("validation", "test", "probe") for seed in (1, 2)]
    sets += [rows("confirmation", 1, 600, attempt) for attempt in (0, 1, 2)]
    assert len({row for each in sets for row in each}) == 600 * len(sets)


def test_a_confirmation_of_a_finite_pool_leaves_the_test_sequences_alone():
    digits = create("digits")
    T = digits.shortest

    def rows(split: str, size: int = 2000) -> set[bytes]:
        return {row.tobytes() for batch in draw(digits, T, split, 0, size) for row in batch.inputs}

    assert not rows("confirmation") & rows("test")
    assert not rows("validation") & rows("test")


def test_without_confirmation_nothing_fresh_is_drawn():
    first = replace(MIXED, training=replace(MIXED.training, confirmation_size=None))
    for p in trained(first, 0, 2).progress:
        assert p.confirmations == 0
        assert p.update == (p.updates_to_solve or first.training.updates)
