"""What an experiment's folder says of the plan that drew its tables and its figure."""

from __future__ import annotations

from lstm_bench.errors import DamagedFile
from lstm_bench.spec import digest
from lstm_bench.store.files import read_json, write_json
from lstm_bench.store.paths import DRAWN_BY, Results
from lstm_bench.store.plans import Plan

CODE = {"conclude": "code", "draw": "figure_code"}  # of an experiment, by the stage it decides


def sign(plan: Plan, results: Results, experiment: str, stage: str) -> None:
    """Write which plan the tables (`conclude`) or the figure (`draw`) are of, and what decided."""
    about = {"plan": plan.path.stem, "config": plan.layers(results)}
    signed = {**_signed(results, experiment), **about, stage: _decisive(plan, experiment, stage)}
    write_json(results.experiment(experiment) / DRAWN_BY, signed)


def is_of_another(plan: Plan, results: Results, experiment: str) -> bool:
    """Whether an experiment has tables, and they or the figure are not what the plan would draw."""
    if not (results.experiment(experiment) / "table.csv").exists():
        return False
    signed = _signed(results, experiment)
    return any(signed.get(stage) != _decisive(plan, experiment, stage) for stage in CODE)


def drawn_otherwise(plan: Plan, results: Results) -> list[str]:
    """Experiments of the plan whose stored tables or figure are not what it would draw."""
    return [name for name in plan.asked if is_of_another(plan, results, name)]


def _signed(results: Results, experiment: str) -> dict[str, object]:
    try:
        found: dict[str, object] = read_json(results.experiment(experiment) / DRAWN_BY)
    except DamagedFile:  # or none: a killed stage's, or 0.3.4's
        return {}
    return found


def _decisive(plan: Plan, experiment: str, stage: str) -> str:
    entry = plan.experiments[experiment]
    runs, probe = plan.membership(experiment), plan.probe_files(experiment)
    return digest([runs, probe, entry.settings, getattr(entry, CODE[stage])])
