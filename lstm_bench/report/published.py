"""The page of published tables: one section a row of the literature, theirs beside ours."""

from __future__ import annotations

import importlib.resources
from pathlib import Path

import jinja2
import pandas as pd

from lstm_bench.report.policy import content_policy
from lstm_bench.report.tables import html_table
from lstm_bench.store.checksums import read_checked_json
from lstm_bench.store.commit import git_commit
from lstm_bench.store.files import write_bytes
from lstm_bench.store.paths import TABLE_FILES, Results
from lstm_bench.store.plans import Plan


def write_tables(plan: Plan, results: Results) -> Path:
    """Write results/tables/index.html; returns its path. Raises DamagedFile."""
    files = importlib.resources.files("lstm_bench.report")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    rows = {name: read_checked_json(results.table(name, ".json")) for name in plan.tables}
    style = (files / "style.css").read_text(encoding="utf-8")
    page = environment.from_string((files / "published.html").read_text(encoding="utf-8")).render(
        policy=content_policy(style),
        style=style,
        rows=[
            {
                **about,
                "name": name,
                "table": html_table(pd.DataFrame(about["table"])),
                "links": [results.table(name, ending).name for ending in TABLE_FILES],
            }
            for name, about in rows.items()
        ],
        commit=git_commit() or "not a repository",
        package=plan.package,
    )
    write_bytes(results.tables_page, page.encode())
    return results.tables_page
