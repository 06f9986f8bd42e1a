"""A sweep resolved: conditions with ids, seed blocks, experiments."""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

import lstm_bench
from lstm_bench import experiments, published, tasks
from lstm_bench.engine.describe import way
from lstm_bench.engine.network import Network
from lstm_bench.engine.runtime import resolve_device
from lstm_bench.errors import BenchError, unknown
from lstm_bench.experiments.rehearsal import rehearse
from lstm_bench.jobs.devices import as_text, declared, device_for
from lstm_bench.planning.arms import require_arms
from lstm_bench.planning.claimed import planned_claims
from lstm_bench.planning.config import make_sweep
from lstm_bench.planning.declare import declaration
from lstm_bench.planning.fitting import fitted, judgeable, with_sections
from lstm_bench.planning.ladders import ladders
from lstm_bench.planning.limits import require_few, require_memory, require_sizes
from lstm_bench.planning.modules import (
    faults,
    layers,
    stepping,
    taken,
    with_modules,
    without_layers,
)
from lstm_bench.planning.notices import notices, untuned_pairs
from lstm_bench.planning.schema import check_schema, numbers_from_text, only, plain_numbers
from lstm_bench.planning.searches import searches
from lstm_bench.planning.sources import closure, code_of, digest_of, stages_code
from lstm_bench.registry import load_plugins, source_file
from lstm_bench.spec import Condition, canonical
from lstm_bench.store.planned import (
    Effort,
    PlannedArm,
    PlannedCondition,
    PlannedExperiment,
    PlannedMember,
    PlannedSearch,
    PlannedTable,
)
from lstm_bench.store.plans import Plan, PlannedSweep
from lstm_bench.sweep import Sweep, once_each
from lstm_bench.tasks.in_order import in_order, trained_steps
from lstm_bench.training.curriculum import require_rungs
from lstm_bench.training.facts import Facts, describe, facts


