"""What a memory card tries: fixed from an estimate, within its minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from lstm_bench.errors import BenchError
from lstm_bench.planning import card
from lstm_bench.planning.card import PRESET, Size, entries, plan_card, sizes, untuned
from lstm_bench.planning.ensure import ensure_plan
from lstm_bench.planning.overlays import inherited, merged, read_layers
from lstm_bench.spec import Condition
from lstm_bench.store.files import read_json
from lstm_bench.store.paths import Results
from lstm_bench.sweep import tuned_here
from tests.workflow.workspace import ROOT


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("config.yaml", "workflow", "docs"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)


def slow(seconds: float) -> Any:
    """A machine on which a step of an update of one replicate takes so many seconds."""

    def measure(condition: Condition, replicates: int) -> float:
        return seconds * condition.T * replicates

    return measure


def planned(minutes: float, measure: Any, cell: str = "mgu") -> dict[str, Any]:
    path = plan_card({"cell": cell}, [], minutes, 2, measure, Results())
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_ladders_grow_shorter_before_tasks_are_left_out():
    assert list(sizes(3, [10, 20, 40])) == [Size(3, 40), Size(3, 20), Size(2, 20), Size(1, 20)]


def test_a_cell_stands_beside_the_others_and_never_beside_itself():
    assert entries({"cell": "mgu"}) == [{"cell": "mgu"}, "lstm", "gru", "elman"]
    assert entries({"cell": "gru"}) == [{"cell": "gru"}, "lstm", "elman"]
    leaky = {"cell": "lstm", "forget_bias": 3}
    assert entries(leaky) == [leaky, "lstm", "gru", "elman"]
    assert entries({"module": "my.py:Cell"})[0] == {"module": "my.py:Cell"}


def test_what_fits_into_the_minutes_is_written_once():
    whole = planned(10, slow(1e-7))
    assert whole["cells"] == [{"cell": "mgu"}, "lstm", "gru", "elman"]
    assert (len(whole["tasks"]), whole["lengths"]["to"]) == (5, 160)
    about = Results().card("mgu") / "plan.json"
    assert read_json(about)["not_tried"] == []
    # from then on the card is that one, also where the machine is slower or the minutes are fewer
    assert planned(1.5, slow(1e-3)) == whole


def test_a_slow_machine_tries_less_and_says_what_is_left_out():
    config = planned(10, slow(3e-5))
    about = read_json(Results().card("mgu") / "plan.json")
    assert config["lengths"]["to"] < 160
    assert about["estimated_seconds"] <= 600
    assert "Lengths up to T = 160" in about["not_tried"][-1]
    layers = read_layers(["config.yaml", PRESET, Results().card("mgu") / "config.yaml"])
    plan = ensure_plan(merged(layers), Path(), inherited(layers))
    assert max(T for task in plan.sweep.tasks for T in task.lengths) == config["lengths"]["to"]
    assert [c.shown for c in plan.sweep.cells] == ["mgu", "lstm", "gru", "elman"]
    assert {m.condition for m in plan.experiments["extrapolation"].members} <= set(plan.conditions)
    assert plan.sweep.first_seed == 0
    assert list(untuned(plan, Results())) == ["mgu"]  # the rates of the others come with the suite
    parameters = {
        plan.conditions[m.condition].parameters for m in plan.experiments["horizon"].members
    }
    assert max(parameters) < 1.08 * min(parameters)


def test_a_cell_is_tuned_as_far_as_the_ladder_goes():
    """Tuned for a ladder to 80, the baselines lack T = 160: else only the new cell has its rate."""
    planned(10, slow(1e-7))
    layers = read_layers(["config.yaml", PRESET, Results().card("mgu") / "config.yaml"])
    plan = ensure_plan(merged(layers), Path(), inherited(layers))
    adding, order = plan.sweep.tasks[0], plan.sweep.tasks[1]
    rates, trials = {}, []
    for cell in plan.sweep.cells:
        for task, tried in [(adding, {10: 2, 40: 5}), (order, {20: 5, 80: 0})]:
            rates.setdefault(task.key, {})[cell.key] = dict.fromkeys(map(str, tried), 0.01)
            trials += [
                {"task": task.key, "cell": cell.key, "T": T, "solved": solved}
                for T, solved in tried.items()
            ]
    tuned = tuned_here(plan.sweep.training, plan.sweep.width, plan.sweep.network)
    tuned |= {"pairs": {task: list(cells) for task, cells in rates.items()}}
    stored = {"tuned_with": [tuned], "rates": rates, "trials": trials}
    Results().root.joinpath("results/cards/rates.yaml").write_text(yaml.safe_dump(stored))
    found = untuned(plan, Results())
    assert list(found) == ["mgu", "lstm", "gru", "elman"]
    for tasks in found.values():
        assert tasks["adding"] == [160]
        assert tasks["temporal order"] == []  # its search ended: no rate solved T = 80
    assert found["mgu"]["parity"] == [10, 40, 160]
    tuned["updates"] = 2000  # tuned for another budget, all of it is still to do
    Results().root.joinpath("results/cards/rates.yaml").write_text(yaml.safe_dump(stored))
    assert untuned(plan, Results())["mgu"]["temporal order"] == [20, 80]


def test_where_nothing_fits_it_says_how_long_the_smallest_takes():
    with pytest.raises(BenchError, match=r"--minutes: 1 is not enough for mgu, .* about \d+ min"):
        planned(1, slow(1e-3))
    assert not (Results().card("mgu") / "config.yaml").exists()


def test_a_cell_that_is_not_there_is_named():
    with pytest.raises(BenchError, match="did you mean 'mgu'"):
        planned(10, slow(1e-7), "mguu")
    assert card.BESIDE == ("lstm", "gru", "elman")
