"""What the state keeps and tracks, what holds beyond the trained length, and the cost."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from lstm_bench.experiments.words import interval
from lstm_bench.plotting.figure import LENGTH, Axis, Layer
from lstm_bench.report.card.parts import Findings, Part, drawn, listed, means, span

MEANS = ("mean", "low", "high")
OF = {"relevant": "what matters", "irrelevant": "what does not", "untrained": "untrained"}
UNREAD = "no state could be read"
R2 = (-0.1, 1.05)  # what a panel shows of it


def memory(found: Findings, cells: Sequence[str]) -> Part:
    """R² of the input that mattered, read from the state, against the steps since."""
    rows = _read(found, cells)
    rows = rows[rows.of == "relevant"]
    task = next(iter(rows.task), "")
    picture = drawn(
        f"Memory curve, {task}",
        Axis("steps since it was shown"),
        Axis("R² of what mattered", limits=R2),
        Layer("lag", *MEANS, rows=rows, faded="who != 'solved'"),
        empty=UNREAD,
    )
    sentence = f"{UNREAD.capitalize()}."
    if len(rows):
        lag = _far(rows)
        here = rows[rows.lag == lag]
        sentence = (
            f"{lag} steps after an input that matters on {task}, a linear readout of "
            f"the state explains this share of its variance: {means(here, cells, MEANS, '{:.2f}')} "
            f"(n = {span(here.n)} seeds{_of_whom(here)}; 95 % intervals)."
        )
    return Part("How long does the state keep an input?", sentence, picture, rows)


def kept(found: Findings, cells: Sequence[str]) -> Part:
    """What matters against what does not, and the untrained network, at one lag."""
    rows = _read(found, cells)
    rows = rows[rows.of.isin(list(OF))]
    lag = _far(rows)
    here = rows[rows.lag == lag]
    here = here.assign(what=here.of.map(OF))
    picture = drawn(
        f"What is kept, {lag} steps later",
        Axis("", "names", names=list(OF.values())),
        Axis("R² of the input", limits=R2),
        Layer("what", *MEANS, look="points", rows=here, faded="who != 'solved'"),
        empty=UNREAD,
    )
    told = [
        f"{what}: {means(group, cells, MEANS, '{:.2f}')}"
        for what, group in here.groupby("what", sort=False)
    ]
    sentence = f"{UNREAD.capitalize()}."
    if told:
        sentence = (
            f"{lag} steps later, R² of inputs read from the state: {'; '.join(told)} (n = "
            f"{span(here.n)} seeds{_of_whom(here)}; 95 % intervals)."
        )
    return Part("Which information is kept?", sentence, picture, here)


def _far(rows: pd.DataFrame) -> int:
    """The longest lag at which most is known: a wide state takes more pairs than lie far apart."""
    known = rows.groupby("lag").size()
    return int(max(known.index, key=lambda lag: (known[lag], lag), default=0))


def tracking(found: Findings, cells: Sequence[str], task: str) -> Part:
    """The share of seeds that solve a task of state tracking, against T."""
    rows = found.table[found.table.task == task]
    picture = drawn(
        f"State tracking, {task}",
        LENGTH,
        Axis("share of seeds that solve it", "share"),
        Layer("T", "share", "low", "high", only="n > 0", rows=rows),
        empty="nothing was trained",
        guides=(0.5,),
    )
    told = []
    for cell in cells:
        own = rows[(rows.cell == cell) & (rows.n > 0)].sort_values("T")
        for row in pd.concat([own.head(1), own[own.solved > 0]]).tail(1).itertuples():
            share = f"{row.solved} of {row.n}{interval(row.low, row.high, '{:.2f}')}"
            told.append((cell, f"{share} at T = {row.T}"))
    sentence = (
        f"On {task}, whose answer depends on every input and on their order, seeds that solve it "
        f"at the longest length that any of the cell's seeds solves: {listed(told)} (Wilson 95 % "
        "intervals)."
    )
    return Part("Does it track a state?", sentence, picture, rows)


def extrapolation(found: Findings, cells: Sequence[str]) -> Part:
    """The score beyond the trained length, of the seeds that solved it there."""
    times = found.table.times.max()
    rows = found.table[(found.table.times == times) & (found.table.solved > 0)]
    picture = drawn(
        f"At {times} times the trained length",
        Axis("", "names", names=list(dict.fromkeys(found.table.task))),
        Axis("score (1: perfect)", limits=(-0.04, 1.08)),
        Layer("task", "score", "score_low", "score_high", look="points", rows=rows),
        empty="no seed solved the trained length",
    )
    told = []
    for task, group in rows.groupby("task", sort=False):
        by_cell = group.set_index("cell")
        each = [
            (
                cell,
                f"{row.still:g} of {row.solved}{interval(row.still_low, row.still_high, '{:.2f}')}"
                f", score {row.score:.2f}{interval(row.score_low, row.score_high, '{:.2f}')}",
            )
            for cell in cells
            if cell in by_cell.index
            for row in [by_cell.loc[cell]]
        ]
        told.append(f"{task}: {listed(each)}")
    sentence = "No seed solved the trained length."
    if told:
        sentence = (
            f"Trained at T = {span(rows['T'])} and tested at {times} times that, of the seeds that "
            f"solved it there still solve it (95 % intervals): {'; '.join(told)}."
        )
    return Part("Does it know more than it has seen?", sentence, picture, found.shown)


def cost(found: Findings, cells: Sequence[str]) -> Part:
    """Milliseconds of an update, at the widths of the card."""
    along = found.table[found.table.along_T]
    named = {"update_seconds": "ms", "low_seconds": "low", "high_seconds": "high"}
    rows = along.assign(**{name: 1e3 * along[column] for column, name in named.items()})
    picture = drawn(
        "Cost of an update",
        LENGTH,
        Axis("ms per update and seed", "log"),
        Layer("T", *named.values(), rows=rows),
        empty="nothing was timed",
    )
    here = rows[rows["T"] == rows["T"].max()]
    backends = ", ".join(dict.fromkeys(here.backend))
    sentence = (
        f"An update at T = {span(here['T'])}, batch {span(here.batch)}, takes this many ms a seed: "
        f"{means(here, cells, ('ms', 'low', 'high'), '{:.2f}')} (median and quartiles of "
        f"{span(here.samples)} samples, {span(here.replicates)} seeds side by side, one thread, "
        f"backend {backends})."
    )
    return Part("What does a step cost?", sentence, picture, found.shown)


def _read(found: Findings, cells: Sequence[str]) -> pd.DataFrame:
    """What was read from the states on the first task of it."""
    rows = found.table[(found.table.measure == "memory") & found.table.cell.isin(list(cells))]
    return rows[rows.task == next(iter(rows.task), "")]


def _of_whom(rows: pd.DataFrame) -> str:
    """Whether the replicates read are those that solved the task: others only where none did."""
    none = ", ".join(dict.fromkeys(rows.cell[rows.who != "solved"]))
    return f"; of {none} no seed solved it" if none else " that solved it"
