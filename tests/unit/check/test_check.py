"""`lstm-bench check`: ten planted faults, each found in one sentence; what is sound passes."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from lstm_bench.check import check, failures, promises
from lstm_bench.check.promises import Broken
from lstm_bench.cli.group import cli
from lstm_bench.errors import BenchError
from tests.unit.planning.test_modules import plan

FAULTY = "tests/unit/check/given/faulty_modules.py"
OWN = "tests/unit/cells/given/own_modules.py"
FAULTS = {
    "FutureLeak": r"sees input 1 before step 1: changed by 1, .* earlier hidden state by 0\.\d+",
    "BatchLeak": r"a sequence depends on another of its batch: .* moves it by 0\.\d+",
    "StateDropped": r"does not carry its state: .* of the next step by 0",
    "HiddenRandomness": r"draws random numbers or keeps some: .* others, by up to \d",
    "AxesSwapped": r"axes swapped: it says batch_first=True and reads \(T, B, d\), .* by 0\.\d+",
    "InPlaceState": r"changes part 0 of the state in place, by up to 0\.\d+",
    "DeadGradient": r"wrong gradient of \S+: \S+ along .* finite differences give \d",
    "NanAfter500": r"is not finite from step 501 of 2000 on",
    "WeightsChanged": r"its forward changes turn\.weight, which is not allowed",
    "OutputTooLong": r"as a layer its output is \(5, 5, 64\), but must be \(5, 4, 64\)",
}
SOUND = [
    *("torch.nn:LSTMCell", "torch.nn:GRUCell", "torch.nn:RNNCell", "torch.nn:LSTM"),
    *(f"{OWN}:{name}" for name in ("Janet", "MultiHead", "LearntStart", "Tied", "CausalAverage")),
    *(f"{OWN}:{name}" for name in ("FrozenBias", "FrozenBiasCell", "two_layers")),
    f"{FAULTY}:Whole",
]


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found_in_one_sentence(name: str):
    found = [result.fault for result in failures(f"{FAULTY}:{name}")]
    assert len(found) == 1, found
    assert re.search(FAULTS[name], found[0]), found
    assert name in found[0]
    assert "\n" not in found[0]


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_module_passes(name: str):
    assert failures(name) == []


def test_both_batch_orders_of_a_layer_pass_and_the_wrong_one_is_found():
    assert failures("torch.nn:LSTM", {"batch_first": True}) == []
    (fault,) = failures("torch.nn:LSTM", {"axes": "BTD"})
    assert "named (B, T, d), a change in one sequence moves another by" in fault.fault


def test_options_are_checked_with_the_module():
    assert failures(f"{OWN}:two_layers", {"dropout": 0.0}) == []
    (fault,) = failures(f"{OWN}:two_layers", {"dropout": 0.5})
    assert "draws random numbers" in fault.fault


def test_a_check_leaves_the_generators_where_they_were():
    before = random.getstate(), torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    assert not failures("elman")
    assert random.getstate() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
    assert np.random.get_state()[1].tolist() == before[2]  # noqa: NPY002


def test_tasks_are_checked_too():
    names = [result.promise for result in check("adding")]
    assert {"simulates_its_floor", "refuses_lengths_too_short"} < set(names)
    assert failures("adding") == []


def test_the_command_prints_a_table_and_says_by_its_exit_code_whether_all_is_kept():
    kept = CliRunner().invoke(cli, ["check", "torch.nn:GRUCell"])
    assert kept.exit_code == 0
    assert re.search(r"^sees no future +kept +\d+\.\d s$", kept.output, re.M)
    assert kept.output.endswith("all kept\n")
    broken = CliRunner().invoke(cli, ["check", f"{FAULTY}:BatchLeak"])
    assert broken.exit_code == 1
    assert "keeps sequences apart                  failed" in broken.output
    assert "1 of the promises of" in broken.output


def test_an_experiment_is_planned_and_concluded_without_training():
    found = CliRunner().invoke(cli, ["check", "training_time"])
    assert found.exit_code == 0, found.output
    assert "concludes from made up runs" in found.output


def test_an_unknown_name_is_answered_with_the_nearest_one():
    with pytest.raises(BenchError, match="did you mean 'lstm'"):
        failures("lstmm")


TestJanet = promises(f"{OWN}:Janet")


def test_one_import_makes_tests_for_pytest_that_can_fail():
    tests = promises(f"{FAULTY}:BatchLeak")()
    assert "test_sees_no_future" in dir(TestJanet)
    tests.test_sees_no_future()
    with pytest.raises(Broken, match="depends on another of its batch"):
        tests.test_keeps_sequences_apart()


def test_a_fault_does_not_forbid_training_and_the_plan_says_it():
    entries = ["elman", {"module": f"{FAULTY}:BatchLeak", "label": "leaky"}]
    found = plan(cells=entries, experiments=["horizon"])
    assert any(m.cell == "leaky" for m in found.experiments["horizon"].members)
    (said,) = [s for s in found.notices if "fails `lstm-bench check`" in s]
    assert said.startswith("leaky fails `lstm-bench check`: in faulty_modules:BatchLeak a sequence")
