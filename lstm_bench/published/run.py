"""From stored runs to a published table: CSV, markdown, and JSON for the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from lstm_bench.experiments.run import csv_bytes, require_present_code
from lstm_bench.experiments.runs import make_runs
from lstm_bench.experiments.words import counts, intervals, told
from lstm_bench.published.base import Arm, registry
from lstm_bench.published.judge import Ours, overall, rate_verdict, time_verdict
from lstm_bench.store.checksums import write_checked
from lstm_bench.store.collect import collect
from lstm_bench.store.files import json_bytes
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan

WHOLE, SHARE = "{:,.0f}", "{:.2f}"
PAGE = """# {title}

{answer}

{citation}. {setting}

{lines}

Not as in the paper:

{points}
"""


def conclude(plan: Plan, name: str, results: Results) -> Path:
    """Write {row}.csv, {row}.md and {row}.json; returns the markdown. Raises DamagedFile."""
    table, runs = registry()[name](), read_runs(plan, name, results)
    full = list(table.arms())
    arms = [arm.limited(plan.config["tables"]) for arm in full]
    ours = {arm.label: Ours.of(arm, runs[runs.cell == arm.label]) for arm in arms}
    rows = make_table(arms, ours)
    answer = overall(rows.rate_verdict, rows.time_verdict)
    more = table.claim({label: each.share for label, each in ours.items()})
    shown = display(rows)
    text = {
        "title": table.title,
        "citation": table.citation,
        "setting": table.setting,
        "answer": f"{answer} {more}".strip(),
    }
    deviations = [*table.deviations, *_deviations(full, arms)]
    page = PAGE.format(
        **text, lines=markdown(shown), points="\n".join(f"- {each}" for each in deviations)
    )
    files = {
        f"{name}.csv": csv_bytes(rows),
        f"{name}.md": page.encode(),
        f"{name}.json": json_bytes(
            {**text, "table": shown.to_dict("records"), "deviations": deviations}
        ),
    }
    write_checked(results.table(name, ".sha256"), files)
    return results.table(name, ".md")


def read_runs(plan: Plan, name: str, results: Results) -> pd.DataFrame:
    """The runs of all arms, with their labels as `cell`. Raises BenchError for stale ones."""
    entry = plan.tables[name]
    rows = collect(results, entry.runs, "replicates")
    require_present_code(rows, plan, results)
    labels = [
        {"condition": arm.condition, "cell_label": arm.label, "task_label": name}
        for arm in entry.arms
    ]
    rows = rows.merge(pd.DataFrame(labels), on="condition")
    return make_runs(rows, collect(results, entry.runs, "timing"), plan.conditions)


def make_table(arms: Sequence[Arm], ours: dict[str, Ours]) -> pd.DataFrame:
    """One row an arm: the paper's numbers, ours, and the verdicts."""
    return pd.DataFrame(
        {
            "arm": arm.label,
            "kind": arm.kind.value,
            **{f"paper_{key}": value for key, value in asdict(arm.published).items()},
            **asdict(ours[arm.label]),
            "rate_verdict": rate_verdict(arm, ours[arm.label], ours.get(arm.needs)),
            "time_verdict": time_verdict(arm, ours[arm.label]),
            "condition": arm.condition.id,
        }
        for arm in arms
    )


def _deviations(full: Sequence[Arm], arms: Sequence[Arm]) -> list[str]:
    """What is not as in the paper in some arms: what they say, and what the config capped."""
    own = [f"{arm.label}: {deviation}" for arm in arms for deviation in arm.deviations]
    return own + [
        f"{arm.label}: reduced by the config to {arm.replicates} of {whole.replicates} replicates "
        f"and {arm.condition.training.updates:,} of {whole.condition.training.updates:,} updates."
        for whole, arm in zip(full, arms)
        if arm != whole
    ]


def display(rows: pd.DataFrame) -> pd.DataFrame:
    """The table as a page shows it: the paper's number, then ours."""
    capped = "> " + told(rows.cap, WHOLE)
    share = told(rows.paper_solved, "{:.0f} of ") + told(rows.paper_n, "{:.0f}")
    between = "(" + told(rows.paper_low, WHOLE) + "-" + told(rows.paper_high, WHOLE) + ")"
    means = told(rows.paper_sequences, WHOLE) + (" " + between).where(rows.paper_low.notna(), "")
    median = told(rows["median"], WHOLE).where(rows["median"] < math.inf, capped)
    median += intervals(rows.median_low, rows.median_high, WHOLE).str.replace("inf", "∞")
    median += " (" + told(rows.fastest, WHOLE) + "-" + told(rows.slowest, WHOLE) + ")"
    return pd.DataFrame(
        {
            "arm": rows.arm,
            "weights: paper": told(rows.paper_weights, WHOLE),
            "ours": told(rows.parameters, WHOLE),
            "solved: paper": share.where(rows.paper_solved.notna(), "–"),
            "solved: ours [Wilson 95 %]": counts(rows)
            + intervals(rows.share_low, rows.share_high, SHARE),
            "mean sequences: paper (range)": means.where(
                rows.paper_more_than.isna(), told(rows.paper_more_than, "> {:,.0f}")
            ),
            "median sequences: ours [95 %] (range)": median.where(rows.solved > 0, capped),
            "cap": told(rows.cap, WHOLE),
            "success rate": rows.rate_verdict,
            "time to success": rows.time_verdict.where(rows.time_verdict != "", "–"),
        }
    )


def markdown(table: pd.DataFrame) -> str:
    """A table in markdown."""
    lines = [table.columns, ["---"] * len(table.columns), *table.to_numpy()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
