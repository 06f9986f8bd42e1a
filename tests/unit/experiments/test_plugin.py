"""An experiment in a file of the user's own: the documented one stands in the report."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lstm_bench import experiments, registry
from lstm_bench.errors import BenchError
from lstm_bench.planning.plan import resolve
from tests.unit.experiments.outcomes import ENDS, made, whole_sweep
from tests.workflow.test_bad_input import SCHEMA
from tests.workflow.workspace import ROOT, TINY

PAGE = (ROOT / "docs/adding-an-experiment.md").read_text(encoding="utf-8")
CODE = PAGE.split("```python\n")[1].split("```")[0]
SAID = yaml.safe_load(PAGE.split("```yaml\n")[1].split("```")[0])


@pytest.fixture(autouse=True)
def _forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a plugin defines ends with the test: the registry lists whatever class there is."""
    monkeypatch.chdir(tmp_path)
    before = dict(registry._plugins)
    yield
    for path in set(registry._plugins) - set(before):
        del sys.modules[registry._plugins.pop(path).__name__]
    assert "hidden_units" not in experiments.registry()


def plan(code: str = CODE, **changes: Any) -> Any:
    Path("my_experiment.py").write_text(code, encoding="utf-8")
    asked = {"plugins": ["my_experiment.py"], "experiments": ["horizon", "hidden_units"]}
    return resolve({**TINY, **asked, **changes}, SCHEMA)


def test_the_documented_experiment_has_settings_and_stands_in_the_report(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert len(CODE.splitlines()) <= 60
    Path(SAID["plugins"][0]).write_text(CODE, encoding="utf-8")
    page = whole_sweep(SAID["experiments"], ENDS["solved"], **SAID)
    found = made(*SAID["experiments"], **SAID)
    entry = found.experiments["hidden_units"]
    assert entry.settings["widths"] == [4, 16]
    assert {member.factors["units"] for member in entry.members} == {4, 16}
    assert {found.conditions[m.condition].spec.width for m in entry.members} == {4, 16}
    assert "How many hidden units does a task take?" in page
    assert "lstm on temporal_order: 4" in page
    table = Path("results/experiments/hidden_units/table.csv").read_text(encoding="utf-8")
    assert table.splitlines()[0].startswith("task,cell,T,units,n,solved")


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"widhts": [4]}, ["key of hidden_units 'widhts'", "did you mean 'widths'"]),
        ({"widths": "many"}, ["hidden_units.widths", "'many'", "a list"]),
        ({"widths": [0]}, ["hidden_units.widths.0", "0", "at least 1"]),
        ({"enough": "half"}, ["hidden_units.enough", "'half'", "a number"]),
        ({"cells": ["lstn"]}, ["hidden_units.cells: cell 'lstn'", "did you mean 'lstm'"]),
        ({"tasks": ["coppy"]}, ["'coppy'", "did you mean 'copy'"]),
    ],
    ids=str,
)
def test_bad_settings_are_one_sentence_before_anything_is_trained(
    section: dict[str, Any], said: list[str]
) -> None:
    with pytest.raises(BenchError) as caught:
        plan(hidden_units=section)
    assert all(part in str(caught.value) for part in said), caught.value


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"hidden_units"', '"training"', ["'training'", "another meaning"]),
        ('"hidden_units"', '"fairness"', ["'fairness' is defined twice"]),
        ("= (8, 32)", "= (0, 32)", ["hidden_units.widths.0: 0 is not allowed", "at least 1"]),
        ("@dataclass(frozen=True)\nclass Settings", "class Settings", ["must be a dataclass"]),
        ("Annotated[float,", "Annotated[complex,", ["hidden_units", "complex", "no type"]),
        ('{"units": units}', '{"seed": units}', ["the factor 'seed'", "a column"]),
        ("width=units", "width=8", ["units 32", "8 is the same condition"]),
        ('factors={"units": units}', 'factors={"u": 1} if units > 8 else {}', ["factors u and"]),
    ],
)
def test_an_experiment_that_cannot_be_is_refused_before_anything_is_trained(
    old: str, new: str, said: list[str]
) -> None:
    assert old in CODE
    with pytest.raises(BenchError) as caught:
        plan(CODE.replace(old, new))
    told = str(caught.value)
    assert all(part in told for part in said), told
    assert "\n" not in told


def test_a_default_that_the_sweep_lacks_is_left_out() -> None:
    lacking = CODE.replace(
        'labels of cells above; null takes all"] = None', '"] = ("gone", "lstm")'
    )
    entry = plan(lacking).experiments["hidden_units"]
    assert {member.cell for member in entry.members} == {"lstm"}
    assert entry.settings["cells"] == ["lstm"]


def test_a_factor_that_conditions_share_is_said_so() -> None:
    alike = CODE.replace("width=units", "width=8")
    shared = alike.replace("    settings: S", '    shared = ("units",)\n    settings: S')
    members = plan(shared).experiments["hidden_units"].members
    assert len({member.condition for member in members}) * 2 == len(members)


def test_a_panel_that_names_a_column_the_table_lacks_is_refused_before_training() -> None:
    code = CODE.replace('Layer("units", "share"', 'Layer("units", "shar"')
    assert code != CODE
    with pytest.raises(BenchError, match=r"'hidden_units'.*'shar'.*did you mean 'share'"):
        plan(code)
    assert not list(Path.cwd().glob("results/runs/*"))
