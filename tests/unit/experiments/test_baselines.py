"""Baselines on data whose best answer is known come out as they were constructed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lstm_bench import tasks
from lstm_bench.experiments.baselines import Baseline, measure
from lstm_bench.experiments.baselines.ngrams import KneserNey
from lstm_bench.experiments.baselines.series import period
from lstm_bench.experiments.baselines.smoothing import forecasts
from lstm_bench.tasks.from_file import FromFile
from lstm_bench.tasks.series import Series
from lstm_bench.tasks.text import Text

N = 3000
ALL = 10_000  # more sequences than any of these files has in its test part


def made(folder: Path, table: pd.DataFrame, **options: object) -> Series:
    table.to_csv(folder / "x.csv", index=False)
    task = tasks.create("series", {"file": str(folder / "x.csv"), **options})
    assert isinstance(task, Series)
    return task


def by_name(task: FromFile, T: int) -> dict[str, Baseline]:
    return {each.name: each for each in measure(task, T, ALL)}


def autoregressive(noise: np.ndarray) -> np.ndarray:
    y = np.zeros(len(noise))
    for t in range(3, len(y)):
        y[t] = 0.5 * y[t - 1] - 0.3 * y[t - 2] + 0.2 * y[t - 3] + noise[t]
    return y


def of_the_test_part(task: Series, T: int, errors: np.ndarray) -> float:
    """The mean square of an error a row, in variances of the training part."""
    rows = task.target_rows(T, "test", np.arange(task.pool(T, "test")))
    scale = pd.read_csv(task.path).iloc[: round(0.7 * N), -1].std(ddof=0)
    return float((errors[rows] ** 2).mean() / scale**2)


def test_an_autoregression_of_order_three_is_found(tmp_path: Path):
    noise = np.random.default_rng(0).normal(size=N)
    task = made(tmp_path, pd.DataFrame({"y": autoregressive(noise)}))
    found, optimal = by_name(task, 16), of_the_test_part(task, 16, noise)
    # of 1, 2, 4, 8 and 16: the last three hold all there is to know, and chance decides among them
    assert found["autoregression"].chosen.split()[2] in ("4", "8", "16")
    assert found["autoregression"].loss == pytest.approx(optimal, rel=0.02)
    assert found["persistence"].loss > found["mean"].loss > 1.1 * optimal
    assert found["smoothing"].loss > 1.1 * optimal
    assert "seasonal" not in found


def test_a_season_of_twelve_is_found_and_smoothing_reaches_the_noise(tmp_path: Path):
    noise = 0.5 * np.random.default_rng(1).normal(size=N)
    y = 2 * np.sin(2 * np.pi * np.arange(N) / 12) + noise
    for horizon in (1, 3):
        task = made(tmp_path, pd.DataFrame({"y": y}), horizon=horizon)
        found, optimal = by_name(task, 16), of_the_test_part(task, 16, noise)
        assert found["seasonal"].chosen == "period 12"
        assert found["seasonal"].loss == pytest.approx(2 * optimal, rel=0.1)  # two noises differ
        assert found["smoothing"].chosen == "level and season of 12"
        assert found["smoothing"].loss == pytest.approx(optimal, rel=0.1)
    given = by_name(made(tmp_path, pd.DataFrame({"y": y}), season=24), 16)
    assert given["seasonal"].chosen == "period 24"


def test_nothing_forecasts_white_noise(tmp_path: Path):
    task = made(tmp_path, pd.DataFrame({"y": np.random.default_rng(2).normal(size=N)}))
    found = by_name(task, 16)
    assert found["persistence"].loss == pytest.approx(2 * found["mean"].loss, rel=0.1)
    assert "seasonal" not in found
    for name in ("autoregression", "smoothing"):
        assert found[name].loss == pytest.approx(found["mean"].loss, rel=0.02)


def test_a_copy_at_lag_twenty_is_seen_by_a_window_that_holds_it_and_by_no_other(tmp_path: Path):
    rng = np.random.default_rng(3)
    x, noise = rng.normal(size=N), 0.1 * rng.normal(size=N)
    table = pd.DataFrame({"x": x, "y": np.append(np.zeros(20), x[:-20]) + noise})
    near, far = by_name(made(tmp_path, table), 16), by_name(made(tmp_path, table), 32)
    task = made(tmp_path, table)
    assert near["autoregression"].loss == pytest.approx(near["mean"].loss, rel=0.02)
    optimal = of_the_test_part(task, 32, noise)
    assert far["autoregression"].loss == pytest.approx(optimal, rel=0.15)  # 65 weights are fitted


def test_held_out_rows_decide_no_parameter_of_a_baseline(tmp_path: Path):
    """Other values after a row change no forecast made at it, on the test part."""
    y = autoregressive(np.random.default_rng(4).normal(size=600)) + 2 * np.sin(np.arange(600) / 3)
    other = y.copy()
    other[550:] += 50
    one, changed = (forecasts(each, 420, 19, 2) for each in (y, other))
    assert set(one) == {"level", "level and damped trend", "level and season of 19"}
    for form in one:
        assert np.array_equal(one[form][:550], changed[form][:550])
        assert not np.allclose(one[form][550:], changed[form][550:])


def test_smoothing_forecasts_what_statsmodels_does(tmp_path: Path):
    from statsmodels.tsa.statespace.exponential_smoothing import ExponentialSmoothing

    y = autoregressive(np.random.default_rng(5).normal(size=210)) + np.arange(210) / 20
    options = {"trend": True, "damped_trend": True, "initialization_method": "heuristic"}
    model = ExponentialSmoothing(y[:200], **options).fit(disp=False)
    ours = forecasts(y, 200, 0, 3)["level and damped trend"]
    assert ours[199] == pytest.approx(model.forecast(3)[-1], rel=1e-6)


def test_a_season_is_no_decay_no_trend_and_no_chance():
    t, rng = np.arange(2000), np.random.default_rng(6)
    assert period(np.sin(2 * np.pi * t / 7) + 0.01 * t + 0.3 * rng.normal(size=2000)) == 7
    assert period(rng.normal(size=2000)) == 0
    assert period(np.cumsum(rng.normal(size=2000))) == 0
    assert period(0.01 * t) == 0
    assert period(np.zeros(3)) == 0


def third_order(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A text of six characters that follow from the last two, and the chance of each."""
    rng = np.random.default_rng(seed)
    table = rng.dirichlet(np.full(6, 0.3), size=(6, 6))
    codes, chances = [0, 1], [1.0, 1.0]
    for _ in range(n - 2):
        row = table[codes[-2], codes[-1]]
        codes.append(rng.choice(6, p=row))
        chances.append(row[codes[-1]])
    return np.array(codes), np.array(chances)


