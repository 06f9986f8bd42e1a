"""Forecasting a series of the user's own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lstm_bench.data.series import MISSING, read_series
from lstm_bench.errors import BenchError, unknown
from lstm_bench.tasks.base import Batch, final_step_mask
from lstm_bench.tasks.from_file import spans
from lstm_bench.tasks.in_order import InOrder
from lstm_bench.tasks.support import at_least, one_of

FOLDS = 4  # test parts one after another, of which the first has a quarter of the rows before it


@dataclass(frozen=True, eq=False)
class Scaled:
    """The series as networks read it.

    inputs    (n, columns) float32, each column standardised by the training part
    target    (n,) float32, so too
    observed, segment   as in `data.series.Series`
    """

    inputs: np.ndarray
    target: np.ndarray
    observed: np.ndarray
    segment: np.ndarray


@dataclass(frozen=True)
class Series(InOrder):
    """Forecast a column of a table, `horizon` rows ahead, from the last T rows.

    The file is CSV or Parquet, one row a time. Inputs are the `columns` (all numeric ones where
    none is named), the answer at the last step is the `target` (the last of the columns where none
    is named), `horizon` rows later.

        row        1    2    3    4    5    6      T = 4, horizon = 2
        tmin      3.1  2.2  4.0  5.1   .    .      input: both columns of rows 1-4
        tmax      8.0  7.5  9.1  9.9   .   8.7     target: tmax in row 6

    The first 70 % of the rows are for training, 15 % for validation, 15 % for the test, in order of
    time; a gap of T rows lies between two parts, and no window reaches from one into the next.
    Every column is scaled to mean 0 and variance 1 of the training rows alone. With a `time` column
    rows are sorted by it, and no window reaches over a gap in it (1.5 times the usual step).
    `missing: interpolate` fills a gap in the values on a straight line; no window ends at a row
    that was filled in, which would tell what comes after it, and none is asked for one. `drop`
    leaves such rows out, and no window reaches over them.

    Without memory or input the best answer is the mean of the training part; its loss on the test
    part, in variances of the training part, is the chance loss. The optimal loss is not known, and
    no score counts as solved: the experiment `data` compares with baselines on the same rows.
    `decimal` is the decimal point of a text file.
    `season`, in rows, is that of the seasonal baseline; 0 looks for it in the training part.
    `fold: k` moves validation and test k test parts back in time, and ends training where they
    begin, so that k = 3, 2, 1, 0 test one stretch after another, each after a longer past.
    """

    columns: tuple[str, ...] = ()
    target: str = ""
    horizon: int = 1
    time: str = ""
    missing: str = "error"
    decimal: str = "."
    season: int = 0
    fold: int = 0

    name = "series"
    loss = "squared_error"
    score_name = "R²"
    citation = (
        "parts in the order of time and baselines: Hyndman & Athanasopoulos (2021), Forecasting: "
        "Principles and Practice, 3rd ed., ch. 5"
    )
    formula = r"y = x^{\mathrm{target}}_{t+H}, \quad \text{from } x_{t-T+1}, \dots, x_t"
    outputs = 1

    def __post_init__(self) -> None:
        at_least(self, horizon=1, season=0, fold=0)
        if self.fold >= FOLDS:
            raise BenchError(
                f"task 'series': option fold is {self.fold}, but must be less than {FOLDS}: a "
                "quarter of the rows are left for training."
            )
        one_of(self, missing=MISSING)
        for option in ("delimiter", "decimal"):
            if len(getattr(self, option)) != 1:
                raise BenchError(
                    f"task 'series': option {option} is {getattr(self, option)!r}, but must be one "
                    "character."
                )

    @property
    def inputs(self) -> int:
        return _raw(self)[0].shape[1]

    def target_steps(self, T: int) -> tuple[int, ...]:
        return (T - 1,)

    @property
    def scaled(self) -> Scaled:
        """The series, scaled by the training part."""
        return _scaled(self)

    def parts(self, gap: int) -> dict[str, tuple[int, int]]:
        """First row and end of each part, `gap` rows between them left out."""
        return spans(len(_raw(self)[1]), gap, self.fold)

    def ends(self, T: int, split: str) -> np.ndarray:
        """(windows,) the last row of every window of a split."""
        return _ends(self, T, split)

    def require(self, T: int) -> None:
        super().require(T)
        _ = self.scaled  # which a constant target refuses

    def pool(self, T: int, split: str) -> int:
        return len(self.ends(T, split))

    def take(self, T: int, split: str, places: np.ndarray) -> Batch:
        series, ends = self.scaled, self.ends(T, split)[places]
        rows = ends[:, None] + np.arange(1 - T, 1)
        targets = np.zeros((len(ends), T, 1), dtype=np.float32)
        targets[:, -1, 0] = series.target[ends + self.horizon]
        return Batch(series.inputs[rows], targets, final_step_mask(len(ends), T))

    def read(self, rows: np.ndarray) -> Batch:
        series, asked = self.scaled, rows + self.horizon
        answered = series.segment[rows] == series.segment[asked]
        answered &= series.observed[rows] & series.observed[asked]
        targets = series.target[asked][..., None]
        return Batch(series.inputs[rows], targets, answered.astype(np.float32))

    @property
    def ahead(self) -> int:
        return self.horizon

    def stretches(self, T: int, split: str) -> list[tuple[int, int]]:
        low, high = self.parts(T)[split]
        rows = np.arange(low, high - self.horizon)
        breaks = np.flatnonzero(np.diff(self.scaled.segment[rows])) + 1
        return [(int(own[0]), int(own[-1]) + 1) for own in np.split(rows, breaks) if len(own)]

    def target_rows(self, T: int, split: str, places: np.ndarray) -> np.ndarray:
        return self.ends(T, split)[places] + self.horizon

    def described(self, T: int, split: str) -> str:
        low, high = self.parts(T)[split]
        return f"{max(high - low, 0)} rows for windows of {T} and a horizon of {self.horizon}"

    def memoryless(self, batch: Batch) -> np.ndarray:
        """The mean of the training part, which the scaling makes 0."""
        return np.zeros_like(batch.targets)

    def score(self, outputs: np.ndarray, batch: Batch) -> float:
        """R²: the share of the squared distance from the training mean that is explained, or 0."""
        targets = batch.targets.astype(np.float64)
        about_mean = max((targets**2).mean(), np.finfo(float).tiny)
        return float(np.clip(1 - ((outputs - targets) ** 2).mean() / about_mean, 0, 1))


@lru_cache(maxsize=8)
def _raw(task: Series) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Inputs (n, columns) and target (n,) as in the file, and which are observed, by segment."""
    beside = task.target and task.columns and task.target not in task.columns
    extra = [task.target] if beside else []
    series = read_series(
        task.path,
        [*task.columns, *extra],
        task.time,
        task.missing,
        task.encoding,
        task.delimiter,
        task.decimal,
    )
    if task.target and task.target not in series.names:
        raise unknown(f"{task.path.name}: target column", task.target, series.names)
    which = series.names.index(task.target) if task.target else len(series.names) - 1
    target = series.values[:, which]
    inputs = series.values[:, : len(series.names) - len(extra)]
    ahead = target[task.horizon :]
    for name, column in zip(series.names, inputs.T):
        if len(ahead) > 2 and np.ptp(target) > 0 and np.array_equal(column[: len(ahead)], ahead):
            raise BenchError(
                f"{task.path.name}: column {name!r} is the target {task.horizon} rows later in "
                "every row: it tells what is to be forecast; leave it out of 'columns'."
            )
    return inputs, target, series.observed, series.segment


@lru_cache(maxsize=8)
def _scaled(task: Series) -> Scaled:
    inputs, target, observed, segment = _raw(task)
    low, high = task.parts(gap=0)["train"]
    both = []
    for values in (inputs, target[:, None]):
        train = values[low:high].astype(np.float64)
        spread = train.std(axis=0)
        both.append((values - train.mean(axis=0)) / np.where(spread > 0, spread, 1.0))
    if target[low:high].std() == 0:
        raise BenchError(
            f"{task.path.name}: the target is {target[low]:g} in every row of the training part; "
            "there is nothing to forecast."
        )
    scaled = [values.astype(np.float32) for values in both]
    return Scaled(scaled[0], scaled[1][:, 0], observed, segment)


@lru_cache(maxsize=64)
def _ends(task: Series, T: int, split: str) -> np.ndarray:
    _, _, observed, segment = _raw(task)
    low, high = task.parts(T)[split]
    ends = np.arange(low + T - 1, high - task.horizon)
    if not len(ends):
        return ends
    asked = ends + task.horizon
    whole = segment[ends - T + 1] == segment[asked]
    return ends[whole & observed[ends] & observed[asked]]
