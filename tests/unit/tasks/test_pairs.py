"""Pairs as a network reads and writes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lstm_bench import tasks
from lstm_bench.experiments.baselines import measure
from lstm_bench.tasks.pairs import Pairs


def made(path: Path, pairs: list[tuple[str, str]], **options: object) -> Pairs:
    pd.DataFrame(pairs, columns=["source", "target"]).to_csv(path, index=False, sep="\t")
    task = tasks.create("pairs", {"file": str(path), **options})
    assert isinstance(task, Pairs)
    return task


ABC = [(source, target) for source in ("a", "ab", "abb", "ba") for target in ("x", "yx")]


def test_a_source_is_read_whole_and_the_target_written_token_by_token(tmp_path: Path):
    task = made(tmp_path / "x.tsv", [*ABC * 5, ("abb", "xyz")], group="target")
    names = ["nothing", *task.tokens()[0].known, "other", *task.tokens()[1].known, "other", "END"]
    row = next(s for s in tasks.SPLITS if 40 in task.members(s))
    place = list(task.target_rows(6, row, np.arange(task.pool(6, row)))).index(40)
    batch = task.take(6, row, np.array([place]))
    read = [names[token] for token in batch.inputs[0]]
    asked = [names[task.first_target + code] for code in batch.targets[0, batch.mask[0] > 0]]
    source = [letter if letter in task.tokens()[0].known else "other" for letter in "abb"]
    target = [letter if letter in task.tokens()[1].known else "other" for letter in "xyz"]
    assert read == [*source, "END", *target]
    assert asked == [*target, "END"]
    assert "other" in target  # z is in this row alone
    assert list(batch.mask[0]) == [0, 0, 0, 1, 1, 1, 1]


def test_longer_pairs_are_left_out_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    task = made(tmp_path / "x.tsv", ABC * 5)
    kept = [task.pool(4, split) for split in tasks.SPLITS]
    assert sum(kept) == 5 * sum(len(s) + len(t) <= 4 for s, t in ABC)
    assert "5 of 40 pairs have more than T = 4 characters and are left out" in (
        capsys.readouterr().err
    )
    assert task.take(4, "train", np.arange(3)).inputs.shape == (3, 5)


def test_words_of_a_table_with_quotation_marks(tmp_path: Path):
    (tmp_path / "x.tsv").write_text("source\ttarget\n" + '"Go!" he said\tVa !\n' * 20)
    task = tasks.create("pairs", {"file": str(tmp_path / "x.tsv"), "unit": "word", "group": ""})
    assert isinstance(task, Pairs)
    assert task.tokens()[0].known == ["!", '"', "Go", "he", "said"]
    assert task.tokens()[1].known == ["!", "Va"]


def test_whole_targets_are_right_as_often_as_greedy_search_writes_them(tmp_path: Path):
    task = made(tmp_path / "x.tsv", ABC * 20)
    batch = task.take(5, "train", np.arange(64))
    asked = batch.mask > 0

    def predict(inputs: np.ndarray) -> np.ndarray:
        """Right but where a number of what was read so far says otherwise."""
        steps = inputs.shape[1]
        number = (np.cumsum(inputs * 7 + 3, axis=1) + np.arange(64)[:, None]) % 5
        answer = np.where(number == 0, 0, batch.targets[:, :steps])
        return np.eye(task.outputs)[answer]

    inputs, right = batch.inputs.copy(), np.ones(64, bool)
    for step in range(inputs.shape[1]):
        answer = predict(inputs)[:, step].argmax(axis=-1)
        right &= ~asked[:, step] | (answer == batch.targets[:, step])
        if step + 1 < inputs.shape[1]:
            writes = asked[:, step] & asked[:, step + 1]
            own = answer + task.first_target
            inputs[:, step + 1] = np.where(writes, own, inputs[:, step + 1])
    outputs = predict(batch.inputs)
    assert 0.1 < right.mean() < 0.9
    assert task.exact_match(outputs, batch) == right.mean()
    assert task.score(outputs, batch) > right.mean()


def test_targets_of_bigrams_are_said_to_their_entropy_without_the_source(tmp_path: Path):
    rng = np.random.default_rng(0)
    # four letters and the end; row 4 begins
    table = np.column_stack([0.7 * rng.dirichlet(np.full(4, 0.5), size=5), np.full(5, 0.3)])
    pairs, chances = [], []
    while len(pairs) < 3000:
        letters, spent, at = "", [], 4
        while len(letters) < 12:
            new = rng.choice(5, p=table[at])
            if new == 4 and not letters:
                continue  # an empty target is drawn again
            first = table[at].copy()
            if not letters:
                first[4] = 0
            spent.append(first[new] / first.sum())
            if new == 4:
                break
            letters, at = letters + "wxyz"[new], new
        if new == 4:
            pairs.append((f"{len(pairs):04d}", letters))
            chances.append(spent)
    task = made(tmp_path / "x.tsv", pairs)
    T = 4 + max(len(target) for _, target in pairs)
    found = {each.name: each for each in measure(task, T, 10_000)}
    rows = task.members("test")
    optimal = -np.log(np.concatenate([chances[row] for row in rows])).mean()
    assert found["n-grams of targets"].chosen in ("2-grams", "3-grams")
    assert optimal * 0.99 < found["n-grams of targets"].loss < 1.03 * optimal
    assert found["frequencies"].loss > 1.1 * optimal


def test_no_token_is_read_before_it_was_asked_for(tmp_path: Path):
    task = made(tmp_path / "x.tsv", ABC * 20)
    batch = task.take(5, "train", np.arange(task.pool(5, "train")))
    row, step = np.nonzero(batch.mask)
    first = (batch.mask > 0).argmax(axis=1)[row] == step
    asked_before = batch.targets[row, step - 1] + task.first_target
    expected = np.where(first, task.inputs - 1, asked_before)  # END, then the token before
    assert np.array_equal(batch.inputs[row, step], expected)
    assert (batch.inputs < task.first_target)[batch.mask == 0].all()  # the source, and nothing
