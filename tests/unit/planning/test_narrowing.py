"""Whatever a user changes first plans: narrower lists, other tasks, numbers as text."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from lstm_bench import experiments
from lstm_bench.errors import BenchError
from lstm_bench.experiments.settings import section_text, settings_of
from lstm_bench.planning.fitting import with_sections
from lstm_bench.planning.overlays import inherited, merged, overridden
from lstm_bench.planning.plan import resolve
from lstm_bench.planning.schema import check_schema, numbers_from_text
from lstm_bench.registry import source_file
from tests.workflow.workspace import ROOT, TINY

SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
WHOLE = with_sections(SCHEMA, experiments.registry())
SHIPPED = yaml.safe_load((ROOT / "config.yaml").read_text())
SMOKE = yaml.safe_load((ROOT / "workflow/presets/smoke.yaml").read_text())


def plan(*layers: dict[str, Any]) -> dict[str, Any]:
    named = [(f"{i}.yaml", layer) for i, layer in enumerate(layers)]
    return resolve(merged(named), SCHEMA, inherited(named))


def cells_of(found: dict[str, Any], experiment: str) -> set[str]:
    return {member.cell for member in found.experiments[experiment].members}


@pytest.mark.parametrize(
    "narrower",
    [
        {"cells": ["elman", "gru"]},
        {"cells": ["irnn"]},
        {"cells": [{"cell": "lstm", "label": "mine"}]},
        {"tasks": ["digits"]},
        {"tasks": ["narma10", "adding"]},
        {"lengths": [20]},
        {"replicates": 3},
        {"seed_block": 4},
    ],
    ids=str,
)
@pytest.mark.parametrize("base", [(SHIPPED,), (SHIPPED, SMOKE)], ids=["config", "smoke"])
def test_a_narrower_config_plans(narrower: dict[str, Any], base: tuple[dict[str, Any], ...]):
    found = plan(*base, narrower)
    assert all(found.experiments[name].members for name in ["horizon", "overfitting"])


def test_config_yaml_edited_in_place_plans_too():
    found = plan({**SHIPPED, "cells": ["elman", "gru"]})
    retrained = {"lstm_peephole", "lstm_nig", "lstm_nfg"}  # of the experiment's own
    assert cells_of(found, "selective_memory") == {"gru", *retrained}
    assert cells_of(found, "truncation") == {"elman", "gru"}  # none of its own is left: all


def test_the_shipped_config_says_of_an_experiment_what_its_class_does():
    text = (ROOT / "config.yaml").read_text(encoding="utf-8")
    of_ours = (cls for cls in experiments.registry().values() if source_file(cls) is None)
    with_settings = [cls for cls in of_ours if settings_of(type(cls.settings))]
    assert len(with_settings) > 10  # read from the registry, not none
    for cls in with_settings:
        said = section_text(cls.name, type(cls.settings))
        assert said in text
        assert yaml.safe_load(said) == {cls.name: SHIPPED[cls.name]}


def test_a_cell_that_the_user_names_in_a_section_must_be_in_the_sweep():
    with pytest.raises(BenchError, match=r"selective_memory.cells: cell 'lstm' is unknown"):
        plan(SHIPPED, {"cells": ["elman", "gru"], "selective_memory": {"cells": ["lstm"]}})


def test_an_experiment_that_a_later_choice_makes_impossible_is_left_out_and_said():
    both = {**SHIPPED, "experiments": ["horizon", "initialisation"]}
    found = plan(both, {"cells": ["elman"]})
    assert found.config["experiments"] == ["horizon"]
    assert [s for s in found.notices if s.startswith("initialisation is left out")]
    with pytest.raises(BenchError, match="initialisation: cells has neither"):
        plan({**both, "cells": ["elman"]})


def test_a_later_task_takes_those_of_the_earlier_lengths_that_it_can_have():
    found = plan(SHIPPED, {"tasks": ["sine_mix"], "experiments": ["horizon"]})
    specs = [found.conditions[m.condition].spec for m in found.experiments["horizon"].members]
    assert {spec.T for spec in specs} == {20, 40, 80, 160, 320, 640, 1024}
    with pytest.raises(BenchError, match="T=10 is too short for task 'sine_mix'"):
        plan({**TINY, "tasks": ["sine_mix"], "lengths": [10, 20]})


def test_only_what_was_said_before_the_cells_is_inherited():
    below, above = {"cells": ["a"], "truncation": {"cells": ["a"]}}, {"cells": ["b"]}
    assert inherited([("x", below), ("y", above)]) == ["truncation.cells"]
    assert inherited([("x", below), ("y", {**above, "truncation": {"cells": ["b"]}})]) == []
    assert inherited([("x", below)]) == []


def test_fitting_keeps_what_the_sweep_has():
    section = {"cells": ["lstm", "gru"], "reference": "lstm", "pace": {"lstm": 1, "gru": 2}}
    below = {**TINY, "experiments": ["fairness"], "fairness": section}
    found = plan(below, {"cells": ["gru", "elman"]}).experiments["fairness"].settings
    assert (found["cells"], found["reference"], found["pace"]) == (["gru"], None, {"gru": 2})


def test_overrides_are_named_where_they_change_something():
    layers = [
        ("config.yaml", {"width": 32, "lengths": [10], "training": {"updates": 5, "batch": 2}}),
        ("mine.yaml", {"width": 16, "lengths": [10], "training": {"updates": 6}}),
        ("other.yaml", {"width": 32}),
    ]
    assert list(overridden(layers)) == [
        "config.yaml is overridden by mine.yaml in width, training.updates."
    ]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"lengths": ["10", "20"]}, {"lengths": [10, 20]}),
        ({"training": {"learning_rate": "1e-3"}}, {"training": {"learning_rate": 0.001}}),
        ({"training": {"carry": "false", "train_size": "null"}},
         {"training": {"carry": False, "train_size": None}}),
        ({"cells": [{"cell": "lstm", "width": "8", "label": "8"}]},
         {"cells": [{"cell": "lstm", "width": 8, "label": "8"}]}),
        ({"tuning": {"rates": ["1e-3", ".01", "1"]}}, {"tuning": {"rates": [0.001, 0.01, 1]}}),
        ({"fairness": {"pace": {"lstm": "2"}}}, {"fairness": {"pace": {"lstm": 2}}}),
        ({"device": {"cpu_up_to": "200"}}, {"device": {"cpu_up_to": 200}}),
    ],
    ids=str,
)  # fmt: skip
def test_text_is_a_number_where_no_text_is_meant(given: dict[str, Any], meant: dict[str, Any]):
    before = copy.deepcopy({**TINY, **given})
    found = numbers_from_text({**TINY, **given}, WHOLE)
    assert found == {**TINY, **meant}
    assert {**TINY, **given} == before
    check_schema(found, WHOLE)


def test_options_take_numbers_as_text():
    entry = {"cell": "lstm", "forget_bias": "1e0"}
    options = plan({**TINY, "cells": [entry, {"cell": "lstm", "forget_bias": "3", "label": "b"}]})
    specs = {tuple(e.spec.cell_options.items()) for e in options.conditions.values()}
    assert (("forget_bias", 3.0),) in specs
    with pytest.raises(BenchError, match="'many' is not allowed; it must be a whole number"):
        plan({**TINY, "width": "many"})


@pytest.mark.parametrize(
    ("wrong", "parts"),
    [
        ({"updates": 100}, ["'updates'", "training"]),
        ({"optimiser": "sgd"}, ["'optimiser'", "training"]),
        ({"optimizer": "sgd"}, ["did you mean 'optimiser'", "training"]),
        ({"forget_bias": 5}, ["'forget_bias'", "option of cell lstm", "cells"]),
        ({"symbols": 5}, ["'symbols'", "option of task", "tasks"]),
        ({"layers": 2}, ["'layers'", "network"]),
        ({"windows": [3]}, ["'windows'", "truncation", "data"]),
        ({"training": {"width": 3}}, ["'width'", "top"]),
        ({"overfitting": {"batch": 3}}, ["'batch'", "training"]),
        ({"cells": [{"cell": "lstm", "optimiser": "sgd"}]}, ["'optimiser'", "training"]),
        ({"cells": [{"cell": "lstm", "layers": 2}]}, ["'layers'", "network"]),
    ],
    ids=str,
)
def test_a_misplaced_key_is_told_its_place(wrong: dict[str, Any], parts: list[str]):
    with pytest.raises(BenchError) as caught:
        plan({**TINY, **wrong})
    assert all(part in str(caught.value) for part in parts), caught.value


def test_a_cell_of_its_own_training_stands_beside_the_same_cell():
    sgd = {"cell": "lstm", "training": {"optimiser": "sgd", "learning_rate": 0.5}, "label": "sgd"}
    found = plan({**TINY, "experiments": ["horizon"], "cells": ["lstm", sgd]})
    trained = {
        member.cell: found.conditions[member.condition].spec.training
        for member in found.experiments["horizon"].members
    }
    assert (trained["sgd"].optimiser, trained["sgd"].learning_rate) == ("sgd", 0.5)
    assert (trained["lstm"].optimiser, trained["lstm"].learning_rate) == ("adam", 0.01)
    assert [cell.key for cell in found.sweep.cells] == [
        "lstm",
        "lstm(learning_rate=0.5, optimiser=sgd)",
    ]


@pytest.mark.parametrize("page", ["adding-a-cell", "adding-a-task"])
def test_the_snippets_of_the_documentation_plan_in_the_default_config(page: str, tmp_path: Path):
    text = (ROOT / f"docs/{page}.md").read_text(encoding="utf-8")
    code = text.split("```python\n")[1].split("```")[0]
    said = yaml.safe_load(text.split("```yaml\n")[1].split("```")[0])
    plugin = tmp_path / said["plugins"][0]
    plugin.write_text(code.replace("class ", "class Narrowing"), encoding="utf-8")
    name = "slow" if "cell" in page else "latch"
    plugin.write_text(
        code.replace(f'"{name}"', f'"{name}_of_the_page"'), encoding="utf-8"
    )  # another test may have loaded the page's own names
    entries = yaml.safe_load(yaml.safe_dump(said).replace(name, f"{name}_of_the_page"))
    found = plan({**SHIPPED, **entries, "plugins": [str(plugin)]})
    assert any(f"{name}_of_the_page" in id for id in found.conditions)


def test_what_an_experiment_concludes_with_is_what_was_planned():
    """Not the config's own words, which may name cells that the sweep lacks."""
    fair = {**SHIPPED, "experiments": ["fairness"]}
    named = {"fairness": {"reference": "lstm", "pace": {"elman": 0.5, "lstm": 1}}}
    found = plan(fair, named, {"cells": ["elman", "gru"]})
    settings = found.experiments["fairness"].settings
    assert (settings["reference"], settings["pace"]) == (None, None)
    assert settings["lengths"] == SHIPPED["fairness"]["lengths"]
