from __future__ import annotations

from itertools import pairwise

import matplotlib.pyplot as plt
import pytest

from lstm_bench.plotting.panels import LABELLED, NAMED, beside, cell_legend, log_lengths


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


@pytest.mark.parametrize("cells", [1, NAMED, NAMED + 1])
def test_a_legend_names_the_cells_or_says_how_many(axes, cells: int) -> None:  # type: ignore[no-untyped-def]
    for cell in range(cells):
        axes.plot([0, 1], [0, cell], label=f"cell {cell}")
    cell_legend(axes.figure, axes)
    (legend,) = axes.figure.legends
    named = [text.get_text() for text in legend.get_texts()]
    assert named == ([f"cell {cell}" for cell in range(cells)] if cells <= NAMED else [])
    assert (f"{cells} cells" in legend.get_title().get_text()) == (cells > NAMED)


def test_lines_stand_beside_their_length_and_never_reach_the_next() -> None:
    few = [beside(place, 3, [10, 20, 50]) for place in range(3)]
    assert few == [1 / 1.035, 1.0, 1.035]
    many = [beside(place, 200, range(5, 55)) for place in range(200)]
    assert many == sorted(many)
    assert many[-1] / many[0] == pytest.approx((54 / 53) ** 0.5)
    assert beside(0, 1, [10]) == 1
