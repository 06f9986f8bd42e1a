"""The page of the MLflow experiment: its note, and the charts of each experiment of the sweep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from lstm_bench.spec import digest
from lstm_bench.store.plans import Plan
from lstm_bench.tracking.known import tracked_as
from lstm_bench.tracking.notes import NOTE, in_python
from lstm_bench.tracking.views import STATE, VIEWS, View

TASKS, LENGTHS, MOST = 5, 4, 30  # of an experiment, of a task, of all charts: a page has an end
PREFIX = "lstm_bench_"  # of the keys of our views
BY_T = ("by_T/solved", "by_T/updates_to_solve", "by_T/test_score")
LEARNING = ("validation/score", "validation/loss", "train/loss", "train/gradient_norm")


def experiment_tags(plan: Plan, experiment_id: str) -> dict[str, str]:
    """The note and the saved views."""
    charts = chart_views(plan)
    every = (view for views in charts.values() for view in views.values())
    return {
        NOTE: _note(plan, experiment_id, charts),
        "mlflow.experimentKind": "custom_model_development",
        **dict(view.tag() for view in (*VIEWS, *every)),
    }


def outdated(tags: Iterable[str], present: Mapping[str, str]) -> list[str]:
    """Views of ours among an experiment's tags that are not made any more."""
    return [tag for tag in tags if tag.startswith(STATE + PREFIX) and tag not in present]


Charts = dict[str, dict[str, View]]  # by experiment, then by what the link says


def chart_views(plan: Plan) -> Charts:
    """The runs of one experiment, one task: against T, and their learning curves at a length.

    Runs that an experiment before it shows are not shown again.
    """
    found: Charts = {}
    seen: set[str] = set()
    for name in plan.asked:
        tasks: dict[str, dict[int, dict[str, str]]] = {}
        for member in plan.experiments[name].members:
            id = member.condition
            lengths = tasks.setdefault(member.task, {})
            lengths.setdefault(plan.conditions[id].spec.T, {})[id] = member.cell
        for task, lengths in list(tasks.items())[:TASKS]:
            if not {id for cells in lengths.values() for id in cells} <= seen:
                found.setdefault(name, {}).update(_views(name, task, lengths, seen))
        seen |= {id for lengths in tasks.values() for cells in lengths.values() for id in cells}
    left = MOST
    for name, views in found.items():
        found[name] = dict(list(views.items())[: max(0, left)])
        left -= len(views)
    return found


def _views(
    name: str, task: str, lengths: Mapping[int, Mapping[str, str]], seen: set[str]
) -> Iterator[tuple[str, View]]:
    mark = '"' if "'" in task else "'"
    runs = f"{runs_of(name)} and params.task = {mark}{task}{mark}"
    apart = all(len(set(cells.values())) == len(cells) for cells in lengths.values())
    if len(lengths) > 1 and apart:  # else a line would be the mean of several conditions
        yield f"{task} against T", _view(f"{name}: {task} against T", runs, BY_T, by_cell=True)
    for T in sorted(lengths)[-LENGTHS:]:
        if not set(lengths[T]) <= seen:
            told = f"{task} T={T}"
            yield told, _view(f"{name}: {told}", f"{runs} and params.T = '{T}'", LEARNING)


def _view(title: str, runs: str, lines: Sequence[str], by_cell: bool = False) -> View:
    key = f"{PREFIX}{digest([title])}"
    return View(key, title, "", runs, lines=lines, by_cell=by_cell)


def runs_of(experiment: str) -> str:
    """The filter of the conditions that an experiment of the last sweep judges."""
    return f"tags.level = 'condition' and tags.last_experiments LIKE '%{experiment}%'"


def _note(plan: Plan, experiment_id: str, charts: Charts) -> str:
    """What the runs are and what to click; MLflow shows its first line until it is unfolded."""
    links = [
        f"- **{name}**: "
        + ", ".join(f"[{told}]({view.link(experiment_id)})" for told, view in views.items())
        for name, views in charts.items()
        if views
    ]
    judged = next(iter(charts), "horizon")
    return "\n".join(
        [
            "A run is a **condition** (cell, task, length T, training); its child runs are its "
            "**replicates**, one a seed. Unfold this note (∨) for what to click.",
            "",
            *(f"- [{v.title}]({v.link(experiment_id)}): {v.about}" for v in VIEWS),
            "",
            "Charts of each experiment's runs in the last sweep, the median over replicates: "
            "against T, and learning curves at a length.",
            "",
            *links,
            "",
            "The table of the report in Python:",
            "",
            *in_python(tracked_as(plan), runs_of(judged)),
            "",
            "Tick some runs and press *Compare* for their settings side by side. Filters to try: "
            "`params.cell = 'lstm'`, `metrics.T >= 50`, `tags.status = 'diverged'`.",
        ]
    )
