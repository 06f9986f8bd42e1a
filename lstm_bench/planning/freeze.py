"""Freezing what `snakemake tune` found in the file of rates that the config names last."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import yaml

from lstm_bench.errors import BenchError
from lstm_bench.store.checksums import read_checked
from lstm_bench.store.files import write_bytes
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from lstm_bench.store.rates import Pair, Rates, rate_files, read_file
from lstm_bench.sweep import tuned_as

HEADER = """\
# Learning rates chosen by `snakemake tune`, by task, cell and the length T they were tuned at: the
# same search for every cell, on seeds no experiment judges on, chosen on validation. A training
# takes that of the nearest T; a pair that is not listed has training.learning_rate.
# `tuned_with` says which pairs were tuned with which settings; `trials` is all that was tried.
"""


def freeze(plan: Plan, results: Results) -> str:
    """Merge the rates of the finished tuning into the file, pair by pair; says what is replaced.

    Raises BenchError, and leaves the file, where nothing was measured.
    """
    name = rate_files(plan.config)[-1]
    path = results.root / name
    found = _tuned(plan, results)
    if not found.chosen:
        raise BenchError(
            f"{name} stays as it is: no tuning run was measured to its end (`lstm-bench status "
            "--experiment tuning` says why), so there is no rate to choose."
        )
    edges = ", ".join(_at_edge(results))
    before = read_file(path) if path.exists() else Rates()
    told = list(_changes(before, found))
    if edges:
        told.append(f"at an edge of what was tried, so that others may be better: {edges}")
    before.update(found)
    content = {
        "tuned_with": _grouped(before),
        "rates": {
            task: {
                cell: {str(T): rate for T, rate in by_length.items()}
                for cell, by_length in of.items()
            }
            for task, of in before.by_task().items()
        },
        "trials": before.trials,
    }
    text = yaml.safe_dump(
        content, sort_keys=False, allow_unicode=True, default_flow_style=None, width=200
    )
    write_bytes(path, (HEADER + text).encode())
    return "\n".join(
        [*told, f"{name}: {len(found.chosen)} rates written, {len(before.chosen)} in it"]
    )


def _tuned(plan: Plan, results: Results) -> Rates:
    """The pairs of which some replicate was measured, with settings and trials."""
    table = _table(results)
    # where every replicate ended in an error the table has no row, and no such column
    chosen = table[table.chosen] if "chosen" in table else table
    sweep = plan.sweep
    trained = {
        (task.key, cell.key): tuned_as(sweep.training, sweep.width, task, cell)
        for task in sweep.tasks
        for cell in sweep.cells
    }
    found = Rates()
    for (task, cell), rows in chosen.groupby(["task", "cell"], sort=False):
        # where no rate solves the task, that of the lowest loss serves at the shortest length alone
        solved = rows[rows.solved > 0] if (rows.solved > 0).any() else rows.head(1)
        kept = rows if sweep.training.stop == "budget" else solved
        pair = str(task), str(cell)
        found.chosen[pair] = dict(zip(kept["T"].tolist(), kept.learning_rate.tolist()))
        settings = {key: value for key, value in trained[pair].items() if value != {}}
        found.tuned_with[pair] = {**settings, "package": plan.package}
    rows = (_plain(row) for row in table.to_dict("records"))
    found.trials = [row for row in rows if (row["task"], row["cell"]) in found.chosen]
    return found


def _at_edge(results: Results) -> list[str]:
    table = _table(results)
    if "chosen" not in table:
        return []
    ends = table.groupby(["task", "cell", "T"]).learning_rate
    edge = table.learning_rate == ends.transform("min")
    edge |= table.learning_rate == ends.transform("max")
    rows = table[table.chosen & edge & (table.solved > 0)]
    return [f"{row.cell} on {row.task} at T = {row.T}" for row in rows.itertuples()]


def _table(results: Results) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(read_checked(results.experiment("tuning") / "table.csv")))


def _changes(before: Rates, found: Rates) -> Iterator[str]:
    for (task, cell), rates in found.chosen.items():
        old = before.chosen.get((task, cell))
        if old is not None and old != rates:
            yield f"{cell} on {task}: {_told(old)} is replaced by {_told(rates)}"


def _told(rates: Mapping[int, float]) -> str:
    """`0.004 (T = 10), 0.002 (T = 40)`."""
    return ", ".join(f"{rate:g} (T = {T})" for T, rate in rates.items())


def _grouped(rates: Rates) -> list[dict[str, object]]:
    """One entry for each set of settings, with the pairs that were tuned with it."""
    groups: list[tuple[dict[str, object], list[Pair]]] = []
    for pair, settings in rates.tuned_with.items():
        same = next((pairs for known, pairs in groups if known == settings), None)
        if same is None:
            groups.append((settings, [pair]))
        else:
            same.append(pair)
    found = []
    for settings, pairs in groups:
        named: dict[str, list[str]] = {}
        for task, cell in pairs:
            named.setdefault(task, []).append(cell)
        found.append({**settings, "pairs": named})
    return found


def _plain(row: dict[Any, Any]) -> dict[str, object]:
    """Numbers as YAML writes them best: Python's own, losses with six digits; null for none."""
    plain = {str(k): v.item() if hasattr(v, "item") else v for k, v in row.items()}
    return {
        k: (float(f"{v:.6g}") if math.isfinite(v) else None) if isinstance(v, float) else v
        for k, v in plain.items()
    }
