"""Texts as tokens, characters or words, and the classes that a training part gives them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

UNITS = ("character", "word")
# letters and digits, with apostrophes and hyphens inside, or any other mark by itself
WORD = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s]")


def split(text: str, unit: str) -> np.ndarray:
    """The tokens of a text (n,): words, or the numbers of characters in Unicode.

    White space is a character, but belongs to no word.
    """
    if unit == "word":
        return np.array(WORD.findall(text), dtype=object)
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


@dataclass(frozen=True, eq=False)
class Tokens:
    """codes (n,) int64 of every token, and the tokens that have a class; the last is any other."""

    codes: np.ndarray
    known: Sequence[str]

    @property
    def classes(self) -> int:
        return len(self.known) + 1


def classified(tokens: np.ndarray, train: slice | np.ndarray, rarest: int, most: int) -> Tokens:
    """The classes of tokens: at most the `most` frequent ones of those in the training part.

    train    which tokens are its
    rarest   how often a token occurs there at least to have a class of its own
    """
    import pandas as pd

    numbers, names = pd.factorize(tokens, sort=True)
    counts = np.bincount(numbers[train], minlength=len(names))
    # of two that are as frequent, the first by its name
    ranked = np.lexsort((np.arange(len(names)), -counts))[:most]
    kept = np.sort(ranked[counts[ranked] >= rarest])
    codes = np.full(len(names), len(kept))
    codes[kept] = np.arange(len(kept))
    known = names[kept].tolist()
    if tokens.dtype == np.uint32:
        known = [chr(number) for number in known]
    return Tokens(codes[numbers].astype(np.int64), known)
