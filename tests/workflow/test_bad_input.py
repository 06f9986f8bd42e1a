"""Wrong input: one sentence that names key, value and what is allowed; no traceback."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from lstm_bench import cli
from lstm_bench.errors import BenchError
from lstm_bench.planning.ensure import ensure_plan
from lstm_bench.planning.plan import resolve
from lstm_bench.spec import canonical
from lstm_bench.store.plans import Plan
from tests.workflow.workspace import ROOT, TINY, Workspace

SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())

WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({"lenghts": [10]}, ["lenghts", "did you mean 'lengths'"]),
    ({"training": {"update": 10}}, ["training", "'update'", "did you mean 'updates'"]),
    ({"updates": 3}, ["'updates' is unknown here; it stands under training: {updates: ...}."]),
    ({"updatess": 3}, ["here; did you mean 'updates'? It stands under training: {updates: ...}."]),
    ({"layers": 2}, ["'layers' is unknown here; it stands under network: {layers: ...}."]),
    ({"training": {"width": 3}}, ["here; it stands at the top of the config, under no section."]),
    ({"training": {"forget_bias": 3}}, ["here; it is an option of cell lstm,", "and 11 more: an"]),
    (
        {"cells": [{"cell": "lstm", "training": {"update": 3}}]},
        ["key of cells.0.training 'update' is unknown; did you mean 'updates'?"],
    ),
    (
        {"tasks": [{"task": "adding", "training": {"updates": 9}}]},
        ["'training'", "'adding'", "at the top of the config, for every task: {training: ...}."],
    ),
    (
        {"tasks": [{"task": "copy", "updates": 9}]},
        ["'updates'", "'copy'", "for every task: {training: {updates: ...}}."],
    ),
    (
        {"cells": [{"cell": "lstm", "updates": 9}]},
        ["'updates'", "stands under training: {cell: lstm, training: {updates: ...}}."],
    ),
    (
        {"cells": [{"cell": "lstm", "replicates": 9}]},
        ["'replicates'", "'lstm'", "at the top of the config, for every cell: {replicates: ...}."],
    ),
    (
        {"cells": ["lstm", {"cell": "lstm", "label": "x y"}]},
        ["cells: 'lstm' and 'x y' have the same options", "another cell."],
    ),
    (
        {"tasks": ["adding", {"task": "adding", "label": "b"}]},
        ["tasks: 'adding' and 'b' have the same options", "another task."],
    ),
    (
        {"cells": ["lstm", {"cell": "gru", "label": "lstm"}]},
        ["the label 'lstm' is the name of another cell"],
    ),
    ({"tasks": ["addin"]}, ["addin", "did you mean 'adding'"]),
    ({"cells": ["lstn"]}, ["lstn", "did you mean 'lstm'"]),
    ({"cells": [{"cell": "lstm", "forget_bais": 1}]}, ["forget_bais", "'forget_bias'"]),
    ({"cells": [{"cell": "lstm", "forget_bias": "big"}]}, ["forget_bias", "'big'", "float"]),
    ({"experiments": ["horizn"]}, ["horizn", "did you mean 'horizon'"]),
    ({"tasks": [{"task": "copy", "preset": "smal"}]}, ["smal", "did you mean 'small'"]),
    ({"lengths": [0]}, ["lengths.0", "0", "at least 1"]),
    ({"lengths": [-5]}, ["lengths.0", "-5", "at least 1"]),
    ({"lengths": ["ten"]}, ["lengths.0", "'ten'", "whole number"]),
    ({"lengths": [5]}, ["T=5", "temporal_order", "T >= 10"]),
    (
        {"training": {"validation_size": 10**12}},
        ["training.validation_size: 1,000,000,000,000", "temporal_order", "GiB", "at most"],
    ),
    ({"training": {"batch": 10**12}}, ["training.batch", "GiB"]),
    ({"lengths": [10, 10]}, ["lengths", "[10, 10]", "without duplicate"]),
    ({"cells": ["lstm", "lstm"]}, ["cells", "'lstm'", "listed twice"]),
    ({"replicates": 0}, ["replicates", "0", "at least 1"]),
    ({"replicates": "many"}, ["replicates", "'many'", "whole number"]),
    ({"device": "gpu"}, ["device", "'gpu'", "auto, cpu, cuda"]),
    ({"device": {"cpu_up_to": 0}}, ["device.cpu_up_to", "0", "at least 1"]),
    ({"device": {"cpu_upto": 9}}, ["device", "'cpu_upto'", "did you mean 'cpu_up_to'"]),
    ({"training": {"learning_rate": 0}}, ["training.learning_rate", "0", "more than 0"]),
    ({"training": {"optimiser": "adm"}}, ["adm", "did you mean 'adam'"]),
    ({"learning_rates": "no/such.yaml"}, ["learning_rates", "no/such.yaml", "snakemake tune"]),
    ({"plugins": ["no_such.py"]}, ["plugins", "no_such.py"]),
    ({"first_seed": 999_999}, ["first_seed", "999999", "tuning"]),
    ({"tasks": []}, ["tasks", "at least 1"]),
    ({"tasks": ["all", "all"]}, ["tasks", "'adding'", "listed twice"]),
    (
        {"experiments": ["catalogue"], "catalogue": {"task": "copy"}},
        ["catalogue.task", "'copy'", "temporal_order"],
    ),
    (
        {"experiments": ["catalogue"], "catalogue": {"task": "temporal_order", "cell": "lstn"}},
        ["catalogue.cell", "'lstn'", "did you mean 'lstm'"],
    ),
    (
        {
            "experiments": ["catalogue"],
            "catalogue": {
                "task": "temporal_order",
                "pairs": [{"task": "temporal_order", "cell": "gru"}],
            },
        },
        ["catalogue.pairs: cell", "'gru'", "elman, lstm"],
    ),
    ({"catalogue": {"pairs": [{"task": "copy"}]}}, ["catalogue.pairs.0", "keys task, cell"]),
    ({"cells": [{"cell": "lstm", "label": "_hidden"}]}, ["_hidden", "form"]),
    ({"cells": [{"cell": "lstm", "chrono": -3}]}, ["chrono", "-3", "at least 2"]),
    ({"cells": [{"cell": "lstm", "forget_bias": float("nan")}]}, ["nan", "finite"]),
    ({"training": {"learning_rate": 10**400}}, ["training.learning_rate", "finite"]),
    ({"sensitivity": {"clip_at": [1, 10**400]}}, ["sensitivity.clip_at", "finite"]),
    ({"sensitivity": {"width": [8, 1e30]}}, ["sensitivity.width.1", "at most 4096"]),
    ({"cost": {"lengths": [1]}}, ["T=1", "too short"]),
    ({"speed": {"cells": ["lstn"]}}, ["lstn", "did you mean 'lstm'"]),
    ({"speed": {"cells": ["gru", "gru"]}}, ["speed.cells", "'gru'", "listed twice"]),
    ({"speed": {"samples": 2}}, ["speed.samples", "2", "at least 3"]),
    ({"speed": {"instruction_sets": ["sse"]}}, ["instruction_sets.0", "sse", "avx2"]),
    ({"speed": {"limit": 5}}, ["speed", "'limit'", "limit_seconds"]),
    ({"tuning": {"rates": [0.1, 0.2]}}, ["tuning.rates", "at least 3"]),
    ({"network": {"layer": 2}}, ["network", "'layer'", "did you mean 'layers'"]),
    ({"network": {"layers": 0}}, ["network.layers", "0", "at least 1"]),
    ({"network": {"readout": "logistic"}}, ["'logistic'", "temporal_order", "squared_error"]),
    ({"cells": ["jordan"], "network": {"layers": 2}}, ["layers 2", "'jordan'", "must be 1"]),
    ({"cells": [{"cell": "lstm", "network": {"deep": 2}}]}, ["network", "'deep'"]),
    ({"width": 0}, ["width", "0", "at least 1"]),
    ({"width": {"match": "size", "budget": 9}}, ["width.match", "'size'", "parameters"]),
    ({"width": {"match": "state"}}, ["width", "match, budget"]),
    (
        {"cells": ["elman"], "width": {"match": "parameters", "budget": 1000}},
        ["'elman'", "temporal_order", "1,000 parameters", "2%", "width 26 has 966", "width 27 has"],
    ),
    ({"claims": ["training_tme"]}, ["training_tme", "did you mean 'training_time'"]),
    ({"claims": ["no.yaml"]}, ["'no.yaml'", "cannot be read"]),
    (
        {"claims": ["long_dependencies"], "cells": ["lstm", "gru"]},
        ["'long_dependencies'", "cannot be judged", "cell 'elman'"],
    ),
    (
        {"claims": ["training_time"], "experiments": ["horizon"]},
        ["'training_time'", "cannot be judged", "experiment 'training_time'"],
    ),
    ({"learning_rates": str(ROOT / "LICENSE")}, ["learning_rates", "LICENSE", "cannot be read"]),
]


@pytest.mark.parametrize(("wrong", "told"), WRONG, ids=lambda value: str(value)[:40])
def test_a_wrong_config_is_told_in_one_sentence(wrong: dict[str, Any], told: list[str]) -> None:
    with pytest.raises(BenchError) as caught:
        resolve({**TINY, **wrong}, SCHEMA)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    for part in told:
        assert part in sentence


def test_claims_that_nobody_named_are_marked_where_they_cannot_be_judged() -> None:
    plan = resolve({**TINY, "cells": ["lstm", "gru"]}, SCHEMA)
    marked = {name: entry.not_judged for name, entry in plan.claims.items()}
    assert marked["long_dependencies"] == (
        "the experiment 'horizon' does not train the cell 'elman'."
    )
    everything = resolve(TINY, SCHEMA).claims
    for name in ("long_dependencies", "computational_cost", "training_time"):
        assert everything[name].not_judged == ""


def test_a_whole_number_written_as_a_float_is_the_same_number() -> None:
    def conditions(config: dict[str, Any]) -> set[str]:
        return set(resolve({**TINY, **config}, SCHEMA).conditions)

    assert conditions({"lengths": [10.0], "width": 8.0}) == conditions({"width": 8})


def test_an_entry_has_the_network_of_the_config_and_its_own() -> None:
    entries = ["lstm", {"cell": "gru", "network": {"layers": 1}}, {"cell": "elman", "width": 5}]
    config = {**TINY, "cells": entries, "network": {"layers": 2, "readout_bias": True}}
    plan = resolve(config, SCHEMA)
    assert [each.key for each in plan.sweep.cells] == [
        "lstm",
        "gru(layers=1)",
        "elman(width=5)",
    ]
    found = {
        spec.cell: (spec.network, spec.width)
        for member in plan.experiments["horizon"].members
        for spec in [plan.conditions[member.condition].spec]
    }
    assert found == {"lstm": ({"layers": 2}, 8), "gru": ({}, 8), "elman": ({"layers": 2}, 5)}
    cost = plan.experiments["cost"].probe_settings["cells"]
    assert [(c.get("width"), c.get("network")) for c in cost] == [
        (None, {"layers": 2}),
        (None, None),
        (5, {"layers": 2}),
    ]


def test_rates_tuned_for_another_network_are_named(tmp_path: Path) -> None:
    rates = tmp_path / "rates.yaml"
    rates.write_text("tuned_with: {width: 8}\nrates: {temporal_order: {lstm: 0.1, elman: 0.1}}\n")
    config = {**TINY, "learning_rates": str(rates)}
    assert resolve(config, SCHEMA).sweep.other_than_tuned == {}
    deep = resolve({**config, "network": {"layers": 2}}, SCHEMA).sweep
    assert deep.other_than_tuned == {"network": {}}
    own = {"cells": ["elman", {"cell": "lstm", "network": {"layers": 2}}]}
    sweep = resolve({**config, **own}, SCHEMA).sweep
    assert sweep.untuned == ("lstm(layers=2) on temporal_order",)


def test_rates_tuned_for_another_width_are_named(tmp_path: Path) -> None:
    rates = tmp_path / "rates.yaml"
    rates.write_text("tuned_with: {width: 32, batch: 32}\nrates: {temporal_order: {lstm: 0.1}}\n")
    sweep = resolve({**TINY, "learning_rates": str(rates)}, SCHEMA).sweep
    assert sweep.other_than_tuned == {"width": 32}
    assert sweep.untuned == ("elman on temporal_order",)


def test_cuda_is_refused_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lstm_bench.planning.plan.shutil.which", lambda _: None)  # nor a cluster
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(BenchError, match="'cuda' was asked for"):
        resolve({**TINY, "device": "cuda"}, SCHEMA)


def test_snakemake_prints_the_sentence_alone(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, cells=["lstn"])
    shown = workspace.snakemake("-n")
    assert shown.returncode == 1
    assert shown.stdout.count("did you mean 'lstm'?") == 1
    assert "Traceback" not in shown.stdout


def test_a_results_folder_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "results").write_text("a file where the folder should be")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BenchError, match=r"results/plans/.*cannot be written"):
        ensure_plan(TINY, ROOT)


def test_a_plugin_that_does_not_import_is_named(tmp_path: Path) -> None:
    plugin = tmp_path / "broken.py"
    plugin.write_text("import no_such_module\n")
    with pytest.raises(BenchError, match=r"broken.py.*does not import.*no_such_module"):
        resolve({**TINY, "plugins": [str(plugin)]}, SCHEMA)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["show", "lstn"], "did you mean 'lstm'?"),
        (["list", "cell"], "did you mean 'cells'?"),
        (["train", "adding", "lstm", "--T", "0"], "T: 0 is not allowed"),
        (["train", "temporal_order", "lstm", "--T", "5"], "T=5 is too short"),
        (["train", "adding", "lstm", "--T", "10", "--replicates", "0"], "replicates: 0"),
        (["train", "addin", "lstm", "--T", "10"], "did you mean 'adding'?"),
        (["train", "adding", "lstm", "--T", "10", "--cell-option", "x=1"], "option of cell 'lstm'"),
        (["status"], "run snakemake first"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_command_line_answers_in_one_sentence(
    words: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["lstm-bench", *words])
    monkeypatch.setattr(cli, "isolate", lambda: None)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    shown = capsys.readouterr()
    assert ended.value.code == 1
    assert told in shown.err
    assert shown.err.count("\n") == 1


def test_a_command_that_is_refused_ends_its_process_with_the_sentence_alone(tmp_path: Path) -> None:
    shown = Workspace(tmp_path).cli("train", "adding", "lstm", "--T", "0")
    assert (shown.returncode, shown.stdout) == (1, "")
    assert "T: 0 is not allowed" in shown.stderr
    assert shown.stderr.count("\n") == 1


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    plan = resolve(TINY, SCHEMA).write(tmp_path / "plan.json")
    found = Plan.read(plan.path)
    assert (found.conditions, found.experiments) == (plan.conditions, plan.experiments)
    assert canonical(replace(found, path="")) == canonical(replace(plan, path=""))
    assert set(plan.experiments) - set(plan.asked) == {"speed", "tuning"}
