"""The page of the MLflow experiment: its note, its saved views, and the links to them.

MLflow opens with an unhelpful choice of columns; a saved view (the *Views* button) holds a filter,
an order and columns of our own. It is a tag of the experiment, in the form the UI itself writes.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote_plus

from lstm_bench.store.plans import Plan
from lstm_bench.tracking.notes import NOTE

STATE = "mlflow.sharedViewState."
WRITTEN = 1_700_000_000_000  # views carry a date; a fixed one keeps their tags the same
TASKS, LENGTHS = 5, 4  # the note has links for; MLflow limits its length
RUN_NAME = "attributes.`Run Name`"


@dataclass(frozen=True)
class View:
    """A saved view: which runs, in which order, with which columns."""

    key: str
    title: str
    about: str
    filter: str
    order: str
    ascending: bool
    columns: Mapping[str, int]  # width in pixels by name, such as `metrics.solved`

    def tag(self) -> tuple[str, str]:
        """The experiment's tag that holds it."""
        columns = {_quoted(name): width for name, width in self.columns.items()}
        widths = {RUN_NAME: 250, **columns}
        state = {
            "searchFilter": self.filter,
            "orderByKey": self.order,
            "orderByAsc": self.ascending,
            "startTime": "ALL",
            "lifecycleFilter": "Active",
            "datasetsFilter": [],
            "modelVersionFilter": "All Runs",
            "selectedColumns": list(columns),
            "columnOrder": list(widths),
            "columnWidths": widths,
            "runsHiddenMode": "FIRST_20_RUNS",
            "hideEmptyCharts": True,
            "groupBy": None,
        }
        packed = base64.b64encode(zlib.compress(json.dumps(state).encode())).decode()
        dates = {"createdAt": WRITTEN, "updatedAt": WRITTEN}
        value = {"name": self.title, **dates, "state": f"deflate;{packed}"}
        return STATE + self.key, json.dumps(value)

    def link(self, experiment_id: str) -> str:
        """Its place in the UI, from the fragment on."""
        return (
            f"#/experiments/{experiment_id}/runs?viewStateShareKey={self.key}"
            "&workflowType=machine_learning"
        )


def _quoted(column: str) -> str:
    """``metrics.`solved` ``: the UI's spelling."""
    kind, _, name = column.partition(".")
    return f"{kind}.`{name}`"


RESULTS = {"metrics.updates_to_solve": 130, "metrics.test/score": 95}
SETTING = {"params.T": 60, "params.cell": 110, "params.task": 130, "params.learning_rate": 105}

VIEWS = (
    View(
        "lstm_bench_conditions",
        "Conditions",
        "one row each: the share of replicates that solved it, the median updates it took",
        "tags.level = 'condition' and tags.purpose = 'sweep'",
        "metrics.`T`",
        False,
        {"metrics.solved": 75, **RESULTS, "tags.status": 180, **SETTING, "params.parameters": 100},
    ),
    View(
        "lstm_bench_replicates",
        "Replicates",
        "one row a seed: how it ended and why",
        "tags.level = 'replicate' and tags.purpose = 'sweep'",
        "metrics.`T`",
        False,
        {"tags.status": 90, **RESULTS, "tags.reason": 130, **SETTING, "params.seed": 65},
    ),
    View(
        "lstm_bench_experiments",
        "Experiments",
        "questions, answers and figures",
        "tags.level = 'experiment'",
        "attributes.start_time",
        True,
        {"tags.answer": 1000},
    ),
)
LANDING = VIEWS[0]


def experiment_tags(plan: Plan, experiment_id: str) -> dict[str, str]:
    """The note and the saved views."""
    return {
        NOTE: _note(plan, experiment_id),
        "mlflow.experimentKind": "custom_model_development",
        **dict(view.tag() for view in VIEWS),
    }


def _note(plan: Plan, experiment_id: str) -> str:
    """What the runs are and what to click; MLflow shows its first line until it is unfolded."""
    lengths: dict[str, set[int]] = {}
    for name in plan.asked:
        for member in plan.experiments[name]["members"]:
            spec = plan.conditions[member["condition"]]["spec"]
            lengths.setdefault(member["task"], set()).add(spec["T"])
    curves = [
        f"- **{task}**: "
        + ", ".join(f"[T={T}]({_curves(experiment_id, task, T)})" for T in sorted(known)[-LENGTHS:])
        for task, known in list(lengths.items())[:TASKS]
    ]
    return "\n".join(
        [
            "A run is a **condition** (cell, task, length T, training); its child runs are its "
            "**replicates**, one a seed. Unfold this note (∨) for what to click.",
            "",
            *(f"- [{v.title}]({v.link(experiment_id)}): {v.about}" for v in VIEWS),
            "",
            "The cells' learning curves side by side, the median over replicates:",
            "",
            *curves,
            "",
            "Tick some runs and press *Compare* for their settings side by side. Filters to try: "
            "`params.cell = 'lstm'`, `metrics.T >= 50`, `tags.status = 'diverged'`.",
        ]
    )


def _curves(experiment_id: str, task: str, T: int) -> str:
    """The chart page of the conditions of a task at a length."""
    mark = '"' if "'" in task else "'"
    runs = (
        f"tags.level='condition' and tags.purpose='sweep' and params.task={mark}{task}{mark} "
        f"and params.T='{T}'"
    )
    found = quote_plus(runs, safe="='")
    return (
        f"#/experiments/{experiment_id}/runs?searchFilter={found}"
        "&compareRunsMode=CHART&workflowType=machine_learning"
    )
