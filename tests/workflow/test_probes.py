"""Experiments that read stored weights, through the real Snakefile."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from tests.workflow.sweeps import PROBED
from tests.workflow.workspace import Workspace


@pytest.fixture(scope="module")
def probed(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("probes"), experiments=list(PROBED), **PROBED)
    done = workspace.snakemake()
    assert done.returncode == 0, done.stdout[-4000:]
    return workspace


def test_each_has_its_table_with_n_its_answer_and_its_figure(probed: Workspace) -> None:
    for name in probed.config["experiments"]:
        folder = probed.path / "results" / "experiments" / name
        table = pd.read_csv(folder / "table.csv")
        assert (table.n > 0).all()
        assert json.loads((folder / "verdict.json").read_text())["answer"].endswith(".")
        for kind in ("svg", "pdf", "png"):
            assert (folder / f"figure.{kind}").stat().st_size > 2000
    page = (probed.path / "results/report/index.html").read_text()
    assert "Does it choose what to remember?" in page


def test_where_nobody_solved_the_logs_have_no_warning(probed: Workspace) -> None:
    logs = list((probed.path / "results/logs/conclude").glob("*.log"))
    assert len(logs) == len(probed.config["experiments"])
    assert [log.name for log in logs if "Warning" in log.read_text()] == []


def test_a_condition_that_two_experiments_need_is_trained_once(probed: Workspace) -> None:
    runs = [p.name for p in (probed.path / "results/runs").iterdir()]
    at_ten = [name for name in runs if name.startswith("temporal_order-T10-lstm-w8")]
    plan = Plan.last_run(Results(probed.path))
    asked = [
        id
        for name in plan.asked
        for id in {member.condition for member in plan.experiments[name].members}
        if id.startswith("temporal_order-T10-lstm-w8")
    ]
    assert sorted(at_ten) == sorted(set(asked))
    assert len(at_ten) < len(asked)


def test_seeds_of_development_leave_each_claim_open_with_its_reason(probed: Workspace) -> None:
    stored = json.loads((probed.path / "results/claims/verdicts.json").read_text())
    claims = {claim["id"]: claim for claim in stored["claims"] if not claim["exact"]}
    for name, claim in claims.items():
        assert claim["verdict"] in ("open", "not judged here"), name
        assert claim["p_adjusted"] is None, name
        assert claim["reason"], name
    assert claims["long_dependencies"]["verdict"] == "not judged here"  # nothing is trained for it
    shown = claims["gradients_at_start"]
    assert shown["verdict"] == "open"
    assert shown["n"] == 2
    assert "are for development" in shown["reason"]
    assert {vote["vote"] for vote in shown["by_task"]} == {"not judged"}
    assert claims["gradients_after_training"]["n"] == 0  # nobody solves anything here
    behind = pd.read_csv(probed.path / "results/claims/values.csv")
    own = behind[behind.claim == "gradients_at_start"]
    assert own.groupby("cell").size().to_dict() == {"elman": 2, "lstm": 2}
    assert (own.value > 0).all()


def test_verdicts_are_the_same_bytes_when_judged_again_without_mlflow_and_report(
    probed: Workspace, tmp_path: Path
) -> None:
    copy = probed.copy(tmp_path / "copy")
    results = copy.path / "results"
    (results / "mlflow.db").unlink()
    for name in ("report", "claims"):
        shutil.rmtree(results / name)
    done = copy.snakemake("results/claims/verdicts.json")
    assert done.returncode == 0, done.stdout[-3000:]
    for name in ("verdicts.json", "verdicts.csv", "votes.csv", "values.csv"):
        again = (results / "claims" / name).read_bytes()
        assert again == (probed.path / "results/claims" / name).read_bytes()


def test_a_finished_one_has_nothing_left_to_do_and_a_lost_probe_trains_nothing(
    probed: Workspace, tmp_path: Path
) -> None:
    assert probed.planned() == {}
    copy = probed.copy(tmp_path / "copy")
    (measured,) = copy.path.glob("results/probes/extrapolation/extrapolation-*.parquet")
    measured.unlink()
    shutil.rmtree(copy.path / "results/experiments/extrapolation")
    assert copy.planned("figures") == {"probe": 1, "conclude": 1, "draw": 1, "figures": 1}
