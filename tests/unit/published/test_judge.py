"""The rules of judgement, on replicates made up by hand."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from lstm_bench.published.base import Arm, Kind, Published
from lstm_bench.published.judge import Ours, overall, rate_verdict
from lstm_bench.published.run import display, make_table
from lstm_bench.spec import Condition, Training

CAP = 1000


def arm(label: str = "a", kind: Kind = Kind.REPLICA, **published) -> Arm:
    c = Condition("adding", 10, "lstm", training=Training(updates=CAP, batch=2))
    told = Published("a table", **published) if published else Published()
    return Arm(label, c, 20, kind, told, needs="control" if published else "")


def ours(which: Arm, *times: float | None, error: int = 0) -> Ours:
    """One replicate a time of success in updates, None where it did not succeed."""
    ends = ["solved" if t is not None else "unsolved" for t in times] + ["error"] * error
    updates = [CAP if t is None else t for t in times] + [CAP] * error
    runs = pd.DataFrame({"status": ends, "updates": updates, "parameters": 7})
    runs["judged"], runs["solved"] = runs.status != "error", runs.status == "solved"
    return Ours.of(which, runs)


def judged(
    which: Arm, *times: float | None, control: tuple[float | None, ...] = (1.0,)
) -> dict[str, str]:
    other = arm("control", Kind.CONTROL)
    found = {which.label: ours(which, *times), "control": ours(other, *control)}
    row = make_table([which, other], found).iloc[0]
    return {"rate": row.rate_verdict, "time": row.time_verdict}


def test_times_are_counted_in_sequences_and_censored_at_the_cap():
    found = ours(arm(), 100, 200, 300, None, error=2)
    assert (found.n, found.solved, found.error, found.cap) == (4, 3, 2, 2 * CAP)
    assert (found.fastest, found.slowest) == (200, 600)
    assert found.median == 400
    assert ours(arm(), 100, None, None).median == math.inf


@pytest.mark.parametrize(
    ("solved", "n", "paper", "held"),
    [(20, 20, (20, 20), True), (16, 20, (20, 20), False), (16, 20, (18, 20), True)],
)
def test_a_rate_is_reproduced_where_our_interval_has_the_papers(
    solved: int, n: int, paper: tuple[int, int], held: bool
):
    which = arm(kind=Kind.RATE, solved=paper[0], n=paper[1])
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
    assert judged(arm(kind=Kind.RATE, sequences=1000, n=20, solved=20), 500.0, 600.0)["time"] == ""


def test_a_failure_needs_a_control_that_succeeds():
    which = arm(kind=Kind.NEGATIVE, more_than=5000)
    held = judged(which, None, None, None)["rate"]
    assert held == ("reproduced up to 2,000 sequences, the paper tried 5,000; true rate below 56%")
    assert judged(which, None, control=(None, None, 3.0))["rate"].startswith("not judged")
    assert judged(which, None, 4.0)["rate"] == "not reproduced: 1 of 2 solved it"


def test_an_arm_that_ended_in_errors_is_not_judged():
    which = arm(n=5, solved=5, sequences=10)
    assert rate_verdict(which, ours(which, error=2)) == "no replicate could be judged"


def test_controls_are_not_counted():
    arms = [arm("a", Kind.RATE, n=5, solved=5), arm("control", Kind.CONTROL)]
    table = make_table(arms, {each.label: ours(each, 1.0, 2.0) for each in arms})
    told = overall(table.rate_verdict, table.time_verdict)
    assert told == "Reproduced: 1 of 1 success rates."


def test_a_page_shows_the_papers_numbers_and_ours_and_a_dash_for_what_is_unknown():
    arms = [
        arm("a", n=18, solved=18, sequences=1500, low=900, high=2400, weights=1234),
        arm("b", Kind.NEGATIVE, n=18, solved=0, more_than=5000),
        arm("c", Kind.CONTROL),
    ]
    found = {
        "a": ours(arms[0], 500, 600, 700, None, None),
        "b": ours(arms[1], None, None),
        "c": ours(arms[2], 100, None, None),
    }
    shown = display(make_table(arms, found))
    assert shown["weights: paper"].tolist() == ["1,234", "–", "–"]
    assert shown["solved: paper"].tolist() == ["18 of 18", "0 of 18", "–"]
    assert shown["solved: ours [Wilson 95 %]"][1] == "0 of 2 [0.00, 0.66]"
    assert shown["mean sequences: paper (range)"].tolist() == ["1,500 (900-2,400)", "> 5,000", "–"]
    assert shown["median sequences: ours [95 %] (range)"].tolist() == [
        "1,400 [1,000, ∞] (1,000-1,400)",
        "> 2,000",
        "> 2,000 [200, ∞] (200-200)",
    ]
