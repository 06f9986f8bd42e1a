"""An experiment tried without any training: it is planned, and concluded from made-up runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from lstm_bench.check import Result
from lstm_bench.errors import BenchError
from lstm_bench.experiments import registry
from lstm_bench.experiments.rehearsal import rehearse
from lstm_bench.planning.ensure import schema_file
from lstm_bench.planning.overlays import merged, read_layers
from lstm_bench.planning.plan import resolve
from lstm_bench.store.plans import Plan
from lstm_bench.store.yamls import read_config

FEW = {"replicates": 2, "seed_block": 2, "lengths": {"from": 10, "to": 20}}


def rehearsed(name: str) -> Iterator[Result]:
    """What an experiment promises, as tried on the tasks and cells of the config.yaml here.

    Raises BenchError where there is no config.yaml.
    """
    config = {**merged(read_layers(["config.yaml"])), **FEW, "experiments": [name], "claims": []}
    config["tasks"] = config["tasks"][:2]
    schema = read_config(schema_file(Path()))
    made: list[Plan] = []

    def is_planned() -> None:
        made.append(resolve(config, schema))

    def concludes_from_made_up_runs() -> None:
        rehearse(made[0], name)

    yield (first := _tried(is_planned))
    cls = registry()[name]
    if not first.fault and not (cls.probe or cls.reads):
        yield _tried(concludes_from_made_up_runs)


def _tried(promise: Callable[[], None]) -> Result:
    started, fault = time.perf_counter(), ""
    try:
        promise()
    except BenchError as error:
        fault = str(error)
    return Result(promise.__name__, fault, time.perf_counter() - started)
