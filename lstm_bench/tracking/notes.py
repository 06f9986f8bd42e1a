"""The descriptions above the runs, in markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lstm_bench.store.planned import PlannedCondition

NOTE = "mlflow.note.content"
GAP = "&emsp;"  # MLflow sets the cells of a table without one
ROWS = 60  # MLflow cuts a note of more than 8000 characters
HEADER = f"| seed | {GAP}status | {GAP}updates to solve | {GAP}test score |"


def replicate(row: Mapping[str, Any], entry: PlannedCondition) -> str:
    """One sentence: how the replicate ended."""
    why = f" ({row['reason']})" if row["reason"] else ""
    criterion = _criterion(entry)
    if row["status"] == "solved":
        return f"Solved after {row['updates_to_solve']} updates: {criterion}, confirmed."
    told = {
        "unsolved": f"Not solved in {row['updates']} updates{why}; asked: validation {criterion}.",
        "diverged": f"Diverged at update {row['updates']}{why}; test was not read.",
        "timeout": f"Ran out of time at update {row['updates']}{why}.",
    }
    return told.get(row["status"], f"Ended in an error{why}: no result, left out of every share.")


def _criterion(entry: PlannedCondition) -> str:
    if not entry.score_name:
        return "at the task's criterion"  # of a plugin that is not loaded
    if entry.solved_score > 1:
        return "never: data from a file have no criterion"
    return f"{entry.score_name} ≥ {entry.solved_score:g}"


def condition(
    rows: Sequence[Mapping[str, Any]], entry: PlannedCondition, median: float | None
) -> str:
    """How many solved it and when, a row a seed, and what the numbers of the run stand for."""
    judged = [row for row in rows if row["status"] != "error"]
    solved = sum(row["status"] == "solved" for row in judged)
    asked = _criterion(entry)
    when = f", the median after {median:g} updates" if median is not None else ""
    lines = [HEADER, "|---:|:--|---:|---:|"]
    for row in rows[:ROWS]:
        why = f" ({row['reason']})" if row["reason"] else ""
        score = "" if row["test_score"] is None else f"{row['test_score']:.4g}"
        at = row["updates_to_solve"] if row["status"] == "solved" else ""
        lines.append(f"| {row['seed']} | {GAP}{row['status']}{why} | {GAP}{at} | {GAP}{score} |")
    if len(rows) > ROWS:
        lines.append(f"| … | {GAP}{len(rows) - ROWS} more | | |")
    return "\n".join(
        [
            f"{solved} of {len(judged)} replicates solved it (validation {asked}){when}.",
            "",
            *lines,
            "",
            "`solved` is the share of replicates; every other metric and curve is their median, "
            "where unsolved counts as later than any. *Child runs* are the replicates.",
        ]
    )


def in_python(tracked: str, runs: str) -> list[str]:
    """Lines of Python for the share of replicates that solve it, by cell and T."""
    return [
        "```python",
        "runs = mlflow.search_runs(",
        f"    experiment_names=[{json.dumps(tracked)}],",
        f'    filter_string="{runs}",',
        ")",
        'runs.pivot(index=["params.task", "params.cell"], columns="metrics.T", '
        'values="metrics.solved")',
        "```",
    ]


def experiment(name: str, answer: str) -> str:
    """The answer, then the question it was given to."""
    from lstm_bench.experiments.base import registry

    known = registry().get(name)
    question = f"\n\nQuestion: *{known.question}*" if known else ""
    return f"{answer}{question}\n\nFigure and tables: see *Artifacts*."
