"""Whatever a config holds: a plan, or one sentence. 300 examples here, 5,000 in `make faults`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lstm_bench.errors import BenchError
from lstm_bench.planning.plan import resolve
from lstm_bench.store.yamls import parse_yaml, read_yaml
from tests.workflow.configs import disturbed, valid
from tests.workflow.workspace import ROOT, TINY

SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
LONG = os.environ.get("LSTM_BENCH_FAULTS") == "long"  # `make faults`
FUZZ = settings(
    max_examples=2500 if LONG else 150,
    deadline=None,
    derandomize=not LONG,
    suppress_health_check=list(HealthCheck),
)


def require_sentence(error: BenchError) -> None:
    told = str(error)
    assert "\n" not in told
    assert told.endswith((".", "?"))
    assert 10 < len(told) < 4000, told


@FUZZ
@given(valid())
def test_valid_configs_plan(config: dict[str, Any]) -> None:
    plan = resolve(config, SCHEMA, "digest")
    assert json.loads(json.dumps(plan, allow_nan=False))["conditions"]


@FUZZ
@given(disturbed(SCHEMA))
def test_a_disturbed_config_plans_or_is_told_in_one_sentence(config: dict[str, Any]) -> None:
    try:
        plan = resolve(config, SCHEMA, "digest")
        json.dumps(plan, allow_nan=False)
    except BenchError as error:
        require_sentence(error)
