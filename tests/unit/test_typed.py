"""JSON read as the dataclasses that say what it means."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from lstm_bench.spec import Condition, canonical
from lstm_bench.typed import from_json


@dataclass(frozen=True)
class Leaf:
    names: tuple[str, ...] = ()
    count: int = 0


@dataclass(frozen=True)
class Tree:
    condition: Condition
    leaves: tuple[Leaf, ...] = ()
    named: Mapping[str, tuple[Leaf, ...]] | None = None
    one: Leaf | None = None


TREE = Tree(
    Condition("adding", 10, "lstm", cell_options={"forget_bias": 3.0}),
    (Leaf(("a", "b"), 2), Leaf()),
    {"x": (Leaf(("c",)),)},
)


def test_what_was_written_is_read_as_it_was():
    for tree in (TREE, Tree(TREE.condition, one=Leaf(count=1))):
        found = from_json(Tree, json.loads(canonical(tree)))
        assert found == tree
        assert found.condition.id == tree.condition.id


def test_unknown_keys_are_left_out_and_missing_ones_take_their_default():
    plain = json.loads(canonical(TREE))
    assert from_json(Tree, {"condition": plain["condition"], "later": 1}).leaves == ()
    with pytest.raises(TypeError, match="condition"):
        from_json(Tree, {"leaves": []})


def test_what_json_has_not_is_refused():
    with pytest.raises(TypeError, match="no JSON"):
        canonical({"a": {1, 2}})
