"""What a solved share says of networks, and not of the sequences they happened to be judged on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from scipy.stats import chi2

from lstm_bench.tasks import Batch
from lstm_bench.training import evaluation
from lstm_bench.training.evaluation import draw
from lstm_bench.training.model import ReplicateBatch
from tests.numerics.training import condition, trained

SETS, NETWORKS = 8, 10
NOISE = 0.0025  # SD of R2 near 0.94 over test sets of 2,048 sequences
CONDITION = condition(
    "adding",
    10,
    "elman",
    32,
    updates=620,
    batch=32,
    learning_rate=0.01,
    evaluate_first=5,
    evaluate_every=50,
    validation_size=512,
    confirmation_size=4096,
    test_size=2048,
)


@pytest.fixture(scope="module")
def judged() -> list[ReplicateBatch]:
    """The same ten Elman networks, judged on eight sets of held-out sequences."""
    found = []
    with pytest.MonkeyPatch.context() as patch:
        for place in range(SETS):

            def elsewhere(task, T, split, seed, size, attempt=0, place=place) -> Iterator[Batch]:
                yield from draw(task, T, split, seed + 100 * place, size, attempt)

            patch.setattr(evaluation, "draw", elsewhere)
            patch.setattr("lstm_bench.training.held_out.draw", elsewhere)
            model = trained(CONDITION, 0, NETWORKS - 1)
            model.test_scores = model.tested()[1]  # type: ignore[attr-defined]
            found.append(model)
    return found


def test_the_same_networks_are_solved_on_every_set_but_for_binomial_noise(judged):
    counts = [sum(p.status == "solved" for p in model.progress) for model in judged]
    share = sum(counts) / (SETS * NETWORKS)
    assert 0.2 < share < 0.9, "a share at an end could not vary"
    spread = sum((count - NETWORKS * share) ** 2 for count in counts)
    assert spread / (NETWORKS * share * (1 - share)) < chi2.ppf(0.95, SETS - 1)


def test_none_that_counts_as_solved_fails_its_test_by_more_than_noise(judged):
    scores = [
        score
        for model in judged
        for p, score in zip(model.progress, model.test_scores)
        if p.status == "solved"
    ]
    assert len(scores) > SETS
    assert min(scores) > judged[0].task.solved_score - 3 * NOISE
