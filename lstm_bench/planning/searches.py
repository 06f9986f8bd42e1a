"""The searches for learning rates that an experiment asks for, as entries of the plan."""

from __future__ import annotations

from lstm_bench.experiments import Experiment
from lstm_bench.experiments.tuning import TuningSettings
from lstm_bench.planning.ladders import pair_name
from lstm_bench.store.planned import PlannedSearch
from lstm_bench.sweep import Sweep
from lstm_bench.training.run import code_identity


def searches(experiment: Experiment, sweep: Sweep) -> dict[str, PlannedSearch]:
    """By name."""
    settings = experiment.settings
    found: dict[str, PlannedSearch] = {}
    if not isinstance(settings, TuningSettings):
        return found
    for task, cell, conditions in experiment.searches(sweep):
        found[pair_name(sweep, task, cell)] = PlannedSearch(
            task.key,
            cell.key,
            tuple(conditions),
            settings.rates,
            settings.first,
            settings.later,
            settings.more,
            code_identity(conditions[0]),
        )
    return found
