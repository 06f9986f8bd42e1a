from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pytest
from click.testing import CliRunner

from lstm_bench import catalogue, cells, tasks
from lstm_bench.catalogue import cell_page, docstrings, page, task_page
from lstm_bench.cli import cli
from lstm_bench.errors import BenchError

TASKS = sorted(tasks.registry())
CELLS = sorted(cells.registry())


@pytest.fixture(autouse=True)
def _measured_quickly(monkeypatch):
    monkeypatch.setattr(task_page, "MEASURED_ON", 200)
    monkeypatch.setattr(task_page, "LENGTHS", (20, 100))


def table_of(text: str) -> list[dict[str, str]]:
    """The rows under the line that starts with T."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.split()[:2] == ["T", "steps"])
    head = lines[start].split()
    rows = []
    for line in lines[start + 1 :]:
        if len(line.split()) != len(head):
            break
        rows.append(dict(zip(head, line.split())))
    return rows


@pytest.mark.parametrize("name", TASKS)
def test_the_page_of_a_task_has_its_numbers(name: str):
    text, task = page(name), tasks.create(name)
    assert docstrings.text(type(task)) in text
    for said in (task.formula, task.citation, task.loss, f"{task.score_name} >= "):
        assert said in text
    rows = table_of(text)
    assert [int(row["T"]) for row in rows] == task_page.lengths(task)
    for row in rows:
        T = int(row["T"])
        assert float(row["floor"]) == pytest.approx(task.chance_loss(T), rel=1e-3)
        assert float(row["ceiling"]) == pytest.approx(task.optimal_loss(T), rel=1e-3)
        assert int(row["sequences/s"].replace(",", "")) > 0
    for preset in task.presets:
        assert f"preset     {preset}: " in text
    for option in fields(task):
        assert f"option     {option.name} = {option.default!r}" in text


@pytest.mark.parametrize("name", CELLS)
def test_the_page_of_a_cell_has_its_equations_and_counts(name: str):
    text, cell = page(name), cells.create(name)
    assert docstrings.text(type(cell)) in text
    assert cell.citation in text
    for width in cell_page.WIDTHS:
        assert f"{cell.parameters(2, width, 1):,}" in text
        assert f"{cell.flops(2, width, 1):,}" in text
    for option in fields(cell):
        assert f"option     {option.name} = {option.default!r}" in text


@pytest.mark.parametrize("cls", [*tasks.known().values(), *cells.registry().values()])
def test_every_option_is_explained(cls: type):
    unexplained = [f.name for f in fields(cls) if not docstrings.explained(cls, f.name)]
    assert unexplained == [], f"the docstring of {cls.__name__} says nothing of them"


def test_the_window_columns_are_the_losses_of_the_tasks_own_windows():
    task = tasks.create("mackey_glass")
    (row,) = table_of(page("mackey_glass"))
    batch = task.sample(tasks.generator("page", task, 100), 200, 100)
    for k in (1, 2, 5, 10):
        expected = task.evaluate_loss(task.window(batch, k), batch)
        assert float(row[f"k={k}"]) == pytest.approx(expected, rel=1e-3)
    expected = task.evaluate_loss(task.persistence(batch), batch)
    assert float(row["persistence"]) == pytest.approx(expected, rel=1e-3)
    assert "the best linear answer from the last k inputs" in page("mackey_glass")
    assert "the best answer from the last k inputs" in page("char_grammar")


def test_a_task_without_windows_has_no_such_column():
    assert "k=1" not in page("adding")


def test_a_task_of_one_length_says_so():
    assert "T = 64 only" in page("digits")


@pytest.mark.parametrize(
    ("name", "gates", "parameters", "flops"),
    [
        ("lstm", "f, i, o, c_tilde", "4 h^2 + 4 h d + 4 h", "8 h^2 + 8 h d"),
        ("elman", "none", "h^2 + h d + h", "2 h^2 + 2 h d"),
        ("jordan", "none", "h d + h k + h", "2 h d + 2 h k"),
    ],
)
def test_gates_and_closed_forms(name: str, gates: str, parameters: str, flops: str):
    lines = page(name).splitlines()
    assert f"gates      {gates}" in lines
    assert f"parameters {parameters}" in lines
    assert f"FLOPs/step {flops}" in lines


def test_the_state_of_an_lstm_is_twice_its_width():
    row = next(line for line in page("lstm").splitlines() if line.split()[:1] == ["64"])
    assert row.split() == ["64", "17,152", "128", "33,792"]


@pytest.mark.parametrize(
    ("count", "form"),
    [
        (lambda d, h, k: h * (h - 1) // 2 + 3, "1/2 h^2 - 1/2 h + 3"),
        (lambda d, h, k: 2 * d * k - k, "2 d k - k"),
        (lambda d, h, k: 0, "0"),
        (lambda d, h, k: h**3, ""),
        (lambda d, h, k: h * h + (d == 7), ""),
    ],
)
def test_a_closed_form_is_shown_only_where_it_holds(count, form: str):
    assert cell_page.closed_form(count) == form


def test_a_count_that_refuses_a_width_has_no_form():
    def count(d: int, h: int, k: int) -> int:
        raise BenchError("no such width")

    assert cell_page.closed_form(count) == ""


@dataclass(frozen=True)
class Explains:
    """A first line.

    Prose on `one` and two. `two` has a sentence of its own, e.g. this (Gers et al. 2000).

        three = drawn
    """

    one: int = 1
    two: int = 2
    three: int = 3
    four: int = 4


def test_an_option_is_explained_by_the_first_sentence_in_backquotes_else_by_its_word():
    assert docstrings.explained(Explains, "one") == "Prose on `one` and two."
    expected = "`two` has a sentence of its own, e.g. this (Gers et al. 2000)."
    assert docstrings.explained(Explains, "two") == expected
    assert docstrings.explained(Explains, "three") == "three = drawn"
    assert docstrings.explained(Explains, "four") == ""
    assert docstrings.drawn(Explains) == "three = drawn"
    assert docstrings.first_line(Explains) == "A first line."


def test_a_sentence_that_explains_two_options_is_written_once():
    @dataclass(frozen=True)
    class Twice:
        """A first line.

        `high` and `low` bound what passes.
        """

        high: float = 1.0
        low: float = 0.0

    text = "\n".join(docstrings.option_lines(Twice))
    assert text.count("bound what passes") == 1
    assert "option     low = 0.0\n           see above" in text


def test_the_speed_of_a_sampler_is_sequences_over_time(monkeypatch):
    clock = iter(np.arange(0, 1000, 0.5))
    monkeypatch.setattr(task_page.time, "perf_counter", lambda: next(clock))
    assert task_page.samples_per_second(tasks.create("adding"), 20, batch=8) == 16


def test_the_page_of_a_task_from_a_file_says_what_holds_for_any_file():
    text = page("series")
    assert "solved     never" in text
    assert "option     horizon = 1" in text


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(BenchError, match="did you mean 'char_grammar'"):
        page("char_gramar")


def test_the_list_has_one_line_each():
    shown = CliRunner().invoke(cli, ["list", "tasks"]).output.splitlines()
    assert shown[0] == "tasks"
    names = sorted(tasks.known())  # with those that tests have defined since
    assert [line.split()[0] for line in shown[1:]] == names
    for line, name in zip(shown[1:], names):
        assert line.endswith(catalogue.first_line(tasks.known()[name]))


def test_the_command_shows_the_page():
    shown = CliRunner().invoke(cli, ["show", "elman"])
    assert shown.output.rstrip() == page("elman")
