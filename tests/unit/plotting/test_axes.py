from __future__ import annotations

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest

from lstm_bench.plotting.axes import (
    LABELLED,
    dodge_factor,
    dodge_shift,
    fitted,
    log_lengths,
    log_ticks,
    spread,
    stacked,
)
from tests.unit.plotting.measure import faults


@pytest.fixture
def axes():  # type: ignore[no-untyped-def]
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


def labels(axes) -> list[str]:  # type: ignore[no-untyped-def]
    return [text.get_text() for text in axes.get_xticklabels()]


def test_every_length_is_labelled_where_there_is_room(axes) -> None:  # type: ignore[no-untyped-def]
    log_lengths(axes, [100, 5, 10, 20, 50, 20])
    assert labels(axes) == ["5", "10", "20", "50", "100"]


def test_labels_of_many_lengths_keep_a_distance(axes) -> None:  # type: ignore[no-untyped-def]
    log_lengths(axes, range(5, 55))
    assert len(axes.get_xticks()) == 50
    found = [int(label) for label in labels(axes) if label]
    assert found[0] == 5
    assert 5 <= len(found) <= LABELLED + 1
    assert min(b / a for a, b in pairwise(found)) >= (54 / 5) ** (1 / LABELLED)


def test_lines_beside_the_one_length_stand_together_in_the_middle(axes) -> None:  # type: ignore[no-untyped-def]
    for place in range(3):
        axes.plot([5 * dodge_factor(place, 3, [5])], [place], "o")
    log_lengths(axes, [5, 5])
    assert axes.get_xlim() == pytest.approx((2.5, 10))
    assert labels(axes) == ["5"]


def test_lengths_at_which_nothing_is_known_are_labelled_apart() -> None:
    figure, axes = plt.subplots(figsize=(3.5, 2.5), layout="constrained")
    axes.errorbar([10, 20], [float("nan")] * 2, yerr=[float("nan")] * 2)
    log_lengths(axes, [10, 20])
    axes.set_ylim(0, 1)
    assert axes.get_xlim() == pytest.approx((5, 40))
    found = faults(figure)
    plt.close(figure)
    assert found == []


def test_points_of_one_tick_stay_together() -> None:
    assert [dodge_shift(place, 3, 0.15) for place in range(3)] == pytest.approx([-0.15, 0, 0.15])
    many = [dodge_shift(place, 40, 0.15) for place in range(40)]
    assert many == sorted(many)
    assert many[-1] - many[0] < 0.8


def test_lines_stand_beside_their_length_and_never_reach_the_next() -> None:
    few = [dodge_factor(place, 3, [10, 20, 50]) for place in range(3)]
    assert few == [1 / 1.035, 1.0, 1.035]
    many = [dodge_factor(place, 200, range(5, 55)) for place in range(200)]
    assert many == sorted(many)
    assert many[-1] / many[0] == pytest.approx((54 / 53) ** 0.5)
    assert dodge_factor(0, 1, [10]) == 1


@pytest.mark.parametrize("high", [3.0, 9.0, 50.0, 1e4])
def test_labels_of_a_log_axis_lie_apart(high: float) -> None:
    figure, axes = plt.subplots(figsize=(3.5, 2.1), layout="constrained")
    axes.plot([1, 2], [0.25, high])
    axes.set_yscale("log")
    log_ticks(axes.yaxis, 100)
    found = [fault for fault in faults(figure) if "tick" in fault]
    plt.close(figure)
    assert found == []


def test_labels_that_have_no_room_are_upright(axes) -> None:  # type: ignore[no-untyped-def]
    for inches, turned in ((3.0, 0), (1.0, 90)):
        log_lengths(axes, [0.001, 0.003, 0.01, 0.03, 0.1, 0.3], inches)
        assert {text.get_rotation() for text in axes.get_xticklabels()} == {turned}


def test_points_that_would_lie_on_each_other_are_parted_and_others_stay() -> None:
    few = spread([(0, 5), (0, 7), (0, 5)], 0.4)
    np.testing.assert_allclose(few, [-0.04, 0, 0.04])
    many = spread([(0, 5)] * 50, 0.4)
    assert np.ptp(many) < 0.4
    assert len(set(many)) == 50


def test_texts_are_stacked_no_nearer_than_the_gap_and_below_the_top() -> None:
    assert stacked([0.1, 0.5], 0.1) == [0.1, 0.5]
    assert stacked([0.5, 0.5], 0.1) == pytest.approx([0.5, 0.6])
    assert stacked([0.95, 1.0, 1.0], 0.1) == pytest.approx([0.8, 0.9, 1.0])


def test_lines_of_a_text_are_as_long_as_each_other_and_words_whole() -> None:
    told = fitted("the share of replicates that solve the task", 2, 8)
    lines = told.splitlines()
    assert " ".join(lines) == "the share of replicates that solve the task"
    assert max(map(len, lines)) - min(map(len, lines)) < 6
    assert fitted("costs $1", 9, 8) == r"costs \$1"
    assert len(fitted("x" * 90, 2, 8).splitlines()) > 2


@pytest.mark.parametrize(("low", "high"), [(1.4, 3.6), (0.021, 0.043), (3.0, 3.4), (2.1, 38.0)])
def test_a_logarithmic_axis_of_a_narrow_panel_has_a_few_ticks(low: float, high: float) -> None:
    figure, axes = plt.subplots(figsize=(2.4, 2.1), layout="constrained")
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    log_ticks(axes.xaxis, 20)
    found = [fault for fault in faults(figure) if "tick" in fault]
    seen = [tick for tick in axes.get_xticks() if low <= tick <= high]
    plt.close(figure)
    assert found == []
    assert 2 <= len(seen) <= 6
