from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from lstm_bench.errors import BenchError
from lstm_bench.tasks import Batch, Task, create, generator
from lstm_bench.tasks.grammar_chain import CLOSE, OPEN, WEIGHTS, WORD

K = 4


def draw(task: Task, T: int, size: int = 200) -> Batch:
    return task.sample(generator("test", task, T), size, T)


def sentences(batch: Batch) -> np.ndarray:
    return np.concatenate([batch.inputs.argmax(axis=-1), batch.targets[:, -1:]], axis=1)


def enumerate_sentences(task: Task, T: int) -> dict[tuple[int, ...], float]:
    """Every sentence of T + 1 symbols with its probability, from the grammar's weights alone."""
    kinds, successors = task.kinds, task.chain(T).successors
    found: dict[tuple[int, ...], float] = {}

    def go_on(said: tuple[int, ...], stack: tuple[int, ...], last: int, weight: float) -> None:
        if len(said) == T + 1:
            if not stack:
                found[said] = weight
            return
        if not stack:
            return
        for word in range(task.words):
            p = WEIGHTS[WORD] * successors[last, word]
            go_on((*said, 2 * kinds + word), stack, word + 1, weight * p)
        if len(stack) < task.depth:
            for kind in range(kinds):
                p = WEIGHTS[OPEN] / kinds
                go_on((*said, kind), (*stack, kind), 0, weight * p)
        go_on((*said, kinds + stack[-1]), stack[:-1], 0, weight * WEIGHTS[CLOSE])

    for kind in range(kinds):
        go_on((kind,), (kind,), 0, 1 / kinds)
    total = sum(found.values())
    return {said: weight / total for said, weight in found.items()}


SMALL = create("char_grammar", {"kinds": 2, "words": 2, "depth": 2})
T_SMALL = 6
ALL = enumerate_sentences(SMALL, T_SMALL)


def conditional_entropy(known) -> float:
    """Mean over steps of H(next symbol | known(sentence so far)), by enumeration."""
    total = 0.0
    for t in range(T_SMALL):
        joint: dict[tuple, float] = defaultdict(float)
        given: dict[tuple, float] = defaultdict(float)
        for said, p in ALL.items():
            key = known(said[: t + 1])
            joint[key, said[t + 1]] += p
            given[key] += p
        total -= sum(p * np.log(p / given[key]) for (key, _), p in joint.items())
    return total / T_SMALL


@pytest.mark.parametrize("T", [2, 3, 20, 75])
def test_every_clause_closes_as_it_opened_and_the_first_one_last(T: int):
    task = create("char_grammar")
    for said in sentences(draw(task, T)):
        stack, deepest = [], 0
        for place, symbol in enumerate(said):
            if symbol < K:
                stack.append(symbol)
            elif symbol < 2 * K:
                assert stack.pop() == symbol - K
            deepest = max(deepest, len(stack))
            assert bool(stack) == (place < T)
        assert deepest <= task.depth


def test_sentences_have_the_probabilities_of_the_grammar():
    size = 40_000
    drawn: dict[tuple[int, ...], int] = defaultdict(int)
    for said in sentences(draw(SMALL, T_SMALL, size)):
        drawn[tuple(int(symbol) for symbol in said)] += 1
    assert set(drawn) <= set(ALL)
    expected = np.array([size * ALL[said] for said in ALL])
    counts = np.array([drawn[said] for said in ALL])
    often = expected > 5
    chi = ((counts - expected)[often] ** 2 / expected[often]).sum()
    assert chi < often.sum() + 5 * np.sqrt(2 * often.sum())


def test_floor_and_ceiling_are_the_entropies_of_the_enumerated_sentences():
    assert SMALL.chance_loss(T_SMALL) == pytest.approx(
        conditional_entropy(lambda past: ()), rel=1e-9
    )
    assert SMALL.optimal_loss(T_SMALL) == pytest.approx(
        conditional_entropy(lambda past: past), rel=1e-9
    )


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_a_window_answers_with_the_conditional_probabilities(k: int):
    every = np.array(list(ALL))
    weight = np.array(list(ALL.values()))
    one_hot = np.eye(SMALL.inputs, dtype=np.float32)[every[:, :-1]]
    batch = Batch(one_hot, every[:, 1:], np.ones((len(every), T_SMALL), np.float32))
    logits = SMALL.window(batch, k).astype(np.float64)
    log_p = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    each = -np.take_along_axis(log_p, batch.targets[..., None], axis=-1)[..., 0].mean(axis=1)
    expected = conditional_entropy(lambda past: past[-k:])
    assert float(weight @ each) == pytest.approx(expected, rel=1e-5)


def test_a_window_of_the_whole_sentence_is_the_perfect_answer():
    task = create("char_grammar")
    batch = draw(task, 40, 50)
    np.testing.assert_allclose(task.window(batch, 40), task.perfect(batch), atol=1e-5)


def test_a_window_scores_at_chance_unless_it_reaches_the_opener():
    task = create("char_grammar")
    batch = draw(task, 30, 2000)
    assert task.score(task.window(batch, 29), batch) < 0.3
    assert task.score(task.window(batch, 30), batch) == 1


def test_the_score_is_the_worse_of_the_last_and_the_nested_agreements():
    task = create("char_grammar")
    batch = draw(task, 30, 200)
    last, nested = task.perfect(batch), task.perfect(batch)
    last[:, -1, K : 2 * K] *= -1
    nested[:, :-1, K : 2 * K] *= -1
    assert task.score(task.perfect(batch), batch) == 1
    assert task.score(last, batch) == 0
    assert task.score(nested, batch) == 0


def test_another_grammar_has_other_words_and_the_same_agreements():
    one, other = (create("char_grammar", {"grammar": g}).chain(20) for g in (0, 1))
    assert not np.allclose(one.successors, other.successors)
    np.testing.assert_array_equal(one.actions, other.actions)


@pytest.mark.parametrize(
    ("option", "value"), [("kinds", 1), ("words", 0), ("depth", 0), ("grammar", -1)]
)
def test_impossible_options_are_refused(option: str, value: int):
    with pytest.raises(BenchError, match=f"option {option} is {value}"):
        create("char_grammar", {option: value})


def test_what_left_the_window_does_not_count():
    task, k = create("char_grammar"), 6
    batch = draw(task, 25, 64)
    answer = task.window(batch, k)
    for t in (5, 12, 24):
        inputs = np.roll(batch.inputs, 1, axis=0)
        inputs[:, max(0, t - k + 1) : t + 1] = batch.inputs[:, max(0, t - k + 1) : t + 1]
        other = task.window(batch._replace(inputs=inputs), k)
        np.testing.assert_allclose(other[:, t], answer[:, t], atol=1e-5)
