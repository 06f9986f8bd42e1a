from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from lstm_bench.check import tasks as contracts
from lstm_bench.errors import BenchError
from lstm_bench.tasks import Batch, Task, create, generator
from lstm_bench.tasks.group_word import elements, table

EVERY = [
    ("parity", {}),
    ("modular_sum", {}),
    ("modular_sum", {"modulus": 3}),
    ("group_word", {}),
    ("group_word", {"group": "Z2"}),
    ("group_word", {"alphabet": "generators"}),
    ("group_word", {"group": "Z2", "alphabet": "generators"}),
    ("group_word", {"group": "A5"}),
    ("group_word", {"group": "A5", "alphabet": "generators"}),
]
ORDER = {"Z2": 2, "S3": 6, "A5": 60}


def draw(task: Task, T: int, size: int = 100) -> Batch:
    return task.sample(generator("test", task, T), size, T)


def compose(p: tuple[int, ...], q: tuple[int, ...]) -> tuple[int, ...]:
    """First q, then p."""
    return tuple(p[q[i]] for i in range(len(p)))


def test_parity_and_sums_are_those_of_python():
    batch = draw(create("parity"), 17)
    for row, target in zip(batch.inputs[..., 0].tolist(), batch.targets.tolist()):
        assert target == [sum(row[: t + 1]) % 2 for t in range(17)]
    batch = draw(create("modular_sum", {"modulus": 7}), 17)
    for row, target in zip(batch.inputs.argmax(-1).tolist(), batch.targets.tolist()):
        assert target == [sum(row[: t + 1]) % 7 for t in range(17)]


@pytest.mark.parametrize("group", ORDER)
def test_the_table_is_that_of_a_group_of_its_order(group: str):
    known, times = elements(group), table(group)
    n = len(known)
    assert n == ORDER[group] == len(set(known))
    for a, b in product(range(n), repeat=2):
        assert known[times[a, b]] == compose(known[a], known[b])
    everyone = list(range(n))
    assert times[0].tolist() == times[:, 0].tolist() == everyone
    for line in (*times, *times.T):
        assert sorted(line) == everyone


@pytest.mark.parametrize(("group", "commutes"), [("Z2", True), ("S3", False), ("A5", False)])
def test_which_groups_commute(group: str, commutes: bool):
    assert np.array_equal(table(group), table(group).T) == commutes


@pytest.mark.parametrize("alphabet", ["elements", "generators"])
@pytest.mark.parametrize("group", ORDER)
def test_the_product_so_far_is_asked(group: str, alphabet: str):
    task = create("group_word", {"group": group, "alphabet": alphabet})
    known = elements(group)
    named = {"Z2": [(1, 0)], "S3": [(1, 0, 2), (1, 2, 0)]}
    named["A5"] = [(1, 2, 0, 3, 4), (1, 2, 3, 4, 0)]
    letters = known if alphabet == "elements" else [known[0], *named[group]]
    assert task.inputs == len(letters)
    batch = draw(task, 11, 40)
    for row, target in zip(batch.inputs.argmax(-1).tolist(), batch.targets.tolist()):
        state = known[0]
        for token, asked in zip(row, target):
            state = compose(state, letters[token])
            assert known[asked] == state


@pytest.mark.parametrize("group", ORDER)
def test_the_generators_generate_the_group(group: str):
    task = create("group_word", {"group": group, "alphabet": "generators"})
    batch = draw(task, 60, 500)
    assert len(np.unique(batch.targets)) == ORDER[group]


@pytest.mark.parametrize("final_only", [False, True])
@pytest.mark.parametrize("T", [2, 3, 4])
def test_the_floor_from_generators_is_that_of_all_words(T: int, final_only: bool):
    options = {"alphabet": "generators", "final_only": final_only}
    task = create("group_word", options)
    known, counts = elements("S3"), np.zeros((T, 6))
    for word in product([(0, 1, 2), (1, 0, 2), (1, 2, 0)], repeat=T):
        state = known[0]
        for t, letter in enumerate(word):
            state = compose(state, letter)
            counts[t, known.index(state)] += 1
    shares = counts / counts.sum(axis=1, keepdims=True)
    entropies = [-sum(p * np.log(p) for p in row if p > 0) for row in shares]
    expected = entropies[-1] if final_only else np.mean(entropies)
    assert task.chance_loss(T) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("name", "options"), EVERY)
def test_with_a_label_at_the_end_only_the_sequences_are_the_same_and_the_last_step_is_asked(
    name: str, options: dict
):
    every, final = create(name, options), create(name, {**options, "final_only": True})
    one, other = (task.sample(np.random.default_rng(1), 30, 9) for task in (every, final))
    np.testing.assert_array_equal(one.inputs, other.inputs)
    np.testing.assert_array_equal(one.targets, other.targets)
    assert one.mask.all()
    assert other.target_steps.tolist() == [8] == list(final.target_steps(9))


@pytest.mark.parametrize("final_only", [False, True])
@pytest.mark.parametrize(("name", "options"), EVERY)
def test_the_contracts_hold_for_every_option(name: str, options: dict, final_only: bool):
    task = create(name, {**options, "final_only": final_only})
    contracts.simulates_its_floor(task, 7, count=4000)
    contracts.is_beaten_by_no_clock(task, 7, count=4000)
    contracts.forgets_what_left_its_window(task, 7)
    contracts.opens_its_window_from_floor_to_ceiling(task, 7)
    contracts.scores_what_is_asked_alone(task, 7)


def test_no_window_short_of_the_whole_tells_the_parity_at_the_end():
    task = create("parity", {"final_only": True})
    batch = draw(task, 12)
    for k, loss in ((1, np.log(2)), (11, np.log(2)), (12, 0)):
        answer = task.window(batch, k)
        assert task.evaluate_loss(answer, batch) == pytest.approx(loss)


def test_an_option_that_cannot_be_is_named():
    with pytest.raises(BenchError, match="'modular_sum': option modulus is 1"):
        create("modular_sum", {"modulus": 1})
    with pytest.raises(BenchError, match=r"option group is 'S4', but must be one of Z2, S3, A5\."):
        create("group_word", {"group": "S4"})
    with pytest.raises(BenchError, match="option alphabet is 'all'"):
        create("group_word", {"alphabet": "all"})
