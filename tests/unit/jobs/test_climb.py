"""A ladder climbed in this process: what it trains, leaves, takes up again and tries no more."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lstm_bench.errors import DamagedFile
from lstm_bench.experiments.run import evidence
from lstm_bench.experiments.runs import NOT_TRIED
from lstm_bench.jobs import adaptive, climb, supervision
from lstm_bench.planning.plan import resolve
from lstm_bench.spec import SeedBlock, canonical
from lstm_bench.store.adaptive import forget_incomplete, tried
from lstm_bench.store.ladders import not_tried
from lstm_bench.store.paths import BLOCK_FILES, Results
from lstm_bench.store.plans import Plan
from lstm_bench.store.searches import write_search
from lstm_bench.store.status import status_of
from lstm_bench.store.tables import read_table
from lstm_bench.store.verify import forget, remove, verify
from lstm_bench.training import run
from lstm_bench.training.outcome import now, write_failure
from tests.workflow.test_bad_input import SCHEMA
from tests.workflow.workspace import TINY

SOLVES_TO = 20  # the longest rung that a network of these tests is taken to solve
SAME = [name for name in BLOCK_FILES if name != "timing.parquet"]


def planned(to: int = 320, replicates: int = 4, **changes: Any) -> Plan:
    """One ladder of a cell and a task, whose trainings take a moment."""
    config = {
        **TINY,
        "experiments": ["horizon"],
        "cells": ["elman"],
        "lengths": {"from": 10, "to": to, "factor": 2},
        "replicates": replicates,
        "training": {**TINY["training"], "updates": 30, "validation_size": 32, "test_size": 32},
    }
    config["training"]["confirmation_size"] = 32
    return resolve({**config, **changes}, SCHEMA).write(Results().plan("aaaa"))


@dataclass
class Trained:
    """Stands for `run.train_block`: trains for real and is told how every replicate ended.

    done      (T, block) of what was trained, in order
    solves    whether the replicates of a length and block solve it
    """

    train: Callable[..., Path]
    solves: Callable[[int, str], bool]
    done: list[tuple[int, str]]

    def __call__(self, condition, block, results, **options) -> Path:
        before = results.block(condition, block).exists()
        folder = self.train(condition, block, results, **options)
        if not before:
            self.done.append((condition.T, block.name))
        return folder


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trained:
    """The criterion is met, by whatever network, up to T = 20."""
    monkeypatch.chdir(tmp_path)
    found = Trained(run.train_block, lambda T, block: T <= SOLVES_TO, [])
    monkeypatch.setattr(run, "train_block", found)
    stored_rows = adaptive._rows

    def judged(condition, block) -> list[dict[str, Any]]:
        rows = stored_rows(condition, block)
        solved = {"status": "solved"} if found.solves(condition.T, block.name) else {}
        return [{**row, **solved} for row in rows]

    monkeypatch.setattr(adaptive, "_rows", judged)
    return found


def arguments(plan: Plan) -> list[str]:
    ((name, ladder),) = plan.ladders.items()
    conditions = [plan.conditions[id].spec for id in ladder.conditions]
    words = ["--device", "cpu", "--name", name, "--ladder", canonical(ladder)]
    return [*words, "--conditions", canonical(conditions)]


def climbed(plan: Plan) -> dict[str, Any]:
    """Climb in this process; the record."""
    handlers = {number: signal.getsignal(number) for number in supervision.PASSED_ON}
    try:
        assert climb.work(arguments(plan)) == 0
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    (path,) = Path("results/ladders").glob("*.json")
    return json.loads(path.read_text())


FIRST, SECOND = "seeds-000-001", "seeds-002-003"
BOTH_TO_20 = [(T, block) for T in (10, 20) for block in (FIRST, SECOND)]


def test_a_climb_trains_six_first_and_ends_beyond_the_rung_that_fails(trained: Trained):
    record = climbed(planned(replicates=12, seed_block=6))
    first, second = "seeds-000-005", "seeds-006-011"
    assert trained.done == [
        (10, first),
        (10, second),
        (20, first),
        (20, second),
        (40, first),
        (80, first),  # looked at beyond a rung that surely fails
    ]
    assert [(r["T"], r["solved"], r["n"], r["tried"]) for r in record["rungs"]] == [
        (10, 12, 12, True),
        (20, 12, 12, True),
        (40, 0, 6, True),
        (80, 0, 6, True),
        (160, 0, 0, False),
        (320, 0, 0, False),
    ]
    assert (record["T_star"], record["not_monotone"]) == ("20–40", [])
    assert (record["task"], record["cell"]) == ("temporal_order", "elman")


def test_midpoints_split_the_bracket_and_those_not_come_to_are_no_rows(trained: Trained):
    plan = planned(160, 12, seed_block=6, lengths={"from": 10, "to": 160, "midpoints": 2})
    record = climbed(plan)
    first = "seeds-000-005"
    assert trained.done[-2:] == [(28, first), (23, first)]  # 20 is solved, 40 is not
    assert record["T_star"] == "20–23"
    assert [r["T"] for r in record["rungs"] if r["tried"]] == [10, 20, 23, 28, 40, 80]
    rows = evidence(plan, "horizon", Results()).runs
    assert set(rows["T"]) == {10, 20, 23, 28, 40, 80, 160}
    assert set(rows[~rows.tried]["T"]) == {23, 28, 40, 80, 160}  # second blocks, and the last rung


def test_a_climb_trains_nothing_twice(trained: Trained):
    plan = planned()
    record = climbed(plan)
    trained.done.clear()
    assert climbed(plan) == record
    assert trained.done == []


@pytest.mark.parametrize("more", [{"to": 640}, {"replicates": 8}])
def test_the_record_of_another_ladder_does_not_pass_for_this_one(trained: Trained, more: Any):
    """Where Snakemake's own records are gone: a copy of results, merged ones."""
    plan, grown = planned(), planned(**more)
    climbed(plan)
    (name,) = grown.ladders
    assert list(plan.ladders) == [name]
    forget_incomplete(plan, Results())
    assert Results().ladder(name).exists()
    forget_incomplete(grown, Results())
    assert not Results().ladder(name).exists()


