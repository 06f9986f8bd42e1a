"""figure.csv has exactly the numbers that are drawn."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from lstm_bench.plotting.drawn import COLUMNS, drawn
from lstm_bench.plotting.labels import as_drawn, as_given
from lstm_bench.plotting.style import figure_bytes, fit_note, paper_style
from tests.unit.report.hostile import HOSTILE


@pytest.fixture
def figure() -> Iterator[Figure]:
    import matplotlib.pyplot as plt

    with paper_style():
        yield plt.figure()


X, Y = [1.0, 2.0, 4.0], [0.1, np.nan, 0.3]


def test_a_line_and_its_band_are_one_series(figure):
    axes = figure.subplots()
    axes.plot(X, Y, color="#0072B2", label="lstm")
    axes.fill_between(X, [0.0, 0.1, 0.2], [0.5, 0.6, 0.7], color="#0072B2", alpha=0.2)
    axes.axhline(0.5)
    rows = drawn(figure)
    assert list(rows.columns) == COLUMNS
    line, band = rows[rows.kind == "line"], rows[rows.kind == "band"]
    assert set(rows.series) == {"lstm"}
    np.testing.assert_array_equal(line[["x", "y"]], np.transpose([X, Y]))
    expected = np.transpose([X, [0.0, 0.1, 0.2], [0.5, 0.6, 0.7]])
    np.testing.assert_array_equal(band[["x", "low", "high"]], expected)


def test_a_step_band_has_its_corners(figure):
    axes = figure.subplots()
    axes.fill_between([0.0, 1.0, 3.0], [0, 1, 2], [1, 2, 3], step="post")
    band = drawn(figure)
    assert band[["x", "low", "high"]].to_numpy().tolist() == [
        [0, 0, 1], [1, 0, 1], [1, 1, 2], [3, 1, 2], [3, 2, 3],
    ]  # fmt: skip


def test_error_bars_stand_in_the_row_of_their_point(figure):
    axes = figure.subplots()
    bars = [[0.1, 0.0, 0.2], [0.3, 0.0, 0.0]]
    axes.errorbar(X, [1.0, 2.0, 3.0], yerr=bars, fmt="o", label="gru")
    rows = drawn(figure)
    assert rows.kind.tolist() == ["points"] * 3
    np.testing.assert_allclose(rows.low, [0.9, 2.0, 2.8])
    np.testing.assert_allclose(rows.high, [1.3, 2.0, 3.0])


def test_what_captions_go_by_is_told(figure):
    axes = figure.subplots()
    axes.plot(X, Y, color="#0072B2", marker="o", label="lstm")
    axes.plot(X, Y, color="#0072B2", linewidth=0.7, alpha=0.3)
    rings = {"markerfacecolor": "none", "markeredgecolor": "#0072B2"}
    axes.plot(X, Y, "o", **rings)
    rows = drawn(figure)
    assert rows.look.tolist() == [""] * 3 + ["faded, thin"] * 3 + ["hollow"] * 3
    assert set(rows.series) == {"lstm"}


def test_named_ticks_spans_segments_and_texts_are_told(figure):
    axes = figure.subplots()
    axes.set_xticks([0, 1], ["trained", "untrained"])
    axes.plot([0.1, 0.9], [5, 6], "s", label="_hidden from the legend")
    axes.axvspan(0.5, 0.75)
    axes.vlines([1.0], [2.0], [3.0])
    axes.text(1, 4, "T^1.03")
    axes.text(0.5, 0.5, "a remark", transform=axes.transAxes)
    rows = drawn(figure).set_index("kind")
    assert rows.loc["points", "x_tick"].tolist() == ["trained", "untrained"]
    assert set(rows.loc["points", "series"]) == {"hidden from the legend"}
    assert rows.loc["span", ["low", "high"]].tolist() == [0.5, 0.75]
    assert rows.loc["bar", ["x", "low", "high"]].tolist() == [1, 2, 3]
    assert rows.loc["text", ["series", "x", "y"]].tolist() == ["T^1.03", 1, 4]
    assert len(rows) == 5


def test_a_panel_says_what_its_axes_and_column_are(figure):
    grid = figure.subplots(2, 2)
    for axes in grid.flat:
        axes.plot([1], [1])
    grid[0, 1].set_title("copy, T = 10")
    grid[1, 1].set_xlabel("lag")
    grid[0, 0].set_ylabel("log10 of\nthe norm")
    grid[1, 0].set_visible(False)
    rows = drawn(figure).set_index("panel")
    assert set(rows.index) == {"1.1", "1.2", "2.2"}
    assert rows.loc["1.2", ["column", "title", "x_axis", "y_axis"]].tolist() == [
        "copy, T = 10", "copy, T = 10", "lag", "log10 of the norm",
    ]  # fmt: skip
    assert rows.loc["2.2", ["column", "title"]].tolist() == ["copy, T = 10", ""]


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("name", [n for n in HOSTILE if n[0] != "_"])
def test_a_label_is_drawn_letter_by_letter_and_told_as_given(figure, name):
    axes = figure.subplots()
    table = as_drawn(pd.DataFrame({"cell": [name], "value": [1.0]}))
    axes.plot([1], table.value, "o", label=table.cell.iloc[0])
    axes.set_title(f"{as_drawn(name)}, T = 10")
    figure.legend()
    svg = figure_bytes(figure, "svg")
    assert b"<script" not in svg
    assert b"<img" not in svg
    told = as_given(drawn(figure), [name])
    assert told.series.tolist() == [name]
    assert told.title.tolist() == [f"{name}, T = 10"]


def test_a_note_is_broken_into_lines_the_figure_has_room_for(figure):
    figure.set_figwidth(3.5)
    figure.supxlabel("n = 10 replicates a cell; " * 6, fontsize=7)
    fit_note(figure)
    lines = figure.get_supxlabel().splitlines()
    assert len(lines) > 1
    assert max(map(len, lines)) <= 65
    assert " ".join(lines) == ("n = 10 replicates a cell; " * 6).strip()
