"""What a seed block is said to take: larger conditions take more, and every number is finite."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from lstm_bench.planning.effort import memory_mib, seconds, training_seconds
from lstm_bench.planning.plan import resolve
from lstm_bench.store.planned import PlannedCondition
from tests.workflow.workspace import ROOT, TINY

SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
Entries = dict[tuple[str, int], PlannedCondition]
LOOPED = {"elman": "kernel", "lstm_peephole": "kernel", "lru": "scan", "feedforward_window": "loop"}


@pytest.fixture(scope="module")
def entries() -> Entries:
    config = {**TINY, "cells": list(LOOPED), "lengths": [10, 100], "experiments": ["horizon"]}
    plan = resolve(config, SCHEMA)
    members = plan.experiments["horizon"].members
    conditions = [plan.conditions[member.condition] for member in members]
    return {(each.spec.cell, each.spec.T): each for each in conditions}


def trained(entry: PlannedCondition, **changes: Any) -> PlannedCondition:
    return replace(
        entry, spec=replace(entry.spec, training=replace(entry.spec.training, **changes))
    )


def test_the_way_through_time_is_the_engine_s(entries: Entries) -> None:
    assert {cell: entries[cell, 10].effort.way for cell in LOOPED} == LOOPED


@pytest.mark.parametrize("cost", [seconds, memory_mib])
@pytest.mark.parametrize("cell", LOOPED)
def test_longer_sequences_and_more_replicates_take_more(
    cost: Any, cell: str, entries: Entries
) -> None:
    short, long = entries[cell, 10], entries[cell, 100]
    assert 0 < cost(short, 5) < cost(long, 5) < cost(long, 50)


def test_seconds_grow_with_the_budget_and_memory_does_not(
    entries: Entries,
) -> None:
    entry = entries["elman", 100]
    longer = trained(entry, updates=100 * 60)
    assert seconds(longer, 5) > 10 * seconds(entry, 5) - 9 * 4.0 - 1e-9
    assert memory_mib(longer, 5) == memory_mib(entry, 5)


def test_recomputation_takes_less_memory(entries: Entries) -> None:
    entry = entries["lstm_peephole", 100]
    again = trained(entry, recompute=True)
    assert memory_mib(again, 500) < memory_mib(entry, 500)


def test_a_wide_state_takes_time_where_there_are_few_products(entries: Entries):
    entry = entries["elman", 100]
    wide = replace(entry, state_size=100 * entry.state_size)
    assert training_seconds(wide, 5) > 5 * training_seconds(entry, 5)


def test_the_outputs_of_a_vocabulary_take_memory(entries: Entries):
    """32 sequences of 16 words among 30,000, of 5 replicates: 293 MiB for one copy of them."""
    entry = entries["elman", 10]
    words = replace(entry, effort=replace(entry.effort, answers=16 * 30_000))
    assert memory_mib(words, 5) - memory_mib(entry, 5) == pytest.approx(4 * 293, rel=0.02)