def test_nor_does_the_record_of_a_shorter_search(trained: Trained):
    plan, grown = planned(), planned(to=1280)
    ((name, search),) = plan.searches.items()
    write_search(Results(), name, search, [], [])
    assert list(grown.searches) == [name]
    forget_incomplete(Plan.read(Results().plan("aaaa")), Results())  # the last, as it is stored
    assert not Results().search(name).exists()
    write_search(Results(), name, grown.searches[name], [], [])
    forget_incomplete(Plan.read(Results().plan("aaaa")), Results())
    assert Results().search(name).exists()


def test_one_block_that_is_lost_is_trained_again_to_the_same_bits(trained: Trained):
    plan = planned()
    record = climbed(plan)
    (name,) = plan.ladders
    results, victim = Results(), (plan.ladders[name].conditions[1], FIRST)
    kept = results.ladder(name)
    forget_incomplete(plan, results)
    assert kept.exists()
    folder = results.block(*victim)
    whole = {file: (folder / file).read_bytes() for file in SAME}
    shutil.rmtree(folder)
    forget_incomplete(plan, results)
    assert not kept.exists()
    trained.done.clear()
    assert climbed(plan) == record
    assert trained.done == [(20, FIRST)]
    assert {file: (folder / file).read_bytes() for file in SAME} == whole


def test_more_seeds_train_only_what_is_new(trained: Trained):
    climbed(planned())
    trained.done.clear()
    climbed(planned(replicates=6))
    assert trained.done == [(10, "seeds-004-005"), (20, "seeds-004-005")]


def test_more_rungs_train_only_what_is_new(trained: Trained):
    record = climbed(planned(to=20))
    assert record["T_star"] == "> 20"
    assert trained.done == BOTH_TO_20
    trained.done.clear()
    climbed(planned(to=80))
    assert trained.done == [(40, FIRST), (80, FIRST)]


