"""A replicate is independent of its company: the same bits alone or beside others, on the CPU."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from lstm_bench.spec import Condition
from tests.numerics.training import (
    assert_same_replicate,
    condition,
    futile_for,
    trained,
    validation,
)

COMBINATIONS = [  # task, T, cell, width, batch, backend
    ("adding", 12, "lstm", 5, 20, "auto"),
    ("adding", 12, "lstm", 33, 20, "loop"),
    ("adding", 12, "lstm", 5, 1, "auto"),
    ("copy", 5, "lstm", 32, 32, "auto"),
    ("temporal_order", 12, "lstm", 33, 20, "auto"),
    ("adding", 12, "gru", 33, 20, "auto"),
    ("copy", 5, "gru", 5, 20, "loop"),
    ("temporal_order", 12, "gru", 32, 32, "auto"),
    ("adding", 12, "elman", 32, 32, "auto"),
    ("copy", 5, "elman", 33, 20, "auto"),
    ("temporal_order", 12, "elman", 5, 20, "loop"),
    ("adding", 12, "irnn", 33, 20, "auto"),
    ("copy", 5, "irnn", 5, 20, "auto"),
    ("adding", 12, "jordan", 5, 20, "auto"),
    ("adding", 12, "jordan", 33, 20, "auto"),
    ("adding", 12, "jordan", 33, 20, "loop"),
    ("copy", 5, "jordan", 33, 32, "auto"),
    ("temporal_order", 12, "jordan", 128, 20, "auto"),
    ("adding", 12, "leaky", 33, 20, "auto"),
    ("copy", 5, "lstm_1997", 33, 20, "auto"),
    ("adding", 12, "lstm_fgr", 5, 20, "auto"),
    ("temporal_order", 12, "lstm_layernorm", 33, 20, "auto"),
    ("adding", 12, "lstm_projected", 33, 20, "auto"),
    ("copy", 5, "mut1", 33, 20, "auto"),
    ("adding", 12, "lru", 33, 20, "auto"),
    ("copy", 5, "lru", 32, 20, "auto"),
    ("temporal_order", 12, "lru", 5, 20, "auto"),
    ("copy", 5, "lru", 33, 20, "loop"),
    ("adding", 12, "mingru", 33, 20, "auto"),
    ("copy", 5, "mingru", 5, 32, "auto"),
    ("temporal_order", 12, "mingru", 128, 20, "auto"),
    ("adding", 12, "minlstm", 32, 20, "auto"),
    ("copy", 5, "minlstm", 33, 20, "auto"),
    ("copy", 5, "minlstm", 5, 20, "loop"),
    ("adding", 12, "urnn", 34, 20, "auto"),
    ("copy", 5, "urnn", 32, 20, "auto"),
    ("adding", 12, "scornn", 33, 20, "auto"),
    ("copy", 5, "scornn", 32, 20, "auto"),
    ("adding", 12, "exprnn", 33, 20, "auto"),
    ("copy", 5, "exprnn", 32, 20, "auto"),
    ("adding", 12, "cornn", 33, 20, "auto"),
    ("adding", 12, "antisymmetric", 33, 20, "auto"),
    ("copy", 5, "antisymmetric_gated", 33, 20, "auto"),
    ("adding", 12, "indrnn", 33, 20, "auto"),
    ("copy", 5, "slstm", 33, 20, "auto"),
    ("adding", 12, "feedforward_window", 33, 20, "auto"),
    ("copy", 5, "random_reservoir", 33, 20, "auto"),
]
OPTIMISERS = ("adam", "rmsprop", "sgd")


def small(task: str, T: int, cell: str, width: int, batch: int, **training) -> Condition:
    return condition(task, T, cell, width, batch=batch, updates=12, evaluate_every=4, **training)


@pytest.mark.parametrize(("task", "T", "cell", "width", "batch", "backend"), COMBINATIONS)
def test_a_seed_gives_the_same_bits_alone_and_among_five(
    task: str, T: int, cell: str, width: int, batch: int, backend: str
):
    c = small(task, T, cell, width, batch)
    five = trained(c, 0, 4, backend=backend)
    assert_same_replicate(trained(c, 2, 2, backend=backend), five, 2)


@pytest.mark.parametrize(
    ("cell", "width", "network"),
    [
        ("lstm", 33, {"layers": 2}),
        ("gru", 5, {"layers": 3}),
        ("elman", 33, {"bidirectional": True}),
        ("lstm", 17, {"layers": 2, "bidirectional": True}),
        ("lstm", 5, {"direct": True, "readout_bias": False}),
        ("jordan", 33, {"readout": "logistic", "readout_range": 0.1}),
    ],
    ids=str,
)
@pytest.mark.parametrize("backend", ["auto", "loop"])
def test_company_does_not_matter_to_layers_directions_and_readouts(
    cell: str, width: int, network: dict[str, Any], backend: str
):
    c = replace(small("adding", 12, cell, width, 20, reduction="sum"), network=network)
    five = trained(c, 0, 4, backend=backend)
    assert_same_replicate(trained(c, 2, 2, backend=backend), five, 2)


@pytest.mark.parametrize("cell", ["lstm", "jordan"])
def test_a_seed_gives_the_same_bits_in_every_place_of_a_block(cell: str):
    c = small("adding", 12, cell, 33, 20)
    blocks = [trained(c, first, last) for first, last in ((0, 2), (1, 3), (2, 4))]
    for other in blocks[1:]:
        assert_same_replicate(blocks[0], other, 2)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("clip", ["norm", "value", "none"])
def test_company_does_not_matter_to_any_optimiser_or_clipping(optimiser: str, clip: str):
    c = small("copy", 5, "lstm", 17, 20, optimiser=optimiser, clip=clip, clip_at=0.05)
    assert_same_replicate(trained(c, 2, 2), trained(c, 0, 4), 2)


def test_a_finite_training_set_is_a_seeds_own():
    c = small("adding", 12, "lstm", 9, 20, train_size=50)
    assert_same_replicate(trained(c, 2, 2), trained(c, 0, 4), 2)


@pytest.mark.parametrize("cell", ["lstm", "gru", "elman"])
def test_those_that_stay_do_not_notice_when_others_retire_early(cell: str):
    c = condition("adding", 12, cell, 33, updates=16, evaluate_every=4)
    c = futile_for(c, 0.4, range(5), by=8)
    five = trained(c, 0, 4)
    left = [p.seed for p in five.progress if p.reason == "futile"]
    went_on = [p.seed for p in five.progress if p.reason == "budget"]
    assert left
    assert went_on
    assert {p.update for p in five.progress if p.seed in left} == {8}
    for seed in (went_on[0], left[0]):
        assert_same_replicate(trained(c, seed, seed), five, seed)


@pytest.mark.parametrize(
    ("task", "T", "cell", "width", "last"),
    [
        ("adding", 12, "lstm", 33, 4),
        ("copy", 5, "gru", 32, 4),
        ("copy", 5, "lstm", 128, 0),
        ("copy", 5, "elman", 128, 0),
    ],
)
def test_two_threads_give_the_same_bits_as_one(task: str, T: int, cell: str, width: int, last: int):
    c = condition(task, T, cell, width, batch=32, updates=2, evaluate_every=1)
    one = trained(c, 0, last)
    torch.set_num_threads(2)
    try:
        two = trained(c, 0, last)
    finally:
        torch.set_num_threads(1)
    assert_same_replicate(one, two, last)


def test_another_seed_or_learning_rate_gives_other_bits():
    c = small("adding", 12, "lstm", 5, 20)
    faster = small("adding", 12, "lstm", 5, 20, learning_rate=0.02)
    two = trained(c, 0, 1)
    with pytest.raises(AssertionError, match="the curve of seed 0 is another"):
        assert_same_replicate(two, trained(faster, 0, 0), 0)
    assert not torch.equal(two.final[0], two.final[1])


def test_validation_is_the_same_for_every_cell_and_optimiser_and_a_seeds_own():
    one = validation(small("adding", 12, "lstm", 5, 20), seed=3)
    other = validation(small("adding", 12, "gru", 32, 32, optimiser="sgd"), seed=3)
    assert all(np.array_equal(a, b) for a, b in zip(one[:3], other[:3]))
    another = validation(small("adding", 12, "lstm", 5, 20), seed=4)
    rows = {row.tobytes() for batch in (one, another) for row in batch.inputs}
    assert len(rows) == 2 * len(one.inputs)
