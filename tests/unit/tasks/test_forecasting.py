from __future__ import annotations

import numpy as np
import pytest

from lstm_bench.errors import BenchError
from lstm_bench.tasks import SPLITS, Task, create, generator
from lstm_bench.tasks.forecasting import LONGEST, STARTS
from lstm_bench.tasks.mackey_glass import solve
from lstm_bench.tasks.narma10 import KEYS, respond

NAMES = ("mackey_glass", "narma10", "sine_mix")
SERIES = ("mackey_glass", "narma10")


def draw(task: Task, T: int, size: int = 500, split: str = "train"):
    return task.sample_split(generator("test", task, T), size, T, split)


def nmse(task: Task, outputs: np.ndarray, batch) -> float:
    return task.evaluate_loss(outputs, batch) / task.chance_loss(batch.inputs.shape[1])


@pytest.mark.parametrize("name", NAMES)
def test_the_second_half_is_asked(name: str):
    task = create(name)
    batch = draw(task, 41, 3)
    assert task.target_steps(41) == tuple(range(20, 41))
    np.testing.assert_array_equal(batch.mask, np.repeat([[0] * 20 + [1] * 21], 3, axis=0))


@pytest.mark.parametrize("horizon", [1, 6, 20])
@pytest.mark.parametrize("name", ["mackey_glass", "sine_mix"])
def test_the_target_is_the_input_some_steps_later(name: str, horizon: int):
    batch = draw(create(name, {"horizon": horizon}), 60, 4)
    np.testing.assert_array_equal(batch.targets[:, :-horizon], batch.inputs[:, horizon:])


@pytest.mark.parametrize("name", SERIES)
def test_floor_and_blind_answer_are_the_moments_over_every_place_a_sequence_may_start(name: str):
    task, T = create(name), 45
    targets = task.series()[1][0].astype(np.float64)
    steps = [targets[t : t + STARTS] for t in task.target_steps(T)]
    assert task.chance_loss(T) == pytest.approx(np.mean([s.var() for s in steps]), rel=1e-10)
    blind = task.memoryless(draw(task, T, 2))[:, list(task.target_steps(T)), 0]
    np.testing.assert_allclose(blind[0], [s.mean() for s in steps], atol=1e-6)
    assert task.chance_loss(T) == pytest.approx(1, abs=1e-2)


@pytest.mark.parametrize("name", SERIES)
def test_the_splits_share_no_piece_of_a_series(name: str):
    inputs, targets = create(name).series()
    assert inputs.shape == targets.shape == (len(SPLITS), STARTS + LONGEST)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        pieces = [
            {row[i : i + 4].tobytes() for i in range(0, 4000)} for row in inputs[[one, other]]
        ]
        assert not pieces[0] & pieces[1]


@pytest.mark.parametrize("name", SERIES)
def test_a_split_draws_from_its_own_series(name: str):
    task = create(name)
    for row, split in enumerate(SPLITS):
        series = task.series()[0][row].tobytes()
        assert all(each.tobytes() in series for each in draw(task, 40, 5, split).inputs)


@pytest.mark.parametrize("name", SERIES)
def test_a_series_ends_somewhere(name: str):
    with pytest.raises(BenchError, match=f"T <= {LONGEST}"):
        create(name).require(LONGEST + 1)


def test_mackey_glass_is_the_solution_of_its_delay_equation():
    """Against a fourth-order Runge-Kutta method with a tenth of the step."""
    tau, fine = 17, 100
    x = [1.2] * (tau * fine + 1)  # from -tau to 0

    def slope(now: float, delayed: float) -> float:
        return 0.2 * delayed / (1 + delayed**10) - 0.1 * now

    for _ in range(100 * fine):
        now, then, after = x[-1], x[-1 - tau * fine], x[-tau * fine]
        middle = (then + after) / 2
        a = slope(now, then)
        b = slope(now + a / 2 / fine, middle)
        c = slope(now + b / 2 / fine, middle)
        d = slope(now + c / fine, after)
        x.append(now + (a + 2 * b + 2 * c + d) / 6 / fine)
    expected = x[tau * fine :: fine]
    np.testing.assert_allclose(solve(tau, 101, (1.2,))[0], expected, rtol=2e-4)


def test_mackey_glass_is_chaotic():
    near = solve(17, 3000, (1.2, 1.2 + 1e-6))
    apart = np.abs(near[1] - near[0])
    assert apart[:100].max() < 1e-4
    assert apart[-500:].max() > 0.1


@pytest.mark.parametrize("tau", [17, 30])
def test_mackey_glass_needs_two_delays(tau: int):
    task = create("mackey_glass", {"tau": tau})
    task.require(2 * (tau + 1))
    with pytest.raises(BenchError, match=f"T >= {2 * (tau + 1)}"):
        task.require(2 * tau + 1)


def test_narma_follows_its_equation():
    u = np.random.default_rng(0).uniform(0, 0.5, 60)
    y = np.zeros(61)
    for t in range(60):
        past = sum(y[t - i] for i in range(10) if t >= i)
        early = u[t - 9] if t >= 9 else 0
        y[t + 1] = 0.3 * y[t] + 0.05 * y[t] * past + 1.5 * early * u[t] + 0.1
    np.testing.assert_allclose(respond(u.tolist()), y[1:], rtol=1e-12)


