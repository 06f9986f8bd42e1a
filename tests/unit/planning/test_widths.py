from __future__ import annotations

import pytest

from lstm_bench import cells, tasks
from lstm_bench.engine.network import Network
from lstm_bench.engine.network_options import NetworkOptions
from lstm_bench.errors import BenchError
from lstm_bench.planning import widths
from lstm_bench.planning.widths import SIZES, Sizes
from lstm_bench.sweep import Choice

ADDING = Choice("adding")


def network(cell: Choice, width: int) -> Network:
    task = tasks.create("adding")
    made = cells.create(cell.name, cell.options)
    return Network(made, task.inputs, width, task.outputs, NetworkOptions(**cell.network))


@pytest.mark.parametrize("match", SIZES)
@pytest.mark.parametrize("budget", [100, 997, 10_000])
@pytest.mark.parametrize(
    "cell",
    [
        Choice("elman"),
        Choice("lstm"),
        Choice("gru", network={"layers": 2}),
        Choice("lstm", network={"layers": 2, "bidirectional": True}),
    ],
    ids=str,
)
def test_no_other_width_is_nearer_the_budget(
    cell: Choice, budget: int, match: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(widths, "TOLERANCE", 1.0)
    if match == "state" and budget == 10_000:
        budget = 1000
    found = Sizes().matched(ADDING, cell, match, budget)
    size = SIZES[match][0]
    missed = {w: abs(size(network(cell, w)) - budget) for w in range(max(1, found - 3), found + 4)}
    assert found == min(missed, key=lambda w: (missed[w], w))


def test_an_exact_budget_is_met_exactly():
    for width in (1, 2, 31, 32, 33, 64):
        budget = network(Choice("lstm"), width).parameters
        assert Sizes().matched(ADDING, Choice("lstm"), "parameters", budget) == width


def test_a_budget_that_cannot_be_met_says_what_is_possible():
    with pytest.raises(BenchError) as caught:
        Sizes().matched(ADDING, Choice("lstm"), "parameters", 1000)
    below, above = network(Choice("lstm"), 14).parameters, network(Choice("lstm"), 15).parameters
    assert below < 1000 < above
    assert f"width 14 has {below:,} and width 15 has {above:,}" in str(caught.value)
    with pytest.raises(BenchError, match="width 1 has 18"):
        Sizes().matched(ADDING, Choice("lstm"), "parameters", 3)
    with pytest.raises(BenchError, match="width 4096 has 4,096"):
        Sizes().matched(ADDING, Choice("elman"), "state", 100_000)


def test_a_cell_with_blocks_gets_a_whole_number_of_them(monkeypatch: pytest.MonkeyPatch):
    elman = cells.registry()["elman"]
    plain = elman.init

    def in_blocks(self, rng, inputs, width, outputs):
        if width % 4:
            raise BenchError(f"cell 'elman': width {width} is not allowed; it has blocks of 4.")
        return plain(self, rng, inputs, width, outputs)

    monkeypatch.setattr(elman, "init", in_blocks)
    monkeypatch.setattr(widths, "TOLERANCE", 1.0)
    monkeypatch.setattr(cells, "create", lambda name, options: elman(**options))
    for budget in (500, 1000, 2000):
        found = Sizes().matched(ADDING, Choice("elman"), "parameters", budget)
        sizes = {w: abs(network(Choice("elman"), w).parameters - budget) for w in range(4, 80, 4)}
        assert found == min(sizes, key=lambda w: sizes[w])
