"""Checking a config against the schema: one sentence for the first violation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import jsonschema

from lstm_bench.errors import BenchError, unknown

TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "array": "a list",
    "object": "a mapping",
    "boolean": "true or false",
    "null": "null",
}


def check_schema(config: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    """Raise BenchError for the first violation, in one sentence."""
    errors = jsonschema.Draft202012Validator(schema).iter_errors(config)
    first: Any = jsonschema.exceptions.best_match(errors)
    if first is not None:
        raise _sentence(first)


def _sentence(error: Any) -> BenchError:
    where = ".".join(str(part) for part in error.absolute_path) or "config"
    if error.validator == "additionalProperties":
        allowed = error.schema.get("properties", {})
        extra = sorted(set(error.instance) - set(allowed))[0]
        return unknown("config key" if where == "config" else f"key of {where}", extra, allowed)
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
    """`2.0` as 2, so that one value has one id; NaN and infinity are refused."""
    if isinstance(value, Mapping):
        return {key: plain_numbers(each, f"{where}.{key}") for key, each in value.items()}
    if isinstance(value, list):
        return [plain_numbers(each, where) for each in value]
    if isinstance(value, float):
        if not math.isfinite(value):
            raise BenchError(f"{where}: {value} is not allowed; it must be a finite number.")
        return int(value) if value.is_integer() else value
    return value