def test_a_text_of_trigrams_is_learnt_to_its_entropy(tmp_path: Path):
    codes, chances = third_order(40_000, seed=7)
    (tmp_path / "x.txt").write_text("".join("abcdef"[code] for code in codes))
    task = tasks.create("text", {"file": str(tmp_path / "x.txt")})
    assert isinstance(task, Text)
    found = by_name(task, 32)
    rows = task.target_rows(32, "test", np.arange(task.pool(32, "test")))
    optimal = -np.log(chances[rows]).mean()
    assert found["n-grams"].chosen == "3-grams"
    assert optimal < found["n-grams"].loss < 1.02 * optimal
    assert found["frequencies"].loss > 1.5 * optimal


def test_kneser_ney_is_a_distribution_and_counts_what_comes_before():
    codes, _ = third_order(400, seed=8)
    model = KneserNey.fit(codes, classes=7, n=4)  # a class more than the text has
    context = np.random.default_rng(0).integers(0, 7, (50, 3))
    every = [model.chances(np.column_stack([np.full(50, w), context])) for w in range(7)]
    assert np.allclose(np.sum(every, axis=0), 1)
    assert np.min(every) > 0
    # "b" follows many characters once each, "d" follows "c" alone, ten times: after a context that
    # was never seen b is likelier, though d is more frequent
    text = np.array([0, 1, 2, 1, 4, 1, 5, 1, *[2, 3] * 10])
    bigrams = KneserNey.fit(text, classes=7, n=2)
    never = np.array([6, 6])
    chance_b, chance_d = bigrams.chances(np.column_stack([[1, 3], never]))
    assert (text == 3).sum() > (text == 1).sum()
    assert chance_b > chance_d
