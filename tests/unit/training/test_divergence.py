from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from lstm_bench.spec import SeedBlock
from lstm_bench.training.clipping import clip
from lstm_bench.training.model import ReplicateBatch
from tests.numerics.training import (
    CPU,
    assert_same_replicate,
    condition,
    row,
    trained,
)

WHEN = 13


def poison(replicate: int, value: float) -> Callable[[ReplicateBatch], None]:
    """Write `value` into one weight of a replicate after update 13."""

    def after_update(model: ReplicateBatch) -> None:
        if model.update == WHEN:
            start, _ = model.network.layout.slots["V"]
            model.weights[model.active.index(replicate), start] = value

    return after_update


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize(
    ("cell", "backend"),
    [
        *((cell, "auto") for cell in ("lstm", "gru", "elman", "irnn", "jordan")),
        *((cell, "loop") for cell in ("lstm", "irnn")),
    ],
)
def test_a_poisoned_replicate_diverges_and_its_companions_keep_every_bit(
    cell: str, backend: str, value: float
):
    c = condition("adding", 12, cell, 9)
    clean = trained(c, 0, 2, backend=backend)
    poisoned = trained(c, 0, 2, backend=backend, after_update=poison(1, value))
    ended = row(poisoned, 1)
    assert (ended["status"], ended["reason"]) == ("diverged", "not finite")
    assert ended["update"] == WHEN + 1, "the update is not the first that was not finite"
    for seed in (0, 2):
        assert_same_replicate(clean, poisoned, seed)


@pytest.mark.parametrize("backend", ["auto", "loop"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("how", ["norm", "value", "none"])
def test_a_gradient_that_is_not_finite_diverges_and_its_companions_keep_every_bit(
    how: str, value: float, backend: str, monkeypatch: pytest.MonkeyPatch
):
    c, calls = condition(clip=how), []

    def poisoned_clip(gradient: torch.Tensor, *rest: object) -> torch.Tensor:
        calls.append(None)
        if len(calls) == WHEN:
            gradient[1, 3] = value
        return clip(gradient, *rest)

    clean = trained(c, 0, 2, backend=backend)
    monkeypatch.setattr("lstm_bench.training.model.clip", poisoned_clip)
    poisoned = trained(c, 0, 2, backend=backend)
    ended = row(poisoned, 1)
    assert (ended["status"], ended["update"]) == ("diverged", WHEN)
    for seed in (0, 2):
        assert_same_replicate(clean, poisoned, seed)


def test_a_diverged_replicate_keeps_its_last_finite_measurements_and_leaves_a_point():
    poisoned = trained(condition(), 0, 2, after_update=poison(1, float("nan")))
    points = [p for p in poisoned.curves if p["seed"] == 1]
    assert [p["update"] for p in points] == [0, 10, 20]
    assert math.isnan(points[-1]["validation_loss"])
    assert row(poisoned, 1)["validation_loss"] == points[1]["validation_loss"]
    assert math.isfinite(row(poisoned, 1)["best_loss"])


def test_every_replicate_of_a_block_may_diverge():
    c = condition(
        "adding", 12, "irnn", 9, optimiser="sgd", clip="none", learning_rate=1e30, updates=40
    )
    model = trained(c, 0, 2)
    assert {p.status for p in model.progress} == {"diverged"}
    assert {p.update for p in model.progress} <= {1, 2, 3}
    assert model.active == []
    assert model.update == 10, "the training goes on after the last replicate has stopped"


def test_a_replicate_poisoned_in_its_last_update_is_not_called_finished():
    c = condition(updates=WHEN + 1, evaluate_every=50)
    model = trained(c, 0, 1, after_update=poison(0, float("nan")))
    assert [p.status for p in model.progress] == ["diverged", "unsolved"]


def test_a_gradient_clipped_by_norm_never_moves_a_weight_further_than_the_limit():
    limit, rate = 0.01, 0.5
    c = condition(optimiser="sgd", momentum=0.0, learning_rate=rate, clip_at=limit)
    before: dict[int, torch.Tensor] = {}

    def watch(model: ReplicateBatch) -> None:
        if before and len(before[0]) == len(model.weights):
            moved = (model.weights - before[0]).double().norm(dim=1)
            assert (moved <= rate * limit * (1 + 1e-3)).all()
            assert (moved > 0).all()
        before[0] = model.weights.clone()

    trained(c, 0, 2, after_update=watch)
    assert before


@pytest.mark.parametrize("rate", [0.001, 0.1])
def test_the_learning_rate_of_the_condition_is_the_step_that_is_taken(rate: float):
    c = condition(optimiser="adam", learning_rate=rate, updates=1, clip="none")
    model = trained(c)
    fresh = model.network.pack([0], torch.zeros(1))
    moved = (model.final - fresh).abs()
    # Adam's first update is the learning rate times the sign of the gradient
    assert moved.max().item() == pytest.approx(rate, rel=1e-3)


@pytest.mark.parametrize("backend", ["auto", "loop"])
def test_a_sequence_that_only_fills_the_batch_up_makes_no_replicate_diverge(backend: str):
    """h = relu(30 h + 1) overflows in 30 steps of zeros, which no sequence of the batch has."""
    tiny = {"optimiser": "sgd", "learning_rate": 1e-30, "validation_size": 20}
    c = condition("adding", 40, "irnn", 4, updates=2, **tiny)

    def unstable(model: ReplicateBatch) -> None:
        views = model.network.layout.views(model.weights)
        views["U"].copy_(30 * torch.eye(4))
        views["W"].fill_(-1e9)
        views["b"].fill_(1.0)

    model = ReplicateBatch.create(c, SeedBlock(0, 1), CPU, backend)
    unstable(model)
    model.train()
    assert [p.status for p in model.progress] == ["unsolved", "unsolved"]
    assert all(math.isfinite(p.validation_loss or math.nan) for p in model.progress)
