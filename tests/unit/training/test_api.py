from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

import lstm_bench
from lstm_bench import tasks
from lstm_bench.cells import Params
from lstm_bench.errors import BenchError
from lstm_bench.training.api import make_condition
from lstm_bench.training.diagnosis import diagnose

TINY = {"updates": 20, "evaluate_every": 10, "validation_size": 32, "test_size": 32, "width": 5}


def test_a_training_from_python_leaves_the_same_files_as_a_sweep(tmp_path: Path) -> None:
    trained = lstm_bench.train("adding", "gru", T=6, replicates=2, root=tmp_path, **TINY)
    assert trained.replicates.seed.tolist() == [0, 1]
    assert set(trained.replicates.status) <= {"solved", "unsolved"}
    assert set(trained.curves.columns) >= {"update", "validation_loss", "validation_score"}
    (folder,) = trained.folders
    assert folder == tmp_path / "results/runs" / trained.condition.id / "seeds-000-001"
    assert (folder.parent / "condition.json").exists()


def test_what_is_finished_is_not_trained_again(tmp_path: Path) -> None:
    first = lstm_bench.train("adding", "elman", T=6, replicates=2, root=tmp_path, **TINY)
    stamp = (first.folders[0] / "replicates.parquet").stat().st_mtime_ns
    again = lstm_bench.train("adding", "elman", T=6, replicates=2, root=tmp_path, **TINY)
    assert (again.folders[0] / "replicates.parquet").stat().st_mtime_ns == stamp


def test_a_misspelt_setting_names_the_nearest() -> None:
    with pytest.raises(BenchError, match="did you mean 'learning_rate'"):
        make_condition("adding", "lstm", 10, learning_rat=0.1)


@pytest.mark.parametrize(("key", "value"), [("T", 0), ("T", 2.5), ("width", -1)])
def test_a_size_that_cannot_be_is_refused(key: str, value: float) -> None:
    sizes = {"T": 10, "width": 8, key: value}
    with pytest.raises(BenchError, match=f"{key}: {value} is not allowed"):
        make_condition("adding", "lstm", **sizes)  # type: ignore[arg-type]


def test_asked_for_more_it_trains_what_is_new_and_for_fewer_nothing(tmp_path: Path) -> None:
    def train(n: int, first: int = 0) -> list[str]:
        asked = {"replicates": n, "first_seed": first, "seed_block": 5, "root": tmp_path}
        trained = lstm_bench.train("adding", "elman", T=6, **asked, **TINY)
        assert trained.replicates.seed.tolist() == list(range(first, first + n))
        assert sorted(set(trained.curves.seed)) == list(range(first, first + n))
        return [folder.name for folder in trained.folders]

    assert train(5) == ["seeds-000-004"]
    assert train(7) == ["seeds-000-004", "seeds-005-006"]
    assert train(3) == ["seeds-000-004"]
    assert train(4, first=4) == ["seeds-000-004", "seeds-005-006", "seeds-007-007"]


def test_rows_say_every_option_that_tells_them_apart(tmp_path: Path) -> None:
    options = {"cell_options": {"forget_bias": 5.0}, "optimiser": "sgd", "root": tmp_path}
    rows = lstm_bench.train("adding", "lstm", T=6, replicates=1, **options, **TINY).replicates
    assert rows.loc[0, ["cell.forget_bias", "optimiser", "network.layers"]].tolist() == [
        5,
        "sgd",
        1,
    ]
    numbers = ["updates_to_solve", "best_validation_loss", "test_score", "train_size"]
    assert {str(dtype) for dtype in rows[numbers].dtypes} == {"float64"}


