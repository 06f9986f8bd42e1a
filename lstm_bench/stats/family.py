"""Many questions at once: the corrections of Holm and Hommel, and groups not told apart."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations

import numpy as np

from lstm_bench.stats.comparisons import fewest_to_decide, sign_flip


def holm(p: Sequence[float], claims: int | None = None) -> list[float]:
    """Adjusted p-values (Holm 1979): p_(k) times m - k + 1, made monotone, at most 1.

    claims   m, where more were declared than could be tested; the untested count as p = 1.
    """
    m = len(p) if claims is None else claims
    if m < len(p):
        raise ValueError(f"{len(p)} p-values in a family of {m} claims")
    order = np.argsort(p, kind="stable")
    steps = np.asarray(p, dtype=float)[order] * (m - np.arange(len(p)))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return [float(value) for value in adjusted]


def hommel(p: Sequence[float]) -> list[float]:
    """Adjusted p-values (Hommel 1988): the closed test whose intersections are tested by Simes.

    All are at most alpha just where the largest p is, which is the intersection-union test; where
    some are not, the others may be. Computed as in Wright (1992), whose order of steps it keeps.
    """
    m = len(p)
    order = np.argsort(p, kind="stable")
    ordered = np.asarray(p, dtype=float)[order]
    steps = np.full(m, np.min(m * ordered / np.arange(1, m + 1)) if m else 0.0)
    adjusted = steps.copy()
    for size in range(m - 1, 1, -1):
        small, large = np.arange(m - size + 1), np.arange(m - size + 1, m)
        least = np.min(size * ordered[large] / np.arange(2, size + 1))
        steps[small] = np.minimum(size * ordered[small], least)
        steps[large] = steps[m - size]
        adjusted = np.maximum(adjusted, steps)
    found = np.empty(m)
    found[order] = np.maximum(adjusted, ordered)
    return [float(value) for value in found]


def seeds_to_tell_apart(names: int, alpha: float = 0.05) -> int:
    """With fewer seeds than this no data separate any two of so many names: groups say nothing."""
    return fewest_to_decide(max(1, names * (names - 1) // 2), alpha)


def tie_groups(values: Mapping[str, Sequence[float]], alpha: float = 0.05) -> list[list[str]]:
    """In place of ranks: groups of names within which no pair differs, best group first.

    values   by name, one number a seed, the same seeds in the same order. Pairs are compared by
             sign flips of their differences and Holm over all pairs. A name may be in two groups:
             it is told apart from neither.
    """
    means = {name: float(np.mean(each)) for name, each in values.items()}
    names = sorted(values, key=lambda name: -means[name])
    pairs = list(combinations(names, 2))
    p = [sign_flip(np.subtract(values[a], values[b])) for a, b in pairs]
    return ties(names, {pair for pair, each in zip(pairs, holm(p)) if each <= alpha})


def ties(names: Sequence[str], apart: Collection[tuple[str, str]]) -> list[list[str]]:
    """The fewest groups such that two names share one just where they are not told apart.

    Names are given best first, and so are the groups. Insert and absorb (Piepho 2004): a pair told
    apart splits every group that holds both, and a group within another goes.
    """
    groups = [frozenset(names)]
    for one, other in apart:
        split = [
            part
            for g in groups
            for part in ((g - {one}, g - {other}) if {one, other} <= g else (g,))
        ]
        groups = [g for g in dict.fromkeys(split) if not any(g < wider for wider in split)]
    place = {name: at for at, name in enumerate(names)}
    found = [sorted(group, key=place.__getitem__) for group in groups]
    return sorted(found, key=lambda group: [place[name] for name in group])


UNTOLD = "–"  # in place of a letter, where so few replicates cannot tell any two apart


def letters(groups: Sequence[Sequence[str]]) -> dict[str, str]:
    """`a`, `ab`, `b`: the groups of each name; names without a letter in common are told apart."""
    found: dict[str, str] = {}
    for letter, group in zip("abcdefghijklmnopqrstuvwxyz", groups):
        for name in group:
            found[name] = found.get(name, "") + letter
    return found
