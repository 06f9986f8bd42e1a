from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from lstm_bench import tasks
from lstm_bench.check.tasks import length
from lstm_bench.engine.network import Network
from lstm_bench.errors import BenchError
from lstm_bench.spec import Condition, SeedBlock, Training
from lstm_bench.tasks import Batch, Task, create, generator
from lstm_bench.tasks.adding import Adding
from lstm_bench.training.data import tensors
from lstm_bench.training.evaluation import chunks, evaluate
from lstm_bench.training.losses import LOSSES, replicate_losses
from lstm_bench.training.model import ReplicateBatch
from tests.numerics.training import CPU, condition, trained

TASKS = sorted(tasks.registry())
WEIGHT_ROUNDING = 8 * np.finfo(np.float32).eps  # weights and targets are float32


def draw(task: Task, seed: int, size: int = 20) -> Batch:
    T = length(task)
    return task.sample(generator("loss", task, T, seed=seed), size, T)


def placed(outputs: np.ndarray, steps: tuple[int, ...], padded: int) -> torch.Tensor:
    """(batch, L, k) in numpy's order to the engine's (k, S * B'), garbage on the padding."""
    wide = np.full((outputs.shape[2], len(steps), padded), 1e6)
    wide[..., : len(outputs)] = outputs[:, steps].transpose(2, 1, 0)
    return torch.from_numpy(wide.reshape(outputs.shape[2], -1))


def test_the_losses_tasks_name_are_the_losses_there_are():
    assert {create(name).loss for name in TASKS} <= LOSSES.keys()


@pytest.mark.parametrize("name", TASKS)
def test_the_loss_of_each_replicate_is_the_tasks_own(name: str):
    task, rng = create(name), np.random.default_rng(0)
    batches = [draw(task, seed) for seed in range(3)]
    outputs = [rng.normal(0, 2, (20, task.steps(length(task)), task.outputs)) for _ in batches]
    data = tensors(batches, task.target_steps(length(task)), CPU)
    columns = torch.stack([placed(o, data.steps, 32) for o in outputs])
    losses = replicate_losses(task.loss, columns, data.targets, data.weights)
    expected = [task.evaluate_loss(o, b) for o, b in zip(outputs, batches)]
    np.testing.assert_allclose(losses.numpy(), expected, rtol=WEIGHT_ROUNDING)


@pytest.mark.parametrize("size", [1, 32, 128, 150])
@pytest.mark.parametrize("name", TASKS)
def test_evaluation_in_chunks_equals_the_task_on_all_outputs_at_once(name: str, size: int):
    c = condition(name, length(create(name)), updates=10)
    model = trained(c, 0, 1)
    batch = draw(model.task, 9, size)
    held_out = chunks(model.task, c.T, [batch, batch], CPU)
    losses, scores = evaluate(model.network, model.final, model.task, held_out, "loop")
    outputs = outputs_in_double(model.network, model.final, batch)
    for r in range(2):
        full = np.zeros((size, batch.inputs.shape[1], model.task.outputs))
        full[:, batch.target_steps] = outputs[r]
        assert losses[r] == pytest.approx(model.task.evaluate_loss(full, batch), rel=1e-4)
        expected = model.task.score(outputs[r], batch.at(batch.target_steps))
        assert scores[r] == pytest.approx(expected, abs=1e-4)


def test_every_replicate_is_evaluated_on_its_own_sequences():
    c = condition("embedded_reber", 20, updates=10)
    model = trained(c, 0, 1)
    batches = [draw(model.task, seed, 150) for seed in (0, 1)]
    T = length(model.task)

    def evaluated(weights: torch.Tensor, on: list[Batch]) -> tuple[list[float], list[float]]:
        return evaluate(model.network, weights, model.task, chunks(model.task, T, on, CPU), "loop")

    losses, scores = evaluated(model.final, batches)
    for r, batch in enumerate(batches):
        assert evaluated(model.final[r : r + 1], [batch]) == ([losses[r]], [scores[r]])
    assert losses[0] != losses[1]


