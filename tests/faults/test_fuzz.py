"""Whatever a config holds: a plan, or one sentence. 300 examples here, 5,000 in `make faults`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lstm_bench import experiments
from lstm_bench.errors import BenchError
from lstm_bench.planning.fitting import with_sections
from lstm_bench.planning.plan import resolve
from lstm_bench.spec import canonical
from lstm_bench.store.yamls import parse_yaml, read_yaml
from tests.faults.configs import disturbed, valid
from tests.faults.conftest import LONG
from tests.workflow.workspace import ROOT, TINY, Workspace

SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
FUZZ = settings(
    max_examples=2500 if LONG else 60,
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
    plan = resolve(config, SCHEMA)
    assert canonical(plan.conditions) != "{}"


@FUZZ
@given(disturbed(with_sections(SCHEMA, experiments.registry())))
def test_a_disturbed_config_plans_or_is_told_in_one_sentence(config: dict[str, Any]) -> None:
    try:
        plan = resolve(config, SCHEMA)
        canonical(plan.conditions)
    except BenchError as error:
        require_sentence(error)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"training": {"validation_size": 10**12}}, "validation_size: 1,000,000,000,000"),
        ({"training": {"train_size": 10**12}}, "train_size: 1,000,000,000,000"),
        ({"training": {"batch": 10**6}, "lengths": [10**6]}, "batch: 1,000,000"),
        ({"training": {"updates": 10**30}}, "training.updates"),
        ({"width": 10**9}, "width"),
        ({"lengths": [10**9]}, "lengths.0"),
        ({"lengths": list(range(10, 60_010))}, "120,000 seed blocks"),
        ({"replicates": 10**7}, "replicates: 10000000"),
        ({"replicates": 10**6, "seed_block": 1}, "2,000,000 seed blocks"),
        ({"network": {"layers": 10**9}}, "network.layers"),
        ({"tasks": [{"task": "copy", "symbols": 10**12}], "lengths": [100]}, "symbols"),
        ({"cells": [{"cell": "feedforward_window", "window": 10**9}]}, "window"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_an_absurd_value_is_refused_before_anything_is_planned(
    wrong: dict[str, Any], told: str
) -> None:
    with pytest.raises(BenchError) as caught:
        resolve({**TINY, **wrong}, SCHEMA)
    require_sentence(caught.value)
    assert told in str(caught.value)


GOOD = yaml.safe_dump(TINY)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: &a {b: *a}", "holds itself"),
        ("a: " + "[" * 3000 + "]" * 3000, "nested too deeply"),
        ("a: {b: 1, b: 2}", "line 1: the key 'b' is there twice"),
        ("5: 3", "the key '5'"),
        ("? [a]\n: 3", "a list or mapping"),
        ("a: !!python/object/apply:os.system ['true']", "os.system"),
        ("a: !!python/tuple [1]", "python/tuple"),
        ("a: 2020-01-01", "timestamp"),
        ("a: !!set {b}", "'set'"),
        ("a: .inf", "finite"),
        ("a:\n\t- b", "not YAML"),
        ("a: [", "not YAML"),
        ("a: \x00", "not YAML"),
        ("a: *b", "not YAML"),
        ("a: 1\n---\nb: 2", "not YAML"),
        ("a: " + "9" * 5000, "not YAML"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_yaml_that_is_not_plain_is_told_in_one_sentence(text: str, told: str) -> None:
    with pytest.raises(BenchError) as caught:
        parse_yaml(text, "config.yaml")
    require_sentence(caught.value)
    assert told in str(caught.value)


def test_an_anchor_and_a_merge_are_read_as_they_are_meant() -> None:
    text = "a: &a {x: 1}\nb: {<<: *a, y: 2}\nc: [*a, *a]"
    assert parse_yaml(text, "x") == yaml.safe_load(text)


PIECES = st.sampled_from([*" \n\t:-[]{}&*!|>'\"#%@`,?", "a", "1", "!!", "<<", "---", "é", "\x00"])
DAMAGED = st.one_of(
    st.binary(max_size=200),
    st.integers(0, len(GOOD)).map(lambda n: GOOD[:n].encode()),
    st.tuples(st.integers(0, len(GOOD)), st.binary(min_size=1, max_size=3)).map(
        lambda cut: GOOD.encode()[: cut[0]] + cut[1] + GOOD.encode()[cut[0] :]
    ),
    st.lists(PIECES, max_size=40).map(lambda parts: "".join(parts).encode()),
)


@FUZZ
@given(DAMAGED)
def test_any_bytes_are_plain_values_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    """Read by us alone: what Snakemake reads after it has been seen to be plain."""
    path = Path(tmp_path_factory.getbasetemp()) / "damaged.yaml"
    path.write_bytes(data)
    try:
        json.dumps(read_yaml(path), allow_nan=False)
    except BenchError as error:
        require_sentence(error)


def test_a_config_file_that_is_not_plain_stops_snakemake_with_one_sentence(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    for text, told in (
        (f"{GOOD}\nwidth: 9\n", "the key 'width' is there twice"),
        (f"{GOOD}\n__use_yte__: true\nx: ?open('ran', 'w')\n", "no template is run"),
    ):
        (tmp_path / "config.yaml").write_text(text)
        shown = workspace.snakemake("-n")
        assert shown.returncode == 1
        assert shown.stdout.count(told) == 1
        assert "Traceback" not in shown.stdout
    assert not (tmp_path / "ran").exists()
