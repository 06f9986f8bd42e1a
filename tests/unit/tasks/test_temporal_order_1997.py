"""Experiments 6a and 6b in the paper's form, and 6b in the modern form."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from lstm_bench.errors import BenchError
from lstm_bench.tasks import Batch, Task, create, generator

TWO = create("temporal_order_1997")
THREE = create("temporal_order_3", {"form": "1997"})
MODERN = create("temporal_order_3")
PLACES = {  # of the paper, at T = 100
    TWO: [(10, 20), (50, 60)],
    THREE: [(10, 20), (33, 43), (66, 76)],
}
FORMS_1997 = pytest.mark.parametrize("task", [TWO, THREE], ids=["6a", "6b"])


def draw(task: Task, T: int, size: int = 400) -> Batch:
    return task.sample(generator("test", task, T), size, T)


def words(batch: Batch, alphabet: str = "EBabcdXY") -> list[str]:
    return ["".join(alphabet[step.argmax()] for step in row if step.any()) for row in batch.inputs]


@FORMS_1997
@pytest.mark.parametrize("T", [10, 11, 25, 100])
def test_a_sequence_reads_as_the_paper_says(task: Task, T: int):
    batch = draw(task, T)
    assert set(batch.inputs.sum(axis=-1).ravel()) <= {0, 1}
    marks = len(task.spans(T))
    classes = ["".join(word) for word in product("XY", repeat=marks)]
    for word, target, mask in zip(words(batch), batch.targets, batch.mask):
        assert T <= len(word) <= T + T // 10
        assert word[0] == "E"
        assert word[-1] == "B"
        assert set(word[1:-1]) <= set("abcdXY")
        relevant = "".join(symbol for symbol in word if symbol in "XY")
        assert len(relevant) == marks
        expected = np.zeros((len(mask), len(classes)))
        expected[len(word) - 1, classes.index(relevant)] = 1
        assert np.array_equal(target, expected)
        assert np.flatnonzero(mask).tolist() == [len(word) - 1]


@FORMS_1997
def test_at_100_steps_the_places_are_those_of_the_paper(task: Task):
    marked = draw(task, 100, 4000).inputs[..., 6:].any(axis=-1)
    places = np.argwhere(marked)[:, 1].reshape(4000, -1)
    for column, (first, last) in zip(places.T, PLACES[task]):
        assert set(column) == set(range(first, last + 1))


@pytest.mark.parametrize("task", [TWO, THREE, MODERN], ids=["6a", "6b", "modern"])
def test_classes_are_balanced_and_distractors_do_not_tell(task: Task):
    batch, size = draw(task, 30, 8000), 8000
    label = batch.targets.sum(axis=1)
    label = label if label.ndim == 1 else label.argmax(axis=-1)
    p = 1 / task.outputs
    shares = np.bincount(label, minlength=task.outputs) / size
    assert np.abs(shares - p).max() < 4 * np.sqrt(p * (1 - p) / size)
    low = 0 if task is MODERN else 2
    letters = slice(low + 2, 6) if task is MODERN else slice(2, 6)
    for c in range(task.outputs):
        counts = batch.inputs[label == c][..., letters].sum(axis=(0, 1))
        spread = np.sqrt(3 / 16 / counts.sum())
        assert np.abs(counts / counts.sum() - 1 / 4).max() < 4 * spread


@FORMS_1997
def test_every_output_must_be_within_three_tenths(task: Task):
    batch = draw(task, 20)
    right = batch.targets + 0.29
    assert task.score(right, batch) == 1
    one_off = batch.targets.copy()
    one_off[:100, :, -1] += 0.31
    assert task.score(one_off, batch) == 0.75
    assert task.score(task.memoryless(batch), batch) == 0


def test_floors_are_the_variance_of_a_one_hot_class():
    assert TWO.chance_loss(50) == pytest.approx(3 / 16)
    assert THREE.chance_loss(50) == pytest.approx(7 / 64)
    assert MODERN.chance_loss(50) == pytest.approx(np.log(8))


def test_the_modern_form_places_its_symbols_in_three_tenths_of_the_sequence():
    batch = draw(MODERN, 40, 4000)
    places = np.argwhere(batch.inputs[..., :2].any(axis=-1))[:, 1].reshape(-1, 3)
    for column, first in zip(places.T, (4, 12, 24)):
        assert set(column) == set(range(first, first + 4))
    for word, label in zip(words(batch, "XYabcd"), batch.targets[:, -1]):
        bits = [symbol == "Y" for symbol in word if symbol in "XY"]
        assert label == 4 * bits[0] + 2 * bits[1] + bits[2]
    assert batch.target_steps.tolist() == [39]


def test_a_window_knows_the_symbols_it_sees_and_halves_the_rest():
    batch = draw(THREE, 100, 300)
    last = batch.mask.argmax(axis=1)
    answer = THREE.window(batch, 60)[np.arange(300), last]  # sees t3, never t1, t2 at times
    third = batch.targets[np.arange(300), last].reshape(300, 4, 2).sum(axis=1)
    assert np.array_equal(answer.reshape(300, 4, 2).sum(axis=1), third)
    assert np.array_equal(answer.reshape(300, 2, 4).sum(axis=-1), np.full((300, 2), 0.5))


def test_the_preset_is_the_form_of_the_paper_and_another_form_is_refused():
    assert create("temporal_order_3", dict(MODERN.presets["hochreiter1997"])) == THREE
    assert (THREE.loss, MODERN.loss) == ("squared_error", "cross_entropy")
    with pytest.raises(BenchError, match=r"form is '1998', but must be one of modern, 1997"):
        create("temporal_order_3", {"form": "1998"})
