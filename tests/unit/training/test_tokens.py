"""A task of tokens is trained with an embedding, and tested a few sequences at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lstm_bench
from lstm_bench.errors import BenchError
from lstm_bench.planning.limits import require_sizes
from lstm_bench.tasks.text import Text
from lstm_bench.training.evaluation import joined

SMALL = {"updates": 6, "evaluate_every": 3, "validation_size": 40, "replicates": 2, "width": 4}
T = 8


@pytest.fixture
def words(tmp_path: Path) -> Path:
    text = np.random.default_rng(0).choice(
        ["the", "cat", "sat", "on", "a", "mat", "and", "ran", "."], 2500
    )
    (tmp_path / "x.txt").write_text(" ".join(text))
    return tmp_path / "x.txt"


def test_loss_and_score_of_the_test_part_are_those_of_all_its_words(words: Path, tmp_path: Path):
    options = {"file": str(words), "unit": "word"}
    trained = lstm_bench.train(
        "text", "gru", T, task_options=options, network={"embedding": 3}, root=tmp_path, **SMALL
    )
    net = trained.replicate(1)
    assert isinstance(net.task, Text)
    assert net.weights["embedding"].shape == (net.task.tokens.classes, 3)
    batch = joined(list(net.task.held_out(T, "test", 10_000)))
    assert len(batch.inputs) > 64  # more than are tested at a time
    loss, score = net.evaluate(batch)
    row = trained.replicates.set_index("seed").loc[1]
    assert (row.test_loss, row.test_score) == pytest.approx((loss, score), rel=1e-5)
    chance = net.task.evaluate_loss(net.task.memoryless(batch), batch)
    assert loss < chance + 0.5
    assert net.states(batch.inputs)["h"].shape == (len(batch.inputs), T, 4)
    assert net.gradients(batch)["x"].shape == (len(batch.inputs), T, 3)
    for wrong in (batch.inputs.astype(np.float32), batch.inputs[:, :, None], batch.inputs + 99):
        with pytest.raises(BenchError, match=r"must be \(B, T\) whole numbers from 0 to 9"):
            net.predict(wrong)


def test_the_chance_loss_of_a_replicate_is_that_of_its_validation_words(words: Path):
    from lstm_bench.training.evaluation import reference_losses

    task = Text(**Text.identified({"file": str(words), "unit": "word"}))
    batch = joined(list(task.held_out(T, "validation", 70)))
    chance, optimal = reference_losses(task, batch)
    assert chance == pytest.approx(task.evaluate_loss(task.memoryless(batch), batch), rel=1e-9)
    assert optimal == 0


def test_a_step_of_tokens_takes_the_memory_of_one_number(words: Path):
    from lstm_bench.training.api import make_condition

    task = Text(**Text.identified({"file": str(words), "unit": "word"}))
    assert task.step_size == 2  # floats, one int64
    condition = make_condition(
        "text", "lstm", T, task_options={"file": str(words), "unit": "word"}, batch=2**20
    )
    require_sizes(condition, task)
