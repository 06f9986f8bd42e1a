"""The two Reber tasks against a regular expression and against plain enumeration of strings."""

from __future__ import annotations

import re
from collections import defaultdict
from math import log

import numpy as np
import pytest

from lstm_bench.errors import BenchError
from lstm_bench.tasks import Batch, Task, create, generator, reber

ONCE, PARTED, STREAM = (
    create("embedded_reber"),
    create("embedded_reber", {"disjoint": True}),
    create("continual_reber"),
)
TAIL = "(?:XT*VP)*(?:S|XT*VV)"
INNER = f"B(?:TS*X{TAIL}|PT*V(?:P{TAIL}|V))E"
STRING = re.compile(f"B([TP]){INNER}\\1E")


def draw(task: Task, T: int, size: int = 2000, split: str | None = None) -> Batch:
    rng = generator("test", task, T)
    return task.sample(rng, size, T) if split is None else task.sample_split(rng, size, T, split)


def strings(batch: Batch) -> list[str]:
    return [
        "B" + "".join(reber.SYMBOLS[s] for s in row[mask > 0])
        for row, mask in zip(batch.targets, batch.mask)
    ]


def inner_strings(longest: int) -> dict[str, float]:
    """The Reber strings of at most so many symbols and their probabilities, written out anew."""
    arrows = {
        "start": {"T": "s", "P": "t"},
        "s": {"S": "s", "X": "x"},
        "t": {"T": "t", "V": "p"},
        "x": {"X": "t", "S": "end"},
        "p": {"P": "x", "V": "end"},
    }
    found, waiting = {}, [("B", "start", 1.0)]
    while waiting:
        word, state, probability = waiting.pop()
        if state == "end":
            found[word + "E"] = probability
        elif len(word) < longest - 1:
            waiting += [(word + a, b, probability / 2) for a, b in arrows[state].items()]
    return found


def law(T: int) -> dict[str, float]:
    """Every embedded string with at most T symbols to predict, and its probability among them."""
    inner = inner_strings(T + 1 - 4)
    both = {f"B{o}{word}{o}E": p / 2 for word, p in inner.items() for o in "TP"}
    return {word: p / sum(both.values()) for word, p in both.items()}


def entropy(weights) -> float:
    total = sum(weights)
    return -sum(w / total * log(w / total) for w in weights)


def entropies(words: dict[str, float], T: int) -> tuple[float, float]:
    """The mean entropy of the next symbol given the step, and given all before it."""
    by_step: dict = defaultdict(lambda: defaultdict(float))
    by_prefix: dict = defaultdict(lambda: defaultdict(float))
    for word, p in words.items():
        for t in range(1, min(len(word), T + 1)):
            by_step[t][word[t]] += p
            by_prefix[word[:t]][word[t]] += p
    asked = sum(sum(each.values()) for each in by_step.values())
    return tuple(
        sum(sum(each.values()) * entropy(each.values()) for each in table.values()) / asked
        for table in (by_step, by_prefix)
    )


@pytest.mark.parametrize("T", [10, 11, 20, 50])
def test_every_string_is_of_the_language_and_no_longer_than_T(T: int):
    batch = draw(ONCE, T)
    for word, inputs in zip(strings(batch), batch.inputs):
        assert STRING.fullmatch(word), word
        read = [reber.SYMBOLS[step.argmax()] for step in inputs if step.any()]
        assert "".join(read) == word[:-1]
        assert 8 <= len(word) - 1 <= T


@pytest.mark.parametrize("T", [10, 13])
def test_strings_have_the_probabilities_of_the_grammar_given_their_length(T: int):
    size, expected = 40_000, law(T)
    drawn: dict = defaultdict(int)
    for word in strings(draw(ONCE, T, size)):
        drawn[word] += 1
    assert set(drawn) <= set(expected)
    for word, p in expected.items():
        assert abs(drawn[word] / size - p) < 4.5 * np.sqrt(p * (1 - p) / size), word


@pytest.mark.parametrize("T", [10, 11, 14, 18])
def test_floor_and_ceiling_are_the_entropies_by_enumeration(T: int):
    floor, ceiling = entropies(law(T), T)
    assert ONCE.chance_loss(T) == pytest.approx(floor, rel=1e-12)
    assert ONCE.optimal_loss(T) == pytest.approx(ceiling, rel=1e-12)


@pytest.mark.parametrize("T", [10, 12])
def test_floor_and_ceiling_of_a_stream_are_the_entropies_by_enumeration(T: int):
    first = {f"B{o}{w}{o}E": p / 2 for w, p in inner_strings(T + 6).items() for o in "TP"}
    beginnings: dict = defaultdict(float)
    for one, p in first.items():
        for two, q in first.items() if len(one) <= T else [("", 1.0)]:
            beginnings[(one + two)[: T + 1]] += p * q
    floor, ceiling = entropies(beginnings, T)
    lost = 1 - sum(first.values())  # strings longer than the enumeration went
    assert STREAM.chance_loss(T) == pytest.approx(floor, abs=3 * lost)
    assert STREAM.optimal_loss(T) == pytest.approx(ceiling, abs=3 * lost)


def test_shares_of_short_strings_and_the_mean_length_are_as_the_page_says():
    chain = reber.once(400)
    ended = chain.reached[:, reber.END]
    assert ended[[15, 20, 30]] == pytest.approx([0.902, 0.979, 0.9991], abs=5e-4)
    assert 1 - ended[50] == pytest.approx(2e-6, rel=0.1)
    assert chain.asked.sum() + 1 == pytest.approx(12)
    assert ONCE.chance_loss(50) == pytest.approx(1.2814, abs=5e-5)
    assert ONCE.optimal_loss(50) == pytest.approx(0.4411, abs=5e-5)


