"""Every declared claim, and what is said of one that is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from lstm_bench import cells, tasks
from lstm_bench.claims.base import Trained, check, declared, read, require_known, too_few_tasks
from lstm_bench.claims.run import judge
from lstm_bench.errors import BenchError
from lstm_bench.spec import Condition
from lstm_bench.store.paths import Results
from tests.unit.experiments.outcomes import made, store

GOOD: dict[str, Any] = {
    "quote": "q",
    "statement": "s",
    "experiment": "horizon",
    "statistic": "reach",
    "cells": ["lstm", "elman"],
    "caveats": "c",
}
PRESETS = Path(__file__).parents[3] / "workflow" / "presets"
BOTH = {"lstm": "lstm", "elman": "elman"}


def trained(
    cells_: dict[str, str] = BOTH, tasks_: dict[str, str] | None = None, *lengths: int
) -> Trained:
    """What a sweep trains, every cell and task under its name."""
    tasks_ = tasks_ or {}
    return Trained(
        frozenset(cells_.values()),
        frozenset(tasks_.values()),
        frozenset(lengths),
        {**cells_, **tasks_},
        list(cells.registry()),
        list(tasks.registry()),
    )


def write(folder: Path, **changes: Any) -> Path:
    path = folder / "own.yaml"
    path.write_text(yaml.safe_dump({**GOOD, **changes}))
    return path


def test_every_declared_claim_names_what_exists_and_has_caveats() -> None:
    found = declared()
    assert len(found) >= 3
    for claim in found:
        assert len(claim.caveats) > 100, claim.id
        assert claim.quote.endswith("."), claim.id
        preset = PRESETS / f"{claim.family}.yaml"  # which may have labels of its own
        own = (
            yaml.safe_load(preset.read_text())["tasks"] if claim.family and preset.exists() else []
        )
        labels = {each["label"]: "" for each in own if isinstance(each, dict) and "label" in each}
        require_known(claim, trained({}, labels))


def test_a_claim_on_labels_of_another_config_is_not_judged_and_no_error(tmp_path: Path) -> None:
    claim = read(write(tmp_path, tasks=["sunspots"]))
    assert "task 'sunspots'" in check(claim, ["horizon"], trained())


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"statistic": "reech"},
            ["'reech'", "did you mean 'reach'"],
        ),
        ({"experiment": "horizn"}, ["'horizn'", "did you mean 'horizon'"]),
        ({"alhpa": 0.1}, ["'alhpa'", "did you mean 'alpha'"]),
        ({"alpha": 2}, ["alpha is 2", "between 0 and 1"]),
        ({"family": " "}, ["family is ' '", "a name"]),
        ({"family": 3}, ["family is 3", "text"]),
        ({"cells": ["a", "b", "c"]}, ["one or two names"]),
        ({"beside": ["lstm"]}, ["'lstm'", "one or two names"]),
        ({"caveats": ""}, ["'caveats'", "missing or empty"]),
        ({"quote": 3}, ["quote is 3", "text"]),
        ({"order": "first"}, ["order is 'first'", "a whole number"]),
        ({"tasks": "adding"}, ["tasks is 'adding'", "a list"]),
        ({"statistic": "column", "column": "gap"}, ["'gap'", "(none)"]),
        ({"scale": "log"}, ["'log'", "difference, ratio"]),
        ({"threshold": "low"}, ["threshold is 'low'", "a number"]),
        ({"where": ["T"]}, ["where is ['T']", "a mapping"]),
        ({"variants": {"long": {"T": 9}}}, ["variants", "'long'", "keys that `where` has"]),
        ({"told": "{third} more"}, ["told is '{third} more'", "{first}, {second}, {effect}"]),
        (
            {"experiment": "gradient_flow", "statistic": "column", "column": "kept_at_start"},
            ["'column'", "measured and told"],
        ),
    ],
)
def test_a_wrong_claim_is_told_in_one_sentence(
    changes: dict[str, Any], told: list[str], tmp_path: Path
) -> None:
    with pytest.raises(BenchError) as caught:
        read(write(tmp_path, **changes))
    assert "\n" not in str(caught.value)
    for part in [*told, "own"]:
        assert part in str(caught.value)


def test_a_cell_or_task_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    for changes, told in (({"cells": ["lstn", "elman"]}, "lstm"), ({"tasks": ["addin"]}, "adding")):
        with pytest.raises(BenchError, match=f"did you mean '{told}'"):
            require_known(read(write(tmp_path, **changes)), trained())


def test_what_a_sweep_does_not_train_is_told(tmp_path: Path) -> None:
    claim, adding = read(write(tmp_path, tasks=["adding"])), {"adding": "adding"}
    assert "'horizon' is not part" in check(claim, ["cost"], trained())
    assert "cell 'elman'" in check(claim, ["horizon"], trained({"lstm": "lstm"}))
    assert "task 'adding'" in check(claim, ["horizon"], trained(BOTH, {"copy": "copy"}))
    assert check(claim, ["horizon"], trained(BOTH, adding)) == ""
    short = read(write(tmp_path, where={"T": [5, 10]}))
    assert "nothing at T = 5." in check(short, ["horizon"], trained(BOTH, adding, 10, 20))
    assert check(short, ["horizon"], trained(BOTH, adding, 5, 10)) == ""


def test_fewer_than_four_tasks_can_have_no_verdict(tmp_path: Path) -> None:
    every = {name: name for name in ("adding", "copy", "temporal_order", "flip_flop")}
    two = read(write(tmp_path, tasks=["adding", "copy"]))
    assert too_few_tasks(two, trained(BOTH, every)).endswith("but a verdict takes 4.")
    assert "2 tasks for it (adding, copy)" in too_few_tasks(two, trained(BOTH, every))
    assert too_few_tasks(read(write(tmp_path)), trained(BOTH, every)) == ""
    exact = {"experiment": "cost", "statistic": "flops_per_update"}
    assert too_few_tasks(read(write(tmp_path, **exact)), trained(BOTH, {"copy": "copy"})) == ""


def test_a_named_claim_on_fewer_tasks_is_refused_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    own = str(write(tmp_path))
    with pytest.raises(BenchError, match=r"has 2 tasks for it .*, but a verdict takes 4"):
        made("horizon", tasks=["adding", "copy"], claims=[own], first_seed=10_000)
    assert made("horizon", tasks=FOUR, claims=[own], first_seed=10_000).claims["own"]


def test_more_than_ten_claims_with_a_test_are_refused(tmp_path: Path) -> None:
    files = []
    for number in range(11):
        path = tmp_path / f"claim{number}.yaml"
        path.write_text(yaml.safe_dump(GOOD))
        files.append(str(path))
    assert len(declared(files[:10])) == 10
    with pytest.raises(BenchError, match="11 claims of the family 'lecture' with a test are not"):
        declared(files)
    path.write_text(yaml.safe_dump({**GOOD, "family": "uses"}))
    assert len(declared(files)) == 11


def test_names_and_files_can_be_chosen(tmp_path: Path) -> None:
    own = str(write(tmp_path))
    assert [claim.id for claim in declared(["training_time", own])] == ["training_time", "own"]
    with pytest.raises(BenchError, match="did you mean 'training_time'"):
        declared(["training_tme"])
    with pytest.raises(BenchError, match="listed twice"):
        declared([own, own])
    with pytest.raises(BenchError, match="cannot be read"):
        declared([str(tmp_path / "none.yaml")])


FOUR = ["adding", "temporal_order", "copy", "selective_copy"]


def test_a_claim_may_rest_on_one_arm_and_says_the_widths_of_that_arm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Elman network solves the task at the state of the LSTM and not at its width."""
    monkeypatch.chdir(tmp_path)
    told = {}

    def end(label: str, condition: Condition, seed: int) -> str:
        return "unsolved" if condition.cell == "elman" and condition.width == 4 else "solved"

    arms = {"fairness": {"tasks": FOUR, "lengths": [10, 20], "cells": None}}
    for matched in ("width", "state"):
        arm = {"experiment": "fairness", "where": {"matched": matched}}
        own = {
            "claims": [str(write(tmp_path, **arm))],
            "cells": ["elman", "lstm"],
            "first_seed": 10_000,
        }
        plan = made("fairness", **own, **arms)
        store(plan, ["fairness"], end)
        verdicts = json.loads((judge(plan, Results()) / "verdicts.json").read_text())
        (told[matched],) = verdicts["claims"]
    assert [told[arm]["effect"] for arm in ("width", "state")] == [2, 0]  # log2 of 20 / 5
    assert [told[arm]["conditions"]["widths"] for arm in ("width", "state")] == [[4], [4, 8]]
    assert [vote["vote"] for vote in told["state"]["by_task"]] == ["no room"] * 4


def test_a_claim_may_compare_a_cell_that_its_experiment_alone_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pair = ["lstm_nig", "lstm_peephole"]
    own = {"experiment": "ablation", "cells": pair, "where": {"learning_rate": 0.01}}
    small = {"variants": ["lstm_nig"], "rates": [0.01], "width": 4, "updates": 40}
    arms = {"ablation": {**small, "tasks": [{"task": name, "lengths": [10]} for name in FOUR]}}
    plan = made("ablation", claims=[str(write(tmp_path, **own))], first_seed=10_000, **arms)
    ends = {"lstm_nig": "unsolved"}
    store(plan, ["ablation"], lambda label, condition, seed: ends.get(condition.cell, "solved"))
    verdicts = json.loads((judge(plan, Results()) / "verdicts.json").read_text())
    (found,) = verdicts["claims"]
    assert found["cells"] == pair
    assert found["effect"] == -1
