"""How far back, how fast, over how many steps a gradient lasts, and which seeds diverge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lstm_bench.experiments.words import interval
from lstm_bench.plotting.figure import LENGTH, Axis, Layer
from lstm_bench.report.card.parts import Findings, Part, drawn, listed, means, span
from lstm_bench.stats.rates import wilson

ENDS = ("diverged", "timeout", "error")
STAGES = ("at the start", "when solved")


def horizon(found: Findings, cells: Sequence[str], tasks: Sequence[str]) -> Part:
    """T* of every task, as the lengths between which it lies."""
    rows = found.summary.assign(middle=np.sqrt(found.summary.low * found.summary.high))
    lengths = found.table["T"]
    bars, points = {"rows": rows, "look": "points"}, {"rows": rows, "look": "points", "size": 6}
    picture = drawn(
        "How far back: T*",
        Axis("", "names", names=list(tasks)),
        Axis("T* (sequence length)", "log", limits=(lengths.min() / 2, lengths.max() * 2)),
        Layer("task", "middle", "low", "high", only="low > 0 and high > 0", **bars),
        Layer("task", "low", marker=">", only="high != high", **points),
        Layer("task", "high", marker="<", only="low != low", **points),
        flipped=True,
        empty="these seeds bound no T*",
    )
    told = []
    for task in tasks:
        shown = rows[rows.task == task].set_index("cell").shown
        told.append(f"{task}: {listed((c, str(shown[c])) for c in cells if c in shown)}")
    sentence = (
        "T*, the length at which half of the seeds cease to solve a task, lies between these "
        f"lengths (n = {span(found.table.n[found.table.n > 0])} seeds a length; < and > stand for "
        f"beyond the lengths tried): {'; '.join(told)}."
    )
    return Part("How far back does it remember?", sentence, picture, found.shown)


def updates(found: Findings, cells: Sequence[str], task: str) -> Part:
    """Mean updates to solve against T on one task."""
    columns = ("mean_updates", "mean_updates_low", "mean_updates_high")
    rows = found.table[found.table.task == task]
    picture = drawn(
        f"Updates to solve {task}",
        LENGTH,
        Axis("mean updates (up to the budget)", "log"),
        Layer("T", *columns, faded="solved * 2 < n", rows=rows),
        empty="nothing was trained",
    )
    able = rows[rows.solved * 2 >= rows.n]
    own = able[able.cell == cells[0]]
    if own.empty:
        sentence = f"{cells[0]} solves no length of {task} in half of its seeds."
    else:
        T = own["T"].max()
        here = able[able["T"] == T]
        sentence = (
            f"On {task} at T = {T}, the longest that {cells[0]} solves in half of its seeds, the "
            f"mean of the updates to solve is {means(here, cells, columns, '{:.0f}')} (n = "
            f"{span(here.n)} seeds, 95 % intervals; an unsolved seed counts as the budget)."
        )
    return Part("How fast does it learn?", sentence, picture, found.shown)


def gradients(found: Findings, cells: Sequence[str], task: str) -> Part:
    """What ten steps keep of the gradient's norm, at the start and in networks that solved."""
    columns = ("kept", "kept_low", "kept_high")
    rows = found.table[found.table.task == task]
    start = rows[rows.stage == "init"]
    start = start[start["T"] == start["T"].max()]
    end = rows[(rows.stage == "end") & (2 * rows.solved >= rows.trained)]
    end = end[end["T"] == end.groupby("cell")["T"].transform("max")]
    both = pd.concat([each.assign(when=when) for when, each in zip(STAGES, (start, end))])
    picture = drawn(
        f"Gradient kept by ten steps, on {task}",
        Axis("", "names", names=list(STAGES)),
        Axis("share of the norm of dL/dh", "share"),
        Layer("when", *columns, look="points", rows=both),
        empty="no gradient could be measured",
    )
    told = [
        f"{when} {means(group, cells, columns, '{:.2g}')}"
        for when, group in both.groupby("when", sort=False)
    ]
    sentence = (
        f"Ten steps back, of the norm of dL/dh is left on {task} {'; '.join(told)} (1 is a flat "
        f"gradient; means over n = {span(both.n)} seeds, 95 % intervals; at the start at T = "
        f"{span(start['T'])}, when solved at the longest T that half of the seeds solve)."
    )
    return Part("How far back do gradients flow?", sentence, picture, found.shown)


def ends(found: Findings, cells: Sequence[str]) -> Part:
    """How many of all seeds that were trained diverged, timed out or ended in an error."""
    runs = found.evidence.runs
    runs = runs[runs.tried].drop_duplicates(["condition", "seed"])
    rows = []
    for cell in cells:
        status = runs[runs.cell == cell].status
        counts = {end: int((status == end).sum()) for end in ENDS}
        share = counts["diverged"] / max(1, len(status))
        row = {"cell": cell, "trained": len(status), "solved": int((status == "solved").sum())}
        limits = dict(zip(("low", "high"), wilson(counts["diverged"], len(status))))
        rows.append({**row, **counts, "share": share, **limits})
    table = pd.DataFrame(rows)
    picture = drawn(
        "Seeds that diverge",
        Axis("", "names", names=list(cells)),
        Axis("share of all seeds trained", "share"),
        Layer("cell", "share", "low", "high", look="points", rows=table),
        empty="nothing was trained",
    )
    told = listed(
        (row.cell, f"{row.diverged} of {row.trained}{interval(row.low, row.high, '{:.2f}')}")
        for row in table.itertuples()
    )
    others = int(table.timeout.sum() + table.error.sum())
    sentence = (
        f"Of the seeds trained on all tasks and lengths diverged (Wilson 95 % intervals): {told}; "
        f"{others} of all ran out of time or ended in an error of the machine."
    )
    return Part("Do seeds diverge?", sentence, picture, table)
