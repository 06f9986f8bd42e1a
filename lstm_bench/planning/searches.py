"""The searches for learning rates that an experiment asks for, as entries of the plan."""

from __future__ import annotations

from lstm_bench.experiments import Experiment
from lstm_bench.experiments.tuning import TuningSettings
from lstm_bench.spec import digest
from lstm_bench.store.planned import PlannedSearch
from lstm_bench.sweep import Sweep
from lstm_bench.training.run import code_identity


def searches(experiment: Experiment, sweep: Sweep) -> dict[str, PlannedSearch]:
    """By name, which does not depend on how many lengths, rates or seeds are tried."""
    settings = experiment.settings
    found: dict[str, PlannedSearch] = {}
    if not isinstance(settings, TuningSettings):
        return found
    for task, cell, conditions in experiment.searches(sweep):
        one = conditions[0]
        training = sweep.condition(task, one.T, cell, learning_rate=0.0).training
        what = [task.key, cell.key, one.width, dict(cell.network), training]
        found[f"{task.name}-{cell.name}-w{one.width}-{digest(what)}"] = PlannedSearch(
            task.key,
            cell.key,
            tuple(conditions),
            settings.rates,
            settings.first,
            settings.later,
            settings.more,
            code_identity(one),
        )
    return found
