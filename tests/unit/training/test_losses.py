from __future__ import annotations

import numpy as np
import pytest
import torch

from lstm_bench import tasks
from lstm_bench.engine.network import Network
from lstm_bench.tasks import Batch, Task, create, generator
from lstm_bench.training.data import tensors
from lstm_bench.training.evaluation import HeldOut, evaluate
from lstm_bench.training.losses import LOSSES, replicate_losses
from tests.numerics.training import CPU, condition, length, trained

TASKS = sorted(tasks.registry())
WEIGHT_ROUNDING = 8 * np.finfo(np.float32).eps  # weights and targets are float32


def draw(task: Task, seed: int, size: int = 20) -> Batch:
    T = length(task.name)
    return task.sample(generator("loss", task, T, seed=seed), size, T)


def placed(outputs: np.ndarray, steps: tuple[int, ...], padded: int) -> torch.Tensor:
    """(batch, L, k) in numpy's order to the engine's (k, S * B'), garbage on the padding."""
    wide = np.full((outputs.shape[2], len(steps), padded), 1e6)
    wide[..., : len(outputs)] = outputs[:, steps].transpose(2, 1, 0)
    return torch.from_numpy(wide.reshape(outputs.shape[2], -1))


def test_the_losses_tasks_name_are_the_losses_there_are():
    assert {tasks.registry()[name].loss for name in TASKS} <= LOSSES.keys()


@pytest.mark.parametrize("name", TASKS)
def test_the_loss_of_each_replicate_is_the_tasks_own(name: str):
    task, T, rng = create(name), length(name), np.random.default_rng(0)
    batches = [draw(task, seed) for seed in range(3)]
    outputs = [rng.normal(0, 2, (20, task.steps(T), task.outputs)) for _ in batches]
    data = tensors(batches, task.asked(T), CPU)
    columns = torch.stack([placed(o, data.steps, 32) for o in outputs])
    losses = replicate_losses(task.loss, columns, data.targets, data.weights)
    expected = [task.evaluate_loss(o, b) for o, b in zip(outputs, batches)]
    np.testing.assert_allclose(losses.numpy(), expected, rtol=WEIGHT_ROUNDING)


@pytest.mark.parametrize("size", [1, 32, 128, 150])
@pytest.mark.parametrize("name", TASKS)
def test_evaluation_in_chunks_equals_the_task_on_all_outputs_at_once(name: str, size: int):
    c = condition(name, length(name), updates=10)
    ensemble = trained(c, 0, 1)
    batch = draw(ensemble.task, 9, size)
    held_out = HeldOut.of(ensemble.task, batch, CPU)
    losses, scores = evaluate(ensemble.network, ensemble.final, held_out, "loop")
    outputs = outputs_in_double(ensemble.network, ensemble.final, batch)
    for r in range(2):
        full = np.zeros((size, batch.inputs.shape[1], ensemble.task.outputs))
        full[:, batch.read_steps] = outputs[r]
        assert losses[r] == pytest.approx(ensemble.task.evaluate_loss(full, batch), rel=1e-4)
        expected = ensemble.task.score(outputs[r], batch.at(batch.read_steps))
        assert scores[r] == pytest.approx(expected, abs=1e-4)


def outputs_in_double(network: Network, flat: torch.Tensor, batch: Batch) -> np.ndarray:
    """(R, batch, S, k), unpadded, by the loop."""
    params = network.layout.leaves(flat.double())
    inputs = torch.from_numpy(batch.inputs).double().permute(1, 2, 0).unsqueeze(1)
    steps = batch.read_steps.tolist()
    with torch.no_grad():
        outputs = network.outputs_at(params, inputs, steps, backend="loop")
    return outputs.unflatten(2, (len(steps), -1)).permute(0, 3, 2, 1).numpy()
