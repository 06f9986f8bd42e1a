from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.collections import PatchCollection

from lstm_bench import tasks
from lstm_bench.cli import cli
from lstm_bench.plotting.gallery import ORANGE, gallery, sample_length
from lstm_bench.plotting.style import paper_style
from lstm_bench.tasks import Batch, Task

TASKS = sorted(tasks.registry())


@dataclass(frozen=True)
class Bits(Task):
    """Two bits and two values.

    Asked at steps 1 and 3.
    """

    loss = "binary_cross_entropy"
    solved_score = 0.9
    inputs, outputs = 2, 2

    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        values = rng.normal(size=(batch, T, 2)).astype(np.float32)
        mask = np.zeros((batch, T), np.float32)
        mask[:, [1, 3]] = 1
        return Batch(values, np.ones((batch, T, 2), np.float32), mask)

    def memoryless(self, batch: Batch) -> np.ndarray:
        return np.zeros_like(batch.targets)

    def chance_loss(self, T: int) -> float:
        return float(np.log(2))

    def score(self, outputs: np.ndarray, batch: Batch) -> float:
        return 0.5


Bits.name = "bits"  # set afterwards: so it does not join the registry


def drawn(task: Task):
    """The input and the target axes of the task's panel."""
    return gallery({task.name: task}).axes


def sample(task: Task) -> Batch:
    T = sample_length(task)
    return task.sample(tasks.generator("gallery", task, T), 1, T)


@pytest.fixture(autouse=True)
def _style():
    with paper_style():
        yield


def test_there_is_a_panel_for_every_task_named_after_it():
    figure = gallery({name: tasks.create(name) for name in TASKS})
    titles = [axes.get_title(loc="left").split()[0] for axes in figure.axes[::2]]
    assert titles == TASKS
    assert len(figure.axes) == 2 * len(TASKS)


@pytest.mark.parametrize("name", TASKS)
def test_the_asked_steps_are_shaded_and_the_targets_are_the_batchs(name: str):
    task = tasks.create(name)
    batch, (shown, asked) = sample(task), drawn(tasks.create(name))
    steps = np.flatnonzero(batch.mask[0])
    for axes in (shown, asked):
        assert [round(p.get_x() + 0.5) for p in axes.patches] == steps.tolist()
    if task.loss == "cross_entropy":
        assert [text.get_text() for text in asked.texts] == [
            str(batch.targets[0, s]) for s in steps
        ]
    elif task.loss == "squared_error" and not asked.lines:  # bits, or one of several
        places = [
            tuple(path.vertices[:4].mean(axis=0).round())
            for squares in asked.collections
            for path in squares.get_paths()
        ]
        bits = batch.targets[0] * batch.mask[0][:, None]
        assert sorted(places) == sorted(tuple(map(float, place)) for place in np.argwhere(bits))
        assert places
    elif task.loss == "squared_error":
        (line,) = asked.lines
        np.testing.assert_array_equal(line.get_ydata().ravel(), batch.targets[0, steps, 0])


def test_a_one_hot_input_is_a_square_at_its_step_and_symbol():
    task = tasks.create("copy")
    (squares,) = [c for c in drawn(task)[0].collections if isinstance(c, PatchCollection)]
    centres = [tuple(path.vertices[:4].mean(axis=0).round()) for path in squares.get_paths()]
    expected = [tuple(map(float, place)) for place in np.argwhere(sample(task).inputs[0])]
    assert centres == expected


def test_real_values_are_a_line_and_marks_are_ticks_below_it():
    values, marks = drawn(tasks.create("adding"))[0].lines
    batch = sample(tasks.create("adding"))
    np.testing.assert_array_equal(values.get_ydata(), batch.inputs[0, :, 0])
    assert list(marks.get_xdata()) == np.flatnonzero(batch.inputs[0, :, 1]).tolist()
    assert max(marks.get_ydata()) < min(values.get_ydata())


def test_bits_are_squares_at_the_asked_steps_and_several_values_are_lines_apart():
    shown, asked = drawn(Bits())
    (squares,) = [c for c in asked.collections if isinstance(c, PatchCollection)]
    centres = {tuple(path.vertices[:4].mean(axis=0).round()) for path in squares.get_paths()}
    assert centres == {(1, 0), (1, 1), (3, 0), (3, 1)}
    assert tuple(np.round(squares.get_facecolor()[0] * 255)[:3]) == tuple(
        int(ORANGE[i : i + 2], 16) for i in (1, 3, 5)
    )
    assert len([line for line in shown.lines if line.get_marker() == "o"]) == 2


class Signed(Bits):
    """Bits of both signs, and a squared error of bits."""

    loss = "squared_error"
    inputs, outputs = 2, 2

    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        drawn = super().sample(rng, batch, T)
        return drawn._replace(inputs=np.sign(drawn.inputs))


def test_negative_bits_are_hollow_and_bits_under_a_squared_error_are_squares():
    Signed.name = "signed"
    shown, asked = drawn(Signed())
    values = sample(Signed()).inputs[0]
    filled, hollow = (c for c in shown.collections if isinstance(c, PatchCollection))
    assert len(filled.get_paths()) == (values == 1).sum()
    assert len(hollow.get_paths()) == (values == -1).sum()
    assert len(hollow.get_facecolor()) == 0
    assert [len(c.get_paths()) for c in asked.collections if isinstance(c, PatchCollection)] == [4]


def test_the_command_writes_both_files_the_same_each_time(tmp_path: Path):
    for folder in ("one", "two"):
        run = CliRunner().invoke(cli, ["gallery", "--folder", str(tmp_path / folder)])
        assert run.exit_code == 0, run.output
    for name in ("gallery.png", "gallery.svg"):
        one, two = ((tmp_path / folder / name).read_bytes() for folder in ("one", "two"))
        assert one == two
        assert len(one) > 10_000
