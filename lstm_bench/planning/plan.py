"""A sweep resolved: conditions with ids, datasets, seed blocks, experiments. Plain data."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from typing import Any

import lstm_bench
from lstm_bench import cells, claims, experiments, tables, tasks
from lstm_bench.engine.describe import way
from lstm_bench.engine.network import Network
from lstm_bench.engine.runtime import resolve_device
from lstm_bench.errors import BenchError, unknown
from lstm_bench.planning.config import make_sweep
from lstm_bench.planning.limits import require_few, require_memory, require_sizes
from lstm_bench.planning.notices import notices, untuned_pairs
from lstm_bench.planning.schema import check_schema, numbers_from_text, plain_numbers
from lstm_bench.planning.sources import closure, code_of, digest_of, stages_code
from lstm_bench.registry import code_version, load_plugins
from lstm_bench.spec import Condition, Dataset, canonical
from lstm_bench.store.paths import DATASET
from lstm_bench.store.plans import BESIDE
from lstm_bench.sweep import Sweep
from lstm_bench.training.devices import as_text, declared, device_for
from lstm_bench.training.facts import facts, flops_per_update


def with_defaults(config: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The config with the schema's defaults for the keys it leaves out."""
    found = {k: v["default"] for k, v in schema["properties"].items() if "default" in v}
    return {**found, **config}


def resolve(
    config: Mapping[str, Any],
    schema: Mapping[str, Any],
    digest: str,
    inherited: Collection[str] = (),
    tuning: bool = False,
) -> dict[str, Any]:
    """The plan of a config. Raises BenchError for anything that cannot be run."""
    config = plain_numbers(numbers_from_text(config, schema))
    check_schema(config, schema)
    config = with_defaults(config, schema)
    load_plugins(config["plugins"])
    sweep = make_sweep(config, inherited, tuning)
    require_few(sweep)
    known = experiments.registry()
    for name in config["experiments"]:
        if name not in known:
            raise unknown("experiments: experiment", name, known)
    config = {**config, "experiments": list(config["experiments"])}
    asked = list(dict.fromkeys([*config["experiments"], "tuning", *BESIDE]))
    planned: dict[str, Condition] = {}
    # a probe of a mixed sweep measures on the CPU, whose numbers are the same everywhere
    measured_on = config["device"] if isinstance(config["device"], str) else "cpu"
    entries, left_out = {}, []
    for name in asked:
        in_sweep = name in config["experiments"]
        try:
            entries[name] = _experiment(known[name](), sweep, planned, in_sweep, measured_on)
        except BenchError as error:
            # named by a config file below the one that chose the cells, and not possible with them
            if f"experiments.{name}" not in inherited or len(config["experiments"]) == 1:
                raise
            left_out.append(f"{name} is left out of this sweep: {error}")
            config["experiments"] = [each for each in config["experiments"] if each != name]
    published = _tables(config["tables"], planned)
    claimed = _claims(config, sweep, entries, planned)
    for condition in planned.values():
        require_memory(condition, sweep.seed_block)
    members = [m for name in config["experiments"] for m in entries[name]["members"]]
    asked_for = [planned[member["condition"]] for member in members]
    _check_device(config["device"], sorted(condition.T for condition in asked_for))
    untuned = untuned_pairs(sweep, members, planned)
    datasets = {_folder(c.dataset): c.dataset for c in planned.values()}
    return {
        "digest": digest,
        "notices": [*notices(sweep, members, untuned), *left_out],
        "package": lstm_bench.__version__,
        "config": config,
        "sweep": {
            "tasks": [{**asdict(t), "key": t.key, "shown": t.shown} for t in sweep.tasks],
            "cells": [{**asdict(c), "key": c.key, "shown": c.shown} for c in sweep.cells],
            "own": {
                name: [{"name": t.name, "key": t.key, "shown": t.shown} for t in of]
                for name, of in sweep.own.items()
            },
            "training": asdict(sweep.training),
            "rates": sweep.rates,
            "other_than_tuned": sweep.other_than_tuned(),
            "untuned": [f"{cell} on {task}" for task, cell in untuned],
        },
        "conditions": _conditions(planned),
        "datasets": {folder: _dataset(dataset) for folder, dataset in datasets.items()},
        "code": stages_code(known[name].__module__ for name in config["experiments"]),
        "experiments": entries,
        "tables": published,
        "claims": claimed,
    }


