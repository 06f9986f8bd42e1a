from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from lstm_bench.spec import Training
from lstm_bench.training.stopping import Progress, StoppingRule

CHANCE, SOLVED = 1.0, 0.9
RULE = StoppingRule(
    Training(updates=200, futility_after=0.5, futility_margin=0.02),
    SOLVED,
    {"half": 0.5, "tenth": 0.1},
)
HIGH, LOW = 0.95, 0.5


def follow(
    scores: Iterable[float],
    losses: Iterable[float] | None = None,
    rule: StoppingRule = RULE,
    *,
    confirmed: Iterable[bool] = (),
    every: int = 10,
    optimal_loss: float = 0.0,
) -> Progress:
    """Evaluate every so many updates from 0 on until the replicate stops or nothing is left.

    confirmed   what fresh sequences say, an answer an attempt; True after the last
    """
    scores, answers = list(scores), iter(confirmed)
    p = Progress(seed=0, chance_loss=CHANCE, optimal_loss=optimal_loss)
    for i, (score, loss) in enumerate(zip(scores, losses or [0.5] * len(scores))):
        if p.status is None:
            p.train_seconds = float(i)
            met = rule.observe(p, every * i, loss, score)
            if met:
                p.confirmations += 1
            if met and next(answers, True):
                p.solve(met)
            rule.stop(p, every * i)
    return p


def test_solved_is_the_first_of_two_evaluations_25_updates_apart_and_the_training_stops():
    p = follow([0, LOW, LOW, HIGH, HIGH, HIGH, HIGH, HIGH])
    assert (p.status, p.reason) == ("solved", "")
    assert (p.updates_to_solve, p.seconds_to_solve) == (30, 3)
    assert p.update == 60
    assert p.confirmations == 1


@pytest.mark.parametrize(("every", "second"), [(25, 2), (24, 3), (50, 2), (5, 6)])
def test_the_second_evaluation_is_the_first_at_least_25_updates_later(every: int, second: int):
    p = follow([0, *[HIGH] * 10], every=every)
    assert (p.updates_to_solve, p.update) == (every, second * every)


def test_a_crossing_that_the_later_evaluation_does_not_bear_out_solves_nothing():
    """At 10 and, 30 updates later, not at 40; at 20 and at 50."""
    p = follow([0, HIGH, HIGH, LOW, LOW, HIGH])
    assert p.updates_to_solve == 20
    assert follow([0, HIGH, LOW, LOW, LOW, HIGH, LOW, LOW, LOW]).updates_to_solve is None


def test_what_lies_between_the_two_evaluations_does_not_count():
    assert follow([0, HIGH, LOW, LOW, HIGH]).updates_to_solve == 10


def test_one_that_fresh_sequences_refuse_needs_another_pair():
    p = follow([0, *[HIGH] * 8], confirmed=[False, False])
    assert (p.status, p.updates_to_solve, p.update, p.confirmations) == ("solved", 30, 60, 3)
    p = follow([0, HIGH, LOW, LOW, HIGH, LOW, LOW, HIGH], confirmed=[False])
    assert (p.updates_to_solve, p.update, p.confirmations) == (40, 70, 2)


def test_where_nothing_is_confirmed_the_first_evaluation_counts():
    first = replace(RULE, training=replace(RULE.training, confirmation_size=None))
    p = follow([0, LOW, HIGH, LOW], rule=first)
    assert (p.status, p.updates_to_solve, p.update) == ("solved", 20, 20)


def test_a_score_equal_to_the_criterion_meets_it_and_the_next_lower_does_not():
    assert follow([0, SOLVED, 0, 0, SOLVED]).updates_to_solve == 10
    assert follow([0, SOLVED, 0, 0, SOLVED - 1e-9]).updates_to_solve is None


def test_untrained_weights_solve_nothing():
    assert follow([HIGH, LOW, LOW, HIGH, LOW, LOW]).updates_to_solve is None


def test_the_budget_ends_an_unsolved_replicate():
    p = follow([0.0] * 30)
    assert (p.status, p.reason, p.update) == ("unsolved", "budget", 200)
    assert p.updates_to_solve is None


def test_a_crossing_too_late_for_a_second_evaluation_is_not_solved():
    p = follow([0.0] * 18 + [HIGH] * 3)
    assert (p.status, p.reason, p.update) == ("unsolved", "budget", 200)
    p = follow([0.0] * 17 + [HIGH] * 4)
    assert (p.status, p.updates_to_solve, p.update) == ("solved", 170, 200)


def test_a_training_to_the_end_of_the_budget_keeps_its_time():
    whole = replace(RULE, training=replace(RULE.training, stop="budget"))
    p = follow([0, HIGH, HIGH, HIGH, HIGH, *[LOW] * 16], rule=whole)
    assert (p.status, p.updates_to_solve, p.update, p.confirmations) == ("solved", 10, 200, 1)


def test_a_replicate_still_at_chance_is_futile_at_half_the_budget_and_not_before():
    at_chance = [CHANCE * 0.99] * 30
    assert follow([0.0] * 10, at_chance).status is None
    p = follow([0.0] * 11, at_chance)
    assert (p.status, p.reason, p.update) == ("unsolved", "futile", 100)


@pytest.mark.parametrize(("best", "status"), [(0.9801, "unsolved"), (0.98, None), (0.97, None)])
def test_futile_means_never_two_percent_below_chance(best: float, status: str | None):
    losses = [1.0] * 5 + [best] + [1.0] * 5
    assert follow([0.0] * 11, losses).status == status


def test_futile_is_a_share_of_the_way_from_the_chance_loss_to_the_optimal():
    """Where a perfect answer loses 0.95 of a chance loss of 1, all there is to gain is 0.05."""
    noisy = {"optimal_loss": 0.95 * CHANCE}
    assert follow([0.0] * 11, [0.9985 * CHANCE] * 11, **noisy).status is None
    assert follow([0.0] * 11, [0.9995 * CHANCE] * 11, **noisy).reason == "futile"


def test_futility_between_two_evaluations_waits_for_the_next():
    rule = replace(RULE, training=replace(RULE.training, futility_after=0.525))
    assert follow([0.0] * 11, [1.0] * 11, rule).status is None
    assert follow([0.0] * 12, [1.0] * 12, rule).update == 110


def test_milestones_are_dated_at_the_first_loss_below_them():
    p = follow([0.0] * 6, [0.9, 0.5, 0.49, 0.8, 0.3, 0.2])
    assert p.milestones == {"half": 20, "tenth": None}
    p = follow([0.0] * 4, [0.9, 0.05, 0.9, 0.01])
    assert p.milestones == {"half": 10, "tenth": 10}


def test_the_best_loss_and_its_update_are_kept():
    p = follow([0.0] * 5, [0.9, 0.4, 0.2, 0.2, 0.7])
    assert (p.best_loss, p.best_update) == (0.2, 20)
    assert (p.validation_loss, p.update) == (0.7, 40)


def test_one_that_solved_and_then_diverged_stays_solved_and_says_so():
    p = Progress(0, updates_to_solve=50)
    p.finish("diverged", "not finite", 70)
    assert (p.status, p.reason) == ("solved", "then diverged")
