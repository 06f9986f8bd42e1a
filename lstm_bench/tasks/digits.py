"""Handwritten digits, one pixel a step: the one real data set that needs no download."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from lstm_bench.errors import BenchError
from lstm_bench.tasks.base import SPLITS, Batch, Task, final_step_mask

FILE = "datasets/data/digits.csv.gz"
SIDE, CLASSES = 8, 10
EACH = {"train": 114, "validation": 30, "test": 30}  # images of each digit; the rarest has 174
SHUFFLE, PERMUTATION = 1797, 64  # the published seeds: of the split, of the pixels' order


@dataclass(frozen=True)
class Digits(Task):
    """Name a handwritten digit after seeing its 8 x 8 pixels one by one.

    Row by row from the top left, each step shows one grey value, 0 ... 16 divided by 16; the digit
    is asked at the last of the T = 64 steps. With `permuted: true` the pixels come in one fixed
    random order, the same for all images, which destroys what neighbours tell.

        image    0 0 5 d 9 1 0 0        input    0 0 5 d 9 1 0 0   0 0 d f ...
                 0 0 d f a f 5 0        target   . . . . . . . .   . . . . ... 0
                 ...

    The images are those of the optical recognition set of Alpaydin & Kaynak that scikit-learn
    carries (1797). A shuffle with a fixed seed splits them, with 174 of each digit, the number of
    the rarest: 114 of each for training, 30 for validation, 30 for the test; the other 57 images
    are not used. The same writers are in all three. A draw goes through its split in a random
    order, and only then through it again: a held-out set of 300 has each image once, one of 600
    twice, so a score has the standard error of 300 images, whatever the size asked for.

    Every digit is equally frequent in each split, so without memory or input the best answer is a
    uniform guess, ln 10, and chance is 0.1. The optimal loss, for one who knows the images, is 0; a
    nearest neighbour with all pixels at hand reaches about 0.98. Solved at an accuracy of 0.9. The
    training set has 1140 images, so training loss falls below validation loss sooner or later.
    """

    permuted: bool = False

    name = "digits"
    loss = "cross_entropy"
    score_name = "accuracy"
    solved_score = 0.9
    shortest = SIDE * SIDE
    citation = (
        "pixel by pixel: Le, Jaitly & Hinton (2015), A simple way to initialize recurrent networks "
        "of rectified linear units, sec. 4.3 (on MNIST); data: Alpaydin & Kaynak (1998), Optical "
        "Recognition of Handwritten Digits, UCI, as in scikit-learn"
    )
    formula = r"x_t = \mathrm{pixel}_{\pi(t)} / 16, \quad y_{64} = \mathrm{digit}"
    presets: ClassVar = {"le2015": {"permuted": False}, "le2015_permuted": {"permuted": True}}

    inputs = 1
    outputs = CLASSES

    def require(self, T: int) -> None:
        if self.shortest != T:
            raise BenchError(
                f"lengths: T={T} is not possible for task 'digits'; its images have "
                f"{self.shortest} pixels, so T is {self.shortest}."
            )

    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        return self.sample_split(rng, batch, T, "train")

    def sample_split(self, rng: np.random.Generator, batch: int, T: int, split: str) -> Batch:
        self.require(T)
        images, digits = _pools()[split]
        rounds = -(-batch // len(images))
        each_round = np.tile(np.arange(len(images)), (rounds, 1))
        drawn = rng.permuted(each_round, axis=1).ravel()[:batch]
        order = pixel_order() if self.permuted else np.arange(T)
        targets = np.repeat(digits[drawn, None], T, axis=1)
        return Batch(images[drawn][:, order, None], targets, final_step_mask(batch, T))

    def memoryless(self, batch: Batch) -> np.ndarray:
        return np.zeros((*batch.targets.shape, CLASSES), dtype=np.float32)

    def chance_loss(self, T: int) -> float:
        return float(np.log(CLASSES))

    def score(self, outputs: np.ndarray, batch: Batch) -> float:
        return float((outputs.argmax(axis=-1) == batch.targets).mean())


def pixel_order() -> np.ndarray:
    """The fixed random order of the 64 pixels."""
    return np.random.Generator(np.random.Philox(PERMUTATION)).permutation(SIDE * SIDE)


@lru_cache(maxsize=1)
def _pools() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Images (n, 64) float32 and digits (n,) int64 of each split."""
    pixels, target = np.split(_table(), [SIDE * SIDE], axis=1)
    target = target[:, 0].astype(np.int64)
    shuffled = np.random.Generator(np.random.Philox(SHUFFLE)).permutation(len(target))
    ends = np.cumsum([0, *(EACH[split] for split in SPLITS)])
    by_digit = [shuffled[target[shuffled] == digit] for digit in range(CLASSES)]
    pools = {}
    for split, start, end in zip(SPLITS, ends[:-1], ends[1:]):
        chosen = np.concatenate([places[start:end] for places in by_digit])
        pools[split] = (pixels[chosen] / 16).astype(np.float32), target[chosen]
    return pools


def _table() -> np.ndarray:
    """The file of scikit-learn's `load_digits` (1797, 65): 64 pixels and the digit.

    Read without importing scikit-learn, which takes seconds and draws from Python's global
    generator.
    """
    spec = importlib.util.find_spec("sklearn")
    path = Path(spec.origin if spec and spec.origin else "sklearn").parent / FILE
    if not path.is_file():
        raise BenchError(
            f"task 'digits': {FILE} of scikit-learn is not there; install scikit-learn to have it."
        )
    return np.loadtxt(path, delimiter=",")
