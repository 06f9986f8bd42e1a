"""Drawing the conclusions of one experiment: from stored runs to table, verdict and figure."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from lstm_bench.errors import BenchError, unknown
from lstm_bench.experiments.base import Evidence, Experiment, registry
from lstm_bench.experiments.runs import NOT_TRIED, frame
from lstm_bench.plotting.figure import Figure
from lstm_bench.probes.columns import COLUMNS
from lstm_bench.spec import SeedBlock
from lstm_bench.store.checksums import read_checked, read_checked_json, write_checked
from lstm_bench.store.collect import collect, read_all
from lstm_bench.store.files import damaged, json_bytes
from lstm_bench.store.ladders import not_tried, rungs_not_tried
from lstm_bench.store.paths import Results
from lstm_bench.store.planned import PlannedMember
from lstm_bench.store.plans import Plan
from lstm_bench.store.searches import read_trials
from lstm_bench.typed import from_json


def create(name: str, plan: Plan | None = None) -> Experiment:
    """The experiment, with the settings of the plan. Raises BenchError for an unknown name."""
    known = registry()
    if name not in known:
        raise unknown("experiment", name, known)
    cls = known[name]
    if plan is None:
        return cls()
    return cls(from_json(type(cls.settings), plan.experiments[name].settings))


def evidence(plan: Plan, name: str, results: Results) -> Evidence:
    """Everything stored for an experiment. Raises DamagedFile."""
    entry = plan.experiments[name]
    pairs = plan.blocks([name])
    skipped = not_tried(plan, results, pairs)
    labels = _labels(entry.members)
    tables = {}
    for table in ("replicates", "curves", "timing"):
        rows = collect(results, [pair for pair in pairs if pair not in skipped], table)
        if table == "replicates":
            require_present_code(rows, plan, results)
            rows = with_rows_not_tried(rows, plan, rungs_not_tried(plan, skipped))
        elif table == "curves":
            rows = rows.dropna(subset=["seed"]).astype({"seed": "int64"})  # an error has no curve
        tables[table] = rows.merge(labels, on="condition", how="left")
    shared = tables["replicates"][["condition", "seed", "T", "status"]].drop_duplicates()
    for table in ("curves", "timing"):
        tables[table] = tables[table].merge(shared, on=["condition", "seed"])
    files = [results.root / path for path in plan.probe_files(name)]
    return Evidence(
        **tables,
        probe=read_all(files, COLUMNS.get(str(entry.probe))) if files else None,
        tasks=[task.shown for task in plan.sweep.tasks],
        cells=[cell.shown for cell in plan.sweep.cells],
        plan=plan.conditions,
        others={other: read_csv(path) for other, path in plan.joined(name, results).items()},
        trials=pd.DataFrame(read_trials(plan, results)) if entry.searches else pd.DataFrame(),
    )


def with_rows_not_tried(
    rows: pd.DataFrame, plan: Plan, skipped: Iterable[tuple[str, str]]
) -> pd.DataFrame:
    """The rows, and one for every replicate of a rung that its ladder was not climbed to."""
    found = []
    for id, block in sorted(skipped):
        spec = plan.conditions[id].spec
        known = {"condition": id, "task": spec.task, "T": spec.T, "cell": spec.cell}
        known |= {"width": spec.width, "learning_rate": spec.training.learning_rate}
        known |= {"status": NOT_TRIED, "reason": "shorter lengths failed", "updates": 0}
        found += [{**known, "seed": seed} for seed in SeedBlock.parse(block).seeds]
    return pd.concat([rows, pd.DataFrame(found)], ignore_index=True) if found else rows


def _labels(members: Sequence[PlannedMember]) -> pd.DataFrame:
    """A row a member: its labels, its condition and its factors."""
    rows = [
        {"task_label": m.task, "cell_label": m.cell, "condition": m.condition, **m.factors}
        for m in members
    ]
    return frame(rows, {"task_label": object, "cell_label": object, "condition": object})


def require_present_code(rows: pd.DataFrame, plan: Plan, results: Results) -> None:
    """Raise BenchError for runs of another version of the code: they are never mixed."""
    for condition, code in rows[["condition", "code"]].drop_duplicates().itertuples(index=False):
        if code != plan.conditions[condition].code:
            raise BenchError(
                f"{results.run(condition)} was trained by other code ({code}); forget all such "
                "runs with 'lstm-bench retry --status stale' and run snakemake again."
            )


def conclude(plan: Plan, name: str, results: Results) -> Path:
    """Write table.csv, summary.csv and verdict.json; returns their folder. Raises BenchError."""
    entry = plan.experiments[name]
    if not (entry.members or entry.probe or entry.searches):
        raise BenchError(
            f"experiment {name!r} has nothing to judge: this config trains nothing for it."
        )
    experiment, seen = create(name, plan), evidence(plan, name, results)
    folder = results.experiment(name)
    table = experiment.table(seen) if seen.judged else pd.DataFrame()
    if not _judged(table):
        return _undecided(folder, experiment.nothing(seen))
    summary = experiment.summary(table, seen)
    return _write(folder, table, summary, _plain(experiment.verdict(table, summary)))


def _write(
    folder: Path, table: pd.DataFrame, summary: pd.DataFrame, verdict: dict[str, object]
) -> Path:
    files = {
        "table.csv": csv_bytes(table),
        "summary.csv": csv_bytes(summary),
        "verdict.json": json_bytes(verdict),
    }
    write_checked(folder / "tables.sha256", files)
    return folder


def draw(plan: Plan, name: str, results: Results) -> Path:
    """Write the figures (SVG, PDF, PNG) and their numbers (CSV), from the stored table and runs."""
    from lstm_bench.plotting.render import render
    from lstm_bench.plotting.style import KINDS, empty_figure, figure_bytes, paper_style

    folder = results.experiment(name)
    files: dict[str, bytes] = {}
    for stem, figure in declared_figures(plan, name, results).items():
        with paper_style():
            if figure.grid:
                drawn = render(figure)
            else:
                drawn = empty_figure(read_checked_json(folder / "verdict.json")["answer"])
            files |= {f"{stem}.{kind}": figure_bytes(drawn, kind) for kind in KINDS}
        files[f"{stem}.csv"] = figure.numbers().to_csv(index=False).encode()
    write_checked(folder / "figures.sha256", files)
    return folder


def declared_figures(plan: Plan, name: str, results: Results) -> dict[str, Figure]:
    """`figure` and, where the experiment has one, `supplement`, from the stored table and runs.

    They are without a panel where there is nothing to judge.
    """
    folder, experiment = results.experiment(name), create(name, plan)
    declared = {"figure": experiment.figure}
    if experiment.supplemented():
        declared["supplement"] = experiment.supplement
    table, summary = read_csv(folder / "table.csv"), read_csv(folder / "summary.csv")
    if not _judged(table):
        return dict.fromkeys(declared, Figure((), {}, ""))
    seen = evidence(plan, name, results)
    return {stem: declare(table, summary, seen) for stem, declare in declared.items()}


def _judged(table: pd.DataFrame) -> bool:
    """Whether any row stands for a replicate that ended otherwise than in an error."""
    return len(table) > 0 and ("n" not in table or bool((table.n > 0).any()))


def _undecided(folder: Path, why: str) -> Path:
    empty = pd.DataFrame(columns=["task", "cell", "T", "n"])
    return _write(folder, empty, empty, {"answer": why, "rates": {}})


def read_csv(path: Path) -> pd.DataFrame:
    """A table as it was written: labels stay text, whatever they look like. Raises DamagedFile."""
    text, data = {"task": str, "cell": str}, read_checked(path)
    if data and not data.strip():  # a frame without a column
        return pd.DataFrame()
    try:
        return pd.read_csv(io.BytesIO(data), dtype=text, keep_default_na=False, na_values=[""])
    except ValueError as error:
        raise damaged(path, error) from error


def csv_bytes(table: pd.DataFrame) -> bytes:
    """CSV with six significant digits; the same table gives the same bytes."""
    buffer = io.StringIO()
    table.to_csv(buffer, index=False, float_format="%.6g", lineterminator="\n")
    return buffer.getvalue().encode()


def _plain(verdict: dict[str, object]) -> dict[str, object]:
    """numpy numbers as Python's, NaN as null: what JSON can hold."""
    text = json.dumps(verdict, default=lambda value: value.item())
    return json.loads(text, parse_constant=lambda _: None)
