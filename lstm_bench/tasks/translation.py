"""Translation in miniature: read a sentence, then say it in another order, with agreement."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from lstm_bench.tasks.base import Batch, Task, one_hot
from lstm_bench.tasks.support import as_logits, at_least, entropy

ASKED = 4  # the words of a translation
ALWAYS = 3 + ASKED  # steps besides the fillers: adjective, noun, verb, and a delimiter a word


class Lexicon(NamedTuple):
    """The word of the target language for each of the source, and the gender of each noun there."""

    adjectives: np.ndarray
    nouns: np.ndarray
    verbs: np.ndarray
    genders: np.ndarray


@dataclass(frozen=True)
class Translation(Task):
    """Translate a sentence word by word once it is read, in another order and with agreement.

    The source sentence is an adjective, a noun in the singular or plural, T fillers and a verb.
    Then come four delimiters, and at them the translation is asked: the verb, which agrees with
    the noun in number, an article, which has the noun's gender and number, the noun in its number,
    and the adjective, which agrees with the noun in gender.

        input    a2 N1 x y y x v0  :  :  :  :      T=4; N1 is n1 in the plural
        target    . .  . . . . .  W2 LA M1 b3      v0 -> w2, n1 -> m1 (gender A), a2 -> b3

    There are `words` adjectives, nouns and verbs each (n) and `fillers` different fillers. The
    `lexicon` is the seed of what the words are called in the target language (a permutation of each
    kind) and of the genders there, two, which nothing in the source shows: half of the nouns have
    one, half the other. Words, number and fillers are uniform.

    A sequence has T + 7 steps. T is the lag: from the noun to each of the four words that need its
    number, its gender or itself are T + 2 to T + 5 steps, and the adjective lies a step before it.
    The loss is the cross-entropy over the four words. Without memory, with a clock, it is
    (2 ln 2n + [ln 2 + H] + [ln n + H]) / 4, H the entropy of the genders: (3 ln 8 + ln 4) / 4 for
    the default. The optimal loss is 0. A network that keeps the verb, which it read last, but
    nothing from before the fillers rests at ln n / 4 below the chance loss. The score is the share
    of words that are right. Solved when less than 1 % are wrong. A window of k <= T + 2 inputs does
    not hold the noun at any of the four words, so no window network of that length can solve it.
    """

    words: int = 4
    fillers: int = 4
    lexicon: int = 0

    name = "translation"
    loss = "cross_entropy"
    score_name = "word accuracy"
    solved_score = 0.99
    shortest = 1
    citation = (
        "this suite's; after Sutskever, Vinyals & Le (2014), Sequence to Sequence Learning with "
        "Neural Networks, whose network also reads the whole sentence before it writes"
    )
    formula = r"a\,n\,x_1 \dots x_T\,v \to v'_{\#n}\,l_{g(n)\#n}\,n'_{\#n}\,a'_{g(n)}"

    def __post_init__(self) -> None:
        at_least(self, words=2, fillers=1, lexicon=0)

    @property
    def inputs(self) -> int:
        return 4 * self.words + self.fillers + 1

    @property
    def outputs(self) -> int:
        return 6 * self.words + 4

    def steps(self, T: int) -> int:
        return T + ALWAYS

    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        n, L = self.words, self.steps(T)
        adjective, noun, verb = rng.integers(0, n, (3, batch))
        number = rng.integers(0, 2, batch)
        tokens = np.full((batch, L), self.inputs - 1)
        tokens[:, 0] = adjective
        tokens[:, 1] = n + 2 * noun + number
        tokens[:, 2 : T + 2] = 4 * n + rng.integers(0, self.fillers, (batch, T))
        tokens[:, T + 2] = 3 * n + verb
        targets = np.zeros((batch, L), dtype=np.int64)
        targets[:, -ASKED:] = self._translate(adjective, noun, number, verb)
        mask = np.zeros((batch, L), dtype=np.float32)
        mask[:, -ASKED:] = 1
        return Batch(one_hot(tokens, self.inputs), targets, mask)

    def _translate(self, *source: np.ndarray) -> np.ndarray:
        """(batch, 4) classes: verbs by number, articles, nouns by number, adjectives by gender."""
        (adjective, noun, number, verb), n, known = source, self.words, self._lexicon()
        gender = known.genders[noun]
        verbs, articles = 2 * known.verbs[verb] + number, 2 * gender + number
        nouns, adjectives = 2 * known.nouns[noun] + number, 2 * known.adjectives[adjective] + gender
        return np.stack(
            [verbs, 2 * n + articles, 2 * n + 4 + nouns, 4 * n + 4 + adjectives], axis=1
        )

    def _lexicon(self) -> Lexicon:
        return make_lexicon(self.words, self.lexicon)

    def memoryless(self, batch: Batch) -> np.ndarray:
        return self.window(batch, 0)

    def chance_loss(self, T: int) -> float:
        n = self.words
        of_gender = float(entropy(np.bincount(self._lexicon().genders, minlength=2) / n))
        return float(2 * np.log(2 * n) + np.log(2) + np.log(n) + 2 * of_gender) / ASKED

    def milestones(self, T: int) -> dict[str, float]:
        """Below 90 % of the loss of one who knows the verb alone."""
        plateau = self.chance_loss(T) - float(np.log(self.words)) / ASKED
        return {"left_plateau_verb": 0.9 * plateau}

    def window(self, batch: Batch, k: int) -> np.ndarray:
        """Certain of the words in sight; the others by their shares."""
        (size, L), known = batch.targets.shape, self._lexicon()
        logits = np.empty((size, L, self.outputs), dtype=np.float32)
        logits[:, :-ASKED] = 0
        for place, t in enumerate(range(L - ASKED, L)):
            adjectives = self._seen(batch, 0, 0, self.words, t - k)
            forms = self._seen(batch, 1, self.words, 2 * self.words, t - k)
            verbs = self._seen(batch, L - ASKED - 1, 3 * self.words, self.words, t - k)
            nouns = forms.reshape(size, -1, 2)  # by noun and number
            articles = np.einsum("bns,ng->bgs", nouns, one_hot(known.genders, 2))
            number, gender = nouns.sum(axis=1), articles.sum(axis=2)
            every: list[np.ndarray] = [
                verbs[:, known.verbs.argsort(), None] * number[:, None],
                articles,
                nouns[:, known.nouns.argsort()],
                adjectives[:, known.adjectives.argsort(), None] * gender[:, None],
            ]
            asked = [each if i == place else 0 * each for i, each in enumerate(every)]
            logits[:, t] = as_logits(np.concatenate([p.reshape(size, -1) for p in asked], axis=1))
        return logits

    def _seen(self, batch: Batch, step: int, first: int, count: int, last: int) -> np.ndarray:
        """(batch, count) chances of these inputs at a step: as read there after step `last`."""
        if step > last:
            return batch.inputs[:, step, first : first + count].astype(np.float64)
        return np.full((len(batch.inputs), count), 1 / count)

    def relevance(self, batch: Batch) -> np.ndarray:
        relevant = np.zeros(batch.mask.shape, dtype=bool)
        relevant[:, [0, 1, -ASKED - 1]] = True
        return relevant

    def score(self, outputs: np.ndarray, batch: Batch) -> float:
        return float((outputs.argmax(axis=-1) == batch.targets).mean())


@lru_cache(maxsize=64)
def make_lexicon(words: int, seed: int) -> Lexicon:
    rng = np.random.Generator(np.random.Philox(seed))
    adjectives, nouns, verbs, order = (rng.permutation(words) for _ in range(4))
    return Lexicon(adjectives, nouns, verbs, genders=order % 2)