@pytest.mark.parametrize("replicates", [1, 3])
def test_stored_weights_run_as_the_equations_are_written(tmp_path: Path, replicates: int) -> None:
    trained = lstm_bench.train("adding", "lstm", T=6, replicates=replicates, root=tmp_path, **TINY)
    inputs = torch.rand(6, 1, 2, 4).expand(6, replicates, 2, 4)
    network, file = trained.network, trained.folders[0] / "model.safetensors"
    expected = network.outputs_at(trained.params, inputs, [5], backend="loop")
    for p in (trained.params, Params(load_file(file))):  # a file's biases have no last axis
        state = network.initial_state(replicates, 4, p.V)
        for x in inputs:
            state = network.cell.step(p, x, state)
        assert torch.allclose(p.V @ state[0] + p.b_y, expected, atol=1e-6)
    scores = trained.replicates.test_score
    assert len(scores) == replicates
    assert scores.notna().all()


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"updates": 0}, "updates"),
        ({"updates": 1.5}, "updates"),
        ({"train_size": 0}, "train_size"),
        ({"clip_at": float("inf")}, "clip_at"),
    ],
)
def test_a_number_no_training_can_use_is_refused(options: dict[str, float], part: str) -> None:
    with pytest.raises(BenchError, match=f"^{part}: .* is not allowed"):
        make_condition("adding", "lstm", 10, **options)


def test_a_preset_is_a_task_option() -> None:
    condition = make_condition("copy", "lstm", 10, task_options={"preset": "arjovsky2016"})
    assert dict(condition.task_options) == dict(tasks.registry()["copy"].presets["arjovsky2016"])


def test_the_readme_s_lines_run_the_stored_weights(tmp_path: Path, monkeypatch, capsys) -> None:
    readme = Path(__file__).parents[3] / "README.md"
    code = readme.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    small = functools.partial(lstm_bench.train, **TINY, root=tmp_path)
    monkeypatch.setattr(lstm_bench, "train", small, raising=False)
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["answer"].shape == (5, 1, 1)
    told = capsys.readouterr().out
    assert told.splitlines()[0].split() == names["rows"].columns.tolist()
    assert {"status", "reason"} < set(names["rows"])
    assert "Memoryless loss" in told


def test_weights_show_their_names_and_shapes() -> None:
    arrays = {"W_f": torch.zeros(3, 4, 2), "b_f": torch.zeros(3, 4)}
    assert repr(Params(arrays)) == "Params(W_f (3, 4, 2), b_f (3, 4, 1))"


def test_the_error_that_train_raises_is_at_hand_without_torch() -> None:
    code = "import sys, lstm_bench; print(lstm_bench.BenchError, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["<class", "'lstm_bench.errors.BenchError'>", "False"]
    assert set(lstm_bench.__all__) <= set(dir(lstm_bench))


UNSOLVED = "unsolved"


@pytest.mark.parametrize(
    ("status", "losses", "asked"),
    [
        ("solved", [0.2, 0.01], "3 of 3 solved"),
        (UNSOLVED, [0.5, 0.6, 0.5, 0.6], "smaller learning rate"),
        (UNSOLVED, [0.5, 0.45, 0.4, 0.3], "more updates, or a larger"),
        (UNSOLVED, [0.17, 0.166, 0.166, 0.166], "never left the chance loss"),
        (
            UNSOLVED,
            [0.166, 0.12, 0.09, 0.05],
            "3 left the chance loss and kept falling",
        ),
        (UNSOLVED, [0.166, 0.05, 0.05, 0.05], "stopped falling"),
        ("diverged", [0.2, 0.3], "diverged, the first at update 40"),
        ("error", [], "ended in error"),
    ],
)
def test_a_diagnosis_says_what_became_of_it(status: str, losses: list[float], asked: str) -> None:
    condition = make_condition("adding", "lstm", 50)
    replicates = pd.DataFrame(
        {
            "seed": range(3),
            "status": status,
            "reason": "why",
            "trained_updates": 40,
            "updates": 2000,  # the budget
            "updates_to_solve": 20.0 if status == "solved" else None,
            "best_validation_loss": min(losses, default=None),
            "floor": 1 / 6 if losses else None,
        }
    )
    points = [
        {"seed": seed, "update": 10 * i, "validation_loss": loss}
        for seed in range(3)
        for i, loss in enumerate(losses)
    ]
    curves = pd.DataFrame(points, columns=["seed", "update", "validation_loss"])
    said = diagnose(condition, replicates, curves)
    assert asked in said
    assert "0.1667" in said
    alone = diagnose(condition, replicates.iloc[:1], curves)
    assert asked.replace("3", "1") in alone
    assert not {"were", "median"} & set(alone.replace("):", " ").split())
