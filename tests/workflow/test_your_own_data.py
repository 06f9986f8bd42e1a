"""docs/your-own-data.md is executed as it stands; an edited number trains its own runs alone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.workflow.workspace import ROOT, Workspace

PAGE = (ROOT / "docs/your-own-data.md").read_text(encoding="utf-8")
NAME = "weather"
(CARRIED,) = re.findall(r"`(\{cell: lstm, .*stateful.*\})`", PAGE)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.S)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The page's file, its config and its sweep."""
    made = Workspace(tmp_path_factory.mktemp("own data"))
    shutil.copy(ROOT / "config.yaml", made.path)
    python(made, blocks("python")[0])
    quick = yaml.safe_load(blocks("yaml")[0])
    quick["cells"].append(yaml.safe_load(CARRIED))
    # beside it another file, which nothing that happens to the first one concerns
    (made.path / "book.txt").write_text("the cat sat on the mat. " * 200)
    quick["tasks"].append({"task": "text", "file": "book.txt"})
    (made.path / "quick.yaml").write_text(yaml.safe_dump(quick))
    ended = snakemake(made)
    assert ended.returncode == 0, ended.stdout
    return made


def python(workspace: Workspace, code: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=workspace.path,
        env=workspace.environment,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def words() -> list[str]:
    """Those of the page's second command, after `snakemake --cores 2`."""
    command = blocks("bash")[1].split()
    assert command[:3] == ["snakemake", "--cores", "2"]
    return command[3:]


def snakemake(workspace: Workspace) -> subprocess.CompletedProcess[str]:
    return workspace.snakemake(*words())


def trainings(workspace: Workspace) -> int:
    """How many seed blocks the page's command would train."""
    at = words().index("--configfile")
    return workspace.planned(*words()[at : at + 3], "--", *words()[at + 4 :]).get("train", 0)


def test_the_page_shows_cells_beside_baselines(workspace: Workspace) -> None:
    folder = workspace.path / "results/experiments/data"
    table = pd.read_csv(folder / "table.csv")
    own = table[table.task == NAME].set_index("cell")
    assert {"lstm", "window of 4", "mean", "persistence", "seasonal", "smoothing"} <= set(own.index)
    assert own.loc["seasonal", "chosen"] == "period 30"
    assert set(table[table.task == "book"].cell) == {
        *("lstm", "lstm (state carried)", "window of 4", "window of 16", "frequencies", "n-grams"),
    }
    assert own.loc["lstm (state carried)"].twin.dropna().unique() == ["lstm"]
    cut = own.loc["lstm"][own.loc["lstm"].kind == "cut"]
    assert cut.past.tolist() == [1, 2, 3, 4, 6, 8, 12]
    networks = table[table.kind == "network"]
    assert (networks.n == 2).all()
    assert networks.loss.between(0, 5).all()
    answer = json.loads((folder / "verdict.json").read_text())["answer"]
    assert "weather (T = 16): the best cell" in answer
    assert answer.count("State carried from batch to batch: lstm (state carried) has ×") == 2
    assert (folder / "figure.svg").exists()
    page = (workspace.path / "results/report/index.html").read_text()
    assert "no score counts as solved" in page


def test_no_row_of_a_file_and_no_path_is_stored(workspace: Workspace) -> None:
    values = pd.read_csv(workspace.path / "weather.csv").tmax.astype(str)
    for condition in workspace.path.glob("results/runs/*/condition.json"):
        text = condition.read_text()
        assert "weather" not in text
        assert str(workspace.path) not in text
    page = (workspace.path / "results/report/index.html").read_text()
    assert not [value for value in values if value in page]


def test_a_moved_file_trains_nothing_and_an_edited_one_its_own_runs(
    workspace: Workspace, tmp_path: Path
) -> None:
    copy = workspace.copy(tmp_path / "copy")
    assert trainings(copy) == 0
    (copy.path / "elsewhere").mkdir()
    (copy.path / "weather.csv").rename(copy.path / "elsewhere/wetter.csv")
    quick = (copy.path / "quick.yaml").read_text()
    (copy.path / "quick.yaml").write_text(quick.replace("weather.csv", "elsewhere/wetter.csv"))
    assert trainings(copy) == 0
    rows = pd.read_csv(copy.path / "elsewhere/wetter.csv")
    rows.loc[700, "tmax"] += 0.5
    rows.to_csv(copy.path / "elsewhere/wetter.csv", index=False)
    assert trainings(copy) == 4  # one seed block of each cell and window; none of the text


def test_the_command_writes_a_config_that_plans(workspace: Workspace, tmp_path: Path) -> None:
    copy = workspace.copy(tmp_path / "copy")
    command = blocks("bash")[0].split()
    assert command[0] == "lstm-bench"
    made = copy.cli(*command[1:], "--no-run")
    assert made.returncode == 0, made.stderr
    assert "weather.data.yaml" in made.stdout
    written = yaml.safe_load((copy.path / "weather.data.yaml").read_text())
    assert written == {
        "tasks": [{"task": "series", "file": "weather.csv", "target": "tmax", "time": "date"}],
        "lengths": [32],
    }
    carried = copy.cli(*blocks("bash")[2].split()[1:], "--no-run")
    assert carried.returncode == 0, carried.stderr
    *usual, lstm, gru = yaml.safe_load((copy.path / "weather.data.yaml").read_text())["cells"]
    assert usual == ["elman", "lstm", "gru", "lru"]
    # 840 rows of the training part are 26 pieces of 32: three sequences have eight of them each
    assert lstm["training"] == gru["training"] == {"stateful": True, "batch": 3}
    (copy.path / "weather.data.yaml").write_text("# mine")
    refused = copy.cli(*command[1:], "--no-run")
    assert "was not made by this command" in refused.stderr
    wrong = copy.cli("data", "weather.csv", "--target", "tmaks", "--no-run")
    assert wrong.returncode == 1
    assert "did you mean 'tmax'?" in wrong.stderr
    assert len(wrong.stderr.strip().splitlines()) == 1


def test_the_snippet_trains_from_python(workspace: Workspace, tmp_path: Path) -> None:
    copy = workspace.copy(tmp_path / "copy")
    shown = python(copy, blocks("python")[1])
    assert "test_score" in shown
    assert len(shown.strip().splitlines()) == 3


def test_words_and_pairs_train_from_python(workspace: Workspace, tmp_path: Path) -> None:
    copy = workspace.copy(tmp_path / "copy")
    python(copy, blocks("python")[2])
    shown = python(copy, blocks("python")[3])
    assert re.search(r"whole targets: [01]\.\d+", shown)
    made = copy.cli("data", "turned.tsv", "--task", "pairs", "--no-run")
    assert made.returncode == 0, made.stderr
    written = yaml.safe_load((copy.path / "turned.data.yaml").read_text())
    assert written["tasks"] == [{"task": "pairs", "file": "turned.tsv"}]
    assert written["lengths"] == [8]  # the longest pair
    words = copy.cli(
        "data", "story.txt", "--task", "text", "--task-option", "unit=word", "--no-run"
    )
    assert words.returncode == 0, words.stderr
    task = yaml.safe_load((copy.path / "story.data.yaml").read_text())
    # of an LSTM of 64 units: its own 4 x 64 x (64 + 32 + 1), and 32 + 65 of each of 9 words
    assert task["data"] == {"parameters": 4 * 64 * 97 + 9 * (32 + 65)}
