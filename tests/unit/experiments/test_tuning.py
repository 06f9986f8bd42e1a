from __future__ import annotations

from lstm_bench.experiments.base import Evidence
from lstm_bench.experiments.tuning import Tuning
from lstm_bench.planning.widths import Sizes
from lstm_bench.spec import TUNING_SEEDS, Training
from lstm_bench.sweep import Choice, Sweep
from tests.unit.experiments.hand_made import evidence, planned


def _evidence(outcomes: dict[float, list[tuple[int | None, float]]]) -> Evidence:
    """(updates to solve, best loss) of each replicate, by learning rate."""
    rows = [
        {
            "condition": str(rate),
            "task_label": "adding",
            "cell_label": "lstm",
            "T": 30,
            "learning_rate": rate,
            "updates_to_solve": updates,
            "best_validation_loss": loss,
            "test_score": 1.0 if rate == 0.1 else 0.0,
        }
        for rate, replicates in outcomes.items()
        for updates, loss in replicates
    ]
    return evidence(rows, {str(rate): planned() for rate in outcomes})


def chosen(outcomes: dict[float, list[tuple[int | None, float]]]) -> float:
    experiment, seen = Tuning(), _evidence(outcomes)
    table = experiment.table(seen)
    verdict = experiment.verdict(table, experiment.summary(table, seen))
    return verdict["rates"]["adding"]["lstm"]


def test_the_rate_that_most_replicates_solve_with_is_chosen() -> None:
    assert chosen({0.01: [(900, 0.1), (900, 0.1)], 0.1: [(100, 0.0), (None, 0.2)]}) == 0.01


def test_among_equals_the_faster_one_is_chosen() -> None:
    assert chosen({0.01: [(900, 0.0), (None, 0.0)], 0.1: [(100, 0.1), (None, 0.2)]}) == 0.1


def test_where_none_solves_the_lower_validation_loss_decides() -> None:
    assert chosen({0.01: [(None, 0.1), (None, 0.2)], 0.1: [(None, 0.2), (None, 0.2)]}) == 0.01


def test_a_rate_at_the_end_of_the_grid_is_marked() -> None:
    experiment, seen = Tuning(), _evidence({0.01: [(None, 0.3)], 0.1: [(100, 0.1)]})
    summary = experiment.summary(experiment.table(seen), seen)
    assert summary.at_edge_of_grid.tolist() == [True]


def test_tuning_uses_seeds_that_nothing_judges_on_and_one_grid_for_all() -> None:
    cells = (Choice("lstm"), Choice("gru"))
    sweep = Sweep((Choice("adding"),), cells, Training(), 32, 10, 5, Sizes())
    assert min(block.first for block in Tuning().blocks(sweep)) >= TUNING_SEEDS
    assert max(block.last for block in sweep.blocks()) < TUNING_SEEDS
    grids: dict[str, list[float]] = {}
    for member in Tuning().members(sweep):
        grids.setdefault(member.cell, []).append(member.condition.training.learning_rate)
    assert grids["lstm"] == grids["gru"]
    assert len(grids["lstm"]) >= 3
