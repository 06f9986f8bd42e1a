"""Configs drawn at random: valid ones, and ones with something wrong in them."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

from lstm_bench import cells, experiments, tasks
from lstm_bench.planning.ladders import rungs
from tests.workflow.workspace import TINY

Config = dict[str, Any]

# cells that only some tasks, networks or widths can have are left to the invalid configs
CELLS = ("elman", "irnn", "gru", "lstm", "indrnn", "leaky", "lru", "minimal_gru")
WIDTHS = st.sampled_from([8, 16, 64])


def _some(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[Config]:
    return st.fixed_dictionaries({}, optional=optional)


def _numbers(low: float, high: float) -> st.SearchStrategy[float]:
    """Without the smallest of all: an engine has the processor take those for zero."""
    return st.floats(max(low, 1e-9), high, allow_nan=False, allow_subnormal=False)


TRAINING = _some(
    updates=st.integers(1, 10**6),
    batch=st.integers(1, 1024),
    evaluate_every=st.integers(1, 1000),
    evaluate_first=st.integers(1, 100),
    optimiser=st.sampled_from(["adam", "rmsprop", "sgd"]),
    learning_rate=_numbers(0, 10),
    momentum=_numbers(0, 0.999),
    clip=st.sampled_from(["norm", "value", "none"]),
    clip_at=_numbers(0, 1000),
    futility_after=_numbers(0, 1),
    futility_margin=_numbers(0, 0.9),
    validation_size=st.integers(1, 10_000),
    confirmation_size=st.none() | st.integers(1, 10_000),
    test_size=st.integers(1, 10_000),
    reduction=st.sampled_from(["mean", "sum"]),
    weight_decay=_numbers(0, 1),
    stop=st.sampled_from(["solved", "budget"]),
    keep=st.sampled_from(["last", "best"]),
    truncate=st.none() | st.integers(1, 50),
    carry=st.booleans(),
)


def _task(name: str) -> st.SearchStrategy[Any]:
    task = tasks.create(name)
    possible = [T for T in range(1, 120) if _allows(task, T)][:40]
    lengths = st.lists(st.sampled_from(possible), min_size=1, max_size=3, unique=True)
    ladders = [
        {"from": first, "to": last, "factor": factor}
        for factor in (1.5, 2)
        for first in possible[:3]
        for last in possible[-3:]
        if set(rungs({"from": first, "to": last, "factor": factor}, "")) <= set(possible)
    ]
    known = lengths | st.sampled_from(ladders) if ladders else lengths
    return st.fixed_dictionaries({"task": st.just(name), "lengths": known})


def _allows(task: tasks.Task, T: int) -> bool:
    try:
        task.require(T)
    except Exception:
        return False
    return True


@st.composite
def valid(draw: st.DrawFn) -> Config:
    """A config that must plan: any task at lengths it can have, common cells, any settings."""
    names = draw(st.lists(st.sampled_from(sorted(tasks.registry())), max_size=3, unique=True))
    known = [name for name in CELLS if name in cells.registry()]
    chosen = draw(st.lists(st.sampled_from(known), min_size=1, max_size=3, unique=True))
    entries = [
        {"cell": name, "width": draw(WIDTHS)} if draw(st.booleans()) else name for name in chosen
    ]
    block = draw(st.integers(1, 8))
    asked = st.sampled_from(["horizon", "training_time", "cost", "truncation"])
    training = draw(TRAINING)
    if training.get("truncate") is None:
        training.pop("carry", None)  # refused where nothing is cut
    tiny = copy.deepcopy(TINY)
    return {
        **tiny,
        "experiments": draw(st.lists(asked, min_size=1, unique=True)),
        "tasks": [draw(_task(name)) for name in names] or tiny["tasks"],
        "cells": entries,
        "seed_block": block,
        "replicates": block * draw(st.integers(1, 3)),
        "first_seed": draw(st.integers(0, 1000)),
        "width": draw(WIDTHS),
        "training": training,
        "timeout_seconds": draw(st.none() | _numbers(0, 1e6)),
    }


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.sampled_from([0, -1, 2**31, 2**63, 10**12, 10**18]),
    st.floats(allow_subnormal=False),
    st.text(max_size=20),
    st.sampled_from(
        [
            *"🧪 \n\x00",
            "",
            "lstm",
            "adding",
            "all",
            "null",
            "{wildcard}",
            "%s",
            "a/b",
            "../../etc/passwd",
            "/dev/null",
            "a'b\"c;$(id)`",
            "<script>alert(1)</script>",
            "x" * 300,
        ]
    ),
)
VALUES = st.recursive(
    JUNK,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=4,
)


def _places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        below = [place for key, each in value.items() for place in _places(each, (*at, key))]
    elif isinstance(value, list):
        below = [place for i, each in enumerate(value) for place in _places(each, (*at, i))]
    else:
        below = []
    return [at, *below] if at else below


def _options() -> list[tuple[str, str]]:
    """Every option of every task and cell."""
    from dataclasses import fields

    found = [("task", name, cls) for name, cls in tasks.registry().items()]
    found += [("cell", name, cls) for name, cls in cells.registry().items()]
    return [(kind, name, each.name) for kind, name, cls in found for each in fields(cls)]


@st.composite
def disturbed(draw: st.DrawFn, schema: Config) -> Config:
    """A valid config with one to three of its values, keys or options replaced by anything."""
    config: Config = draw(valid())
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["value", "key", "section", "option", "experiment", "drop"]))
        places = _places(config)
        if kind == "value" and places:
            *path, last = draw(st.sampled_from(places))
            inner = config
            for part in path:
                inner = inner[part]
            inner[last] = draw(VALUES)
        elif kind == "key":
            config[draw(st.text(max_size=10))] = draw(VALUES)
        elif kind == "section":
            name = draw(st.sampled_from(sorted(schema["properties"])))
            keys = sorted(schema["properties"][name].get("properties", {}))
            section = {draw(st.sampled_from(keys)): draw(VALUES)} if keys else draw(VALUES)
            old = config.get(name)
            config[name] = {**old, **section} if keys and isinstance(old, dict) else section
        elif kind == "option":
            what, name, option = draw(st.sampled_from(_options()))
            entry = {what: name, option: draw(VALUES)}
            if what == "task":
                entry["lengths"] = [draw(st.integers(1, 100))]
            config[f"{what}s"] = [entry]
        elif kind == "experiment":
            config["experiments"] = [draw(st.sampled_from(sorted(experiments.registry())))]
        elif config:
            del config[draw(st.sampled_from(sorted(config)))]
    return config
