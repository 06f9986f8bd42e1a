"""Drawing the conclusions of one experiment: from stored runs to table, verdict and figure."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pandas as pd

from lstm_bench.errors import unknown
from lstm_bench.experiments.base import Evidence, Experiment, registry
from lstm_bench.store.collect import collect, read_all
from lstm_bench.store.files import write_bytes, write_json
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan


def create(name: str) -> Experiment:
    """Raises BenchError for an unknown name."""
    known = registry()
    if name not in known:
        raise unknown("experiment", name, known)
    return known[name]()


def evidence(plan: Plan, name: str, results: Results) -> Evidence:
    """Everything stored for an experiment. Raises DamagedFile."""
    entry = plan.experiments[name]
    pairs = plan.blocks([name])
    labels = pd.DataFrame(entry["members"], columns=["task", "cell", "condition"])
    labels = labels.rename(columns={"task": "task_label", "cell": "cell_label"})
    tables = {}
    for table in ("replicates", "curves", "timing"):
        rows = collect(results, pairs, table)
        tables[table] = rows.merge(labels, on="condition", how="left") if len(rows) else rows
    if len(tables["replicates"]):
        shared = tables["replicates"][["condition", "seed", "T", "status"]]
        for table in ("curves", "timing"):
            tables[table] = tables[table].merge(shared, on=["condition", "seed"])
    probe = plan.probe_files(name)
    return Evidence(
        **tables,
        probe=read_all([results.root / path for path in probe]) if probe else None,
        tasks=[each["shown"] for each in plan.data["sweep"]["tasks"]],
        cells=[each["shown"] for each in plan.data["sweep"]["cells"]],
        plan=plan.conditions,
    )


def conclude(plan: Plan, name: str, results: Results) -> Path:
    """Write table.csv, summary.csv and verdict.json; returns their folder."""
    experiment, seen = create(name), evidence(plan, name, results)
    table = experiment.table(seen)
    summary = experiment.summary(table, seen)
    folder = results.experiment(name)
    write_bytes(folder / "table.csv", csv_bytes(table))
    write_bytes(folder / "summary.csv", csv_bytes(summary))
    write_json(folder / "verdict.json", _plain(experiment.verdict(table, summary)))
    return folder


def draw(plan: Plan, name: str, results: Results) -> Path:
    """Write the figure as SVG, PDF and PNG, from the stored table and runs."""
    from lstm_bench.plotting.style import figure_bytes, paper_style

    experiment, folder = create(name), results.experiment(name)
    with paper_style():
        figure = experiment.figure(
            pd.read_csv(folder / "table.csv"),
            pd.read_csv(folder / "summary.csv"),
            evidence(plan, name, results),
        )
        for kind in ("svg", "pdf", "png"):
            write_bytes(folder / f"figure.{kind}", figure_bytes(figure, kind))
    return folder


def csv_bytes(table: pd.DataFrame) -> bytes:
    """CSV with six significant digits; the same table gives the same bytes."""
    buffer = io.StringIO()
    table.to_csv(buffer, index=False, float_format="%.6g", lineterminator="\n")
    return buffer.getvalue().encode()


def _plain(verdict: dict[str, Any]) -> dict[str, Any]:
    """numpy numbers as Python's, NaN as null: what JSON can hold."""
    text = json.dumps(verdict, default=lambda value: value.item())
    return json.loads(text, parse_constant=lambda _: None)
