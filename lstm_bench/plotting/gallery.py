"""One sample of every task in one figure: what is shown in blue, what is asked in orange.

One-hot and binary inputs are a raster with a row a symbol (hollow for -1), real-valued ones a line
a feature, with marks as triangles below. Under them stand the targets of the asked steps, which are
shaded: class numbers, bits, or values.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_bench.errors import BenchError
from lstm_bench.tasks import Batch, Task, create, generator, registry

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, SHADE, GREY = "#0072B2", "#D55E00", "#FBE9DC", "#6b6b6b"
COLUMNS, WIDTH, HEIGHT, TOP = 3, 10.5, 2.3, 0.85  # of the figure, a row and the head, in inches
USUAL_T = (12, 20, 30)
FEW, NUMBERED = 26, 14  # steps and symbols up to which a number fits into a cell
CAPTION = 62  # characters a line, two lines


def write_gallery(folder: Path) -> list[Path]:
    """Write gallery.png and gallery.svg of all registered tasks; returns their paths."""
    from lstm_bench.plotting.style import figure_bytes, paper_style

    paths = []
    with paper_style():
        figure = gallery({name: create(name) for name in registry()})
        for kind in ("png", "svg"):
            path = folder / f"gallery.{kind}"
            path.write_bytes(figure_bytes(figure, kind))
            paths.append(path)
    return paths


def gallery(tasks: Mapping[str, Task]) -> Figure:
    """A panel a task, in the order given."""
    import matplotlib.pyplot as plt

    rows = -(-len(tasks) // COLUMNS)
    tall = TOP + HEIGHT * rows
    figure = plt.figure(figsize=(WIDTH, tall))
    figure.set_layout_engine("none")  # the engine's last digits differ from run to run
    figure.suptitle(
        "One sequence of every task. Blue: the inputs, a row a symbol or a line a value, step by "
        "step. Orange: the steps that are asked, and the right answer there.",
        fontsize=9,
        x=0.01,
        y=1 - 0.12 / tall,
        ha="left",
        va="top",
    )
    grid = figure.add_gridspec(
        *(rows, COLUMNS),
        left=0.06,
        right=0.99,
        top=1 - TOP / tall,
        bottom=0.3 / tall,
        wspace=0.2,
        hspace=0.5,
    )
    for place, task in enumerate(tasks.values()):
        _panel(figure, grid[place // COLUMNS, place % COLUMNS], task, sample_length(task))
    return figure


def sample_length(task: Task) -> int:
    """A short length the task can have."""
    for T in (*USUAL_T, task.shortest):
        try:
            task.require(T)
        except BenchError:
            continue
        return T
    return task.shortest


def _panel(figure: Figure, place: Any, task: Task, T: int) -> None:
    batch = task.sample(generator("gallery", task, T), 1, T).rows([0])
    bits = task.outputs if _are_bits(task, batch) else 1
    values = task.loss == "squared_error" and bits == 1
    heights = (3.0, 1.6) if values else (3.4, min(1.8, 0.4 + 0.25 * bits))
    inner = place.subgridspec(2, 1, height_ratios=heights, hspace=0.16)
    shown = figure.add_subplot(inner[0])
    asked = figure.add_subplot(inner[1], sharex=shown)
    L = batch.inputs.shape[1]
    for axes in (shown, asked):
        for step in _places(batch.mask[0]):
            axes.axvspan(step - 0.5, step + 0.5, color=SHADE, linewidth=0, zorder=0)
        axes.grid(False)
        axes.tick_params(length=2, labelsize=6.5)
        axes.spines[["left", "bottom"]].set_color("#c8c8c8")
    draw_inputs(shown, batch)
    draw_targets(asked, task, batch)
    shown.tick_params(bottom=False, labelbottom=False)
    asked.set_xlim(-0.6, L - 0.4)
    asked.set_xticks([0, L - 1], ["1", str(L)])
    asked.set_ylabel("target", fontsize=6.5, color=ORANGE)
    shown.set_ylabel("input", fontsize=6.5, color=BLUE)
    about = inspect.cleandoc(type(task).__doc__ or "").splitlines()[0].replace("`", "")
    lines = textwrap.wrap(about, CAPTION, max_lines=2, placeholder=" ...")
    shown.set_title(f"{task.name}  (T={T})", fontsize=8.5, pad=5 + 8 * len(lines))
    shown.annotate(
        "\n".join(lines),
        (0, 1),
        (0, 2),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=6.5,
        color=GREY,
        va="bottom",
    )


def _signs(values: np.ndarray) -> np.ndarray:
    """Which columns hold nothing but -1, 0 and 1: symbols, bits and marks."""
    return np.asarray(np.isin(values, (-1, 0, 1)).all(axis=0))


def draw_inputs(axes: Axes, batch: Batch) -> None:
    """The inputs of the first sequence: a raster of symbols, or a line a feature."""
    values = batch.inputs[0]
    marks = _signs(values)
    if marks.all():
        _raster(axes, values, BLUE)
        return
    real = values[:, ~marks]
    span = max(float(np.ptp(real)), 1e-9)
    for place, line in enumerate(real.T):
        base = -1.1 * span * place
        axes.plot(line + base, color=BLUE, linewidth=1, marker="o", markersize=2.2)
    if real.shape[1] > 1:
        axes.set_yticks([])
    low = float(axes.get_ylim()[0])
    for place, mark in enumerate(values[:, marks].T):
        level = low - 0.22 * span * (place + 0.5)
        for sign, shape in ((1, "^"), (-1, "v")):
            steps = _places(mark == sign)
            if steps:
                axes.plot(steps, [level] * len(steps), shape, color=BLUE, markersize=4.5)


def _places(row: np.ndarray) -> list[int]:
    return [int(place) for place in np.flatnonzero(row)]


def draw_targets(axes: Axes, task: Task, batch: Batch) -> None:
    """The right answers at the target steps of the first sequence."""
    steps = _places(batch.mask[0])
    targets = batch.targets[0]
    axes.set_yticks([])
    if task.loss == "cross_entropy":
        axes.set_ylim(-0.5, 0.5)
        size = 6.5 if len(batch.mask[0]) <= FEW or len(steps) == 1 else 5
        for step in steps:
            axes.text(
                step, 0, str(targets[step]), color=ORANGE, size=size, ha="center", va="center"
            )
    elif _are_bits(task, batch):
        _raster(axes, targets * batch.mask[0][:, None], ORANGE)
    else:
        axes.plot(steps, targets[steps], color=ORANGE, linewidth=1, marker="o", markersize=2.2)
        axes.margins(y=0.25)
        if len(steps) > 1:
            axes.set_yticks([0])
            return
        told = ", ".join(f"{value:.2f}" for value in targets[steps[0]])
        place = (steps[0], float(targets[steps[0]].mean()))
        small: dict[str, Any] = {"fontsize": 6.5, "color": ORANGE, "ha": "right", "va": "center"}
        axes.annotate(told, place, (-5, 0), textcoords="offset points", **small)


def _are_bits(task: Task, batch: Batch) -> bool:
    """Whether the answers are several bits: in any loss but that of a class."""
    asked = batch.targets[0][batch.mask[0] > 0]
    return task.loss == "binary_cross_entropy" or (
        task.loss == "squared_error" and task.outputs > 1 and bool(_signs(asked).all())
    )


def _raster(axes: Axes, values: np.ndarray, colour: str) -> None:
    """A square where (step, symbol) is 1, a hollow one where it is -1; numbered if they fit."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    count = values.shape[1]
    numbered = len(values) <= FEW and 1 < count <= NUMBERED
    for sign, face, ink in ((1, colour, "white"), (-1, "none", colour)):
        places = [(int(t), int(s)) for t, s in np.argwhere(values == sign)]
        if not places:
            continue
        boxes = [Rectangle((t - 0.46, s - 0.46), 0.92, 0.92) for t, s in places]
        edge = "none" if sign > 0 else colour
        axes.add_collection(PatchCollection(boxes, facecolor=face, edgecolor=edge, linewidth=0.7))
        size = 6 if count <= 9 else 4.5
        for t, s in places if numbered else []:
            axes.text(t, s, str(s), color=ink, size=size, ha="center", va="center")
    axes.set_ylim(count - 0.4, -0.6)
    axes.set_yticks(sorted({0, count - 1}))
