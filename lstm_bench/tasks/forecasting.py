"""What the forecasting tasks share: what is asked, the score, and two baselines without a network.

A sequence shows T values and is asked in its second half, steps T//2 ... T-1, so that every answer
has at least T//2 values of context. Targets have mean 0 and variance 1 over the task's own data:
the squared error is the normalised error (NMSE), its root the NRMSE of the literature, and the
score is the share of the variance explained, R^2 = 1 - NMSE, cut at 0.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lstm_bench.errors import BenchError
from lstm_bench.tasks.base import SPLITS, Batch, Task
from lstm_bench.tasks.streams import generator

FITTED_ON = 400  # sequences an autoregression is fitted on
STARTS = 2**16  # places in a series where a sequence may start
LONGEST = 10_000


@dataclass(frozen=True)
class Forecast(Task):
    """A task whose answer is a real number at every step of the second half."""

    loss = "squared_error"
    score_name = "R²"
    window_is_best = False
    inputs = 1
    outputs = 1

    def target_steps(self, T: int) -> tuple[int, ...]:
        return tuple(range(T // 2, T))

    def mask(self, batch: int, T: int) -> np.ndarray:
        mask = np.zeros((batch, T), dtype=np.float32)
        mask[:, T // 2 :] = 1
        return mask

    def score(self, outputs: np.ndarray, batch: Batch) -> float:
        """The share of the targets' variance about 0 that is explained; 0 at the chance loss."""
        targets = batch.targets.astype(np.float64)
        explained = 1 - ((outputs - targets) ** 2).mean() / (targets**2).mean()
        return float(min(1.0, max(0.0, explained)))

    def persistence(self, batch: Batch) -> np.ndarray | None:
        """The last value seen as the forecast; None where the series is not what is shown."""
        return batch.inputs.copy()

    def window(self, batch: Batch, k: int) -> np.ndarray:
        """The linear autoregression AR(k), fitted on sequences of this task's own generator.

        Not the best function of the last k inputs, but the best affine one.
        """
        weights = _autoregression(self, batch.inputs.shape[1], k)
        return (_lags(batch.inputs, k) @ weights)[..., None].astype(np.float32)


def _lags(inputs: np.ndarray, k: int) -> np.ndarray:
    """(batch, L, k + 1): a one and the last k inputs, zeros before the first."""
    values = inputs[..., 0].astype(np.float64)
    padded = np.pad(values, ((0, 0), (k - 1, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, k, axis=1)
    return np.concatenate([np.ones_like(windows[..., :1]), windows], axis=-1)


@lru_cache(maxsize=64)
def _autoregression(task: Forecast, T: int, k: int) -> np.ndarray:
    if k < 1:
        raise BenchError(f"task {task.name!r}: a window of {k} inputs is not possible; at least 1.")
    batch = task.sample(generator("window", task, T), FITTED_ON, T)
    asked = list(task.target_steps(T))
    design = _lags(batch.inputs, k)[:, asked].reshape(-1, k + 1)
    targets = batch.targets[:, asked].astype(np.float64).ravel()
    return np.linalg.lstsq(design, targets, rcond=None)[0]


@dataclass(frozen=True)
class SeriesForecast(Forecast):
    """Sequences cut at random places out of one long series, as measured series are used.

    Each split has a series of its own. Because a start is uniform over STARTS places, the target
    at step t is uniform over STARTS known numbers, and so the chance loss is exact.
    """

    @abstractmethod
    def series(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets (3, STARTS + LONGEST) float32, one row a split; cached."""

    def require(self, T: int) -> None:
        super().require(T)
        if T > LONGEST:
            raise BenchError(
                f"lengths: T={T} is too long for task {self.name!r}; it needs T <= {LONGEST}."
            )

    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        return self.sample_split(rng, batch, T, "train")

    def sample_split(self, rng: np.random.Generator, batch: int, T: int, split: str) -> Batch:
        inputs, targets = (part[SPLITS.index(split)] for part in self.series())
        steps = rng.integers(0, STARTS, (batch, 1)) + np.arange(T)
        return Batch(inputs[steps][..., None], targets[steps][..., None], self.mask(batch, T))

    def memoryless(self, batch: Batch) -> np.ndarray:
        """The mean target of each step (within 1e-2 of 0), over all places a sequence may start."""
        mean, _ = self._moments(batch.inputs.shape[1])
        return np.broadcast_to(mean[:, None], batch.targets.shape).astype(np.float32)

    def chance_loss(self, T: int) -> float:
        _, variance = self._moments(T)
        return float(variance[list(self.target_steps(T))].mean())

    def _moments(self, T: int) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance (T,) of the target at each step of the training series."""
        targets = self.series()[1][0, : STARTS + T].astype(np.float64)
        sums = [np.concatenate([[0.0], np.cumsum(each)]) for each in (targets, targets**2)]
        mean, square = ((each[STARTS:-1] - each[:T]) / STARTS for each in sums)
        return mean, square - mean**2
