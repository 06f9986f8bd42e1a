"""Do gated cells choose what to remember?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import numpy as np
import pandas as pd

from lstm_bench.experiments.base import Evidence, Experiment, stored_weights
from lstm_bench.experiments.runs import groups
from lstm_bench.experiments.settings import Allowed, Cells, OwnTasks, Sequences, Tasks
from lstm_bench.experiments.words import interval, listed
from lstm_bench.plotting.figure import Axis, Figure, Layer, figure, panel
from lstm_bench.stats.means import mean_interval
from lstm_bench.sweep import Choice, Member, Sweep

KEYS = ["task", "cell", "T", "seed"]
MATTERS = "gate == 'write' and of == 'relevant'"
GATES = ("f", "i", "o", "z", "r")


@dataclass(frozen=True)
class SelectiveMemorySettings(OwnTasks):
    """Gates, memory and what breaks without a gate, from stored weights."""

    tasks: Tasks = (
        Choice("flip_flop", {"preset": "liu2023"}, "flip-flop"),
        Choice("selective_copy", {"distractors": 4}, "selective copy"),
        Choice("temporal_order"),
    )
    cells: Cells = ("lstm", "gru", "lstm (chrono)")
    sequences: Annotated[Sequences, "held-out sequences the probe reads"] = 512
    lags: Annotated[
        tuple[int, ...], Allowed(minItems=1, items={"minimum": 0}), "steps since an input was shown"
    ] = (0, 1, 2, 4, 8, 16)


@dataclass(frozen=True)
class SelectiveMemory(Experiment):
    """Does it choose what to remember?

    In networks that solved a task in which some inputs matter and some do not: is the gate that
    writes more open on what matters, does the state still know it later, and does the network
    need its gates to vary?

    From the stored weights of the replicates that solved the task, on held-out sequences. AUC:
    the chance that the gate that writes (LSTM: i; GRU: 1 - z; mean over units) is more open at
    a step that matters than at one that does not; its controls are the untrained network and
    the relevance of another sequence, which is what a mere clock would reach. Memory: a ridge
    regression from the whole state to an input shown some steps before, R² on sequences it was
    not fitted to, for the last input that matters and for those that do not. Clamping: one gate
    is held at its mean over steps and sequences, each unit at its own, and nothing is
    retrained: a loss that rises shows that the network uses the gate's variation, not that no
    other network could do without. Means over replicates with 95 % intervals; of the
    steps a state is kept, geometric ones.
    """

    name = "selective_memory"
    probe = "selective_memory"
    measures = ("auc_above_controls", "loss_without_choice")
    settings: SelectiveMemorySettings = SelectiveMemorySettings()

    def members(self, sweep: Sweep) -> Iterable[Member]:
        return sweep.members(self.tasks, sweep.chosen(self.settings.cells))

    def probe_settings(self, sweep: Sweep) -> dict[str, object]:
        return {
            **stored_weights(self, sweep),
            "sequences": self.settings.sequences,
            "lags": sorted(self.settings.lags),
        }

    def table(self, evidence: Evidence) -> pd.DataFrame:
        """One row a measure; `n` replicates that solved, or all (`who`) where none did."""
        assert evidence.probe is not None
        runs = evidence.runs.loc[evidence.runs.judged, [*KEYS, "condition", "solved"]]
        joined = evidence.probe[evidence.probe.measure != "trace"].merge(runs)
        rows = []
        for about, every in groups(joined, ["task", "cell", "T"]):
            solved = every[every.solved]
            judged, who = (solved, "solved") if len(solved) else (every, "unsolved")
            for point, group in groups(judged, ["measure", "of", "gate", "lag"]):
                # a constant is one over a gate's distance from 1: a ratio of scales
                ratio = point["measure"] == "constant"
                found = mean_interval(np.log(group.value) if ratio else group.value)
                ends = np.exp(found) if ratio else found
                rows.append(
                    {
                        **about,
                        **point,
                        "gate": point["gate"] or "none",
                        "n": len(group),
                        "trained": every.drop_duplicates(["condition", "seed"]).shape[0],
                        "who": who,
                        **dict(zip(("mean", "low", "high"), ends)),
                    }
                )
        return pd.DataFrame(rows)

    def measured(self, evidence: Evidence) -> pd.DataFrame:
        """Of every replicate that solved its task and has gates that write and keep.

        auc_above_controls    AUC of the gate that writes, less that of its better control
        loss_without_choice   what the loss rises by, in memoryless chance losses, with a gate that
                              writes or keeps (i, f; of a GRU z) clamped to its mean; a mean over
                              these
        """
        assert evidence.probe is not None
        solved = evidence.runs.loc[evidence.runs.solved, [*KEYS, "condition"]]
        rows = evidence.probe[evidence.probe.measure.isin(["auc", "loss"])].merge(solved)
        aucs = rows[rows.measure == "auc"].pivot_table("value", KEYS, "of")
        aucs = aucs.reindex(columns=["trained", "shuffled", "untrained"])
        above = aucs.trained - aucs[["shuffled", "untrained"]].max(axis=1)
        losses = rows[rows.measure == "loss"]
        intact = losses[losses.of == "intact"].set_index(KEYS).value
        held = losses[(losses.of == "clamped") & losses.gate.isin(["i", "f", "z"])]
        rise = held.groupby(KEYS, sort=False).value.mean() - intact
        found = {"auc_above_controls": above, "loss_without_choice": rise}
        return pd.DataFrame(found).rename_axis(index=KEYS).reset_index()

    def summary(self, table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
        """One row a task and cell: what the first panel and the last show."""
        rows = []
        for (task, cell, T), group in table.groupby(["task", "cell", "T"], sort=False):
            row = {
                "task": task,
                "cell": cell,
                "T": T,
                "n": int(group.n.max()),
                "trained": int(group.trained.max()),
                "who": group.who.iloc[0],
            }
            for of in ("trained", "shuffled", "untrained"):
                row[f"auc_{of}"] = told(group, "auc", of)
            row["steps_kept"] = told(group, "constant", "irrelevant", "{:.0f}")
            for gate in GATES:
                row[f"loss_without_{gate}"] = told(group, "loss", "clamped", gate=gate)
            row["loss"] = told(group, "loss", "intact", "{:.3f}")
            rows.append(row)
        return pd.DataFrame(rows)

    def display(self, summary: pd.DataFrame) -> pd.DataFrame:
        """Without the columns that no cell fills, and with plain headings."""
        solved = summary.n.astype(str).where(summary.who == "solved", "0")
        shown = summary.drop(columns=["n", "trained", "who"])
        shown.insert(3, "solved", solved + " of " + summary.trained.astype(str))
        named = {c: c.replace("loss_without_", "loss, clamped ") for c in shown.columns}
        return shown.rename(columns=named).dropna(axis=1, how="all")

    def verdict(self, table: pd.DataFrame, summary: pd.DataFrame) -> dict[str, object]:
        parts = []
        aucs = table[(table.measure == "auc") & (table.who == "solved")]
        for task, group in aucs.groupby("task", sort=False):
            of = {k: g.set_index("cell")["mean"] for k, g in group.groupby("of")}
            parts.append(
                f"{task}: "
                + ", ".join(
                    f"{cell} {value:.2f} (shuffled {of['shuffled'][cell]:.2f}, untrained "
                    f"{of['untrained'][cell]:.2f})"
                    for cell, value in of["trained"].items()
                )
            )
        if not parts:
            return {"answer": "No replicate with a gate that writes solved any of the tasks."}
        lead = (
            "AUC of the gate that writes against what matters, in replicates that solved the task"
        )
        return {"answer": listed(lead, parts)}

    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        """One sequence's gates, AUCs, what is read from the state, and losses of clamped gates."""
        table, traces = table.sort_values("lag", kind="stable"), _traces(evidence)
        gated = table.query("measure == 'loss' and gate != 'none'")
        gates = [gate for gate in GATES if gate in set(gated.gate)]
        lost = table[table.cell.isin(gated.cell) & (table.measure == "loss")]
        top = 2 * np.nanmax([1, *lost.high, *lost["mean"]])
        kinds = {"trained": "trained", "shuffled": "other sequence", "untrained": "untrained"}
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
                Axis("", "names", names=kinds),
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


def told(
    group: pd.DataFrame, measure: str, of: str, form: str = "{:.2f}", gate: str = ""
) -> str | None:
    """`0.93 [0.90, 0.96]`, or None where it was not measured."""
    at = group[(group.measure == measure) & (group.of == of)]
    at = at[at.gate == gate] if gate else at
    if at.empty or pd.isna(at["mean"].iloc[0]):
        return None
    row = at.iloc[0]
    return form.format(row["mean"]) + interval(row.low, row.high, form)
