from __future__ import annotations

import dataclasses
import itertools
import json
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_bench.spec import (
    Condition,
    SeedBlock,
    Training,
    canonical,
    digest,
    evaluations,
    next_evaluation,
    seed_blocks,
    stream_key,
)

LITERAL = Condition(
    "adding",
    50,
    "lstm",
    32,
    cell_options={"forget_bias": 3.0},
    training=Training(
        updates=2000,
        batch=32,
        evaluate_every=50,
        evaluate_first=5,
        optimiser="adam",
        learning_rate=0.003,
        momentum=0.9,
        clip="norm",
        clip_at=1.0,
        futility_after=0.5,
        futility_margin=0.02,
        train_size=None,
        validation_size=512,
        confirmation_size=4096,
        test_size=2048,
    ),
)
LITERAL_ID = "adding-T50-lstm-w32-f000d3adaf"


def with_training(**changes) -> Condition:
    return dataclasses.replace(LITERAL, training=dataclasses.replace(LITERAL.training, **changes))


def test_the_id_of_a_literal_condition_never_changes():
    assert LITERAL.id == LITERAL_ID, (
        "the id of an old condition has changed: every finished result would be trained again"
    )


def test_what_came_later_is_no_part_of_an_older_condition():
    later = {"network", "reduction", "truncate", "carry", "recompute"}
    later |= {"train_distinct", "weight_decay", "stop", "keep", "curriculum", "gradient_decay"}
    later |= {"stateful"}
    assert not later & {*LITERAL.to_json(), *LITERAL.to_json()["training"]}
    stacked = dataclasses.replace(
        with_training(reduction="sum"), network={"layers": 2, "bidirectional": True}
    )
    for each in (LITERAL, stacked):
        assert Condition.from_json(each.to_json()) == each


def test_an_id_is_the_same_in_another_process_whatever_its_hash_seed():
    code = "import json, sys; from lstm_bench.spec import Condition; "
    code += "print(Condition.from_json(json.load(sys.stdin)).id)"
    for seed in ("1", "2"):
        made = subprocess.run(
            [sys.executable, "-c", code],
            input=json.dumps(LITERAL.to_json()),
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert made.stdout.strip() == LITERAL_ID


CHANGES = {
    "task": "copy",
    "T": 51,
    "cell": "gru",
    "width": 33,
    "task_options": {"length": 2},
    "cell_options": {"forget_bias": 1.5},
    "network": {"layers": 2},
}


@pytest.mark.parametrize("field", CHANGES)
def test_every_field_of_a_condition_decides_its_id(field: str):
    assert dataclasses.replace(LITERAL, **{field: CHANGES[field]}).id != LITERAL.id


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(Training)])
def test_every_field_of_the_training_decides_the_id(field: str):
    present = getattr(LITERAL.training, field)
    if isinstance(present, bool):
        other: object = not present
    elif isinstance(present, tuple):
        other = (10,)
    elif present is None:
        other = 100
    else:
        other = f"{present}x" if isinstance(present, str) else present * 2 or 1
    assert with_training(**{field: other}).id != LITERAL.id


def test_options_given_in_another_order_are_the_same_condition():
    one, other = (
        dataclasses.replace(LITERAL, task_options=options)
        for options in ({"length": 2, "symbols": 3}, {"symbols": 3, "length": 2})
    )
    assert one.id == other.id


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_an_id_is_a_safe_folder_name_whatever_a_plugin_is_called(task: str, cell: str):
    assert re.fullmatch(
        r"[a-z0-9_]+-T\d+-[a-z0-9_]+-w\d+-[0-9a-f]{10}", Condition(task, 5, cell).id
    )


@given(st.text(min_size=1, max_size=8), st.text(min_size=1, max_size=8))
def test_names_that_look_alike_in_a_slug_have_ids_of_their_own(one: str, other: str):
    assert (Condition(one, 5, "lstm").id == Condition(other, 5, "lstm").id) == (one == other)


