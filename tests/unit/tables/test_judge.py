"""The rules of judgement, on replicates made up by hand."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from lstm_bench.spec import Condition, Training
from lstm_bench.tables.base import CONTROL, NEGATIVE, RATE, REPLICA, Arm, Published
from lstm_bench.tables.judge import Ours, overall, verdicts

CAP = 1000


def arm(label: str = "a", kind: str = REPLICA, **published) -> Arm:
    c = Condition("adding", 10, "lstm", training=Training(updates=CAP, batch=2))
    told = Published("a table", **published) if published else None
    return Arm(label, c, 20, kind, told, needs="control" if published else "")


def rows(*times: float | None, error: int = 0) -> pd.DataFrame:
    """One replicate a time of success in updates, None where it did not succeed."""
    found = [
        {"status": "solved" if t is not None else "unsolved", "updates_to_solve": t} for t in times
    ]
    found += [{"status": "error", "updates_to_solve": None}] * error
    return pd.DataFrame(found)


def judged(which: Arm, *times: float | None, control: tuple[float | None, ...] = (1.0,)):
    found = {which.label: Ours.of(which, rows(*times), 7)}
    other = arm("control", CONTROL)
    found["control"] = Ours.of(other, rows(*control), 7)
    return verdicts([which, other], found)[which.label]


def test_times_are_counted_in_sequences_and_censored_at_the_cap():
    ours = Ours.of(arm(), rows(100, 200, 300, None, error=2), 7)
    assert (ours.n, ours.solved, ours.error, ours.cap) == (4, 3, 2, 2 * CAP)
    assert (ours.fastest, ours.slowest) == (200, 600)
    assert ours.median == 400
    assert Ours.of(arm(), rows(100, None, None), 7).median == math.inf


@pytest.mark.parametrize(
    ("solved", "n", "paper", "held"),
    [(20, 20, (20, 20), True), (16, 20, (20, 20), False), (16, 20, (18, 20), True)],
)
def test_a_rate_is_reproduced_where_our_interval_has_the_papers(
    solved: int, n: int, paper: tuple[int, int], held: bool
):
    which = arm(kind=RATE, solved=paper[0], n=paper[1])
    found = judged(which, *[10.0] * solved, *[None] * (n - solved))
    assert found == {"rate": "reproduced" if held else "not reproduced", "time": ""}


@pytest.mark.parametrize(
    ("median", "told"),
    [
        (249, "not reproduced"),
        (251, "reproduced"),
        (999, "reproduced"),
        (None, "open: cap 2,000 below 2 times the paper's mean"),
    ],
)
def test_a_time_is_reproduced_within_a_factor_of_two(median: float | None, told: str):
    which = arm(n=20, solved=20, sequences=1001)  # our times are in batches of two sequences
    assert judged(which, *[median] * 5)["time"] == told


def test_too_few_successes_under_a_low_cap_are_no_verdict():
    which = arm(n=20, solved=20, sequences=1001)
    assert judged(which, *[None] * 20)["rate"].startswith("open: cap 2,000 below")
    assert judged(arm(n=20, solved=20, sequences=1000), *[None] * 20)["rate"] == "not reproduced"


def test_a_cap_far_beyond_the_papers_mean_leaves_nothing_open():
    assert judged(arm(sequences=100), None, None)["time"] == "not reproduced"


def test_the_time_of_another_algorithm_is_not_judged():
    assert judged(arm(kind=RATE, sequences=1000, n=20, solved=20), 500.0, 600.0)["time"] == ""


def test_a_failure_needs_a_control_that_succeeds():
    which = arm(kind=NEGATIVE, more_than=5000)
    held = judged(which, None, None, None)["rate"]
    assert held == ("reproduced up to 2,000 sequences, the paper tried 5,000; true rate below 56%")
    assert judged(which, None, control=(None, None, 3.0))["rate"].startswith("not judged")
    assert judged(which, None, 4.0)["rate"] == "not reproduced: 1 of 2 solved it"


def test_an_arm_that_ended_in_errors_is_not_judged():
    which = arm(n=5, solved=5, sequences=10)
    found = {"a": Ours.of(which, rows(error=2), 7)}
    assert verdicts([which], found)["a"]["rate"] == "no replicate could be judged"


def test_controls_are_not_counted():
    arms = [arm("a", RATE, n=5, solved=5), arm("control", CONTROL)]
    found = {each.label: Ours.of(each, rows(1.0, 2.0), 7) for each in arms}
    assert overall(arms, verdicts(arms, found)) == "Reproduced: 1 of 1 success rates."
