"""From stored runs to a published table: CSV, markdown, and JSON for the page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from lstm_bench.errors import unknown
from lstm_bench.experiments.run import csv_bytes, require_present_code
from lstm_bench.store.checksums import write_checked
from lstm_bench.store.collect import collect
from lstm_bench.store.files import json_bytes
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from lstm_bench.tables.base import Arm, PublishedTable, registry
from lstm_bench.tables.judge import Ours, overall, verdicts


def create(name: str) -> PublishedTable:
    """Raises BenchError for an unknown name."""
    known = registry()
    if name not in known:
        raise unknown("table", name, known)
    return known[name]()


def conclude(plan: Plan, name: str, results: Results) -> Path:
    """Write {row}.csv, {row}.md and {row}.json; returns the markdown. Raises DamagedFile."""
    table = create(name)
    arms = [arm.limited(plan.config["tables"]) for arm in table.arms()]
    found = {arm.label: _ours(arm, plan, results) for arm in arms}
    judged = verdicts(arms, found)
    rows = pd.DataFrame([_row(arm, found[arm.label], judged[arm.label]) for arm in arms])
    solved = {label: (ours.solved, ours.n) for label, ours in found.items()}
    about = {
        "title": table.title,
        "citation": table.citation,
        "setting": table.setting,
        "answer": " ".join(filter(None, [overall(arms, judged), table.claim(solved)])),
        "table": display(rows).to_dict("records"),
        "deviations": [*table.deviations, *_of_arms(arms), *_reduced(table, arms)],
    }
    files = {
        f"{name}.csv": csv_bytes(rows),
        f"{name}.md": markdown(about).encode(),
        f"{name}.json": json_bytes(about),
    }
    write_checked(results.table(name, ".sha256"), files)
    return results.table(name, ".md")


def _ours(arm: Arm, plan: Plan, results: Results) -> Ours:
    pairs = [(arm.condition.id, block.name) for block in arm.blocks]
    rows = collect(results, pairs, "replicates")
    require_present_code(rows, plan, results)
    return Ours.of(arm, rows, plan.conditions[arm.condition.id].parameters)


def _row(arm: Arm, ours: Ours, judged: Mapping[str, str]) -> dict[str, object]:
    """One line of the CSV: everything, in plain numbers."""
    paper = asdict(arm.published) if arm.published else {}
    names = ("source", "n", "solved", "sequences", "low", "high", "more_than", "weights")
    return {
        "arm": arm.label,
        "kind": arm.kind,
        **{f"paper_{name}": paper.get(name) for name in names},
        **asdict(ours),
        "rate_verdict": judged["rate"],
        "time_verdict": judged["time"],
        "condition": arm.condition.id,
    }


def _of_arms(arms: list[Arm]) -> list[str]:
    return [f"{arm.label}: {told}" for arm in arms for told in arm.deviations]


def _reduced(table: PublishedTable, arms: list[Arm]) -> list[str]:
    """What the config capped, said as a deviation: a reduced table must say so."""
    told = []
    for full, arm in zip(table.arms(), arms):
        if arm != full:
            told.append(
                f"{arm.label}: reduced by the config to {arm.replicates} of {full.replicates} "
                f"replicates and {arm.condition.training.updates:,} of "
                f"{full.condition.training.updates:,} updates."
            )
    return told


def display(rows: pd.DataFrame) -> pd.DataFrame:
    """The table as a page shows it: the paper's number, then ours."""
    return pd.DataFrame(
        {
            "arm": rows.arm,
            "weights: paper": [_count(x) for x in rows.paper_weights],
            "ours": [_count(x) for x in rows.parameters],
            "solved: paper": [_share(x, n) for x, n in zip(rows.paper_solved, rows.paper_n)],
            "solved: ours [Wilson 95 %]": [
                f"{r.solved} of {r.n} [{r.share_low:.2f}, {r.share_high:.2f}]"
                for r in rows.itertuples()
            ],
            "mean sequences: paper (range)": [_times(r) for r in rows.to_dict("records")],
            "median sequences: ours [95 %] (range)": [_median(r) for r in rows.to_dict("records")],
            "cap": [_count(x) for x in rows.cap],
            "success rate": rows.rate_verdict,
            "time to success": rows.time_verdict.where(rows.time_verdict != "", "–"),
        }
    )


def _count(value: Any) -> str:
    return "–" if value is None or pd.isna(value) else f"{value:,.0f}"


def _bound(value: float) -> str:
    return "∞" if math.isinf(value) else f"{value:,.0f}"


def _share(solved: Any, n: Any) -> str:
    return "–" if solved is None or pd.isna(solved) else f"{solved:.0f} of {n:.0f}"


def _times(row: Mapping[str, object]) -> str:
    if not pd.isna(row["paper_more_than"]):
        return f"> {row['paper_more_than']:,.0f}"
    if pd.isna(row["paper_sequences"]):
        return "–"
    known = not pd.isna(row["paper_low"])
    between = f" ({row['paper_low']:,.0f}-{row['paper_high']:,.0f})" if known else ""
    return f"{row['paper_sequences']:,.0f}{between}"


def _median(row: Mapping[str, Any]) -> str:
    if not row["solved"]:
        return f"> {row['cap']:,}"
    middle = f"> {row['cap']:,}" if math.isinf(row["median"]) else f"{row['median']:,.0f}"
    ends = f"[{_bound(row['median_low'])}, {_bound(row['median_high'])}]"
    return f"{middle} {ends} ({row['fastest']:,.0f}-{row['slowest']:,.0f})"


def markdown(about: Mapping[str, Any]) -> str:
    """A page of markdown."""
    table = about["table"]
    columns = list(table[0])
    lines = [
        f"# {about['title']}",
        "",
        about["answer"],
        "",
        f"{about['citation']}. {about['setting']}",
        "",
        "| " + " | ".join(columns) + " |",
        "|" + " --- |" * len(columns),
        *("| " + " | ".join(str(row[column]) for column in columns) + " |" for row in table),
        "",
        "Not as in the paper:",
        "",
        *(f"- {told}" for told in about["deviations"]),
        "",
    ]
    return "\n".join(lines)
