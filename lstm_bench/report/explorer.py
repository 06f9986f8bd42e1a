"""The explorer: every replicate's curves, gates and gradients, in pages that draw themselves.

A page holds its data and its script; a browser that reads files from a disk loads nothing else. So
that a page of a large sweep opens at once, conditions are spread over several, and each knows where
the others are.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2

from lstm_bench.plotting.palette import cell_style
from lstm_bench.report.policy import content_policy, inert_json
from lstm_bench.report.replicates import MOST, Measured, measured, replicates
from lstm_bench.spec import SeedBlock, evaluations
from lstm_bench.store.files import write_bytes
from lstm_bench.store.ladders import not_tried
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan

POINTS = 200_000  # points of curves on one page, about 4 MB
SVG_DASHES = {"-": "", "--": "6 3", ":": "1.5 2.5", "-.": "7 3 1.5 3"}


@dataclass
class Selection:
    """The conditions that share a task, a cell and a T: by id, the experiments that ask for it."""

    task: str
    cell: str
    T: int
    asked_by: dict[str, list[str]] = field(default_factory=dict)
    blocks: dict[str, dict[str, None]] = field(default_factory=dict)


def write_explorer(plan: Plan, results: Results, folder: Path) -> list[Path]:
    """Write the pages, `index.html` first, and remove those of a larger sweep before it.

    Raises DamagedFile when a file of a replicate is missing or not whole.
    """
    files = importlib.resources.files("lstm_bench.report")
    style = (files / "style.css").read_text(encoding="utf-8") + (files / "explorer.css").read_text(
        encoding="utf-8"
    )
    script = (files / "explorer.js").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string((files / "explorer.html").read_text(encoding="utf-8"))
    skipped = not_tried(plan, results, plan.blocks(plan.asked))
    pages = spread(selections(plan, skipped), plan)
    shared = {"index": _index(pages), "styles": _styles(plan)}
    probes, written = measured(plan, results), []
    for number, page in enumerate(pages):
        entries = [e for chosen in page for e in _entries(chosen, plan, results, probes)]
        text = template.render(
            policy=content_policy(style, script),
            style=style,
            script=script,
            data=inert_json({**shared, "page": number, "entries": entries}),
        )
        path = folder / page_name(number)
        write_bytes(path, text.encode())
        written.append(path)
    for stale in set(folder.glob("page-[0-9]*.html")) - set(written):
        stale.unlink()
    return written


def page_name(number: int) -> str:
    return f"page-{number + 1}.html" if number else "index.html"


def selections(plan: Plan, skipped: Collection[tuple[str, str]] = ()) -> list[Selection]:
    """Every task, cell and T of the sweep, in the order of the config.

    skipped   seed blocks that no climb came to
    """
    found: dict[tuple[str, str, int], Selection] = {}
    for name in plan.asked:
        entry = plan.experiments[name]
        for member in entry.members:
            id = member.condition
            blocks = [block for block in entry.blocks if (id, block) not in skipped]
            if not blocks:
                continue
            key = (member.task, member.cell, plan.conditions[id].spec.T)
            chosen = found.setdefault(key, Selection(*key))
            asked_by = chosen.asked_by.setdefault(id, [])
            if name not in asked_by:
                asked_by.append(name)
            chosen.blocks.setdefault(id, {}).update(dict.fromkeys(blocks))
    places = [
        {choice.shown: place for place, choice in enumerate(choices)}
        for choices in (plan.sweep.tasks, plan.sweep.cells)
    ]
    last = [len(place) for place in places]
    order = sorted(
        found,
        key=lambda k: (places[0].get(k[0], last[0]), k[0], places[1].get(k[1], last[1]), k[1:]),
    )
    return [found[key] for key in order]


def spread(chosen: list[Selection], plan: Plan) -> list[list[Selection]]:
    """Selections over pages of at most `POINTS` points, as many as the budgets can come to."""
    pages: list[list[Selection]] = [[]]
    room = POINTS
    for each in chosen:
        size = sum(_points(id, blocks, plan) for id, blocks in each.blocks.items())
        if pages[-1] and size > room:
            pages.append([])
            room = POINTS
        pages[-1].append(each)
        room -= size
    return pages


def _points(id: str, blocks: Iterable[str], plan: Plan) -> int:
    points = min(MOST, evaluations(plan.conditions[id].spec.training))
    return sum(len(SeedBlock.parse(name).seeds) for name in blocks) * points


def _index(pages: list[list[Selection]]) -> list[dict[str, object]]:
    """Tasks, their cells, and for each T of a cell the page it is on."""
    tasks: dict[str, dict[str, list[list[int]]]] = {}
    for number, page in enumerate(pages):
        for each in page:
            tasks.setdefault(each.task, {}).setdefault(each.cell, []).append([each.T, number])
    return [
        {"task": task, "cells": [{"cell": cell, "T": at} for cell, at in cells.items()]}
        for task, cells in tasks.items()
    ]


def _styles(plan: Plan) -> dict[str, dict[str, str]]:
    """Colour and dash of each cell, as in the figures."""
    cells = [cell.shown for cell in plan.sweep.cells]
    styles = {cell: cell_style(cell, cells) for cell in cells}
    return {
        cell: {"colour": s["color"], "dash": SVG_DASHES.get(s["linestyle"], "4 2 1 2")}
        for cell, s in styles.items()
    }


def _entries(
    chosen: Selection, plan: Plan, results: Results, probes: Measured
) -> Iterator[dict[str, object]]:
    """What the page knows of each condition of a selection."""
    differing = told_apart({id: plan.conditions[id].spec.to_json() for id in chosen.asked_by})
    for id, asked_by in chosen.asked_by.items():
        entry = plan.conditions[id]
        training = entry.spec.training
        yield {
            "id": id,
            "task": chosen.task,
            "cell": chosen.cell,
            "T": chosen.T,
            "what": differing[id],
            "asked_by": asked_by,
            "width": entry.spec.width,
            "parameters": entry.parameters,
            "learning_rate": training.learning_rate,
            "budget": training.updates,
            "score": entry.score_name,
            "criterion": entry.solved_score,
            **replicates(results, id, list(chosen.blocks[id]), probes),
        }


def told_apart(specs: dict[str, dict[str, object]]) -> dict[str, str]:
    """By condition, the settings in which these conditions differ; empty for one alone."""
    flat = {id: dict(_flat(spec)) for id, spec in specs.items()}
    keys = list(dict.fromkeys(key for each in flat.values() for key in each))
    differ = [key for key in keys if len({str(each.get(key)) for each in flat.values()}) > 1]
    return {
        id: ", ".join(f"{key.replace('_', ' ')} {each.get(key, 'default')}" for key in differ)
        for id, each in flat.items()
    }


def _flat(spec: dict[str, object]) -> Iterator[tuple[str, Any]]:
    for key, value in spec.items():
        if isinstance(value, dict):
            yield from _flat(value)
        else:
            yield key, value