def test_a_chunk_counts_by_what_is_asked_in_it():
    """Sorted by length, the last chunk of a split asks for many more outputs a sequence."""
    c = condition("embedded_reber", 40, updates=10)
    model = trained(c, 0, 1)
    batch = model.task.sample(generator("loss", model.task, 40), 150, 40)
    batch = batch.rows(np.argsort(batch.mask.sum(axis=1)))
    held_out = chunks(model.task, 40, [batch, batch], CPU)
    losses, _ = evaluate(model.network, model.final, model.task, held_out, "loop")
    outputs = outputs_in_double(model.network, model.final, batch)
    for r in range(2):
        full = np.zeros((150, 40, model.task.outputs))
        full[:, batch.target_steps] = outputs[r]
        assert losses[r] == pytest.approx(model.task.evaluate_loss(full, batch), rel=2e-5)


def outputs_in_double(network: Network, flat: torch.Tensor, batch: Batch) -> np.ndarray:
    """(R, batch, S, k), unpadded, by the loop."""
    params = network.layout.leaves(flat.double())
    inputs = torch.from_numpy(batch.inputs).double().permute(1, 2, 0).unsqueeze(1)
    steps = batch.target_steps.tolist()
    with torch.no_grad():
        outputs = network.outputs_at(params, inputs, steps, backend="loop")
    return outputs.unflatten(2, (len(steps), -1)).permute(0, 3, 2, 1).numpy()


@dataclass(frozen=True)
class Echo(Adding):
    """Two outputs, asked at every step but the first: the input, as it comes."""

    @property
    def outputs(self) -> int:
        return 2

    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        inputs = rng.normal(size=(batch, T, 2)).astype(np.float32)
        mask = np.ones((batch, T), dtype=np.float32)
        mask[:, 0] = 0
        return Batch(inputs, inputs.copy(), mask)


@pytest.mark.parametrize("batch", [1, 5])
def test_a_summed_error_is_half_the_squares_over_outputs_and_steps(
    batch: int, monkeypatch: pytest.MonkeyPatch
):
    """One step of gradient descent by hand: w <- w - η dE/dw, E = 1/2 sum_t sum_k (y - t)^2."""
    training = Training(
        batch=batch, optimiser="sgd", momentum=0.0, learning_rate=0.1, clip="none", reduction="sum"
    )
    monkeypatch.setattr(tasks, "create", lambda *_: Echo())
    c = Condition("adding", 5, "elman", 3, training=training)
    model = ReplicateBatch.create(c, SeedBlock(0, 1), torch.device("cpu"))
    task, before = model.task, model.weights.clone()
    drawn = [task.sample(np.random.default_rng(s), batch, 5) for s in (1, 2)]
    model.step(drawn)
    for r, each in enumerate(drawn):
        slots = model.network.layout.leaves(before[r : r + 1].double())
        x = torch.from_numpy(each.inputs).double().permute(1, 2, 0).unsqueeze(1)
        h, error = torch.zeros(1, 3, batch, dtype=torch.float64), 0.0
        for t in range(len(x)):
            h = torch.tanh(slots.W @ x[t] + slots.U @ h + slots.b)
            y = (slots.V @ h + slots.b_y)[0].T
            off = (y - torch.from_numpy(each.targets[:, t])) ** 2
            error = error + 0.5 * (off * torch.from_numpy(each.mask[:, t, None])).sum() / batch
        wanted = torch.autograd.grad(error, slots["V"])[0]
        moved = model.network.layout.views(before - model.weights)["V"][r] / 0.1
        torch.testing.assert_close(moved.double(), wanted[0], rtol=1e-4, atol=1e-6)


def test_a_reduction_nobody_knows_is_one_sentence():
    c = Condition("adding", 5, "elman", 3, training=Training(reduction="total"))
    with pytest.raises(BenchError, match="'total' is unknown"):
        ReplicateBatch.create(c, SeedBlock(0, 0), torch.device("cpu"))
