"""Tables as the page shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from lstm_bench.store.plans import Plan

HIDDEN = {"task", "samples"}
NAMES = {
    "T": "T",
    "mean_updates": "mean updates",
    "shown": "T*",
}


def shown(value: Any) -> str:
    """A number with four significant digits, a word as it is, an empty cell for nothing."""
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if value in (float("inf"), float("-inf")):
            return "∞" if value > 0 else "-∞"
        if value == int(value) and abs(value) < 1e15:
            return f"{int(value):,}"
        return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def html_table(table: pd.DataFrame) -> Markup:
    """An HTML table; everything in it is escaped."""
    head = Markup("").join(
        Markup("<th>{}</th>").format(NAMES.get(c, str(c).replace("_", " "))) for c in table.columns
    )
    rows = []
    for record in table.to_dict("records"):
        cells = Markup("").join(_cell(value) for value in record.values())
        rows.append(Markup("<tr>{}</tr>").format(cells))
    body = Markup("\n").join(rows)
    return Markup("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(head, body)


def _cell(value: Any) -> Markup:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return Markup('<td class="{}">{}</td>').format("number" if number else "word", shown(value))


def networks(plan: Plan) -> Markup:
    """A row a cell: the options of its network, then width and parameters on every task.

    Here stands what a matched width came to, and whatever is the cell's own.
    """
    rows: dict[str, dict[str, object]] = {}
    widths: dict[tuple[str, str], int] = {}
    for name in plan.asked:
        for member in plan.experiments[name].members:
            entry = plan.conditions[member.condition]
            spec = entry.spec
            label = member.cell
            usual = widths.setdefault((label, member.task), spec.width)
            if spec.width != usual:  # an arm of the experiment with a width of its own
                arms = [f"{k}: {v}" for k, v in member.factors.items() if isinstance(v, str)]
                label += f" ({', '.join(arms)})" if arms else f" (width {spec.width})"
            row = rows.setdefault(label, {"cell": label, "network": ""})
            row["network"] = told_network(spec.network)
            size = f"{entry.parameters:,} parameters, width {spec.width}"
            row[member.task] = f"{size}, state {entry.state_size}"
    return html_table(pd.DataFrame(list(rows.values())))


def told_network(options: Mapping[str, object]) -> str:
    """`layers = 2, bidirectional`; `one layer, linear readout` where no option is chosen."""
    told = [k if v is True else f"{k} = {v}" for k, v in options.items()]
    return ", ".join(told).replace("_", " ") or "one layer, linear readout"


def statuses(replicates: pd.DataFrame) -> Markup:
    """How many replicates of each cell ended how."""
    ends = replicates.assign(end=replicates.status + _reason(replicates))
    counts = pd.crosstab([ends.task, ends.cell], ends.end).reset_index()
    counts.columns.name = None
    return html_table(counts)


def _reason(replicates: pd.DataFrame) -> pd.Series:
    """Tells `unsolved (futile)` from `unsolved (budget)`; other reasons are listed below."""
    unsolved = replicates.status == "unsolved"
    return (" (" + replicates.reason + ")").where(unsolved, "")


def failures(replicates: pd.DataFrame) -> Markup | None:
    """Every replicate that diverged, ran out of time or ended in an error."""
    bad = replicates[replicates.status.isin(["diverged", "timeout", "error"])]
    if bad.empty:
        return None
    columns = ["task", "T", "cell", "seed", "status", "reason", "updates", "condition"]
    return html_table(bad[columns])