def _check_device(device: str | Mapping[str, int], lengths: Iterable[int]) -> None:
    """Raise BenchError where a length is to train on a GPU and this machine has none.

    Where jobs are sent to other machines, this one needs no GPU: theirs are checked then.
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
            "here; raise it, or use 'auto'."
        ) from None


def _experiment(
    experiment: experiments.Experiment,
    sweep: Sweep,
    planned: dict[str, Condition],
    asked: bool,
    device: str,
) -> dict[str, Any]:
    members = []
    for member in experiment.members(sweep):
        condition = member.condition
        planned.setdefault(condition.id, condition)
        named = {"task": member.task, "cell": member.cell, "condition": condition.id}
        members.append({**named, "factors": dict(member.factors)} if member.factors else named)
    settings = experiment.probe_settings(sweep)
    if experiment.probe:
        settings["device"] = device
    return {
        "in_sweep": asked,
        "members": members,
        "blocks": [block.name for block in experiment.blocks(sweep)] if members else [],
        "probe": experiment.probe,
        "reads": list(experiment.reads),
        "settings": {**experiment.defaults, **sweep.settings.get(experiment.name, {})},
        "probe_settings": settings,
        "probe_code": _probe_code(experiment.probe, settings),
        "code": code_of(type(experiment), without=["plotting"]),
        "figure_code": code_of(type(experiment)),
    }


def _claims(
    config: Mapping[str, Any],
    sweep: Sweep,
    entries: Mapping[str, Mapping[str, Any]],
    planned: Mapping[str, Condition],
) -> dict[str, Any]:
    """Every declared claim, and why this sweep cannot judge it.

    Raises BenchError for a claim with a name that does not exist, and for one the config names
    itself and does not train.
    """
    chosen, found = config["claims"], {}
    for claim in claims.declared(chosen):
        members = entries.get(claim.experiment, {}).get("members", [])
        trained = _trained(claim.experiment, sweep, members, planned)
        lacking = claims.check(claim, config["experiments"], trained)
        if lacking and chosen is not None:
            raise BenchError(f"claims: {claim.id!r} cannot be judged: {lacking}")
        found[claim.id] = {"declared": asdict(claim), "not_judged": lacking}
    return found


def _trained(
    experiment: str,
    sweep: Sweep,
    members: list[dict[str, Any]],
    planned: Mapping[str, Condition],
) -> claims.Trained:
    """What the sweep trains for an experiment, under which names."""
    own = sweep.own.get(experiment, sweep.tasks)
    labels = {task.name: task.shown for task in reversed(own)}
    labels |= {n: each.shown for each in (*sweep.cells, *own) for n in (each.key, each.shown)}
    return claims.Trained(
        cells=frozenset([m["cell"] for m in members] or [c.shown for c in sweep.cells]),
        tasks=frozenset([m["task"] for m in members] or [t.shown for t in own]),
        lengths=frozenset(planned[m["condition"]].T for m in members),
        labels=labels,
        known_cells=list(cells.registry()),
        known_tasks=list(tasks.registry()),
    )


def _tables(chosen: Mapping[str, Any], planned: dict[str, Condition]) -> dict[str, Any]:
    """The published tables of the config; nothing is trained before `snakemake tables`."""
    known, found = tables.registry(), {}
    for name in chosen.get("rows", known):
        if name not in known:
            raise unknown("tables: row", name, known)
        arms = [arm.limited(chosen) for arm in known[name]().arms()]
        planned.update((arm.condition.id, arm.condition) for arm in arms)
        found[name] = {
            "arms": [
                {
                    "label": arm.label,
                    "condition": arm.condition.id,
                    "blocks": [block.name for block in arm.blocks],
                }
                for arm in arms
            ],
            "code": digest_of(closure("lstm_bench.tables.run", known[name].__module__)),
        }
    return found


def _probe_code(probe: str | None, settings: Mapping[str, Any]) -> str:
    if probe is None:
        return ""
    module = importlib.import_module(f"lstm_bench.probes.{probe}")
    return module.code_identity(settings)


def _folder(dataset: Dataset) -> str:
    return DATASET.format(task=dataset.task, T=dataset.T, dataset=dataset.id)


def _dataset(dataset: Dataset) -> dict[str, Any]:
    version = code_version(tasks.registry()[dataset.task])
    return {"spec": asdict(dataset), "code": f"task {version}"}


def _conditions(planned: Mapping[str, Condition]) -> dict[str, Any]:
    """Every condition with what the workflow, the report and the tracker want to know of it."""
    known: dict[str, tuple[tasks.Task, dict[str, Any]]] = {}
    found = {}
    for id, condition in planned.items():
        spec = condition.to_json()
        # of conditions that differ in T alone, thousands of them, sizes and versions are the same
        alike = canonical({**spec, "T": None})
        if alike not in known:
            known[alike] = _shared(condition)
        task, shared = known[alike]
        require_sizes(condition, task)
        steps, training = task.steps(condition.T), condition.training
        flops = flops_per_update(condition, task, shared["flops"])
        found[id] = {
            **{key: value for key, value in shared.items() if key not in ("flops", "way")},
            "spec": spec,
            "dataset": _folder(condition.dataset),
            "flops_per_update": flops,
            "priority": min(int(flops * training.updates // 10**6), 2**31 - 1),
            "effort": {
                "way": shared["way"],
                "steps": steps,
                "inputs": task.inputs,
                "validation": training.validation_size,
                "held_out": training.validation_size + training.test_size,
            },
        }
    return found


def _shared(condition: Condition) -> tuple[tasks.Task, dict[str, Any]]:
    """The task of a condition, and what does not hang on its length; flops are of one step."""
    task = tasks.create(condition.task, condition.task_options)
    return task, {**facts(condition, task), "way": way(Network.of(condition, task).cell)}
