"""Gathering what the page shows, and writing it."""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import yaml

from lstm_bench import tasks
from lstm_bench.experiments.base import Experiment
from lstm_bench.experiments.run import create, read_csv, require_present_code
from lstm_bench.experiments.words import not_trained
from lstm_bench.report import estimated
from lstm_bench.report.claims import first_page
from lstm_bench.report.declared import declared
from lstm_bench.report.formula import data_uri, formula_uri
from lstm_bench.report.policy import content_policy
from lstm_bench.report.provenance import provenance
from lstm_bench.report.tables import failures, html_table, networks, statuses
from lstm_bench.store.checksums import read_checked, read_checked_json
from lstm_bench.store.collect import collect
from lstm_bench.store.files import write_bytes
from lstm_bench.store.ladders import not_tried
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from lstm_bench.store.rates import read_rates
from lstm_bench.sweep import Choice, tuned_here


def write_report(plan: Plan, results: Results, output: Path) -> None:
    """Write the page. Raises DamagedFile when something it needs is missing or not whole."""
    pairs, shown = plan.blocks(plan.asked), [*plan.asked, *plan.beside(results)]
    skipped = not_tried(plan, results, pairs)
    pairs = [pair for pair in pairs if pair not in skipped]
    replicates = _labelled(plan, collect(results, pairs, "replicates"))
    require_present_code(replicates, plan, results)
    timing = collect(results, pairs, "timing")
    files = importlib.resources.files("lstm_bench.report")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    style = (files / "style.css").read_text(encoding="utf-8")
    sections = {name: _section(plan, create(name), results) for name in shown}
    page = environment.from_string((files / "template.html").read_text(encoding="utf-8")).render(
        policy=content_policy(style),
        style=style,
        experiments=list(sections.values()),
        answer=sections.get("horizon"),
        **first_page(results, sections),
        declared=declared(plan, timing),
        tasks=[_task(choice) for choice in plan.sweep.tasks],
        cells=[_cell(choice) for choice in plan.sweep.cells],
        statuses=statuses(replicates),
        failures=failures(replicates),
        counts=_counts(plan, replicates),
        mostly_failed=_mostly_failed(replicates),
        training=plan.sweep.training,
        width=plan.sweep.width,
        networks=networks(plan),
        rates=_rates(plan, results),
        untuned=plan.sweep.untuned,
        other=plan.sweep.other_than_tuned,
        provenance=provenance(plan, replicates, timing),
        estimated=estimated.shown(plan, results, timing),
        config=yaml.safe_dump(plan.config, sort_keys=False, allow_unicode=True),
    )
    write_bytes(output, page.encode())


def _labelled(plan: Plan, replicates: pd.DataFrame) -> pd.DataFrame:
    """Tasks and cells under the labels of the config: a cell may be there with several options."""
    members = [m for name in plan.asked for m in plan.experiments[name].members]
    names = {m.condition: m for m in reversed(members)}  # as the first experiment calls it
    return replicates.assign(
        task=[names[c].task for c in replicates.condition],
        cell=[names[c].cell for c in replicates.condition],
    )


def _counts(plan: Plan, replicates: pd.DataFrame) -> dict[str, int]:
    return {
        "conditions": replicates.condition.nunique(),
        "replicates": len(replicates),
        "per condition": plan.sweep.replicates,
        "solved": int((replicates.status == "solved").sum()),
    }


def _mostly_failed(replicates: pd.DataFrame) -> str:
    """A sentence where most replicates were not trained to an end, or nothing."""
    failed, told = not_trained(replicates.status)
    return f"{told[0].upper()}{told[1:]}." if 2 * failed > len(replicates) else ""


