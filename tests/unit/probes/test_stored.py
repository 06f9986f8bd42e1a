"""Probes on weights that are known: written by hand, or trained for a moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lstm_bench import cells, tasks
from lstm_bench.cells.base import Params
from lstm_bench.engine.network import Network
from lstm_bench.probes import extrapolation, selective_memory, stored
from lstm_bench.probes.selective_memory import auc, best_auc, clamped, roles
from lstm_bench.spec import Condition, SeedBlock
from lstm_bench.store.paths import Results
from lstm_bench.training import run
from tests.numerics.training import condition


def settings_of(c: Condition, **more: Any) -> dict[str, Any]:
    member = {"task": c.task, "cell": c.cell, "names": [c.task, c.cell], "condition": c.id}
    return {"members": [member], "runs": [[c.id, "seeds-000-001"]], "device": "cpu", **more}


def train(c: Condition, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    run.train_block(c, SeedBlock(0, 1), Results(), device="cpu")


@pytest.mark.parametrize(
    ("cell", "gate"),
    [
        ("lstm", "f"),
        ("lstm", "o"),
        ("gru", "r"),
        ("gru", "z"),
        ("lstm_peephole", "i"),
        ("lstm_fgr", "f"),
    ],
)
def test_a_clamped_gate_stays_where_it_is_put_and_the_others_do_not(cell: str, gate: str) -> None:
    network = Network.of(condition("adding", 6, cell, 4))
    weights = network.pack([0, 1], torch.zeros(1)) * 3
    value = np.random.default_rng(0).uniform(0.1, 0.9, (2, 4)).astype(np.float32)
    held = clamped(network, weights, gate, value)
    assert held is not None
    params = Params(network.layout.views(held))
    state = network.initial_state(2, 5, weights)
    for _ in range(4):
        x = torch.randn(2, 2, 5)
        gates = network.cell.gates(params, x, state)
        np.testing.assert_allclose(
            gates[gate].numpy(), np.broadcast_to(value[..., None], (2, 4, 5)), rtol=1e-5
        )
        state = network.cell.step(params, x, state)
    for name, view in network.layout.views(weights).items():
        if not name.endswith(gate):
            assert torch.equal(view, network.layout.views(held)[name])


def test_a_gate_that_the_cell_does_not_have_is_not_clamped() -> None:
    network = Network.of(condition("adding", 6, "lstm_nfg", 4))
    assert clamped(network, network.pack([0], torch.zeros(1)), "f", np.zeros((1, 4))) is None


def test_the_gates_that_write_and_keep_are_told_by_the_equations() -> None:
    g = np.full((1, 1, 1), 0.2)
    lstm = roles(cells.create("lstm"), {"f": g, "i": 3 * g, "o": g, "c_tilde": g})
    assert (lstm["write"].item(), lstm["keep"].item()) == pytest.approx((0.6, 0.2))
    gru = roles(cells.create("gru"), {"r": g, "z": g, "n": g})
    assert (gru["write"].item(), gru["keep"].item()) == pytest.approx((0.8, 0.2))
    mut1 = roles(cells.create("mut1"), {"r": g, "z": g, "h_tilde": g})
    assert (mut1["write"].item(), mut1["keep"].item()) == pytest.approx((0.2, 0.8))
    assert roles(cells.create("elman"), {}) == {}
    assert roles(cells.create("lstm_nig"), {"f": g, "o": g, "z": g}) == {}, "nothing writes"


def test_weights_come_back_as_they_were_trained_and_as_they_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    c = condition("temporal_order", updates=10, validation_size=32, test_size=32)
    train(c, tmp_path, monkeypatch)
    (block,) = stored.stored(settings_of(c))
    assert block.seeds == (0, 1)
    assert torch.equal(block.untrained(), block.network.pack([0, 1], torch.zeros(1)))
    assert not torch.equal(block.untrained(), block.weights)


def test_selective_memory_measures_every_replicate_with_its_controls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    c = condition("temporal_order", updates=10, validation_size=32, test_size=32)
    train(c, tmp_path, monkeypatch)
    rows = list(selective_memory.measure(settings_of(c, sequences=256, lags=[0, 2])))
    seen = {(row["measure"], row["of"]) for row in rows if row["seed"] == 1}
    assert {("auc", of) for of in ("trained", "shuffled", "untrained")} <= seen
    assert {("memory", of) for of in ("relevant", "irrelevant", "untrained")} <= seen
    clamps = {row["gate"] for row in rows if row["measure"] == "loss"}
    assert clamps == {"", "f", "i", "o"}
    assert all(0 <= row["value"] <= 1 for row in rows if row["measure"] in ("auc", "open"))
    assert len({frozenset(row) for row in rows}) == 1  # the same keys in each, for a table


def test_a_gate_that_opens_on_what_matters_has_an_auc_of_1_and_its_shuffle_one_half() -> None:
    task = tasks.create("selective_copy", {"distractors": 4})
    batch = task.sample(np.random.default_rng(0), 400, 30)
    relevant = task.relevance(batch)
    assert relevant is not None
    gate = np.where(relevant, 0.9, 0.1).T[:, None]  # (L, 1, B)
    own = {"write": gate, "keep": 1 - gate}
    running = np.ones_like(relevant)
    rows = list(selective_memory._gate_rows(own, own, relevant, running))
    found = {row["of"]: row["value"] for row in rows if row["measure"] == "auc"}
    assert found["trained"] == 1
    assert abs(found["shuffled"] - 0.5) < 0.06  # no clock: symbols may stand anywhere
    (constant,) = [row["value"] for row in rows if row["measure"] == "constant"]
    assert constant == pytest.approx(-1 / np.log(0.9))


def test_the_best_unit_of_gates_that_know_nothing_is_no_better_than_chance() -> None:
    rng = np.random.default_rng(0)
    relevant = rng.random((64, 20)) < 0.2
    running = np.ones_like(relevant)
    noise = rng.random((200, 64, 20))
    assert max(auc(unit[running], relevant[running]) for unit in noise) > 0.54  # chosen by luck
    assert abs(best_auc(noise, relevant, running) - 0.5) < 0.04
    knowing = noise.copy()
    knowing[7] += relevant
    assert best_auc(knowing, relevant, running) == 1


def test_extrapolation_tests_at_every_multiple_and_counts_without_gaps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    c = condition("anbn", 8, updates=10, validation_size=32, test_size=32)
    train(c, tmp_path, monkeypatch)
    rows = list(extrapolation.measure(settings_of(c, factors=[2, 4], sequences=64)))
    assert [(row["seed"], row["tested_T"]) for row in rows] == [
        (seed, T) for T in (8, 16, 32) for seed in (0, 1)
    ]
    assert all(row["trained_n"] == 4 and 0 <= row["longest"] <= 16 for row in rows)


def test_every_string_is_accepted_when_answered_rightly_and_not_when_one_symbol_is_wrong() -> None:
    task = tasks.create("anbn")
    batch = task.every_string(12)
    answers = task.perfect(batch)
    assert task.accepted(answers, batch).tolist() == [True] * 6
    answers[3, 2 * 4] = np.eye(3)[0]  # the end of n = 4 is missed
    assert task.accepted(answers, batch).tolist() == [True, True, True, False, True, True]
