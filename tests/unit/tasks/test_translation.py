"""Translation in miniature: agreement, its losses, and what a window can know."""

from __future__ import annotations

import numpy as np
import pytest

from lstm_bench.errors import BenchError
from lstm_bench.tasks import Batch, Task, create, generator
from lstm_bench.tasks.translation import Translation, make_lexicon

T = 6
DEFAULT = create("translation")


def draw(task: Task, count: int = 4000, length: int = T) -> Batch:
    return task.sample(generator("test", task, length), count, length)


def translated(tokens: list[int], task: Translation) -> list[int]:
    """The four words, by a dictionary written out a word at a time."""
    lexicon, n = make_lexicon(task.words, task.lexicon), task.words
    adjective, (noun, number), verb = tokens[0], divmod(tokens[1] - n, 2), tokens[-5] - 3 * n
    gender = lexicon.genders[noun]
    vocabulary = [("verb", lexicon.verbs[verb], number), ("article", gender, number)]
    vocabulary += [("noun", lexicon.nouns[noun], number)]
    vocabulary += [("adjective", lexicon.adjectives[adjective], gender)]
    stems = {"verb": n, "article": 2, "noun": n, "adjective": n}
    classes = [(kind, stem, end) for kind in stems for stem in range(stems[kind]) for end in (0, 1)]
    return [classes.index(word) for word in vocabulary]


@pytest.mark.parametrize("options", [{}, {"words": 3, "fillers": 2, "lexicon": 5}])
def test_the_four_words_are_those_of_the_lexicon_in_their_order_and_agree(
    options: dict[str, object],
) -> None:
    task = create("translation", options)
    assert isinstance(task, Translation)
    batch = draw(task, 200)
    tokens = batch.inputs.argmax(axis=-1)
    assert tokens.shape == (200, T + 7)
    assert (tokens[:, -4:] == task.inputs - 1).all()
    assert (tokens[:, 2:-5] >= 4 * task.words).all()
    for row, targets in zip(tokens.tolist(), batch.targets[:, -4:].tolist()):
        assert targets == translated(row, task)
    assert set(batch.targets[:, -4:].ravel()) == set(range(task.outputs))


def test_the_loss_without_memory_is_that_of_three_words_of_eight_and_one_of_four() -> None:
    floor = (3 * np.log(8) + np.log(4)) / 4
    assert DEFAULT.chance_loss(T) == pytest.approx(floor)
    batch = draw(DEFAULT)
    assert DEFAULT.evaluate_loss(DEFAULT.memoryless(batch), batch) == pytest.approx(floor)
    # the empirical entropy of each of the four words, of which no other answer knows more
    shares = [np.bincount(words, minlength=28) / len(words) for words in batch.targets[:, -4:].T]
    found = np.mean([-(p[p > 0] * np.log(p[p > 0])).sum() for p in shares])
    assert found == pytest.approx(floor, abs=0.01)
    assert DEFAULT.evaluate_loss(DEFAULT.perfect(batch), batch) == DEFAULT.optimal_loss(T) == 0


def test_genders_that_are_not_even_are_in_the_chance_loss() -> None:
    task = create("translation", {"words": 3})
    batch = draw(task, 40_000)
    found = task.evaluate_loss(task.memoryless(batch), batch)
    assert found == pytest.approx(task.chance_loss(T), abs=0.005)


def test_a_window_knows_the_verb_alone_until_it_reaches_back_over_the_fillers() -> None:
    batch = draw(DEFAULT)
    blind = DEFAULT.chance_loss(T)
    losses = [DEFAULT.evaluate_loss(DEFAULT.window(batch, k), batch) for k in range(1, T + 8)]
    verb_alone = blind - np.log(4) / 4
    assert losses[0] == pytest.approx(blind)
    assert losses[1 : T + 2] == pytest.approx([verb_alone] * (T + 1))  # k = 2 ... T + 2
    assert losses[T + 2] == pytest.approx(verb_alone - np.log(2) / 4)  # the noun, for the verb
    assert losses[T + 6] == pytest.approx(0)
    right = DEFAULT.score(DEFAULT.window(batch, T + 2)[:, -4:], batch.at([-4, -3, -2, -1]))
    assert right == pytest.approx((1 / 2 + 1 / 4 + 1 / 8 + 1 / 8) / 4, abs=0.02)


def test_lexicons_differ_and_half_of_the_nouns_have_each_gender() -> None:
    lexicons = [make_lexicon(4, seed) for seed in range(20)]
    assert len({each.nouns.tobytes() + each.genders.tobytes() for each in lexicons}) > 15
    assert all(each.genders.sum() == 2 for each in lexicons)


@pytest.mark.parametrize("option", ["words", "fillers"])
def test_a_language_without_words_is_refused(option: str) -> None:
    with pytest.raises(BenchError, match=f"option {option} is 0, but must be at least"):
        create("translation", {option: 0})
