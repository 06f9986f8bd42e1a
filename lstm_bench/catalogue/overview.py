"""The page that lists everything: `lstm-bench overview` writes it from the registries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from lstm_bench import cells, tasks
from lstm_bench.catalogue.docstrings import first_line
from lstm_bench.engine.describe import gate_names

HEAD = """\
# The catalogue

Written by `lstm-bench overview`; do not edit. `lstm-bench show NAME` prints the whole page of an
entry: equations or example, chance and optimal loss, options, presets, citation. Whether all of
them work is the question of `workflow/presets/catalogue.yaml`. One sequence of every task is drawn
in [gallery.png](gallery.png).
"""


def write_overview(folder: Path) -> Path:
    """Write catalogue.md; returns its path."""
    path = folder / "catalogue.md"
    path.write_text(overview(), encoding="utf-8")
    return path


def overview() -> str:
    """The page: a row a task, a row a cell."""
    task_rows = [
        (f"`{name}`", first_line(cls), ", ".join(cls.presets), _source(cls.citation))
        for name, cls in tasks.registry().items()
    ]
    cell_rows = [
        (f"`{name}`", first_line(cls), ", ".join(gate_names(cls())), _source(cls.citation))
        for name, cls in cells.registry().items()
    ]
    parts = [
        HEAD,
        f"## {len(task_rows)} tasks\n",
        *_table(("task", "what is asked", "presets", "source"), task_rows),
        f"\n## {len(cell_rows)} cells\n",
        *_table(("cell", "what it is", "gates", "source"), cell_rows),
    ]
    return "\n".join(parts) + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [" | ".join(entry.replace("|", r"\|") for entry in row) for row in rows]
    return [f"| {' | '.join(head)} |", "|" + " --- |" * len(head), *(f"| {x} |" for x in lines)]


def _source(citation: str) -> str:
    """Authors and year of the first paper; the whole citation stands in the entry's own page."""
    paper = re.match(r"(?:this suite's; )?(?:[a-z ]+: )?(.*?\(\d{4}\))", citation)
    return paper[1] if paper else citation
