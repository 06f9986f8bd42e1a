"""Do gated cells choose what to remember?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
import pandas as pd

from lstm_bench.experiments.base import Evidence, Experiment, stored_weights
from lstm_bench.experiments.runs import groups, log2_updates, rate_of
from lstm_bench.experiments.selective_figures import main_figure, supplement
from lstm_bench.experiments.settings import Allowed, Cells, Lengths, OwnTasks, Sequences, Tasks
from lstm_bench.experiments.words import interval, listed
from lstm_bench.plotting.figure import Figure
from lstm_bench.stats.means import mean_interval
from lstm_bench.sweep import Choice, Member, Sweep

KEYS = ["task", "cell", "T", "seed"]
GATES = ("f", "i", "o", "z", "r")
BASELINE = "lstm_peephole"  # which the variants below are, but for one gate
WITHOUT = {"i": "lstm_nig", "f": "lstm_nfg"}  # trained without this gate, which is 1
CLAMPED = {"i": "loss_without_input_gate", "f": "loss_without_forget_gate"}


@dataclass(frozen=True)
class SelectiveMemorySettings(OwnTasks):
    """What gates let in and what a network does without one: `cells`, and a peephole LSTM trained
    with and without its input and its forget gate.
    """

    tasks: Annotated[Tasks, "content decides what matters in them, not the clock"] = (
        Choice("flip_flop", {"preset": "liu2023"}, "flip-flop"),
        Choice("selective_copy", {"distractors": 4}, "selective copy"),
        Choice("adding"),
        Choice("temporal_order"),
        Choice("temporal_order_1997", label="temporal order of 1997"),
    )
    lengths: Annotated[Lengths, "of the tasks that name none"] = (40,)
    cells: Cells = ("lstm", "gru")
    learning_rate: Annotated[
        float, Allowed(exclusiveMinimum=0), "with and without a gate, and where none was tuned"
    ] = 0.01
    sequences: Annotated[Sequences, "held-out sequences the probe reads"] = 512
    lags: Annotated[
        tuple[int, ...], Allowed(minItems=1, items={"minimum": 0}), "steps since an input was shown"
    ] = (0, 1, 2, 4, 8, 16)


@dataclass(frozen=True)
class SelectiveMemory(Experiment):
    """Does it choose what to remember?

    In tasks in which some inputs matter and some do not: is the gate that writes more open on
    what matters, does the state still know it later, and what becomes of an LSTM whose input or
    forget gate may not choose?

    Gates and memory are read off the stored weights of replicates that solved the task, on
    held-out sequences. AUC: the chance that the gate that writes (LSTM: i; GRU: 1 - z; mean over
    units) is more open at a step that matters than at one that does not. Its control is the same
    gate's AUC for the relevance of another sequence, which is what a clock would reach. Beside
    it: the one unit that tells them best, chosen on half of the sequences and measured on the
    other, and the untrained network, whose gates also differ between inputs, in no direction.
    Memory: a ridge regression from the whole state to an input shown some steps before, R² on
    sequences it was not fitted to. What a gate is for is asked twice, of a peephole LSTM.
    Clamped: the gate of the trained network is held at its mean over steps and sequences, each
    unit at its own; a loss that rises shows that this network uses the gate's variation.
    Trained without it: the gate is 1 from the start (variants NIG and NFG of Greff et al. 2017),
    same width, rate and data; updates to solve over those of the peephole LSTM of the same seed,
    unsolved as the budget, so that a ratio is a bound where either leaves replicates unsolved.
    Means over replicates, of ratios and of the steps a state is kept geometric, with 95 %
    intervals.
    """

    name = "selective_memory"
    steps = True
    probe = "selective_memory"
    measures = ("auc_beyond_clock", "auc_beyond_untrained", "updates", *CLAMPED.values())
    settings: SelectiveMemorySettings = SelectiveMemorySettings()

    def members(self, sweep: Sweep) -> Iterable[Member]:
        """The cells at their own rates; the peephole LSTM, whole and without a gate, at one."""
        rate = {"learning_rate": float(self.settings.learning_rate)}
        untuned = set(sweep.untuned(self.tasks))
        retrained = (BASELINE, *WITHOUT.values())
        for task in self.tasks:
            for T in task.lengths:
                for cell in sweep.chosen(self.settings.cells):
                    own = rate if (task.shown, cell.shown) in untuned else {}
                    if cell.shown not in retrained:
                        yield Member(task.shown, cell.shown, sweep.condition(task, T, cell, **own))
                for name in retrained:
                    usual = sweep.condition(task, T, Choice(name), **rate)
                    yield Member(task.shown, name, replace(usual, network=dict(sweep.network)))

    def probe_settings(self, sweep: Sweep) -> dict[str, object]:
        """Of all networks that have both gates."""
        whole = [m for m in self.members(sweep) if m.cell not in WITHOUT.values()]
        return {
            **stored_weights(self, sweep, whole),
            "sequences": self.settings.sequences,
            "lags": sorted(self.settings.lags),
        }

    def table(self, evidence: Evidence) -> pd.DataFrame:
        """One row a measure; `n` replicates that solved, or all (`who`) where none did.

        Those of the probe, and of a network trained without a gate: `share` of the replicates that
        solve (Wilson), and `ratio` of the updates to those of the whole network.
        """
        assert evidence.probe is not None
        runs = evidence.runs.loc[evidence.runs.judged, [*KEYS, "condition", "solved"]]
        joined = evidence.probe[evidence.probe.measure != "trace"].merge(runs)
        rows = []
        for about, every in groups(joined, ["task", "cell", "T"]):
            solved = every[every.solved]
            judged, who = (solved, "solved") if len(solved) else (every, "unsolved")
            trained = every.drop_duplicates(["condition", "seed"]).shape[0]
            for point, group in groups(judged, ["measure", "of", "gate", "lag"]):
                # a constant is one over a gate's distance from 1: a ratio of scales
                geometric = point["measure"] == "constant"
                found = mean_interval(np.log(group.value) if geometric else group.value)
                ends = np.exp(found) if geometric else found
                row = {**about, **point, "gate": point["gate"] or "none", "n": len(group)}
                row |= {"trained": trained, "who": who}
                rows.append({**row, **dict(zip(("mean", "low", "high"), ends))})
        return pd.DataFrame([*rows, *_retrained(evidence.runs)])

    def measured(self, evidence: Evidence) -> pd.DataFrame:
        """Of every replicate; all but the updates where it solved its task.

        updates               to solve, or the budget
        auc_beyond_clock      AUC of the gate that writes, less that for what matters in another
                              sequence
        auc_beyond_untrained  less that of the same network before training
        loss_without_*_gate   what the loss rises by, in chance losses, with the gate clamped
        """
        assert evidence.probe is not None
        judged = evidence.runs[evidence.runs.judged]
        rows = evidence.probe.merge(judged.loc[judged.solved, [*KEYS, "condition"]])
        aucs = rows[rows.measure == "auc"].pivot_table("value", KEYS, "of")
        aucs = aucs.reindex(columns=["trained", "shuffled", "untrained"])
        losses = rows[rows.measure == "loss"]
        intact = losses[losses.of == "intact"].set_index(KEYS).value
        found = {
            "auc_beyond_clock": aucs.trained - aucs.shuffled,
            "auc_beyond_untrained": aucs.trained - aucs.untrained,
            "updates": judged.set_index(KEYS).updates,
        }
        for gate, column in CLAMPED.items():
            clamped = losses[(losses.of == "clamped") & (losses.gate == gate)]
            found[column] = clamped.set_index(KEYS).value - intact
        return pd.DataFrame(found).rename_axis(index=KEYS).reset_index()

    def summary(self, table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
        """One row a task and cell."""
        rows = []
        for (task, cell, T), group in table.groupby(["task", "cell", "T"], sort=False):
            row = {"task": task, "cell": cell, "T": T, "n": int(group.n.max())}
            row |= {"trained": int(group.trained.max()), "who": group.who.iloc[0]}
            for of in ("trained", "shuffled", "untrained"):
                row[f"auc_{of}"] = told(group, "auc", of)
            for of in ("trained", "untrained"):
                row[f"best_auc_{of}"] = told(group, "best_auc", of)
            row["steps_kept"] = told(group, "constant", "irrelevant", "{:.0f}")
            row["loss"] = told(group, "loss", "intact", "{:.3f}")
            for gate in GATES:
                row[f"loss_without_{gate}"] = told(group, "loss", "clamped", gate=gate)
            row["updates_ratio"] = told(group, "ratio", "retrained")
            rows.append(row)
        return pd.DataFrame(rows)

    def display(self, summary: pd.DataFrame) -> pd.DataFrame:
        """Without the columns that no cell fills, and with plain headings."""
        solved = summary.n.astype(str).where(summary.who == "solved", "0")
        shown = summary.drop(columns=["n", "trained", "who"])
        shown.insert(3, "solved", solved + " of " + summary.trained.astype(str))
        named = {c: c.replace("loss_without_", "loss, clamped ") for c in shown.columns}
        named["updates_ratio"] = "updates, times those with the gate"
        named |= {c: c.replace("_", " ") for c in shown.columns if "auc" in c or "kept" in c}
        return shown.rename(columns=named).dropna(axis=1, how="all")

    def verdict(self, table: pd.DataFrame, summary: pd.DataFrame) -> dict[str, object]:
        parts = []
        aucs = table[(table.measure == "auc") & (table.who == "solved")]
        for task, group in aucs.groupby("task", sort=False):
            of = {k: g.set_index("cell")["mean"] for k, g in group.groupby("of")}
            parts.append(
                f"{task}: "
                + ", ".join(
                    f"{cell} {value:.2f} (other sequence {of['shuffled'][cell]:.2f})"
                    for cell, value in of["trained"].items()
                    if cell != BASELINE
                )
            )
        if not parts:
            return {"answer": "No replicate with a gate that writes solved any of the tasks."}
        lead = "AUC of the gate that writes for what matters, in replicates that solved the task"
        return {"answer": listed(lead, parts)}

    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        """Of the first cell with a gate that writes: AUCs; and what a missing gate does."""
        return main_figure(table)

    def supplement(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        """Every cell: one sequence's gates, AUCs, what is read from the state, clamped losses."""
        return supplement(table, evidence)


def _retrained(runs: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Rows of the table: every cell's share solved, and each variant's ratio of updates."""
    runs = runs[runs.judged]
    runs = runs.assign(log2_updates=log2_updates(runs))
    for (task, T), group in runs.groupby(["task", "T"], sort=False):
        logs = group.pivot_table(index="seed", columns="cell", values="log2_updates")
        for about, own in groups(group, ["cell"]):
            row = {"task": task, **about, "T": T, "of": "retrained", "gate": "none", "lag": -1}
            row |= {"who": "solved" if own.solved.any() else "unsolved"}
            rate = rate_of(own)
            share = {"mean": rate["share"], "low": rate["low"], "high": rate["high"]}
            yield {**row, "measure": "share", "n": rate["n"], "trained": rate["n"], **share}
            gate = next((gate for gate, name in WITHOUT.items() if name == about["cell"]), "")
            if gate and BASELINE in logs:
                paired = (logs[about["cell"]] - logs[BASELINE]).dropna()
                ratio = 2.0 ** np.asarray(mean_interval(paired))
                row |= dict(zip(("mean", "low", "high"), ratio))
                yield {
                    **row,
                    "measure": "ratio",
                    "gate": gate,
                    "n": len(paired),
                    "trained": len(own),
                }


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