def with_defaults(config: Mapping[str, object], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The config with the schema's defaults for the keys it leaves out."""
    found = {k: v["default"] for k, v in schema["properties"].items() if "default" in v}
    return {**found, **config}


def resolve(
    config: Mapping[str, Any],
    schema: Mapping[str, Any],
    inherited: Collection[str] = (),
    tuning: bool = False,
) -> Plan:
    """The plan of a config. Raises BenchError for anything that cannot be run."""
    config = with_modules(config)
    check_schema({"plugins": config.get("plugins", [])}, only(schema, "plugins"))
    load_plugins(config.get("plugins", []))
    known = experiments.registry()
    schema = with_sections(schema, known)
    config = plain_numbers(numbers_from_text(config, schema))
    check_schema(config, schema)
    config = with_defaults(config, schema)
    sweep = make_sweep(config, inherited, tuning)
    require_few(sweep)
    for name in config["experiments"]:
        if name not in known:
            raise unknown("experiments: experiment", name, known)
    config = {**config, "experiments": list(config["experiments"])}
    on_request = [name for name, cls in known.items() if cls.on_request]
    asked = list(dict.fromkeys([*config["experiments"], *on_request]))
    planned: dict[str, Condition] = {}
    # a probe of a mixed sweep measures on the CPU, whose numbers are the same everywhere
    measured_on = config["device"] if isinstance(config["device"], str) else "cpu"
    entries: dict[str, PlannedExperiment] = {}
    searched: dict[str, PlannedSearch] = {}
    left_out = []
    whole = layers(sweep)
    for name in asked:
        try:
            among = judgeable(known[name], sweep, name in config["experiments"])
            among = stepping(known[name], among, whole) if whole else among
            experiment = fitted(known[name], config, inherited, among)
            entries[name] = _experiment(experiment, among, planned, measured_on)
            searched |= searches(experiment, among)
        except BenchError as error:
            # a config file below the one that chose the cells named this experiment, which is not
            # possible with these cells: it is left out
            if f"experiments.{name}" not in inherited or len(config["experiments"]) == 1:
                raise
            left_out.append(f"{name} is left out of this sweep: {error}")
            config["experiments"] = [other for other in config["experiments"] if other != name]
    tables = _tables(config["tables"], planned)
    claimed = planned_claims(config, sweep, entries, planned)
    for condition in planned.values():
        require_memory(condition, sweep.seed_block)
    members = [m for name in config["experiments"] for m in entries[name].members]
    lengths = {planned[member.condition].T for member in members}
    _check_device(config["device"], sorted(lengths))
    own = [task for entry in entries.values() for task in entry.tasks]
    every_task = {task.key: task for task in (*sweep.tasks, *own)}.values()
    otherwise = sweep.tuned_otherwise(every_task)
    untuned = untuned_pairs(sweep, every_task, members, planned)
    conditions, faulty = _conditions(planned), faults(sweep)
    climbed = dict(ladders(sweep, {member.condition for member in members}))
    made = declaration(claimed, entries, planned, climbed, sweep)
    if config["declared"] and made.exploratory and not tuning:
        raise BenchError(
            f"declared: true is not possible here: {made.exploratory}; declare what changed "
            "('lstm-bench declare --write') and set first_seed, or set it to false for verdicts "
            "that are exploratory."
        )
    plan = Plan(
        config=config,
        sweep=PlannedSweep(
            tasks=sweep.tasks,
            cells=sweep.cells,
            training=sweep.training,
            width=sweep.width,
            network=sweep.network,
            replicates=sweep.replicates,
            seed_block=sweep.seed_block,
            first_seed=sweep.first_seed,
            other_than_tuned=once_each(otherwise.values()),
            untuned=tuple(f"{cell} on {task}" for task, cell in untuned),
            faults=faulty,
        ),
        conditions=conditions,
        experiments=entries,
        searches=searched,
        ladders=climbed,
        tables=tables,
        claims=claimed,
        declaration=made,
        code=stages_code(known[name].__module__ for name in config["experiments"]),
        notices=(
            *notices(sweep, otherwise, members, untuned),
            *taken(sweep),
            *(f"{c} fails `lstm-bench check`: {s}" for c, every in faulty.items() for s in every),
            *without_layers(config["experiments"], known, whole),
            *left_out,
        ),
        package=lstm_bench.__version__,
    )
    for name in config["experiments"]:
        plugin = source_file(known[name]) is not None  # the suite's own are tested
        if plugin and not (known[name].probe or known[name].reads):
            rehearse(plan, name)
    return plan


def _check_device(device: str | Mapping[str, int], lengths: Iterable[int]) -> None:
    """Raise BenchError where a length is to train on a GPU and this machine has none.

    Where jobs are sent to other machines, this check is skipped: theirs is made when they run.
    """
    wanted = as_text(device)
    longest = next((T for T in lengths if device_for(wanted, T) == "cuda"), None)
    if longest is None or declared() or shutil.which("sbatch"):
        return
    try:
        resolve_device("cuda")
    except BenchError:
        if device == "cuda":
            raise
        raise BenchError(
            f"device: {wanted.replace('=', ' ')} sends T={longest} to a GPU, but torch finds none "
            "here; raise the T from which a GPU is used, or use 'auto'."
        ) from None


def _experiment(
    experiment: experiments.Experiment,
    sweep: Sweep,
    planned: dict[str, Condition],
    device: str,
) -> PlannedExperiment:
    """The plan's entry of an experiment; adds its conditions to `planned`."""
    members = list(experiment.members(sweep))
    require_arms(experiment, members)
    entries = [PlannedMember(m.task, m.cell, m.condition.id, m.factors) for m in members]
    settings = json.loads(canonical(experiment.probe_settings(sweep)))
    if experiment.probe:
        settings["device"] = device
    entry = PlannedExperiment(
        members=tuple(entries),
        blocks=tuple(block.name for block in experiment.blocks(sweep) if members),
        probe=experiment.probe,
        tasks=experiment.tasks,
        probe_settings=settings,
        probe_code=_probe_code(experiment.probe, settings),
        searches=any(True for _ in experiment.searches(sweep)),
        reads=experiment.reads,
        beside=experiment.beside,
        settings=json.loads(canonical(experiment.settings)),
        code=code_of(type(experiment), without=["plotting"]),
        figure_code=code_of(type(experiment)),
        supplement=experiment.supplemented(),
    )
    planned.update((member.condition.id, member.condition) for member in members)
    return entry


def _tables(chosen: Mapping[str, Any], planned: dict[str, Condition]) -> dict[str, PlannedTable]:
    """The published tables of the config; nothing is trained before `snakemake tables`."""
    known, found = published.registry(), {}
    for name in chosen.get("rows", known):
        if name not in known:
            raise unknown("tables: row", name, known)
        arms = [arm.limited(chosen) for arm in known[name]().arms()]
        planned.update((arm.condition.id, arm.condition) for arm in arms)
        found[name] = PlannedTable(
            arms=tuple(
                PlannedArm(arm.label, arm.condition.id, tuple(block.name for block in arm.blocks))
                for arm in arms
            ),
            code=digest_of(closure("lstm_bench.published.run", known[name].__module__)),
        )
    return found


def _probe_code(probe: str | None, settings: Mapping[str, Any]) -> str:
    if probe is None:
        return ""
    module = importlib.import_module(f"lstm_bench.probes.{probe}")
    return module.code_identity(settings)


def _conditions(planned: Mapping[str, Condition]) -> dict[str, PlannedCondition]:
    """Every condition with what the workflow, the report and the tracker want to know of it."""
    known: dict[str, tuple[tasks.Task, Facts, str]] = {}
    found = {}
    for id, condition in planned.items():
        # thousands of conditions can differ in T alone: they share sizes and versions
        alike = canonical({**condition.to_json(), "T": None})
        if alike not in known:
            task = tasks.create(condition.task, condition.task_options)
            time_loop = way(Network.of(condition, task).cell)
            known[alike] = task, facts(condition, task), time_loop
        task, shared, time_loop = known[alike]
        require_sizes(condition, task)
        if condition.training.stateful:
            in_order(task).require_streams(condition.T, condition.training.batch)
        require_rungs(condition, task)
        entry, training = describe(condition, task, shared), condition.training
        found[id] = replace(
            entry,
            # in millions of operations; Snakemake keeps it in 32 bits
            priority=min(int(entry.flops_per_update * training.updates // 10**6), 2**31 - 1),
            effort=Effort(
                way=time_loop,
                steps=task.steps(condition.T),
                inputs=task.step_size,
                answers=task.outputs * len(trained_steps(task, condition.T, training.stateful)),
            ),
        )
    return found