def test_a_condition_survives_json():
    for condition in (LITERAL, with_training(train_size=100), Condition("copy", 5, "gru")):
        back = Condition.from_json(json.loads(json.dumps(condition.to_json())))
        assert back == condition
        assert back.id == condition.id


def test_a_key_nobody_knows_is_refused_and_not_dropped():
    data = LITERAL.to_json()
    with pytest.raises(TypeError, match="widht"):
        Condition.from_json({**data, "widht": 3})
    with pytest.raises(TypeError, match="learnin_rate"):
        Condition.from_json({**data, "training": {**data["training"], "learnin_rate": 3}})


def test_canonical_json_has_one_text_for_one_value_and_refuses_nan():
    assert canonical({"b": 0.1, "a": [1, None, True]}) == '{"a":[1,null,true],"b":0.1}'
    with pytest.raises(ValueError, match="JSON"):
        canonical(float("nan"))
    assert digest({"a": 1}) == "015abd7f5c"


def test_stream_keys_differ_by_purpose_and_by_every_part():
    keys = {
        stream_key(purpose, T=T, seed=seed)
        for purpose in ("train", "init", "validation")
        for T in (10, 11)
        for seed in (0, 1)
    }
    keys.add(stream_key("train", T=10))
    assert len(keys) == 13
    assert all(0 <= key < 2**128 for key in keys)
    assert stream_key("train", T=10, seed=0) == stream_key("train", seed=0, T=10)


@pytest.mark.parametrize(("replicates", "size", "first"), [(5, 5, 0), (20, 5, 0), (6, 2, 100)])
def test_seed_blocks_cover_every_seed_once_and_are_never_short(
    replicates: int, size: int, first: int
):
    blocks = list(seed_blocks(replicates, size, first))
    assert [s for b in blocks for s in b.seeds] == list(range(first, first + replicates))
    assert {len(b.seeds) for b in blocks} == {size}


def test_more_replicates_leave_the_first_blocks_as_they_were():
    assert list(seed_blocks(20, 5))[:2] == list(seed_blocks(10, 5))


def test_the_last_block_is_shorter_where_the_size_does_not_divide():
    assert [block.name for block in seed_blocks(7, 5)] == ["seeds-000-004", "seeds-005-006"]
    assert [block.name for block in seed_blocks(3, 10, 4)] == ["seeds-004-006"]


@pytest.mark.parametrize("block", [SeedBlock(0, 4), SeedBlock(995, 1004)])
def test_a_seed_block_is_read_back_from_its_name(block: SeedBlock):
    assert SeedBlock.parse(block.name) == block


@pytest.mark.parametrize("name", ["seeds-0", "seeds-000-004/x", "block-0-4", "seeds--1-4", ""])
def test_what_is_no_seed_block_is_refused(name: str):
    with pytest.raises(ValueError, match="no seed block"):
        SeedBlock.parse(name)


def every_evaluation(training: Training) -> list[int]:
    """Those of the budget, one by one."""
    found = [0]
    while found[-1] < training.updates:
        found.append(min(next_evaluation(found[-1], training), training.updates))
    return found


def test_evaluations_come_at_5_10_to_50_then_every_tenth_and_at_most_50_apart():
    grid = every_evaluation(Training(updates=2000))
    assert grid[:20] == [0, *range(5, 65, 5), 66, 72, 79, 86, 94, 103, 113]
    assert all(b - a <= 50 for a, b in itertools.pairwise(grid))
    assert {b - a for a, b in itertools.pairwise(grid) if 500 <= a < 1950} == {50}
    assert grid[-1] == 2000
    assert len(grid) == 66


@given(st.integers(1, 5000), st.integers(1, 200), st.integers(1, 200))
def test_evaluations_are_counted_as_they_come(updates: int, every: int, first: int):
    training = Training(updates=updates, evaluate_every=every, evaluate_first=first)
    grid = every_evaluation(training)
    assert evaluations(training) == len(grid)
    assert all(0 < b - a <= every for a, b in itertools.pairwise(grid))
