"""What `train` is given from Python: numbers of any library, and a sentence for what cannot be."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lstm_bench
from lstm_bench import cells, tasks
from lstm_bench.errors import BenchError
from lstm_bench.training import arguments
from lstm_bench.training.api import make_condition

PLAIN: dict[str, Any] = {
    "T": 6,
    "width": 5,
    "updates": 20,
    "train_size": 8,
    "learning_rate": 0.5,
    "recompute": True,
    "cell_options": {"forget_bias": 3.0},
    "network": {"layers": 2, "direct": True},
}


@pytest.mark.parametrize(
    "given",
    [
        {"T": np.int64(6), "width": np.int32(5), "updates": np.uint8(20)},
        {"T": 6.0, "width": np.float64(5), "updates": Fraction(20), "train_size": np.float32(8)},
        {"train_size": np.int16(8), "learning_rate": np.float32(0.5), "recompute": np.bool_(True)},
        {"learning_rate": Fraction(1, 2), "train_size": torch.tensor(8)},
        {"cell_options": {"forget_bias": np.float32(3)}},
        {"cell_options": {"forget_bias": torch.tensor(3)}},
        {"network": {"layers": np.int64(2), "direct": np.bool_(True)}},
    ],
    ids=str,
)
def test_a_number_is_the_same_whichever_library_it_is_of(given: dict[str, Any]) -> None:
    plain, found = (make_condition("adding", "lstm", **PLAIN | each) for each in ({}, given))
    assert found.id == plain.id
    assert repr(found) == repr(plain)
    assert json.loads(json.dumps(found.to_json())) == found.to_json()


def test_components_by_themselves_take_numbers_of_numpy() -> None:
    assert tasks.create("copy", {"symbols": np.int64(5)}) == tasks.create("copy", {"symbols": 5})
    made = cells.create("lstm", {"forget_bias": np.float32(2)})
    assert type(made.forget_bias) is float  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ({"T": True}, "whole number from 1"),
        ({"T": "6"}, "whole number from 1"),
        ({"T": 10**30}, "to 1,000,000"),
        ({"width": True}, "whole number from 1"),
        ({"replicates": 2.5}, "whole number from 1"),
        ({"replicates": "2"}, "whole number from 1"),
        ({"replicates": True}, "whole number from 1"),
        ({"first_seed": -1}, "whole number from 0"),
        ({"first_seed": 2**31}, "to 2,147,483,643"),
        ({"seed_block": 0}, "whole number from 1"),
        ({"seed_block": None}, "whole number from 1"),
        ({"updates": True}, "whole number from 1"),
        ({"train_size": "x"}, "whole number from 1"),
        ({"learning_rate": True}, "a number"),
        ({"learning_rate": 1j}, "a number"),
        ({"carry": 1}, "True or False"),
        ({"optimiser": ["adam"]}, "a word"),
        ({"cell_options": "x=3"}, "a mapping"),
        ({"cell_options": [("forget_bias", 3)]}, "a mapping"),
        ({"task_options": 0}, "a mapping"),
        ({"network": 2}, "a mapping"),
        ({"plugins": None}, "a .py file, or a list"),
        ({"plugins": [3]}, "a .py file, or a list"),
        ({"plugins": "a\0b.py"}, "a .py file, or a list"),
        ({"root": None}, "path of a folder"),
        ({"root": "a\0b"}, "path of a folder"),
    ],
    ids=str,
)
def test_what_cannot_be_is_told_with_its_key_and_its_value(
    tmp_path: Path, given: dict[str, Any], allowed: str
) -> None:
    with pytest.raises(BenchError) as caught:
        lstm_bench.train("adding", "lstm", **{"T": 6, "root": tmp_path, **given})
    sentence, (key, value) = str(caught.value), *given.items()
    said = value[0] if key == "plugins" and isinstance(value, list) else value
    assert sentence.startswith(f"{key}: {said!r} is not allowed; it must be ")
    assert allowed in sentence
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", [["lstm"], {}, None, 3], ids=str)
def test_a_name_that_is_no_text_is_unknown(name: Any) -> None:
    with pytest.raises(BenchError, match=r"^cell .* is unknown"):
        make_condition("adding", name, 6)
    with pytest.raises(BenchError, match=r"^task .* is unknown"):
        make_condition(name, "lstm", 6)
    with pytest.raises(BenchError, match=r"^preset of task 'copy': .* is unknown"):
        make_condition("copy", "lstm", 6, task_options={"preset": name or ["small"]})


def test_one_plugin_needs_no_list(tmp_path: Path) -> None:
    absent = str(tmp_path / "absent.py")
    with pytest.raises(BenchError, match=f"^plugins: '{absent}' is not a file"):
        lstm_bench.train("adding", "lstm", T=6, plugins=absent)


def test_seeds_begin_where_asked_whatever_the_numbers_are_of() -> None:
    assert arguments.seeds(np.int64(3), 2.0) == range(3, 5)


def test_a_root_that_cannot_be_made_is_told(tmp_path: Path, monkeypatch) -> None:
    """A folder that was deleted under the process, or one of /proc, has nowhere to make it."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(BenchError, match=r"^results/checkpoints cannot be written: No such file"):
        lstm_bench.train("adding", "lstm", T=6, replicates=1, updates=1)
