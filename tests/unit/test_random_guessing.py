from __future__ import annotations

import numpy as np

from benchmarks.random_guessing import Weights, answers, solvers
from lstm_bench import tasks

CLASSES = tasks.create("two_sequence")
EXPECTATIONS = tasks.create("two_sequence", {"target_noise": True})


def network(*weights: float) -> Weights:
    return Weights(*(np.full((1, 1, 1), w) for w in weights))


def test_the_outputs_are_those_of_the_equations_one_network_and_sequence_at_a_time():
    rng = np.random.default_rng(0)
    batch = CLASSES.sample(rng, 4, 12)
    drawn = Weights.draw(rng, 3, CLASSES, 2)
    small = Weights(*(part / 100 for part in vars(drawn).values()))
    found = answers(small, batch, squash=True)
    assert found.shape == (3, 4, len(batch.target_steps), 1)
    for g in range(3):
        for row in range(4):
            h = np.zeros(2)
            for t in range(batch.inputs.shape[1]):
                h = np.tanh(small.W[g].T @ batch.inputs[row, t] + small.U[g].T @ h + small.b[g, 0])
                if t in batch.target_steps:
                    y = 1 / (1 + np.exp(-(small.V[g].T @ h + small.c[g, 0])))
                    place = batch.target_steps.tolist().index(t)
                    assert np.allclose(found[g, row, place], y)


def test_one_unit_that_latches_solves_the_two_sequences():
    batch = CLASSES.sample(np.random.default_rng(1), 500, 100)
    (outputs,) = answers(network(3, 60, 0, 90, 0), batch, squash=True)
    assert CLASSES.score(outputs, batch.at(batch.target_steps)) == 1


def test_guessing_finds_such_a_unit_but_no_expected_values():
    assert solvers(CLASSES, 20, width=1, guesses=2000) > 0
    assert solvers(EXPECTATIONS, 20, width=1, guesses=2000) == 0
