"""A figure is data: what it declares is what is drawn, and what figure.csv has."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from lstm_bench.errors import BenchError
from lstm_bench.plotting.figure import COLUMNS, Axis, Figure, Layer, figure, filled, panel
from lstm_bench.plotting.render import NAMED, render
from lstm_bench.plotting.style import figure_bytes, paper_style
from tests.unit.plotting.measure import faults
from tests.unit.report.hostile import HOSTILE


@pytest.fixture(autouse=True)
def style() -> Iterator[None]:
    with paper_style():
        yield


TABLE = pd.DataFrame(
    {
        "task": ["copy"] * 4 + ["adding"] * 4,
        "cell": ["gru", "gru", "lstm", "lstm"] * 2,
        "T": [20, 10, 10, 20] * 2,
        "share": [0.5, 1.0, 0.2, np.nan, 0.6, 0.7, 0.8, 0.9],
        "low": [0.4, 0.9, 0.1, np.nan, 0.5, 0.6, np.nan, 0.8],
        "high": [0.6, 1.0, 0.3, np.nan, 0.7, 0.8, np.nan, 1.0],
        "solved": [5, 10, 2, 0, 6, 7, 8, 9],
        "n": [10, 10, 10, 8, 10, 10, 10, 10],
    }
)
T, SHARE = Axis("length T", "lengths"), Axis("share solved", "share")
LINE = Layer("T", "share", "low", "high")


def one(*layers: Layer, table: pd.DataFrame = TABLE, x: Axis = T, y: Axis = SHARE) -> Figure:
    return figure(table, [panel(x, y, *layers)], ["lstm", "gru"], "n = {n}", ["task"], "{task}")


def test_its_numbers_are_the_rows_of_the_table_by_panel_and_series():
    rows = one(LINE).numbers()
    assert list(rows.columns) == list(COLUMNS)
    assert list(dict.fromkeys(zip(rows.panel, rows.column))) == [("1.1", "copy"), ("1.2", "adding")]
    assert set(rows.kind) == {"line"}
    assert set(rows.x_axis) == {"length T"}
    found = rows.rename(columns={"column": "task", "series": "cell", "x": "T", "y": "share"})
    names = ["task", "cell", "T", "share", "low", "high"]
    pd.testing.assert_frame_equal(found[names], TABLE[names], check_dtype=False)


def test_a_layer_takes_expressions_of_columns_and_some_of_the_rows():
    layer = Layer("T / 10", "1 - share", only="cell == 'gru'", faded="solved * 2 < n", hollow=True)
    rows = one(layer, x=Axis()).numbers()
    assert rows.series.tolist() == ["gru"] * 4
    assert rows.x.tolist() == [2, 1, 2, 1]
    np.testing.assert_allclose(rows.y, [0.5, 0, 0.4, 0.3])
    assert set(rows["look"]) == {"hollow"}
    faded = one(Layer("T", "share", faded="solved * 2 < n")).numbers()
    assert faded["look"].tolist() == ["", "", "faded", "faded", "", "", "", ""]


def test_a_layer_may_have_a_table_and_a_name_of_its_own():
    known = pd.DataFrame({"task": ["copy", "copy"], "T": [10, 10], "worth": [0.5, 0.5]})
    rows = one(LINE, Layer("T", "worth", name="chance", look="curve", rows=known)).numbers()
    own = rows[rows.series == "chance"]
    assert own[["panel", "x", "y"]].to_numpy().tolist() == [["1.1", 10, 0.5]]


@pytest.mark.parametrize("change", [{"y": "shar"}, {"low": "shar / 2"}, {"only": "shar > 0"}])
def test_a_column_the_table_lacks_is_refused_by_name(change: dict[str, str]):
    with pytest.raises(BenchError, match=r"'shar'.*did you mean 'share'"):
        one(Layer(**{"x": "T", "y": "share", **change}))


@pytest.mark.parametrize(
    ("counts", "shown"), [([10, 10], "10"), ([4, 10, 7], "4-10"), ([], "0"), ([np.nan], "0")]
)
def test_counts_are_told_as_one_or_as_a_range(counts: list[float], shown: str) -> None:
    assert filled("{n}", pd.DataFrame({"n": counts}, dtype=float)) == shown


def test_texts_have_what_the_columns_hold():
    shown = panel(Axis("T = {T}"), Axis("{cell}"), LINE, title="{task}", guides=("solved", 0.5))
    made = figure(TABLE, [shown], [], "n = {n}", ["task"], "{task}, T = {T}")
    first = made.grid[0][0]
    assert (made.note, first.column, first.title) == ("n = 8-10", "copy, T = 10-20", "copy")
    assert (first.x.label, first.y.label, first.guides) == ("T = 10-20", "gru", (5, 0.5))


@pytest.mark.parametrize(("count", "shape"), [(1, [1]), (3, [3]), (4, [2, 2]), (5, [3, 2])])
def test_panels_of_one_column_stand_in_lines(count: int, shape: list[int]):
    made = figure(TABLE, [panel(T, SHARE, LINE)] * count, ["lstm"], "")
    assert [len(row) for row in made.grid] == shape
    two = figure(TABLE, [panel(T, SHARE, LINE)] * count, ["lstm"], "", ["task"])
    assert [len(row) for row in two.grid] == [2] * count


def test_what_is_drawn_is_what_is_declared():
    drawn = render(one(LINE))
    axes = drawn.axes[0]
    lines = {line.get_color(): line for line in axes.lines if line.get_linestyle() != "None"}
    gru = lines["#009E73"]
    assert gru.get_ydata().tolist() == [1.0, 0.5]  # in the order of T
    assert np.round(gru.get_xdata()).tolist() == [10, 20]  # beside its length, not to be hidden
    (bars, *_) = axes.containers[1].lines[2]
    assert [[y for _, y in segment] for segment in bars.get_segments()] == [[0.9, 1.0], [0.4, 0.6]]


def test_places_with_names_may_stand_one_below_another():
    table = TABLE.assign(variant=TABLE.cell, told="4/5")
    layer = Layer("variant", "share", "low", "high", look="points", text="told", at_edge=True)
    names = Axis("", "names", names={"lstm": "an LSTM", "gru": "a GRU"})
    made = figure(table[:2], [panel(names, SHARE, layer, flipped=True)], ["lstm", "gru"], "")
    axes = render(made).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["an LSTM", "a GRU"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
    assert set(axes.lines[0].get_xdata()) == {0.5, 1.0}
    assert [text.get_text() for text in axes.texts] == ["4/5"]  # one for both, which are as high


def test_bounds_are_faded_and_their_line_is_faint_there():
    made = one(Layer("T", "share", faded="T == 20"), table=TABLE[:2])
    faint, clear, *_ = sorted(render(made).axes[0].lines[:2], key=lambda line: line.get_alpha())
    assert faint.get_alpha() < clear.get_alpha() == 1
    assert np.isnan(clear.get_ydata()).tolist() == [False, True]


def test_a_panel_without_a_point_says_why():
    shown = panel(T, Axis("", "log"), Layer("T", "share"), empty="nobody came so far")
    (axes,) = render(figure(TABLE.assign(share=np.nan), [shown], ["lstm"], "")).axes
    assert [" ".join(text.get_text().split()) for text in axes.texts] == ["nobody came so far"]


def test_the_legend_names_the_series_that_have_a_point_in_the_order_of_the_config():
    table = TABLE.assign(share=TABLE.share.where(TABLE.cell != "gru"))
    for shown, names in ((table, ["lstm"]), (TABLE, ["lstm", "gru"])):
        (legend,) = render(one(LINE, table=shown)).legends
        assert [text.get_text() for text in legend.get_texts()] == names


def test_a_legend_leaves_out_what_an_axis_names():
    table, names = TABLE[TABLE["T"] == 10], ["lstm", "gru"]
    rows = panel(Axis("", "names", names=names), SHARE, Layer("cell", "share", look="points"))
    lines = panel(T, SHARE, LINE)
    for panels, legend in (([rows], []), ([rows, lines], names)):
        drawn = render(figure(table, panels, names, "", finding="what is found"))
        (found,) = drawn.legends
        assert [text.get_text() for text in found.get_texts()] == legend
        assert found.get_title().get_text() == "what is found"
        assert found.get_title().get_fontweight() == "bold"


def test_a_title_of_several_lines_makes_a_taller_figure_too():
    table, names = TABLE[TABLE["T"] == 10], ["lstm", "gru"]
    rows = panel(Axis("", "names", names=names), SHARE, Layer("cell", "share", look="points"))
    short, long = (
        render(figure(table, [rows], names, "", finding=finding)).get_figheight()
        for finding in ("found", "a long finding " * 20)
    )
    assert long > short + 0.3


def test_a_series_that_is_drawn_by_arrows_alone_has_its_own_mark_in_the_legend():
    marks = []
    for marker in (None, ">"):
        (legend,) = render(one(Layer("T", "share", look="points", marker=marker))).legends
        marks.append([handle.get_marker() for handle in legend.legend_handles])
    assert marks[0] == marks[1]
    assert len(set(marks[0])) == 2


@pytest.mark.parametrize("cells", [1, NAMED, NAMED + 1])
def test_a_legend_names_the_cells_or_says_how_many(cells: int) -> None:
    names = [f"cell {place}" for place in range(cells)]
    table = pd.DataFrame({"cell": names, "T": 10, "share": 0.5, "task": "copy"})
    made = figure(table, [panel(T, SHARE, Layer("T", "share"))], names, "")
    (legend,) = render(made).legends
    named = {text.get_text() for text in legend.get_texts()}
    assert named == (set(names) if cells <= NAMED else set())
    assert (f"{cells} series" in legend.get_title().get_text()) == (cells > NAMED)


def test_a_tall_legend_makes_a_taller_figure_and_leaves_the_panel_its_size() -> None:
    heights = []
    for count in (1, NAMED):
        names = [f"a cell with a name, {place}" for place in range(count)]
        table = pd.DataFrame({"cell": names, "T": 10, "share": 0.5})
        drawn = render(figure(table, [panel(T, SHARE, Layer("T", "share"))], names, ""))
        assert faults(drawn) == []
        heights.append(drawn.axes[0].get_window_extent().height)
        (legend,) = drawn.legends
        tops = {t.get_text(): round(t.get_window_extent().y1) for t in legend.get_texts()}
        lefts = {t.get_text(): t.get_window_extent().x0 for t in legend.get_texts()}
        found = [
            " ".join(name.split()) for name in sorted(tops, key=lambda n: (-tops[n], lefts[n]))
        ]
        assert found == names  # read line by line
    assert heights[1] == pytest.approx(heights[0], rel=0.15)


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_label_is_drawn_letter_by_letter_and_told_as_given(name: str):
    table = TABLE.assign(cell=name, task=name)
    made = one(LINE, table=table)
    assert set(made.numbers().series) == set(made.numbers().column) == {name}
    drawn = render(made)
    svg = figure_bytes(drawn, "svg")
    assert b"<script" not in svg
    assert b"<img" not in svg
    (legend,) = drawn.legends
    (label,) = legend.get_texts()
    assert "".join(label.get_text().replace("\\$", "$").split()) == "".join(name.split())
    assert [fault for fault in faults(drawn) if "legend" in fault] == []


def test_a_note_and_a_title_are_broken_into_lines_the_figure_has_room_for():
    made = Figure(one(LINE).grid[:1], {}, "n = 10 replicates a cell; " * 9, "A finding. " * 12)
    drawn = render(made)
    assert faults(drawn) == []
    assert " ".join(drawn.get_supxlabel().split()) == made.note.strip()
    assert len(drawn.get_supxlabel().splitlines()) > 1
    assert " ".join(drawn.legends[0].get_title().get_text().split()) == made.title.strip()
