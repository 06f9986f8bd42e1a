"""What `lstm-bench estimate` said of this sweep, beside what its trainings took."""

from __future__ import annotations

from typing import Any

import pandas as pd

from lstm_bench.report.tables import html_table
from lstm_bench.store import paths
from lstm_bench.store.checksums import read_checked_json
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan


def compared(plan: Plan, results: Results, timing: pd.DataFrame) -> pd.DataFrame | None:
    """One row an experiment and one for the whole sweep, in core-minutes; None without an estimate.

    Measured are the seconds of each job on the clock (Snakemake's benchmark; where it has none,
    those of training and evaluation), so beside other work they are more than CPU time.
    """
    file = results.estimate(plan.path.stem)
    if not file.exists():
        return None
    estimated = {
        (id, block): (most, likely) for id, block, most, likely in read_checked_json(file)["blocks"]
    }
    spent = (
        timing.groupby("condition")[["ensemble_seconds", "evaluation_seconds"]].mean().sum(axis=1)
    )
    rows = []
    for name, blocks in (
        *((name, plan.blocks([name])) for name in plan.asked),
        ("whole sweep", plan.blocks(plan.asked)),
    ):
        known = [pair for pair in blocks if pair in estimated]
        if not known:
            continue
        measured = sum(_clock(results, *pair, spent) for pair in known)
        most, likely = (sum(estimated[pair][i] for pair in known) for i in (0, 1))
        rows.append(
            {
                "experiment": name,
                "seed blocks": len(known),
                "at most": f"{most / 60:.1f}",
                "expected": f"{likely / 60:.1f}",
                "measured": f"{measured / 60:.1f}",
                "measured / expected": f"{measured / likely:.2f}",
            }
        )
    return pd.DataFrame(rows)


def _clock(results: Results, id: str, block: str, spent: Any) -> float:
    """Seconds of a block's job."""
    file = results.root / paths.BENCHMARK / "train" / id / f"{block}.tsv"
    try:
        heads, values = (
            line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()[:2]
        )
        return float(values[heads.index("s")])
    except (OSError, ValueError):
        return float(spent.get(id, 0.0))


def shown(plan: Plan, results: Results, timing: pd.DataFrame) -> str | None:
    """The same as HTML."""
    table = compared(plan, results, timing)
    return None if table is None or table.empty else html_table(table)
