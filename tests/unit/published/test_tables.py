"""Every published table: what it trains is what the paper trained, as far as numbers can tell."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from lstm_bench import cells, tasks
from lstm_bench.engine.network import Network
from lstm_bench.published.base import Arm, Kind, registry
from lstm_bench.training.api import make_condition

ARMS = {f"{name}: {arm.label}": arm for name, table in registry().items() for arm in table().arms()}


def test_the_first_three_rows_are_there():
    assert {"hs97_embedded_reber", "hs97_long_lag", "hs97_temporal_order"} <= set(registry())


@pytest.mark.parametrize("name", registry())
def test_a_table_says_what_it_is(name: str):
    table = registry()[name]()
    labels = [arm.label for arm in table.arms()]
    assert len(set(labels)) == len(labels)
    assert table.title
    assert table.setting
    assert table.deviations
    assert "(1997)" in table.citation
    for arm in table.arms():
        assert arm.kind != Kind.NEGATIVE or arm.needs in labels


@pytest.mark.parametrize("arm", ARMS.values(), ids=ARMS)
def test_a_condition_is_one_that_can_be_trained_and_has_no_option_at_its_default(arm: Arm):
    c = arm.condition
    made = make_condition(
        c.task,
        c.cell,
        c.T,
        width=c.width,
        task_options=c.task_options,
        cell_options=c.cell_options,
        network=c.network,
        **asdict(c.training),
    )
    assert made == c


@pytest.mark.parametrize("arm", ARMS.values(), ids=ARMS)
def test_a_replica_has_the_number_of_weights_the_paper_prints(arm: Arm):
    if arm.kind == Kind.REPLICA:
        assert Network.of(arm.condition).parameters == arm.published.weights


@pytest.mark.parametrize("arm", ARMS.values(), ids=ARMS)
def test_a_replica_is_online_gradient_descent_on_the_truncated_gradient(arm: Arm):
    t = arm.condition.training
    if arm.kind == Kind.REPLICA:
        assert (t.batch, t.optimiser, t.momentum, t.clip, t.reduction) == (
            1, "sgd", 0.0, "none", "sum",
        )  # fmt: skip
        assert cells.create(arm.condition.cell, arm.condition.cell_options).truncated
        assert arm.published.sequences is not None
        assert t.updates >= 2 * arm.published.sequences
    assert t.futility_after == 1.0
    assert tasks.create(arm.condition.task, arm.condition.task_options).solved_score > 0.99


def test_a_limit_caps_replicates_and_updates_and_raises_neither():
    arm = next(iter(ARMS.values()))
    small = arm.limited({"replicates": 4, "updates": 10})
    assert (small.replicates, small.condition.training.updates) == (4, 10)
    assert [block.name for block in small.blocks] == ["seeds-000-003"]
    assert arm.limited({"replicates": 10**6, "updates": 10**9}) == arm
    assert arm.limited({}) == arm
    assert [block.name for block in arm.blocks] == ["seeds-000-014", "seeds-015-029"]