def _section(plan: Plan, experiment: Experiment, results: Results) -> dict[str, object]:
    """One experiment, its figures inside the page and its files linked relative to it."""
    folder = results.experiment(experiment.name)
    summary = read_csv(folder / "summary.csv")
    supplemented = experiment.supplemented()
    trained = {member.cell for member in plan.experiments[experiment.name].members}
    return {
        "name": experiment.name,
        "title": experiment.title,
        "question": experiment.question,
        "method": experiment.method,
        "answer": read_checked_json(folder / "verdict.json")["answer"],
        "figure": _figure(folder, "figure"),
        "supplement": _figure(folder, "supplement") if supplemented else None,
        "summary": html_table(summary if summary.empty else experiment.display(summary)),
        "links": _links(folder, ("table.csv", "summary.csv")),
        # what measures the machine has no members, and shows every cell
        "faults": [
            f"{cell}: {sentence}"
            for cell, sentences in plan.sweep.faults.items()
            for sentence in (sentences if cell in trained or not trained else ())
        ],
    }


def _figure(folder: Path, stem: str) -> dict[str, object]:
    """A figure inside the page: its picture, how wide, its numbers and its files."""
    svg = read_checked(folder / f"{stem}.svg")
    return {
        "source": data_uri(svg, "image/svg+xml"),
        "wide": _width(svg),
        "stem": stem,
        "numbers": data_uri(read_checked(folder / f"{stem}.csv"), "text/csv"),
        "links": _links(folder, [f"{stem}.{kind}" for kind in ("svg", "pdf", "png")]),
    }


def _links(folder: Path, names: Iterable[str]) -> list[tuple[str, str]]:
    """Files of an experiment, relative to the page."""
    place = Path("..") / "experiments" / folder.name
    return [(name, (place / name).as_posix()) for name in names]


def _width(svg: bytes) -> int:
    """Pixels on the page: 944 for a figure of double-column width, so that text has one size."""
    found = re.search(rb'<svg[^>]* width="([\d.]+)pt"', svg)
    return round(944 / 518.4 * float(found[1])) if found else 944


def _task(choice: Choice) -> dict[str, object]:
    task, lengths = tasks.create(choice.name, choice.options), choice.lengths
    return {
        "label": choice.shown,
        "about": (type(task).__doc__ or "").strip().splitlines()[0],
        "formula": formula_uri(task.formula) if task.formula else None,
        "latex": task.formula,
        "floor": ", ".join(f"{task.chance_loss(T):.4g} (T={T})" for T in (lengths[0], lengths[-1])),
        "score": task.score_name,
        "solved": task.solved_score,
        "measured": task.measured,
        "citation": task.citation,
        "lengths": ", ".join(map(str, lengths)),
    }


def _cell(choice: Choice) -> dict[str, object]:
    """The cell's page needs its class, and so torch: imported here, for its text alone."""
    from lstm_bench.catalogue import cell_text

    return {"label": choice.shown, **cell_text(choice.name)}


def _rates(plan: Plan, results: Results) -> Any:
    """The rates that tuning chose, where a file of them is in use."""
    stored = read_rates(plan.config, results.root, here=_here(plan)).trials
    # files of 0.3 have the grid of one length, and no median
    trials = pd.DataFrame([trial for trial in stored if "median_updates" in trial])
    if trials.empty:
        return None
    asked = {task.key for task in plan.sweep.tasks}
    cells = [cell.key for cell in plan.sweep.cells]
    rows = []
    for task, group in trials[trials.task.isin(asked)].groupby("task", sort=False):
        for cell in cells:
            at = group[group.cell == cell]
            if len(at):
                rows.append(_rate_row(str(task), cell, at))
    return html_table(pd.DataFrame(rows)) if rows else None


def _here(plan: Plan) -> dict[str, object]:
    return tuned_here(plan.sweep.training, plan.sweep.width, plan.sweep.network)


def _rate_row(task: str, cell: str, at: pd.DataFrame) -> dict[str, object]:
    """The rate chosen at each length, how many solved the task with it, and the median updates."""
    row: dict[str, object] = {"task": task, "cell": cell}
    for trial in at[at.chosen].sort_values("T").to_dict("records"):
        median = trial["median_updates"]
        when = f"; {median:.0f}" if median is not None and median == median else ""
        told = f"{trial['learning_rate']:g} ({trial['solved']}/{trial['n']}{when})"
        row[f"T = {trial['T']}"] = told if trial["solved"] else f"none of {len(at)} solves it"
    return row
