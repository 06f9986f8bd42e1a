"""Choosing a learning rate along a ladder: what is tried, what is chosen, where it ends."""

from __future__ import annotations

from math import inf

import pytest

from lstm_bench.stats.rate_search import Ended, Trial, best, tune

GRID = (0.001, 0.01, 0.1)


def trial(rate: float, solved: int = 0, n: int = 4, updates: float = inf, loss: float = 0.1):
    return Trial(10, rate, n, solved, updates, loss)


@pytest.mark.parametrize(
    ("trials", "rate"),
    [
        # the share first, whatever the number of replicates
        ([trial(0.1, 2, 2, 500), trial(0.01, 5, 6, 50)], 0.1),
        # then the median
        ([trial(0.1, 4, 4, 50), trial(0.01, 2, 2, 60)], 0.1),
        # of medians within a tenth the smaller rate, in whatever order they come
        ([trial(0.1, 4, 4, 100), trial(0.01, 4, 4, 110)], 0.01),
        ([trial(0.01, 4, 4, 110), trial(0.1, 4, 4, 100)], 0.01),
        ([trial(0.1, 4, 4, 100), trial(0.01, 4, 4, 111)], 0.1),
        # or within one evaluation: 15 and 20 updates are neighbours
        ([trial(0.1, 4, 4, 15), trial(0.01, 4, 4, 20)], 0.01),
        ([trial(0.1, 4, 4, 15), trial(0.01, 4, 4, 21)], 0.1),
        # fewer than half solve: both medians are infinite
        ([trial(0.1, 1), trial(0.01, 1)], 0.01),
        # nothing is solved: the loss, then the smaller rate
        ([trial(0.1, loss=0.02), trial(0.01, loss=0.03)], 0.1),
        ([trial(0.1, loss=0.02), trial(0.01, loss=0.02)], 0.01),
    ],
)
def test_the_best_rate(trials, rate):
    assert best(trials).learning_rate == rate


def searched(solves, **options):
    """Trials, and (T, rate, replicates) in the order in which they were trained."""
    done = []

    def try_rate(T, rate, replicates):
        done.append((T, rate, list(replicates)))
        return [Ended(solves(T, rate), 100 * rate, 0.5) for _ in replicates]

    return tune((10, 40, 160), GRID, try_rate, **options), done


def test_the_grid_at_the_first_length_then_around_the_last_best():
    trials, done = searched(lambda T, rate: rate >= 0.005 and T < 100)
    at = {T: [each for each in done if each[0] == T] for T in (10, 40, 160)}
    # two replicates of every rate; then three more of the two best (0.01 is within no tenth of 0.1)
    assert at[10] == [
        *((10, rate, [0, 1]) for rate in GRID),
        *((10, rate, [2, 3, 4]) for rate in (0.01, 0.1)),
    ]
    near = [0.0025, 0.005, 0.01, 0.02]
    assert at[40][:4] == [(40, rate, [0, 1, 2]) for rate in near]
    assert sorted(at[40][4:]) == [(40, rate, [3, 4, 5]) for rate in (0.005, 0.01)]
    # nothing is solved at 160: the four rates, no further seeds, and the end
    assert at[160] == [(160, rate, [0, 1, 2]) for rate in (0.00125, 0.0025, 0.005, 0.01)]
    assert [(t.T, t.learning_rate, t.solved) for t in trials if t.chosen] == [
        (10, 0.01, 5),
        (40, 0.005, 6),
        (160, 0.00125, 0),
    ]


def test_where_nothing_is_solved_the_search_ends_and_names_the_lowest_loss():
    trials, done = searched(lambda T, rate: False)
    assert {T for T, _, _ in done} == {10}
    assert [t.learning_rate for t in trials if t.chosen] == [0.001]


def test_by_loss_what_is_solved_first_does_not_count_and_no_length_ends_the_search():
    assert best([trial(0.1, 4, 4, 50, loss=0.3), trial(0.01, 0, loss=0.2)], True).learning_rate == (
        0.01
    )
    losses = {0.001: 0.5, 0.01: 0.2, 0.1: 0.3}
    done = []

    def try_rate(T, rate, replicates):
        done.append((T, rate, len(replicates)))
        return [Ended(rate > 0.05, 10, losses.get(rate, 0.4)) for _ in replicates]

    trials = tune((10, 40), GRID, try_rate, by_loss=True)
    assert [(t.T, t.learning_rate) for t in trials if t.chosen] == [(10, 0.01), (40, 0.01)]
    assert [each for each in done if each[0] == 10][-2:] == [(10, 0.01, 3), (10, 0.1, 3)]


def test_a_rate_of_which_nothing_came_to_an_end_is_not_chosen():
    def diverges(T, rate, replicates):
        return [Ended(False, 2000, inf, trained=False) for _ in replicates]

    assert not any(t.chosen for t in tune((10,), GRID, diverges))
    assert not any(t.chosen for t in tune((10,), GRID, lambda *_: []))


def test_a_trial_counts_what_it_saw():
    ended = [Ended(True, 10, 0.1), Ended(False, 2000, 0.3), Ended(False, 2000, inf, trained=False)]
    found = Trial.of(10, 0.1, ended)
    assert (found.n, found.solved, found.median_updates, found.mean_best_loss) == (3, 1, inf, 0.2)
    assert Trial.of(10, 0.1, [Ended(True, 10, 0.1), Ended(True, 30, 0.1)]).median_updates == 20
