"""The figures of selective_memory: what is found, and everything else that was measured."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from lstm_bench.experiments.base import Evidence
from lstm_bench.plotting.figure import Axis, Figure, Layer, figure, panel
from lstm_bench.plotting.palette import BLACK, BLUE, GREEN, GREY, RED

GATES = ("f", "i", "o", "z", "r")
MATTERS = "gate == 'write' and of == 'relevant'"
TRAINED, OTHER, UNTRAINED = "trained", "other sequence", "untrained"
OF = {"trained": TRAINED, "shuffled": OTHER, "untrained": UNTRAINED}
GATE = {"i": "input gate", "f": "forget gate"}
PLACES = {TRAINED: BLUE, OTHER: GREY, UNTRAINED: BLACK, GATE["i"]: RED, GATE["f"]: GREEN}


def main_figure(table: pd.DataFrame) -> Figure:
    """AUCs of the first cell that has them; what clamping a gate does, and training without it."""
    aucs = table[table.measure.isin(["auc", "best_auc"])]
    first = aucs[aucs.cell == aucs.cell.iloc[0]] if len(aucs) else aucs
    aucs = first.assign(series=first.of.map(OF))
    cell = first.cell.iloc[0] if len(first) else "no cell"
    gated = table[table.gate.isin(list(GATE))]
    gated = gated.assign(series=gated.gate.map(GATE))
    clamped = gated[(gated.measure == "loss") & (gated.cell == "lstm_peephole")]
    ratios = gated[gated.measure == "ratio"]
    tasks = Axis("", "names", names=list(dict.fromkeys(table.task)))
    mean = partial(
        Layer, "task", "mean", "low", "high", by="series", look="points", faded="who != 'solved'"
    )
    panels = [
        panel(
            tasks,
            Axis("AUC for the steps that matter", "share"),
            mean(only="measure == 'auc'", rows=aucs),
            title=f"{cell}, gate that writes, mean over units",
            guides=(0.5,),
            flipped=True,
            empty="no cell has a gate that writes",
        ),
        panel(
            tasks,
            Axis("AUC for the steps that matter", "share"),
            mean(only="measure == 'best_auc'", rows=aucs),
            title=f"{cell}, the unit that is best on other sequences",
            guides=(0.5,),
            flipped=True,
            empty="no cell has a gate that writes",
        ),
        panel(
            tasks,
            Axis("loss / chance loss", "log"),
            mean(rows=clamped),
            title="lstm_peephole, one gate held at its mean",
            guides=(1.0,),
            flipped=True,
            empty="no gate could be held",
        ),
        panel(
            tasks,
            Axis("updates to solve, ratio to lstm_peephole", "log"),
            mean(rows=ratios),
            title="trained without the gate",
            guides=(1.0,),
            flipped=True,
            empty="no replicate to compare with",
        ),
    ]
    note = (
        "n = {n} replicates; bars: 95 % intervals. AUCs and held gates: of replicates "
        "that solved the task; faded: none did, and a ratio of updates is a bound"
    )
    return figure(table, panels, PLACES, note, finding=finding(table))


def finding(table: pd.DataFrame) -> str:
    """What the main figure shows, in a sentence: counts of tasks."""
    parts = []
    aucs = table[(table.measure == "auc") & (table.who == "solved")]
    if len(aucs):
        own = aucs[aucs.cell == aucs.cell.iloc[0]]
        ends = own.pivot_table(["low", "high"], "task", "of", dropna=False)
        above = (ends["low"]["trained"] > ends["high"]["shuffled"]).to_numpy()
        opens = f"{aucs.cell.iloc[0]}'s gate that writes opens on what matters in "
        parts.append(f"{opens}{above.sum()} of {above.size} tasks")
    share = table[table.measure == "share"].pivot_table("mean", "task", "cell")
    if {"lstm_peephole", "lstm_nig", "lstm_nfg"} <= set(share):
        solved = (share[share.lstm_peephole >= 0.5] >= 0.5).sum()
        parts.append(
            f"trained without its input gate an LSTM solves {solved.lstm_nig}, without its forget "
            f"gate {solved.lstm_nfg} of {solved.lstm_peephole}"
        )
    return "; ".join(parts) or "No task was solved by a network with a gate that writes"


def supplement(table: pd.DataFrame, evidence: Evidence) -> Figure:
    """A column of panels a task: gates of one sequence, AUCs, memory, and losses when clamped."""
    traces = _traces(evidence)
    table = table.sort_values("lag", kind="stable")
    gated = table.query("measure == 'loss' and gate != 'none'")
    gates = [gate for gate in GATES if gate in set(gated.gate)]
    lost = table[table.cell.isin(gated.cell) & (table.measure == "loss")]
    top = 2 * np.nanmax([1, *lost.high, *lost["mean"]])
    memory = "measure == 'memory' and of =="
    mean = partial(Layer, y="mean", low="low", high="high", faded="who != 'solved'")
    panels = [
        panel(
            Axis("step (marks: it matters)"),
            Axis("mean gate, one sequence (i or 1 – z; faded: f or z)", "share"),
            Layer("lag", "value", look="curve", only="gate == 'write'", rows=traces),
            Layer("lag", "value", look="curve", only="gate == 'keep'", faded=True, rows=traces),
            Layer("lag", "value", look="points", only=MATTERS, rows=traces),
            empty="no gated cell solved it",
        ),
        panel(
            Axis("", "names", names=OF),
            Axis("AUC of the gate that writes", "share"),
            mean("of", look="points", only="measure == 'auc'"),
            guides=(0.5,),
        ),
        panel(
            Axis("steps ago (open: irrelevant)", "names"),
            Axis("R² of an input read from the state", limits=(-0.15, 1.05)),
            mean("lag", only=f"{memory} 'relevant'"),
            mean("lag", only=f"{memory} 'irrelevant'", hollow=True),
            Layer("lag", "mean", only=f"{memory} 'untrained'", look="curve", thin=True),
            guides=(0.0,),
        ),
        panel(
            Axis("gate held at its mean", "names", names=["none", *gates]),
            Axis("loss / chance loss, gate clamped", "symlog", limits=(0, top)),
            mean("gate", look="points", rows=lost),
            guides=(1.0,),
        ),
    ]
    note = (
        "n = {n} replicates that solved the task (faded: none did, all trained ones); bars: "
        "95 % intervals; thin lines: untrained"
    )
    return figure(table, panels, evidence.cells, note, ["task"])


def _traces(evidence: Evidence) -> pd.DataFrame:
    """Gates of one sequence in the first replicate of each cell that solved the task."""
    assert evidence.probe is not None
    solved = evidence.runs.loc[evidence.runs.solved, ["condition", "seed", "task", "cell"]]
    rows = evidence.probe[evidence.probe.measure == "trace"].merge(solved)
    first = rows.groupby(["task", "cell"]).seed.transform("min")
    return rows[rows.seed == first]
