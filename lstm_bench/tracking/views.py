"""Saved views of MLflow's table and charts, and the links to them.

MLflow opens with an unhelpful choice of columns; a saved view (the *Views* button) holds a filter,
an order, columns and charts of our own. It is a tag of the experiment, in the form the UI itself
writes.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

STATE = "mlflow.sharedViewState."
WRITTEN = 1_700_000_000_000  # views carry a date; a fixed one keeps their tags the same
RUN_NAME = "attributes.`Run Name`"
SECTION = "lstm_bench"  # of the prepared charts
BY_CELL = {
    "aggregateFunction": "average",
    "groupByKeys": [{"mode": "param", "groupByData": "cell"}],
}


@dataclass(frozen=True)
class View:
    """A saved view: which runs, in which order, with which columns or charts.

    columns   width in pixels by name, such as `metrics.solved`
    lines     metrics, a line chart each, instead of the table
    by_cell   one line a cell instead of one a run: T is the step of such metrics
    """

    key: str
    title: str
    about: str
    filter: str
    order: str = "metrics.`T`"
    ascending: bool = False
    columns: Mapping[str, int] = field(default_factory=dict)
    lines: Sequence[str] = ()
    by_cell: bool = False

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
            "runsHiddenMode": "SHOW_ALL" if self.lines else "FIRST_20_RUNS",
            "hideEmptyCharts": True,
            "groupBy": BY_CELL if self.by_cell else None,
            **(self._charts() if self.lines else {}),
        }
        packed = base64.b64encode(zlib.compress(json.dumps(state).encode())).decode()
        dates = {"createdAt": WRITTEN, "updatedAt": WRITTEN}
        value = {"name": self.title, **dates, "state": f"deflate;{packed}"}
        return STATE + self.key, json.dumps(value)

    def _charts(self) -> dict[str, object]:
        section = {"uuid": SECTION, "name": self.title, "display": True, "isReordered": True}
        charts: list[dict[str, object]] = [
            {
                "type": "LINE",
                "uuid": f"{SECTION}_{number}",
                "metricSectionId": SECTION,
                "metricKey": metric,
                "runsCountToCompare": 100,
                "deleted": False,
                "isGenerated": False,
                "lineSmoothness": 0,
                "xAxisKey": "step",
                "xAxisScaleType": "linear",
                "scaleType": "linear",
                "yAxisKey": "metric",
                "yAxisExpressions": [],
                "displayPoints": True if self.by_cell else None,
                "range": {},
            }
            for number, metric in enumerate(self.lines)
        ]
        # reordered: the UI appends its own sections of charts instead of sorting ours among them
        order = {"isAccordionReordered": True}
        return {"compareRunCharts": charts, "compareRunSections": [section], **order}

    def link(self, experiment_id: str) -> str:
        """Its place in the UI, from the fragment on."""
        mode = "&compareRunsMode=CHART" if self.lines else ""
        return (
            f"#/experiments/{experiment_id}/runs?viewStateShareKey={self.key}"
            f"{mode}&workflowType=machine_learning"
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
        columns={
            "metrics.solved": 75,
            **RESULTS,
            "tags.status": 180,
            **SETTING,
            "params.parameters": 100,
        },
    ),
    View(
        "lstm_bench_replicates",
        "Replicates",
        "one row a seed: how it ended and why",
        "tags.level = 'replicate' and tags.purpose = 'sweep'",
        columns={"tags.status": 90, **RESULTS, "tags.reason": 130, **SETTING, "params.seed": 65},
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
