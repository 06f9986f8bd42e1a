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


def test_a_text_of_bigrams_is_learnt_to_its_entropy(tmp_path: Path):
    """Each of 50 words is followed by one of two; the margin is 0.2 of more than 2.5 nats."""
    rng = np.random.default_rng(1)
    after, chance_of_first = rng.integers(0, 50, (50, 2)), rng.uniform(0.5, 1, 50)
    codes, chances = [0], [1.0]
    for draw in rng.random(7999):
        word, second = codes[-1], int(draw > chance_of_first[codes[-1]])
        codes.append(int(after[word, second]))
        share = 1 - chance_of_first[word] if second else chance_of_first[word]
        chances.append(1.0 if after[word, 0] == after[word, 1] else share)
    (tmp_path / "x.txt").write_text(" ".join(f"w{code}" for code in codes))
    options = {"file": str(tmp_path / "x.txt"), "unit": "word"}
    size = {"replicates": 1, "width": 24, "validation_size": 100, "test_size": 300}
    trained = lstm_bench.train(
        *("text", "gru", T),
        task_options=options,
        updates=400,
        evaluate_every=100,
        learning_rate=0.01,
        root=tmp_path,
        **size,
    )
    task = trained.replicate(0).task
    assert isinstance(task, Text)
    rows = task.target_rows(T, "test", task.places(T, "test", 300))
    optimal = -np.log(np.array(chances)[rows]).mean()
    (loss,) = trained.replicates.test_loss
    assert task.chance_loss(T) > optimal + 2.5
    assert optimal - 0.02 < loss < optimal + 0.2


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


def test_targets_that_nothing_tells_are_not_learnt_beyond_their_entropy(tmp_path: Path):
    """Four random letters of eight, then the end: what is read never holds what is asked."""
    rng = np.random.default_rng(3)
    letters = ["".join(rng.choice(list("abcdefgh"), 4)) for _ in range(3000)]
    pairs = "\n".join("\t".join(pair) for pair in zip(letters[::2], letters[1::2], strict=True))
    (tmp_path / "pairs.tsv").write_text(f"source\ttarget\n{pairs}\n")
    size = {"replicates": 1, "width": 24, "validation_size": 100, "test_size": 200}
    trained = lstm_bench.train(
        *("pairs", "gru", 8),
        task_options={"file": str(tmp_path / "pairs.tsv")},
        updates=150,
        evaluate_every=50,
        learning_rate=0.01,
        root=tmp_path,
        **size,
    )
    (loss,) = trained.replicates.test_loss
    entropy = 4 / 5 * np.log(8)
    assert entropy - 0.01 < loss < entropy + 0.1
