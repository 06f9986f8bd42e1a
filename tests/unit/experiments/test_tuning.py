"""What tuning asks for, and what it says of what was found. The search: stats/test_rate_search."""

from __future__ import annotations

import pandas as pd
import pytest

from lstm_bench.experiments.tuning import Tuning, anchors
from lstm_bench.planning.widths import Sizes
from lstm_bench.spec import Training
from lstm_bench.sweep import Choice, Sweep


@pytest.mark.parametrize(
    ("lengths", "every_second"),
    [
        ((10, 20, 40, 80, 160, 320, 640, 1024), (10, 40, 160, 640)),
        ((20, 40, 80, 160, 320, 640, 1024), (20, 80, 320, 1024)),
        ((50, 10, 20, 100), (10, 50)),
        ((64,), (64,)),
    ],
)
def test_every_second_length_is_tuned_at(lengths, every_second):
    assert anchors(Choice("adding", lengths=lengths)) == every_second


def test_every_cell_is_searched_alike_but_one_whose_rate_is_given():
    given = Choice("gru", own={"training": {"learning_rate": 0.1}})
    cells = (Choice("lstm", {"chrono": "T"}), Choice("elman"), given)
    task = Choice("adding", lengths=(10, 20, 40))
    sweep = Sweep((task,), cells, Training(), 32, 12, 6, Sizes())
    found = {cell.key: conditions for _, cell, conditions in Tuning().searches(sweep)}
    assert {key: [c.T for c in each] for key, each in found.items()} == {
        "lstm(chrono=T)": [10, 40],
        "elman": [10, 40],
    }
    assert [c.cell_options for c in found["lstm(chrono=T)"]] == [{"chrono": 10}, {"chrono": 40}]


def test_edges_and_unsolved_lengths_are_named():
    trials = [(10, 0.01, 5, True), (10, 0.1, 5, False), (40, 0.01, 0, True), (40, 0.1, 0, False)]
    columns = ["T", "learning_rate", "solved", "chosen"]
    table = pd.DataFrame(trials, columns=columns).assign(task="adding", cell="lstm", n=5)
    experiment = Tuning()
    summary = experiment.summary(table, None)  # type: ignore[arg-type]
    assert summary[["T", "at_edge_of_grid"]].to_numpy().tolist() == [[10, True], [40, True]]
    answer = str(experiment.verdict(table, summary)["answer"])
    assert answer.startswith("1 rates chosen for 1 pairs, 1 of them at an edge")
    assert "No rate solves lstm on adding at T = 40." in answer
