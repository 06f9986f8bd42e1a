"""What a Slurm cluster cannot run is one sentence: asked of sinfo and scontrol that we wrote."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from lstm_bench.errors import BenchError
from lstm_bench.planning.cluster import COMMANDS, require

SINFO = """\
short*|64000|16|(null)|30:00|up
long|128000|32|(null)|2-00:00:00|up
gpu|256000|64|gpu:a100:4(S:0-1),tmp:1|1-00:00:00|up
old|999999|96|gpu:8|infinite|down
"""
CONFIG = "AccountingStorageType   = accounting_storage/none\nMinJobAge               = 300 sec\n"


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with Slurm's commands, of which two answer."""
    for name in COMMANDS:
        answer(tmp_path, name, "")
    answer(tmp_path, "sinfo", SINFO)
    answer(tmp_path, "scontrol", CONFIG)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def answer(folder: Path, command: str, text: str, code: int = 0) -> None:
    script = f"#!{sys.executable}\nimport sys\n"
    script += f"print({text!r}, end='', file=sys.stderr if {code} else sys.stdout)\n"
    (folder / command).write_text(script + f"sys.exit({code})\n")
    (folder / command).chmod(0o755)


def told(asked: dict[str, Any]) -> str:
    with pytest.raises(BenchError) as caught:
        require([asked])
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "asked",
    [
        {"mem_mb": 64000, "runtime": 30, "_cores": 16, "gpu": 0},
        {"slurm_partition": "long", "runtime": 2880},
        {"slurm_partition": "gpu", "gpu": 4},
        {"slurm_partition": "gpu", "gres": "gpu:a100:1"},
        {},
    ],
)
def test_what_a_node_has_is_allowed(asked: dict[str, Any], cluster: Path) -> None:
    require([asked])


@pytest.mark.parametrize(
    ("asked", "parts"),
    [
        ({"slurm_partition": "shrot"}, ["'shrot' is unknown", "did you mean 'short'"]),
        ({"slurm_partition": "old"}, ["'old' is unknown", "gpu, long, short"]),
        ({"mem_mb": 64001}, ["mem_mb 64001", "'short'", "at most 64000 MB"]),
        ({"runtime": 31}, ["runtime 31", "'short'", "at most 30 minutes"]),
        ({"_cores": 17}, ["threads 17", "at most 16 CPUs"]),
        ({"gpu": 1}, ["gpu 1", "'short'", "at most 0 GPUs"]),
        ({"gres": "gpu:1"}, ["gpu 1", "'short'"]),
        ({"slurm_partition": "gpu", "gpu": 5}, ["gpu 5", "'gpu'", "at most 4 GPUs"]),
    ],
)
def test_what_no_node_has_is_refused(
    asked: dict[str, Any], parts: list[str], cluster: Path
) -> None:
    sentence = told(asked)
    for part in parts:
        assert part in sentence


def test_commands_that_are_missing_are_named(cluster: Path) -> None:
    (cluster / "sbatch").unlink()
    assert told({}).startswith("slurm: there is no sbatch on the PATH")


def test_a_controller_that_is_down_is_told_of(cluster: Path) -> None:
    answer(cluster, "sinfo", "slurm_load_partitions: Unable to contact slurm controller\n", 1)
    assert "sinfo does not answer (slurm_load_partitions: Unable to contact" in told({})


def test_jobs_that_vanish_before_they_are_seen_are_refused(cluster: Path) -> None:
    answer(cluster, "scontrol", CONFIG.replace("300", "2"))
    assert "MinJobAge 2 is not allowed" in told({})
    answer(cluster, "scontrol", CONFIG.replace("300", "2").replace("/none", "/slurmdbd"))
    require([{}])
