"""The memory card of a cell: one page and one picture of what a sweep found about its first cell.

Everything is concluded here from the stored runs, by the experiments of the sweep, and nothing but
the card's own folder is written: the tables and figures of another sweep stay as they are.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jinja2
import yaml

from lstm_bench.experiments.base import NOTHING
from lstm_bench.experiments.run import create, evidence
from lstm_bench.plotting.figure import Figure
from lstm_bench.plotting.palette import cell_places
from lstm_bench.report.card import learning, memory
from lstm_bench.report.card.parts import Findings, Part
from lstm_bench.report.formula import data_uri
from lstm_bench.report.policy import content_policy
from lstm_bench.report.tables import html_table, networks
from lstm_bench.store.commit import git_commit
from lstm_bench.store.files import read_json, write_bytes
from lstm_bench.store.paths import CARD_PLAN, Results
from lstm_bench.store.plans import Plan
from lstm_bench.sweep import Choice

ACROSS = 3  # panels in a line of the picture
TRACKING = ("group_word", "parity", "modular_sum")  # whose answer is a state, the hardest first


def write_card(plan: Plan, results: Results) -> Path:
    """Write index.html, card.png and card.csv of the sweep's first cell; returns the page's path.

    Raises DamagedFile when something it needs is missing or not whole.
    """
    from lstm_bench.plotting.render import render
    from lstm_bench.plotting.style import empty_figure, figure_bytes, paper_style

    subject, *others = [cell.shown for cell in plan.sweep.cells]
    folder = results.card(subject)
    found = list(_parts(plan, results))
    figure = _figure(subject, others, found, plan)
    with paper_style():
        png = figure_bytes(render(figure) if found else empty_figure(NOTHING), "png")
    files = importlib.resources.files("lstm_bench.report")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    style = (files / "style.css").read_text(encoding="utf-8")
    page = environment.from_string((files / "card.html").read_text(encoding="utf-8")).render(
        policy=content_policy(style),
        style=style,
        subject=subject,
        others=others,
        about=_about(plan.sweep.cells[0]),
        picture=data_uri(png, "image/png"),
        parts=[{"part": part, "table": html_table(part.table)} for part in found],
        nothing="" if found else NOTHING,
        facts={
            "replicates": plan.sweep.replicates,
            "tasks": len(plan.sweep.tasks),
            "updates at most": f"{plan.sweep.training.updates:,}",
        },
        not_tried=_not_tried(plan, folder),
        networks=networks(plan),
        rates=html_table(_rates(plan)),
        untuned=plan.sweep.untuned,
        package=plan.package,
        commit=git_commit() or "not a repository",
        config=yaml.safe_dump(plan.config, sort_keys=False, allow_unicode=True),
    )
    write_bytes(folder / "card.png", png)
    write_bytes(folder / "card.csv", figure.numbers().to_csv(index=False).encode())
    write_bytes(folder / "index.html", page.encode())
    return folder / "index.html"


def _parts(plan: Plan, results: Results) -> Iterator[Part]:
    """Of every experiment that the sweep has, in the order of the page."""
    cells = [cell.shown for cell in plan.sweep.cells]
    tasks = [task.shown for task in plan.sweep.tasks]
    tracked = [t.shown for name in TRACKING for t in plan.sweep.tasks if t.name == name]
    known: dict[str, Findings | None] = {}

    def part(experiment: str, make: Callable[..., Part], *more: Any) -> Iterator[Part]:
        if experiment not in known:
            known[experiment] = _findings(plan, experiment, results)
        if found := known[experiment]:
            yield make(found, cells, *more)

    yield from part("horizon", learning.horizon, tasks)
    yield from part("training_time", learning.updates, tasks[0])
    yield from part("gradient_flow", learning.gradients, tasks[0])
    yield from part("selective_memory", memory.memory)
    yield from part("selective_memory", memory.kept)
    if tracked:
        yield from part("horizon", memory.tracking, tracked[0])
    yield from part("extrapolation", memory.extrapolation)
    yield from part("cost", memory.cost)
    yield from part("horizon", learning.ends)


def _findings(plan: Plan, name: str, results: Results) -> Findings | None:
    """What an experiment concludes; None where it is not asked, or nothing could be judged."""
    if name not in plan.asked:
        return None
    experiment, seen = create(name, plan), evidence(plan, name, results)
    table = experiment.table(seen) if seen.judged else None
    if table is None or table.empty or ("n" in table and not table.n.any()):
        return None
    summary = experiment.summary(table, seen)
    return Findings(seen, table, summary, experiment.display(summary))


def _figure(subject: str, others: list[str], found: list[Part], plan: Plan) -> Figure:
    panels = [part.panel for part in found]
    grid = tuple(tuple(panels[i : i + ACROSS]) for i in range(0, len(panels), ACROSS))
    sweep = plan.sweep
    size = ", ".join(f"{key} {value}" for key, value in _size(plan).items())
    note = (
        f"{sweep.replicates} seeds a condition, from {sweep.first_seed} on; {size}; at most "
        f"{sweep.training.updates:,} updates; bars: 95 % intervals (cost: quartiles); faded: fewer "
        "than half solved, or none did. Exploratory: no claim is judged"
    )
    title = f"Memory card of {subject}" + (f", beside {', '.join(others)}" if others else "")
    return Figure(grid, cell_places([cell.shown for cell in sweep.cells]), note, title)


def _size(plan: Plan) -> dict[str, object]:
    width = plan.sweep.width
    if isinstance(width, int):
        return {"width": width}
    return {str(width["match"]): f"about {width['budget']:,}"}


def _about(cell: Choice) -> dict[str, str]:
    """The cell's page needs its class, and so torch: imported here, for its text alone."""
    from lstm_bench.catalogue import cell_text

    return cell_text(cell.name)


def _not_tried(plan: Plan, folder: Path) -> list[str]:
    """What lies beyond this card, a sentence each."""
    longest = max(T for task in plan.sweep.tasks for T in task.lengths)
    told = [f"Sequences longer than T = {longest:,}: T* reads '> {longest}' where it lies there."]
    chosen = folder / CARD_PLAN
    if chosen.exists():
        told += read_json(chosen)["not_tried"]
    return told


def _rates(plan: Plan) -> Any:
    """The learning rate of every cell on every task, by length."""
    import pandas as pd

    rows: dict[tuple[str, str], dict[str, object]] = {}
    for name in plan.asked:
        for member in plan.experiments[name].members:
            spec = plan.conditions[member.condition].spec
            row = rows.setdefault((member.task, member.cell), {})
            row.setdefault(f"T = {spec.T}", spec.training.learning_rate)
    order = sorted({key for row in rows.values() for key in row}, key=lambda key: int(key[4:]))
    return pd.DataFrame(
        [{"task": t, "cell": c, **{k: row.get(k) for k in order}} for (t, c), row in rows.items()]
    )
