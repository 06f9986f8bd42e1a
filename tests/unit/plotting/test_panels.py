from __future__ import annotations

from itertools import pairwise

import matplotlib.pyplot as plt
import pytest

from lstm_bench.plotting.panels import (
    LABELLED,
    NAMED,
    abreast,
    beside,
    cell_legend,
    log_lengths,
    log_ticks,
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
        axes.plot([5 * beside(place, 3, [5])], [place], "o")
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


@pytest.mark.parametrize("cells", [1, NAMED, NAMED + 1])
def test_a_legend_names_the_cells_or_says_how_many(axes, cells: int) -> None:  # type: ignore[no-untyped-def]
    for cell in range(cells):
        axes.plot([0, 1], [0, cell], label=f"cell {cell}")
    cell_legend(axes.figure, axes)
    (legend,) = axes.figure.legends
    named = {text.get_text() for text in legend.get_texts()}
    assert named == ({f"cell {cell}" for cell in range(cells)} if cells <= NAMED else set())
    assert (f"{cells} cells" in legend.get_title().get_text()) == (cells > NAMED)


def test_a_legend_is_read_line_by_line_in_as_many_columns_as_the_figure_is_wide() -> None:
    names = [f"a cell with a name, {place}" for place in range(8)]
    lines = {}
    for width in (3.5, 7.2):
        figure, axes = plt.subplots(figsize=(width, 3))
        for name in names:
            axes.plot([0, 1], [0, 1], label=name)
        cell_legend(figure, axes)
        figure.draw_without_rendering()
        (legend,) = figure.legends
        assert legend.get_window_extent().width <= figure.bbox.width
        tops = {t.get_text(): round(t.get_window_extent().y1) for t in legend.get_texts()}
        lefts = {t.get_text(): t.get_window_extent().x0 for t in legend.get_texts()}
        assert sorted(names, key=lambda name: (-tops[name], lefts[name])) == names
        lines[width] = len(set(tops.values()))
        plt.close(figure)
    assert lines[3.5] > lines[7.2] > 1


def test_a_tall_legend_makes_a_taller_figure_and_leaves_the_panel_its_size() -> None:
    heights = []
    for count in (1, NAMED):
        figure, axes = plt.subplots(figsize=(3.5, 3), layout="constrained")
        for place in range(count):
            axes.plot([0, 1], [0, 1], label=f"cell {place}")
        cell_legend(figure, axes)
        figure.draw_without_rendering()
        heights.append(axes.get_window_extent().height)
        plt.close(figure)
    assert heights[1] == pytest.approx(heights[0], rel=0.15)


def test_points_of_one_tick_stay_together() -> None:
    assert [abreast(place, 3, 0.15) for place in range(3)] == pytest.approx([-0.15, 0, 0.15])
    many = [abreast(place, 40, 0.15) for place in range(40)]
    assert many == sorted(many)
    assert many[-1] - many[0] < 0.8


def test_lines_stand_beside_their_length_and_never_reach_the_next() -> None:
    few = [beside(place, 3, [10, 20, 50]) for place in range(3)]
    assert few == [1 / 1.035, 1.0, 1.035]
    many = [beside(place, 200, range(5, 55)) for place in range(200)]
    assert many == sorted(many)
    assert many[-1] / many[0] == pytest.approx((54 / 53) ** 0.5)
    assert beside(0, 1, [10]) == 1


@pytest.mark.parametrize("high", [3.0, 9.0, 50.0, 1e4])
def test_labels_of_a_log_axis_lie_apart(high: float) -> None:
    figure, axes = plt.subplots(figsize=(3.5, 2.1), layout="constrained")
    axes.plot([1, 2], [0.25, high])
    axes.set_yscale("log")
    log_ticks(axes.yaxis)
    found = [fault for fault in faults(figure) if "tick" in fault]
    plt.close(figure)
    assert found == []