def test_narma_shows_the_input_of_which_the_target_is_the_response():
    task = create("narma10")
    inputs, targets = (part[0, :2000].astype(np.float64) for part in task.series())
    assert np.abs(inputs).max() <= 1
    response = np.array(respond(((inputs + 1) / 4).tolist()))[100:]
    slope, offset = np.polyfit(targets[100:], response, 1)
    np.testing.assert_allclose(slope * targets[100:] + offset, response, atol=1e-5)


def test_no_series_of_narma_runs_away():
    assert len(set(KEYS)) == len(SPLITS)
    assert np.abs(create("narma10").series()[1]).max() < 10


def test_what_a_narma_sequence_does_not_show_hardly_counts():
    rng = np.random.default_rng(1)
    shown = rng.uniform(0, 0.5, (300, 1, 31)).repeat(2, axis=1)
    u = np.concatenate([rng.uniform(0, 0.5, (300, 2, 60)), shown], axis=2)
    y = np.array([[respond(row.tolist())[-1] for row in pair] for pair in u])
    undecided = ((y[:, 0] - y[:, 1]) ** 2 / 2).mean() / y.var()
    assert 0 < undecided < 0.01


def test_the_variance_of_a_mixture_is_1_at_every_step():
    batch = draw(create("sine_mix", {"components": 3}), 30, 20_000)
    each = batch.targets[..., 0].astype(np.float64)
    np.testing.assert_allclose(each.var(axis=0), 1, atol=4 * np.sqrt(1 / 20_000))


def test_a_single_sine_obeys_its_recursion():
    x = draw(create("sine_mix", {"components": 1}), 30, 8).inputs[..., 0].astype(np.float64)
    twice_cosine = (x[:, 2:] + x[:, :-2]) / x[:, 1:-1]
    settled = np.abs(x[:, 1:-1]) > 0.3
    for row, keep in zip(twice_cosine, settled):
        assert np.ptp(row[keep]) < 1e-4
        assert 0.02 <= np.arccos(row[keep].mean() / 2) / (2 * np.pi) <= 0.3


@pytest.mark.parametrize("name", NAMES)
def test_the_window_is_the_least_squares_fit_and_uses_the_last_k_inputs_alone(name: str):
    task, T, k = create(name), 40, 5
    batch = draw(task, T, 400)
    answer = task.window(batch, k)
    forgotten = batch._replace(inputs=batch.inputs.copy())
    forgotten.inputs[:, : T - k] = 9
    np.testing.assert_array_equal(task.window(forgotten, k)[:, -1], answer[:, -1])
    losses = [nmse(task, task.window(batch, width), batch) for width in (1, 2, 5, 20)]
    assert losses == sorted(losses, reverse=True)
    own = generator("window", task, T)
    fitted_on = task.sample(own, 400, T)
    best = task.evaluate_loss(task.window(fitted_on, k), fitted_on)
    for factor in (0.99, 1.01):
        assert task.evaluate_loss(factor * task.window(fitted_on, k), fitted_on) > best


def test_a_window_of_two_knows_a_sine_of_known_frequency(monkeypatch):
    monkeypatch.setattr("lstm_bench.tasks.sine_mix.SLOWEST", 0.1)
    monkeypatch.setattr("lstm_bench.tasks.sine_mix.FASTEST", 0.1)
    task = create("sine_mix", {"components": 1, "horizon": 3})
    batch = draw(task, 17)
    assert nmse(task, task.window(batch, 2), batch) < 1e-10
    assert nmse(task, task.window(batch, 1), batch) > 0.1


@pytest.mark.parametrize("name", ["mackey_glass", "sine_mix"])
def test_persistence_says_what_it_sees(name: str):
    task = create(name, {"horizon": 1})
    batch = draw(task, 40)
    assert np.array_equal(task.persistence(batch), batch.inputs)
    change = np.diff(batch.inputs[:, task.target_steps(40)[0] :, 0].astype(np.float64), axis=1)
    measured = nmse(task, task.persistence(batch), batch)
    assert measured == pytest.approx((change**2).mean(), rel=0.1)


def test_solved_is_more_than_a_linear_autoregression_reaches():
    for name in NAMES:
        task = create(name)
        batch = draw(task, 60)
        asked = batch.at(task.target_steps(60))
        assert task.score(task.window(batch, 20)[:, list(task.target_steps(60))], asked) < (
            task.solved_score - 0.05
        )


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("mackey_glass", {"tau": 0}, "option tau is 0"),
        ("mackey_glass", {"horizon": 2000}, "from 1 to 1000"),
        ("sine_mix", {"components": 0}, "option components is 0"),
    ],
)
def test_impossible_options_are_refused(name: str, options: dict, told: str):
    with pytest.raises(BenchError, match=told):
        create(name, options)


def test_many_sines_need_a_longer_sequence():
    with pytest.raises(BenchError, match="T >= 32"):
        create("sine_mix", {"components": 4}).require(31)
