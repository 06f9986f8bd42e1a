"""Checking a config against the schema: one sentence for the first violation."""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping
from typing import Any

import jsonschema

from lstm_bench.errors import BenchError, unknown
from lstm_bench.planning.homes import misplaced
from lstm_bench.registry import as_number

TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "array": "a list",
    "object": "a mapping",
    "boolean": "true or false",
    "null": "null",
}


def only(schema: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The schema of a config of this key alone."""
    return {**schema, "required": [], "properties": {key: schema["properties"][key]}}


def check_schema(config: Mapping[str, object], schema: Mapping[str, object]) -> None:
    """Raise BenchError for the first violation, in one sentence."""
    errors = jsonschema.Draft202012Validator(schema).iter_errors(config)
    first: Any = jsonschema.exceptions.best_match(errors)
    if first is not None:
        raise _sentence(first, schema)


def numbers_from_text(
    config: Mapping[str, object], schema: Mapping[str, object]
) -> dict[str, object]:
    """A copy in which text that stands for a number, true, false or null is that value.

    Only where the schema allows no text: Snakemake hands what `--config` holds in lists and
    mappings over as text, and YAML takes 1e-3 for text.
    """
    found = copy.deepcopy(dict(config))
    for error in jsonschema.Draft202012Validator(schema).iter_errors(config):
        if error.validator == "type" and isinstance(error.instance, str) and error.absolute_path:
            *path, last = error.absolute_path
            place: Any = found
            for part in path:
                place = place[part]
            place[last] = as_number(error.instance)
    return found


def _sentence(error: Any, schema: Mapping[str, object]) -> BenchError:
    where = ".".join(str(part) for part in error.absolute_path) or "config"
    if error.validator == "additionalProperties":
        allowed = error.schema.get("properties", {})
        extra = sorted(set(error.instance) - set(allowed), key=str)[0]
        what = "config key" if where == "config" else f"key of {where}"
        home = misplaced(str(extra), where, schema)
        return BenchError(f"{what} {extra!r} {home}") if home else unknown(what, extra, allowed)
    rule, value = error.validator_value, error.instance
    if error.validator == "type":
        kinds = [rule] if isinstance(rule, str) else rule
        return BenchError(
            f"{where}: {value!r} is not allowed; it must be "
            f"{' or '.join(TYPES.get(kind, kind) for kind in kinds)}."
        )
    if error.validator == "enum":
        return unknown(where, value, [str(each) for each in rule])
    told = {
        "minimum": f"at least {rule}",
        "maximum": f"at most {rule}",
        "exclusiveMinimum": f"more than {rule}",
        "exclusiveMaximum": f"less than {rule}",
        "minItems": f"a list of at least {rule}",
        "uniqueItems": "a list without duplicate values",
        "pattern": f"text of the form {rule}",
        "minLength": "text that is not empty",
        "required": f"a mapping with the keys {', '.join(map(str, rule))}"
        if isinstance(rule, list)
        else "",
    }.get(str(error.validator), error.message)
    return BenchError(f"{where}: {value!r} is not allowed; it must be {told}.")


def plain_numbers(value: Any, where: str = "config") -> Any:
    """`2.0` as 2, so that one value has one id; NaN and what no float can hold are refused."""
    if isinstance(value, Mapping):
        return {key: plain_numbers(each, f"{where}.{key}") for key, each in value.items()}
    if isinstance(value, list):
        return [plain_numbers(each, where) for each in value]
    if isinstance(value, float | int) and not abs(value) <= sys.float_info.max:
        raise BenchError(f"{where}: {value} is not allowed; it must be a finite number.")
    return int(value) if isinstance(value, float) and value.is_integer() else value
