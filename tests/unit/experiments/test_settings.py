"""An annotation of a setting is its part of the schema, its help and its rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest
import yaml

from lstm_bench.errors import BenchError
from lstm_bench.experiments.settings import (
    Allowed,
    ByCell,
    Cell,
    Lengths,
    OneOf,
    Positive,
    Settings,
    SomeOf,
    Tasks,
    section_schema,
    section_text,
)
from lstm_bench.sweep import Choice

KNOWN = {"cell": ["lstm", "gru"], "task": ["adding"]}


@dataclass(frozen=True)
class Point:
    at: int
    of: str = "x"


@dataclass(frozen=True)
class Every(Settings):
    number: Annotated[float, Allowed(minimum=0), "no less than nothing"] = 0.5
    maybe: Positive | None = None
    words: tuple[Literal["a", "b"], ...] = ("a",)
    word: Literal["a", "b"] | None = None
    lengths: Annotated[Lengths, Allowed(maxItems=3)] = (1, 2)
    others: Lengths | None = None
    by_name: Mapping[str, Annotated[int, Allowed(maximum=9)]] = field(default_factory=dict)
    points: Annotated[tuple[Point, ...], Allowed(uniqueItems=False)] = ()
    cell: Cell = "lstm"
    tasks: Tasks = (Choice("adding"), Choice("copy", {"preset": "small"}, "a (b)", (10,)))


def test_annotations_are_json_schema() -> None:
    found = section_schema(Every)["properties"]
    assert found["number"] == {"type": "number", "minimum": 0}
    assert found["maybe"]["type"] == ["integer", "null"]
    assert found["words"]["items"] == {"type": "string", "enum": ["a", "b"]}
    assert found["word"] == {"type": ["string", "null"], "enum": ["a", "b", None]}
    assert found["lengths"] == {"$ref": "#/$defs/lengths", "maxItems": 3}
    assert found["others"] == {"anyOf": [{"$ref": "#/$defs/lengths"}, {"type": "null"}]}
    assert found["by_name"]["additionalProperties"] == {"type": "integer", "maximum": 9}
    assert found["points"]["items"]["required"] == ["at"]
    assert found["cell"] == {"type": ["string", "null"]}


def test_the_text_of_a_section_is_its_defaults_with_their_help() -> None:
    text = section_text("every", Every)
    assert "# no less than nothing" in text
    found = yaml.safe_load(text)["every"]
    assert found["tasks"] == [
        "adding",
        {"task": "copy", "preset": "small", "label": "a (b)", "lengths": [10]},
    ]
    assert (found["number"], found["maybe"], found["words"]) == (0.5, None, ["a"])
    assert (found["by_name"], found["points"]) == ({}, [])


@pytest.mark.parametrize(
    ("rule", "given", "there"),
    [
        (SomeOf(), ["lstm", "gone"], ["lstm"]),
        (SomeOf(), ["gone"], None),
        (SomeOf(), None, None),
        (OneOf("cell"), "gone", None),
        (OneOf("task", first=True), "gone", "adding"),
        (OneOf("cell"), "gru", "gru"),
        (ByCell(), {"lstm": 1, "gru": 2, "gone": 3}, {"lstm": 1, "gru": 2}),
        (ByCell(), {"lstm": 1, "gone": 3}, None),
        (ByCell(), None, None),
    ],
)
def test_a_default_is_fitted_to_the_sweep_and_what_the_user_names_must_be_there(
    rule: Any, given: Any, there: Any
) -> None:
    assert rule.fit(given, KNOWN, False, "study.key") == there
    if there == given:
        assert rule.fit(given, KNOWN, True, "study.key") == there
    else:
        with pytest.raises(BenchError, match=r"study.key: (cell|task)? ?'gone' is unknown"):
            rule.fit(given, KNOWN, True, "study.key")
