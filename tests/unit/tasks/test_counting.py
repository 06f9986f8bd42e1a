from __future__ import annotations

import numpy as np
import pytest

from lstm_bench.tasks import Batch, Task, create, generator

LETTERS = {"anbn": 2, "anbncn": 3}
LENGTHS = [("anbn", 4), ("anbn", 5), ("anbn", 13), ("anbncn", 6), ("anbncn", 8), ("anbncn", 20)]


def draw(task: Task, T: int, size: int = 200) -> Batch:
    return task.sample(generator("test", task, T), size, T)


def words(name: str, T: int) -> list[str]:
    """The strings up to T letters, written out: a^n b^n and so on."""
    letters = "abc"[: LETTERS[name]]
    longest = T // len(letters)
    return ["".join(letter * n for letter in letters) for n in range(1, longest + 1)]


def spelled(name: str, row: np.ndarray, steps: int) -> str:
    return "".join(("abc"[: LETTERS[name]] + "#")[token] for token in row[:steps])


@pytest.mark.parametrize(("name", "T"), LENGTHS)
def test_every_sequence_is_a_word_of_the_language_and_its_targets_are_one_ahead(name: str, T: int):
    task, known = create(name), words(name, T)
    batch = draw(task, T)
    assert task.steps(T) == len(known[-1]) + 1
    seen = set()
    for b in range(200):
        steps = int(batch.mask[b].sum())
        assert batch.mask[b, :steps].all()
        assert (batch.inputs[b, :steps].sum(axis=-1) == 1).all()
        assert not batch.inputs[b, steps:].any()
        shown = spelled(name, batch.inputs[b].argmax(axis=-1), steps)
        word = shown[1:]
        assert shown[0] == "#"
        assert word in known
        assert spelled(name, batch.targets[b], steps) == word + "#"
        seen.add(word)
    assert seen == set(known)


@pytest.mark.parametrize("name", LETTERS)
def test_every_n_is_equally_likely(name: str):
    size, N = 8000, 5
    batch = draw(create(name), N * LETTERS[name], size)
    n = (batch.mask.sum(axis=1) - 1) / LETTERS[name]
    shares = np.bincount(n.astype(int), minlength=N + 1)[1:] / size
    assert np.abs(shares - 1 / N).max() < 4 * np.sqrt(0.16 / size)


@pytest.mark.parametrize(("name", "T"), LENGTHS)
def test_legal_is_what_some_word_of_the_language_continues_with(name: str, T: int):
    """Some word of any length: after a^N another a is legal, though it never comes."""
    task, language = create(name), [word + "#" for word in words(name, 3 * T)]
    batch, alphabet = draw(task, T, 60), "abc"[: LETTERS[name]] + "#"
    assert batch.legal is not None
    for b in range(60):
        steps = int(batch.mask[b].sum())
        word = spelled(name, batch.targets[b], steps)
        for t in range(steps):
            goes_on = {each[t] for each in language if each[:t] == word[:t] and len(each) > t}
            legal = {alphabet[i] for i in np.flatnonzero(batch.legal[b, t])}
            assert legal == goes_on
        assert not batch.legal[b, steps:].any()


@pytest.mark.parametrize(("name", "T"), LENGTHS)
def test_floor_and_ceiling_are_those_of_writing_all_words_down(name: str, T: int):
    task, known = create(name), [word + "#" for word in words(name, T)]
    steps = sum(len(word) for word in known)
    floor = ceiling = 0.0
    for word in known:
        for t, symbol in enumerate(word):
            here = [each[t] for each in known if len(each) > t]
            floor -= np.log(here.count(symbol) / len(here))
            here = [each[t] for each in known if len(each) > t and each[:t] == word[:t]]
            ceiling -= np.log(here.count(symbol) / len(here))
    assert task.chance_loss(T) == pytest.approx(floor / steps, rel=1e-12)
    assert task.optimal_loss(T) == pytest.approx(ceiling / steps, rel=1e-12)


@pytest.mark.parametrize(("name", "T"), LENGTHS)
def test_the_perfect_answer_reads_its_inputs_alone(name: str, T: int):
    task, batch = create(name), draw(create(name), T)
    blind = batch._replace(targets=np.zeros_like(batch.targets), legal=None)
    np.testing.assert_array_equal(task.perfect(batch), task.perfect(blind))


def test_one_illegal_step_rejects_the_string_and_steps_after_its_end_do_not():
    task = create("anbn")
    batch = draw(task, 12, 50)
    outputs = np.eye(3)[batch.targets]
    outputs[batch.mask == 0] = np.eye(3)[2]
    assert task.score(outputs, batch) == 1
    for row in range(10):
        last = int(batch.mask[row].sum()) - 1
        outputs[row, last] = np.eye(3)[1]
    assert task.score(outputs, batch) == 0.8


def test_a_network_that_reads_a_for_ever_or_cannot_count_is_not_accepted():
    task = create("anbn")
    batch = draw(task, 20, 500)
    tokens = batch.inputs.argmax(axis=-1)
    repeats = np.eye(3)[np.where(tokens == 2, 0, tokens)]
    assert task.score(repeats, batch) == 0


def test_beyond_n_a_network_that_counts_no_further_accepts_the_short_strings_alone():
    task, N = create("anbn"), 6
    longer = draw(task, 4 * N, 4000)
    n = (longer.mask.sum(axis=1) - 1) / 2
    outputs = np.eye(3)[longer.targets]
    outputs[n > N, 0] = np.eye(3)[2]
    assert task.score(outputs, longer) == pytest.approx((n <= N).mean())
    assert abs((n <= N).mean() - 1 / 2) < 4 * 0.5 / np.sqrt(4000)