def test_a_climb_that_is_stopped_between_two_rungs_goes_on_to_the_same_bits(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    plan = planned(replicates=12, seed_block=6)
    record = climbed(plan)
    whole = stored(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.chdir(other)
    plan = planned(replicates=12, seed_block=6)
    train = trained.train

    def stopped(condition, block, results, **options) -> Path:
        if condition.T == 40:
            raise run.Interrupted
        return train(condition, block, results, **options)

    trained.train = stopped
    assert climb.work(arguments(plan)) == supervision.RESUMABLE
    assert not list(Path("results").glob("ladders/*"))
    trained.train = train
    trained.done.clear()
    assert climbed(plan) == record
    assert [T for T, _ in trained.done] == [40, 80]
    assert stored(other) == whole


def stored(folder: Path) -> dict[str, bytes]:
    runs = folder / "results" / "runs"
    return {
        path.relative_to(runs).as_posix(): path.read_bytes()
        for path in runs.glob("*/*/*")
        if path.name in SAME
    }


def test_a_length_solved_beyond_one_that_fails_is_not_monotone(trained: Trained):
    trained.solves = lambda T, block: T in (10, 40)
    record = climbed(planned(replicates=12, seed_block=6))
    assert record["not_monotone"] == [40]


def test_what_no_climb_came_to_has_rows_that_say_so(trained: Trained):
    plan, results = planned(replicates=12, seed_block=6), Results()
    climbed(plan)
    skipped = not_tried(plan, results, plan.blocks(["horizon"]))
    assert {(plan.conditions[id].spec.T, block) for id, block in skipped} == {
        *((T, "seeds-006-011") for T in (40, 80, 160, 320)),
        *((T, "seeds-000-005") for T in (160, 320)),
    }
    found = evidence(plan, "horizon", results)
    runs = found.runs
    assert len(runs) == 6 * 12
    beyond = runs[runs["T"] >= 160]
    assert (beyond.status == NOT_TRIED).all()
    assert not beyond[["tried", "judged", "solved"]].any(axis=None)
    assert (runs.groupby("T").tried.sum() == [12, 12, 6, 6, 0, 0]).all()
    assert runs[runs.tried].judged.all()
    assert found.judged
    ((_, ladder),) = plan.ladders.items()
    assert (
        beyond.learning_rate == plan.conditions[ladder.conditions[-1]].spec.training.learning_rate
    ).all()
    state = status_of(plan.blocks(["horizon"]), results, skipped)
    assert dict(state.blocks) == {"done": 6, "not tried": 6}
    assert state.replicates.total() == 36


def test_an_unfinished_climb_says_of_nothing_that_it_was_not_tried(trained: Trained):
    plan, results = planned(), Results()
    assert not_tried(plan, results, plan.blocks(["horizon"])) == set()
    state = status_of(plan.blocks(["horizon"]), results)
    assert dict(state.blocks) == {"waiting": 12}
    (name,) = plan.ladders
    with pytest.raises(DamagedFile):
        tried(results.ladder(name))


def test_retry_and_verify_forget_the_record_with_the_block(trained: Trained):
    plan, results = planned(), Results()
    climbed(plan)
    ((name, ladder),) = plan.ladders.items()
    record = results.ladder(name)
    for forgotten in (
        lambda: forget(plan, results, ["unsolved"]),
        lambda: remove(
            results.block(ladder.conditions[0], FIRST) / "curves.parquet", results, plan
        ),
        lambda: remove(record, results, plan),
    ):
        assert record.exists()
        forgotten()
        assert not record.exists()
        assert not record.with_suffix(".sha256").exists()
        climbed(plan)
    record.write_bytes(record.read_bytes().replace(b"elman", b"elmen"))
    assert [path for path, fault in verify(results) if fault] == [record]
    with pytest.raises(DamagedFile):
        tried(record)


def test_an_error_of_the_machine_ends_no_ladder(trained: Trained):
    plan, results = planned(to=40), Results()
    ((_, ladder),) = plan.ladders.items()
    spec = plan.conditions[ladder.conditions[0]].spec
    code = run.code_identity(spec)
    block = SeedBlock.parse(FIRST)
    write_failure(results.block(spec, block), spec, block, "killed (SIGKILL)", code, now())
    record = climbed(plan)
    assert [(r["T"], r["n"]) for r in record["rungs"]][:2] == [(10, 0), (20, 4)]


def test_a_block_that_kills_its_child_at_the_last_attempt_is_given_up_and_the_climb_goes_on(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
):
    plan, results = planned(to=40), Results()
    train = trained.train

    def deadly(condition, block, results, **options) -> Path:
        at = results.block(condition, block)
        if (condition.T, block.name) == (10, SECOND) and not at.exists():
            os.kill(os.getpid(), signal.SIGKILL)
        return train(condition, block, results, **options)

    trained.train = deadly
    last = ["--attempt", "3", "--attempts", "3"]
    monkeypatch.setattr("sys.argv", ["climb", *arguments(plan), *last])
    monkeypatch.setattr(supervision.forkserver, "request", lambda *_: None)
    assert supervised() == 0
    ((_, ladder),) = plan.ladders.items()
    rows = read_table(
        results.block(ladder.conditions[0], SECOND) / "replicates.parquet"
    ).to_pylist()
    assert {(row["status"], row["reason"]) for row in rows} == {("error", "killed (SIGKILL)")}
    record = json.loads(results.ladder(next(iter(plan.ladders))).read_text())
    assert [(r["T"], r["n"]) for r in record["rungs"]] == [(10, 2), (20, 4), (40, 2)]


def test_a_block_that_kills_its_child_earlier_is_tried_again(trained: Trained, monkeypatch):
    plan, train = planned(to=40), trained.train

    def deadly(condition, block, results, **options) -> Path:
        os.kill(os.getpid(), signal.SIGKILL)
        return train(condition, block, results, **options)

    trained.train = deadly
    first = ["--attempt", "1", "--attempts", "3"]
    monkeypatch.setattr("sys.argv", ["climb", *arguments(plan), *first])
    monkeypatch.setattr(supervision.forkserver, "request", lambda *_: None)
    assert supervised() == 1
    assert not Results().blocks()


def supervised() -> int:
    """`climb.main`, with the signals of this process as they were."""
    handlers = {number: signal.getsignal(number) for number in supervision.PASSED_ON}
    try:
        return climb.main()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, supervision.PASSED_ON)
