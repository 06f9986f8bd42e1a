"""What is asked of a finite training set: repeats, decay, the whole budget, the best weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lstm_bench.errors import BenchError
from lstm_bench.spec import SeedBlock
from lstm_bench.tasks import create
from lstm_bench.training import checkpoint
from lstm_bench.training.data import TrainStream
from lstm_bench.training.evaluation import drawn_chunks, evaluate
from lstm_bench.training.model import ReplicateBatch
from tests.numerics.training import CPU, assert_same_replicate, condition, trained


def finite(size: int, distinct: int | None = None) -> np.ndarray:
    stream = TrainStream(create("adding"), 9, 0, 4, size, distinct)
    assert stream.finite is not None
    return stream.finite.inputs


def test_a_set_with_repeats_holds_the_sequences_of_the_small_set_equally_often():
    repeated, small = finite(12, 4), finite(4)
    np.testing.assert_array_equal(repeated, np.tile(small, (3, 1, 1)))


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_weight_decay_is_that_of_torch(optimiser: str):
    c = condition(optimiser=optimiser, weight_decay=0.5, clip="none", updates=4, momentum=0.0)
    ours = ReplicateBatch.create(c, SeedBlock(0, 0), CPU)
    weights = ours.weights.clone().requires_grad_()
    theirs = torch.optim.AdamW([weights], lr=0.01, weight_decay=0.5)
    if optimiser == "sgd":  # decoupled: the decay is that of the penalty where nothing is adapted
        theirs = torch.optim.SGD([weights], lr=0.01, weight_decay=0.5)
    stream = TrainStream(ours.task, c.T, 0, c.training.batch, None)
    for update in range(4):
        before = ours.weights.clone()
        gradients: list[torch.Tensor] = []
        step = ours.optimiser.step

        def noting(w, g, u, gradients=gradients, step=step):
            gradients.append(g.clone())
            step(w, g, u)

        ours.optimiser.step = noting  # type: ignore[method-assign]
        ours.step([stream(update)])
        ours.optimiser.step = step  # type: ignore[method-assign]
        with torch.no_grad():
            weights.copy_(before)
        weights.grad = gradients[0]
        theirs.step()
        torch.testing.assert_close(weights.detach(), ours.weights, rtol=1e-5, atol=1e-7)


def test_a_training_to_the_end_of_the_budget_stops_neither_solved_nor_futile():
    futile = condition(futility_after=0.1, futility_margin=1.0)
    easy = condition("temporal_order", 10, "gru", updates=100, learning_rate=0.1)
    for c in (futile, easy):
        assert trained(c).progress[0].update < c.training.updates
        to_the_end = replace(c, training=replace(c.training, stop="budget"))
        assert trained(to_the_end).progress[0].update == c.training.updates


def test_the_best_weights_are_those_of_the_lowest_validation_loss():
    c = condition(learning_rate=0.3, updates=60, keep="best", stop="budget")
    model = trained(c, 0, 2)
    size = c.training.validation_size
    held_out = drawn_chunks(model.task, c.T, "validation", range(3), size, CPU)
    losses, _ = evaluate(model.network, model.final, model.task, held_out, model.backend)
    best = [p.best_loss for p in model.progress]
    assert losses == pytest.approx(best)
    assert any(p.best_loss < p.validation_loss for p in model.progress)


def test_the_best_weights_survive_an_interruption(tmp_path):
    class Stop(Exception):
        pass

    c = condition(learning_rate=0.3, updates=60, keep="best", stop="budget")
    whole = trained(c, 0, 1)

    def save(model: ReplicateBatch) -> None:
        if model.update == 45:
            checkpoint.save(tmp_path, model, "code", "then")
            raise Stop

    with pytest.raises(Stop):
        trained(c, 0, 1, after_update=save)
    again = ReplicateBatch.create(c, SeedBlock(0, 1), CPU)
    assert checkpoint.resume(tmp_path, again, "code") == "then"
    again.train()
    for seed in (0, 1):
        assert_same_replicate(whole, again, seed)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"stop": "never"}, "stop 'never'"),
        ({"keep": "first"}, "keep 'first'"),
        ({"weight_decay": -1.0}, "weight_decay: -1"),
        ({"train_distinct": 4}, "train_distinct: 4"),
        ({"train_distinct": 5, "train_size": 4}, "between 1 and train_size"),
    ],
)
def test_what_cannot_be_is_refused(options, said: str):
    with pytest.raises(BenchError, match=said):
        ReplicateBatch.create(condition(**options), SeedBlock(0, 0), CPU)
