from __future__ import annotations

from collections.abc import Iterable

import pytest

from lstm_bench.spec import Training
from lstm_bench.training.stopping import Progress, StoppingRule

FLOOR, SOLVED = 1.0, 0.9
RULE = StoppingRule(
    Training(updates=200, evaluate_every=10, patience=5, futility_after=0.5, futility_margin=0.02),
    SOLVED,
    FLOOR,
    {"half": 0.5, "tenth": 0.1},
)


def follow(
    scores: Iterable[float], losses: Iterable[float] | None = None, rule: StoppingRule = RULE
) -> Progress:
    """Evaluate every 10 updates from 0 on until the replicate stops or nothing is left."""
    scores = list(scores)
    progress = Progress(seed=0)
    for i, (score, loss) in enumerate(zip(scores, losses or [0.5] * len(scores))):
        if progress.status is None:
            progress.train_seconds = float(i)
            rule.observe(progress, 10 * i, loss, score)
    return progress


def test_a_replicate_goes_on_for_exactly_five_evaluations_after_the_first_crossing():
    p = follow([0, 0, 0, 0.95, *[0.95] * 10])
    assert (p.status, p.reason) == ("solved", "")
    assert p.updates_to_solve == 30
    assert p.seconds_to_solve == 3
    assert p.update == 80
    assert p.stayed is True


@pytest.mark.parametrize("relapse", [1, 3, 5])
def test_one_relapse_among_the_five_is_remembered(relapse: int):
    after = [0.95] * 5
    after[relapse - 1] = 0.5
    p = follow([0, 0.95, *after, 0.95])
    assert (p.status, p.updates_to_solve, p.update) == ("solved", 10, 60)
    assert p.stayed is False


def test_a_relapse_after_the_five_is_not_seen():
    assert follow([0, 0.95, *[0.95] * 5, 0.0]).stayed is True


def test_a_score_equal_to_the_criterion_solves_and_the_next_lower_does_not():
    assert follow([0, SOLVED, 0]).updates_to_solve == 10
    assert follow([0, SOLVED - 1e-9, 0]).updates_to_solve is None


def test_untrained_weights_solve_nothing():
    p = follow([0.95, 0, 0.95, 0])
    assert p.updates_to_solve == 20


def test_the_budget_ends_an_unsolved_replicate():
    p = follow([0.0] * 30)
    assert (p.status, p.reason, p.update) == ("unsolved", "budget", 200)
    assert p.updates_to_solve is None
    assert p.stayed is None


def test_solved_at_the_last_evaluation_of_the_budget_is_solved():
    p = follow([0.0] * 20 + [0.95])
    assert (p.status, p.updates_to_solve, p.update) == ("solved", 200, 200)


def test_solved_shortly_before_the_end_is_judged_on_what_is_left():
    assert follow([0.0] * 18 + [0.95, 0.95, 0.95]).stayed is True
    p = follow([0.0] * 18 + [0.95, 0.95, 0.1])
    assert (p.status, p.update, p.stayed) == ("solved", 200, False)


def test_a_replicate_still_at_the_floor_is_futile_at_half_the_budget_and_not_before():
    at_the_floor = [FLOOR * 0.99] * 30
    assert follow([0.0] * 10, at_the_floor).status is None
    p = follow([0.0] * 11, at_the_floor)
    assert (p.status, p.reason, p.update) == ("unsolved", "futile", 100)


@pytest.mark.parametrize(("best", "status"), [(0.9801, "unsolved"), (0.98, None), (0.97, None)])
def test_futile_means_never_two_percent_below_the_floor(best: float, status: str | None):
    losses = [1.0] * 5 + [best] + [1.0] * 5
    assert follow([0.0] * 11, losses).status == status


def test_futile_is_a_share_of_the_way_from_the_floor_to_the_ceiling():
    """Where a perfect answer loses 0.95 of a chance loss of 1, all there is to gain is 0.05."""
    rule = StoppingRule(RULE.training, SOLVED, FLOOR, {}, ceiling=0.95 * FLOOR)
    assert follow([0.0] * 11, [0.9985 * FLOOR] * 11, rule).status is None
    assert follow([0.0] * 11, [0.9995 * FLOOR] * 11, rule).reason == "futile"


def test_a_replicate_that_was_solved_is_never_futile():
    p = follow([0.0] * 9 + [0.95] + [0.0] * 5, [1.0] * 15)
    assert (p.status, p.stayed, p.updates_to_solve) == ("solved", False, 90)


def test_futility_between_two_evaluations_waits_for_the_next():
    rule = StoppingRule(
        Training(updates=200, futility_after=0.525, futility_margin=0.02), SOLVED, FLOOR, {}
    )
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
    assert (p.status, p.reason, p.stayed) == ("solved", "then diverged", False)