@pytest.mark.parametrize("task", [ONCE, STREAM], ids=["strings", "stream"])
def test_legal_symbols_are_those_the_language_allows(task: Task):
    T = 60
    words = list(law(22))
    allowed: dict = defaultdict(set)
    for word in words:
        for t in range(1, len(word)):
            allowed[word[:t]].add(word[t])
    batch = draw(task, T, 200)
    for tokens, mask, legal in zip(batch.inputs.argmax(-1), batch.mask, batch.legal):
        text = "".join(reber.SYMBOLS[s] for s in tokens[mask > 0])
        begin = 0
        for t in range(len(text)):
            while match := STRING.match(text[begin : t + 1]):
                begin += match.end()
            prefix = text[begin : t + 1]
            if len(prefix) > 12:  # beyond what is enumerated with all its continuations
                continue
            expected = allowed[prefix] if prefix else {"B"}
            assert {reber.SYMBOLS[s] for s in np.flatnonzero(legal[t])} == expected, prefix


def test_a_stream_is_strings_one_after_another():
    for word in strings(draw(STREAM, 300, 100)):
        whole, rest = 0, word
        while match := STRING.match(rest):
            whole, rest = whole + 1, rest[match.end() :]
        assert whole >= 8
        assert len(rest) < 60
        assert len(word) == 301


def test_a_step_is_right_when_every_legal_symbol_beats_every_other():
    legal = np.zeros((1, 3, 7), dtype=bool)
    legal[0, :, [2, 3]] = True
    outputs = np.zeros((1, 3, 7))
    outputs[0, :, 2] = 1
    outputs[0, :, 3] = [0.5, 0, -1]
    assert reber.legal_most_active(outputs, legal).tolist() == [[True, False, False]]


def test_one_wrong_step_makes_a_string_wrong_and_ends_a_run():
    batch = draw(ONCE, 20, 100)
    outputs = ONCE.perfect(batch)
    outputs[:25, 7] *= -1
    assert ONCE.score(outputs, batch) == 0.75
    stream = draw(STREAM, 20, 100)
    outputs = STREAM.perfect(stream)
    outputs[:50, 5] *= -1
    outputs[:, 15] *= -1
    assert STREAM.score(outputs, stream) == pytest.approx((50 * 5 + 50 * 15) / 100 / 20)


def test_a_symbol_that_would_make_the_string_too_long_is_still_legal():
    """The criterion is the grammar's; the best answer ranks such a symbol above illegal ones."""
    batch = draw(ONCE, 10, 2000)
    outputs = ONCE.perfect(batch)
    impossible = batch.legal & (outputs < -100)
    assert impossible.any()
    assert ONCE.score(outputs, batch) == 1


def test_a_window_that_misses_the_second_symbol_cannot_tell_the_last_but_one():
    batch = draw(ONCE, 20, 4000)
    rows, steps = np.nonzero((batch.mask > 0) & (batch.targets == reber.SYMBOLS.index("E")))
    last = {row: step - 1 for row, step in zip(rows, steps)}  # where T or P comes back
    at = np.array([last[row] for row in range(4000)])
    target = batch.targets[np.arange(4000), at]
    for k, chance in ((4, 0.5), (19, 1.0)):
        p = np.exp(ONCE.window(batch, k)[np.arange(4000), at, target].astype(float))
        assert np.median(p) == pytest.approx(chance, abs=0.02)


@pytest.mark.parametrize("T", [20, 30])
def test_disjoint_splits_share_no_string_and_all_hold_enough(T: int):
    sets = {s: set(strings(draw(PARTED, T, 1500, s))) for s in ("train", "validation", "test")}
    assert all(len(found) > 100 for found in sets.values())
    assert not sets["train"] & sets["validation"]
    assert not sets["train"] & sets["test"]
    assert not sets["validation"] & sets["test"]
    assert {"BTBTXSETE", "BPBPVVEPE"} <= sets["train"]
    assert all(STRING.fullmatch(word) for found in sets.values() for word in found)


def test_a_string_keeps_its_split_at_every_length_and_seed():
    from lstm_bench.tasks.embedded_reber import in_split

    for split in ("train", "test"):
        batch = draw(PARTED, 20, 300, split)
        longer = Batch(*(np.pad(p, [(0, 0), (0, 9)] + [(0, 0)] * (p.ndim - 2)) for p in batch[:4]))
        assert in_split(longer, split).all()
    parts = [in_split(draw(ONCE, 40, 4000), s) for s in ("train", "validation", "test")]
    assert np.array_equal(np.sum(parts, axis=0), np.ones(4000))


def test_without_disjoint_every_split_follows_the_whole_law():
    drawn = [draw(ONCE, 20, 50, split) for split in ("train", "test")]
    assert np.array_equal(drawn[0].inputs, drawn[1].inputs)


def test_disjoint_needs_strings_enough():
    ONCE.require(10)
    PARTED.require(20)
    with pytest.raises(BenchError, match=r"T=19 is too short .* T >= 20"):
        PARTED.require(19)


def test_the_preset_is_disjoint():
    assert create("embedded_reber", dict(ONCE.presets["hochreiter1997"])) == PARTED
