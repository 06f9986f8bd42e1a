"""A state carried along one long sequence: what is read, what is asked, and that it helps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from lstm_bench import tasks
from lstm_bench.cells.base import Params
from lstm_bench.errors import BenchError
from lstm_bench.probes.item_losses import cut_in_order, item_losses
from lstm_bench.probes.stored import Stored
from lstm_bench.spec import SeedBlock
from lstm_bench.tasks.in_order import InOrder
from lstm_bench.training import checkpoint
from lstm_bench.training.model import ReplicateBatch
from lstm_bench.training.stateful import (
    StreamInOrder,
    evaluate_in_order,
    lanes,
    losses_in_order,
)
from tests.numerics.training import CPU, assert_same_replicate, condition

T, ROWS = 8, 1000
Made = tuple[InOrder, dict[str, Any]]
SHORT = {"updates": 45, "evaluate_every": 20, "batch": 6, "validation_size": 50, "test_size": 50}
SHORT |= {"stop": "budget", "keep": "best", "confirmation_size": None, "stateful": True}


def of_file(name: str, **given: Any) -> Made:
    task = tasks.create(name, given)
    assert isinstance(task, InOrder)
    return task, {**{k: v for k, v in given.items() if k != "file"}, "data": task.data}


@pytest.fixture
def text(tmp_path: Path) -> Made:
    letters = np.random.default_rng(1).choice(list("abcd"), ROWS)
    (tmp_path / "x.txt").write_text("".join(letters), encoding="utf-8")
    return of_file("text", file=str(tmp_path / "x.txt"))


@pytest.fixture
def gappy(tmp_path: Path) -> Made:
    """A series with a gap in time, and a value that was filled in."""
    rng = np.random.default_rng(2)
    time = np.arange(ROWS) + np.where(np.arange(ROWS) >= 250, 50, 0)
    time += np.where(np.arange(ROWS) >= 930, 50, 0)
    x = rng.normal(size=ROWS)
    x[[100, 960]] = np.nan
    pd.DataFrame({"time": time, "x": x, "y": np.arange(ROWS) % 7}).to_csv(
        tmp_path / "x.csv", index=False
    )
    return of_file(
        "series", file=str(tmp_path / "x.csv"), time="time", target="y", missing="interpolate"
    )


@pytest.fixture(params=["text", "gappy"])
def made(request: pytest.FixtureRequest) -> Made:
    return request.getfixturevalue(request.param)


def read_by(stream: StreamInOrder, update: int, task: InOrder) -> np.ndarray:
    """(batch, T) the rows that an update reads."""
    return stream._at(update)[0][:, None] + np.arange(T)


def test_an_update_goes_on_where_the_one_before_ended(made: Made):
    task, _ = made
    stream, batch = StreamInOrder(task, T, seed=3, batch=6), 6
    low, high = task.stretches(T, "train")[0][0], task.stretches(T, "train")[-1][1]
    breaks = [end for _, end in task.stretches(T, "train")]
    for update in range(3 * stream.updates):
        rows, begins = read_by(stream, update, task), stream.begins(update)
        assert (rows >= low).all()
        assert (rows < high).all()
        for end in breaks:  # no piece reaches over a gap
            assert not ((rows[:, 0] < end) & (rows[:, -1] >= end)).any()
        if update % stream.updates == 0:
            assert begins.all()
        else:
            before = read_by(stream, update - 1, task)
            assert ((rows[:, 0] == before[:, -1] + 1) == ~begins).all()
            assert begins.sum() <= len(breaks) + 1, "all but a few go on"
        again = StreamInOrder(task, T, seed=3, batch=batch)
        np.testing.assert_array_equal(again(update).inputs, stream(update).inputs)


def test_an_epoch_reads_nearly_every_row_once_and_the_next_cuts_elsewhere(made: Made):
    task, _ = made
    stream = StreamInOrder(task, T, seed=0, batch=6)
    epochs = [
        np.concatenate([read_by(stream, e * stream.updates + u, task)
                        for u in range(stream.updates)]).ravel()
        for e in range(2)
    ]  # fmt: skip
    for rows in epochs:
        assert len(np.unique(rows)) == len(rows)
        assert len(rows) > 0.85 * sum(end - first for first, end in task.stretches(T, "train"))
    assert set(epochs[0][::T]) != set(epochs[1][::T])


@pytest.mark.parametrize("split", ["validation", "test"])
@pytest.mark.parametrize("size", [10_000, 17])
def test_held_out_items_are_asked_once_each_after_at_least_a_window(made: Made, split, size):
    task, _ = made
    (found,), places = lanes(task, T, split, size), task.places(T, split, size)
    asked = task.asked_rows(T, split, places)
    assert len(found.rows) > 1 or split == "validation"
    for item, rows in enumerate(asked):
        lane, step = np.nonzero(found.items == item)
        assert len(set(lane)) == 1
        np.testing.assert_array_equal(found.rows[lane, step], rows)
        past = found.rows[lane[0], step[-1] - T + 1 : step[-1] + 1]
        np.testing.assert_array_equal(np.diff(past), 1)
    whole, window = task.read(found.rows), task.take(T, split, places)
    for item in range(len(places)):
        at = found.items == item
        np.testing.assert_array_equal(
            whole.targets[at], window.targets[item][window.mask[item] > 0]
        )
        assert whole.mask[at].all()


def test_losses_are_those_of_one_pass_over_each_lane(made: Made):
    task, options = made
    c = replace(condition(task.name, T, "gru", 5, stateful=True), task_options=options)
    model = ReplicateBatch.create(c, SeedBlock(0, 1), CPU)
    net, size = model.network, 200
    (found,) = lanes(task, T, "test", size)
    batch, L = task.read(found.rows), found.rows.shape[1]
    x = torch.from_numpy(np.moveaxis(batch.inputs, 0, -1)).unsqueeze(1)
    params = Params(net.layout.views(model.weights))
    y = net.outputs_at(params, x, range(L)).unflatten(2, (L, -1)).numpy()  # (R, k, L, B)
    losses = losses_in_order(net, model.weights, task, T, "test", size, model.backend)
    for item in (0, 1, losses.shape[1] - 1):
        lane, steps = np.nonzero(found.items == item)
        for r in range(2):
            own = y[r][:, steps, lane].T  # (questions, k)
            targets = batch.targets[lane, steps]
            if task.name == "text":
                logs = own - np.log(np.exp(own).sum(axis=1, keepdims=True))
                expected = -logs[np.arange(len(steps)), targets].mean()
            else:
                expected = ((own - targets) ** 2).mean()
            assert losses[r, item] == pytest.approx(expected, rel=1e-5)
    mean, score = evaluate_in_order(net, model.weights, task, T, "test", size, model.backend)
    assert mean == pytest.approx(losses.mean(axis=1), rel=1e-5)
    answered, asked = y[:, :, *np.nonzero(found.items.T >= 0)], found.items >= 0
    if task.name == "text":
        right = answered.argmax(axis=1) == batch.targets.T[asked.T]
        assert score == pytest.approx(right.mean(axis=1), rel=1e-6)
    else:
        targets = batch.targets[..., 0].T[asked.T]
        share = 1 - ((answered[:, 0] - targets) ** 2).mean(axis=1) / (targets**2).mean()
        assert score == pytest.approx(share.clip(0, 1), rel=1e-5, abs=1e-6)


@pytest.fixture
def sessions(tmp_path: Path) -> Made:
    """Days of 11 rows, hardly longer than a window, with a night between two of them."""
    day, row = np.divmod(np.arange(880), 11)
    x = np.random.default_rng(3).normal(size=880)
    pd.DataFrame({"time": 100 * day + row, "y": x}).to_csv(tmp_path / "days.csv", index=False)
    return of_file("series", file=str(tmp_path / "days.csv"), time="time", target="y")


def test_every_short_stretch_keeps_a_piece_and_many_are_read_in_groups(sessions: Made):
    task, _ = sessions
    counts = {len(task.pieces(T, "train", offset)[0]) for offset in range(T)}
    assert counts == {task.fewest_pieces(T, "train")} == {len(task.stretches(T, "train"))}
    stream = StreamInOrder(task, T, seed=0, batch=10)
    for update in range(40):
        assert stream.begins(update).all()  # a night before each
        assert len(np.unique(read_by(stream, update, task))) == 10 * T
    groups = lanes(task, T, "train", 10_000)
    assert {len(group.rows) for group in groups[:-1]} == {32}
    asked = np.concatenate([group.items[group.items >= 0] for group in groups])
    assert sorted(asked) == list(range(task.pool(T, "train")))


@pytest.mark.parametrize("rows", [600, 2000, 20_000])
def test_a_part_without_breaks_is_read_in_32_lanes_at_most(rows: int, tmp_path: Path):
    pd.DataFrame({"y": np.random.default_rng(3).normal(size=rows)}).to_csv(
        tmp_path / "x.csv", index=False
    )
    task, _ = of_file("series", file=str(tmp_path / "x.csv"))
    (found,) = lanes(task, T, "train", rows)
    assert len(found.rows) == min(32, -(-task.pool(T, "train") // (16 * T)))


def test_a_batch_in_which_nothing_is_asked_has_a_loss_of_nothing(tmp_path: Path):
    y = np.random.default_rng(4).normal(size=400)
    y[100:140] = np.nan  # filled in, and asked nowhere
    pd.DataFrame({"y": y}).to_csv(tmp_path / "x.csv", index=False)
    _, options = of_file("series", file=str(tmp_path / "x.csv"), missing="interpolate")
    c = condition("series", T, "gru", 4, **{**SHORT, "batch": 1, "updates": 60})
    model = ReplicateBatch.create(replace(c, task_options=options), SeedBlock(0, 1), CPU)
    model.train()
    assert {p.status for p in model.progress} == {"unsolved"}


@pytest.mark.parametrize("cell", ["lstm", "urnn"])  # compiled, and by torch
def test_it_resumes_and_keeps_its_numbers_in_any_company(text: Made, cell: str, tmp_path: Path):
    c = replace(condition("text", T, cell, 16, **SHORT), task_options=text[1])

    def fresh(first: int, last: int) -> ReplicateBatch:
        return ReplicateBatch.create(c, SeedBlock(first, last), CPU)

    class Stop(Exception):
        pass

    def interrupt(model: ReplicateBatch) -> None:
        if model.update == 27:
            checkpoint.save(tmp_path, model, "code", "now")
            raise Stop

    whole, alone, resumed = fresh(0, 2), fresh(1, 1), fresh(0, 2)
    whole.train()
    alone.train()
    assert_same_replicate(alone, whole, 1)
    with pytest.raises(Stop):
        fresh(0, 2).train(after_update=interrupt)
    assert checkpoint.resume(tmp_path, resumed, "code") == "now"
    resumed.train()
    for seed in range(3):
        assert_same_replicate(resumed, whole, seed)
    reset = ReplicateBatch.create(
        replace(c, training=replace(c.training, stateful=False)), SeedBlock(0, 2), CPU
    )
    reset.train()
    assert not torch.equal(reset.final, whole.final)


def test_what_lies_before_the_window_is_known_by_a_state_that_is_carried(tmp_path: Path):
    """A mark every 60 rows or so is the answer to the next one: few windows of 8 hold it."""
    rng, rows = np.random.default_rng(0), 4000
    mark = np.where(rng.random(rows) < 1 / 60, rng.choice([-1.0, 1.0], rows), 0)
    mark[0] = 1
    last = np.maximum.accumulate(np.where(mark != 0, np.arange(rows), 0))
    y = np.roll(mark[last], 1)  # the answer to a row stands in the next
    pd.DataFrame({"mark": mark, "y": y}).to_csv(tmp_path / "sign.csv", index=False)
    file = str(tmp_path / "sign.csv")
    _, options = of_file("series", file=file, columns=["mark"], target="y")
    settings = {**SHORT, "updates": 200, "evaluate_every": 50, "batch": 16, "test_size": 600}
    settings["learning_rate"] = 0.02
    losses = {}
    for stateful in (True, False):
        c = condition("series", T, "lstm", 12, **{**settings, "stateful": stateful})
        model = ReplicateBatch.create(replace(c, task_options=options), SeedBlock(0, 1), CPU)
        model.train()
        losses[stateful] = model.tested()[0]
    assert max(losses[True]) < 0.3
    assert max(losses[True]) < min(losses[False]) / 2


def test_a_history_that_is_cut_is_that_many_rows_of_the_file(made: Made):
    """By hand: of each question its last rows, one sequence each, read from a first state."""
    task, options = made
    c = replace(condition(task.name, T, "gru", 5, **SHORT), task_options=options)
    model = ReplicateBatch.create(c, SeedBlock(0, 1), CPU)
    block = Stored(c, "own", "gru", (0, 1), model.network, model.weights)
    places = task.places(T, "test", c.training.test_size)
    asked, first = task.asked_rows(T, "test", places), task.stretches(T, "test")[-1][0]
    for past in (1, 6, T):
        found = cut_in_order(block, task, past)
        assert found.shape == (2, len(places))
        item = len(places) - 1  # in the last stretch, far from its beginning where it is long
        losses = []
        for row in asked[item]:
            window = task.read(np.arange(max(row - past + 1, first), row + 1)[None])
            window.mask[:, :-1] = 0
            losses.append(item_losses(model.network, model.weights, task, window)[:, 0])
        np.testing.assert_allclose(found[:, item], np.mean(losses, axis=0), rtol=1e-5)


REFUSED = {
    "task 'adding'": {"task": "adding", "task_options": {}},
    "train_size": {"train_size": 100},
    "truncate": {"truncate": 2},
    "curriculum": {"curriculum": (4,)},
    "bidirectional": {"network": {"bidirectional": True}},
    "a batch of 43 or fewer": {"batch": 64},
}


@pytest.mark.parametrize("named", REFUSED)
def test_what_has_no_order_is_refused(text: Made, named: str):
    changes: dict[str, Any] = {"task": "text", "task_options": text[1], **REFUSED[named]}
    of_condition = {k: changes.pop(k) for k in ("task", "task_options", "network") if k in changes}
    c = replace(condition("text", T, "lstm", 4, stateful=True, **changes), **of_condition)
    with pytest.raises(BenchError, match=named) as caught:
        ReplicateBatch.create(c, SeedBlock(0, 0), CPU).train()
    assert "stateful" in str(caught.value)
