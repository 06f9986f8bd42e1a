from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

from lstm_bench.errors import BenchError
from lstm_bench.tasks import SPLITS, Batch, create, digits, generator
from lstm_bench.tasks.digits import EACH, pixel_order

DIGITS = create("digits")
SIZES = {"train": 1140, "validation": 300, "test": 300}


def draw(split: str, size: int, task=DIGITS, seed: int = 0) -> Batch:
    return task.sample_split(generator("test", task, 64, seed=seed), size, 64, split)


def images(batch: Batch) -> list[bytes]:
    return [row.tobytes() for row in batch.inputs]


@pytest.mark.parametrize("split", SPLITS)
def test_a_draw_of_a_whole_split_has_each_image_once_and_each_digit_equally_often(split: str):
    batch = draw(split, SIZES[split])
    assert len(set(images(batch))) == SIZES[split]
    assert np.bincount(batch.targets[:, -1]).tolist() == [EACH[split]] * 10
    twice = images(draw(split, 2 * SIZES[split]))
    assert all(twice.count(image) == 2 for image in twice[:20])


def test_no_image_is_in_two_splits():
    seen = [set(images(draw(split, SIZES[split]))) for split in SPLITS]
    assert len(set.union(*seen)) == sum(SIZES.values())


def test_every_image_is_one_of_the_set_with_its_digit():
    data = load_digits()
    known = {(row / 16).astype(np.float32).tobytes(): d for row, d in zip(data.data, data.target)}
    batch = draw("train", 200)
    for image, digit in zip(images(batch), batch.targets[:, -1]):
        assert known[image] == digit


def test_sample_is_the_training_split():
    batch = DIGITS.sample(generator("test", DIGITS, 64, seed=0), 50, 64)
    assert images(batch) == images(draw("train", 50))


def test_two_seeds_order_the_same_images_differently():
    one, other = (images(draw("test", 300, seed=seed)) for seed in (0, 1))
    assert one != other
    assert set(one) == set(other)


def test_permuted_pixels_are_the_same_pixels_in_one_fixed_order():
    task = create("digits", {"permuted": True})
    rng = [generator("test", DIGITS, 64) for _ in range(2)]
    plain, permuted = (t.sample(r, 30, 64) for t, r in zip((DIGITS, task), rng))
    np.testing.assert_array_equal(permuted.inputs, plain.inputs[:, pixel_order()])
    assert sorted(pixel_order()) == list(range(64))
    assert pixel_order()[:8].tolist() != list(range(8))


def test_the_images_are_read_without_importing_scikit_learn():
    code = "import sys; from lstm_bench.tasks import digits; digits._pools(); "
    code += "print('sklearn' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_without_scikit_learn_the_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(BenchError, match="install scikit-learn"):
        digits._table()


@pytest.mark.parametrize("T", [63, 65, 784])
def test_no_other_length_is_possible(T: int):
    with pytest.raises(BenchError, match="so T is 64"):
        DIGITS.require(T)


def test_with_all_pixels_at_hand_a_nearest_neighbour_solves_it():
    train, test = draw("train", 1140), draw("test", 300)
    squares = [(b.inputs[..., 0] ** 2).sum(axis=1) for b in (test, train)]
    products = test.inputs[..., 0] @ train.inputs[..., 0].T
    nearest = (squares[0][:, None] - 2 * products + squares[1]).argmin(axis=1)
    accuracy = (train.targets[nearest, -1] == test.targets[:, -1]).mean()
    assert accuracy > 0.96 > DIGITS.solved_score
