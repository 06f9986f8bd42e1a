"""Truncated, flipped and random bytes in every file the suite reads back: never used in silence."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_bench.errors import DamagedFile
from lstm_bench.store.checksums import read_checked
from lstm_bench.store.conditions import read_condition
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from lstm_bench.store.tables import read_table
from lstm_bench.store.tensors import load_tensors
from tests.faults.conftest import LONG, Tally
from tests.faults.sweeps import TARGETS, digests
from tests.workflow.workspace import Workspace

TRIES = 500 if LONG else 12  # of each file, by each of three damages


def _condition(path: Path) -> Any:
    return read_condition(Results(path.parents[3]), path.parent.name)


def _table(path: Path) -> Any:
    table = read_table(path)
    return table.to_pylist(), table.schema.metadata


READERS: dict[str, Callable[[Path], Any]] = {
    "runs/*/condition.json": _condition,
    "runs/*/*/replicates.parquet": _table,
    "runs/*/*/curves.parquet": _table,
    "runs/*/*/timing.parquet": _table,
    "runs/*/*/model.safetensors": load_tensors,
    "plans/*.json": Plan.read,
    "experiments/*/table.csv": read_checked,
    "experiments/*/summary.csv": read_checked,
    "experiments/*/verdict.json": read_checked,
    "experiments/*/figure.svg": read_checked,
    "claims/verdicts.json": read_checked,
    "claims/measured_seconds.csv": read_checked,
}


def cut(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.randrange(len(data))]


def flip(data: bytes, draw: random.Random) -> bytes:
    place, bit = draw.randrange(len(data)), draw.randrange(8)
    return data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]


def noise(data: bytes, draw: random.Random) -> bytes:
    return draw.randbytes(draw.randrange(2 * len(data)))


def attempt(read: Callable[[Path], Any], path: Path) -> tuple[Any, str | None]:
    """What is read, or the sentence that refuses it."""
    try:
        return read(path), None
    except DamagedFile as error:
        return None, str(error)


@pytest.mark.parametrize("pattern", READERS)
def test_a_damaged_file_is_named_or_reads_as_it_was(
    pattern: str, finished: Workspace, tmp_path: Path, tally: Tally
) -> None:
    read, results = READERS[pattern], tmp_path / "results"
    shutil.copytree(finished.path / "results", results)
    path = next(results.glob(pattern))
    whole, expected, named = path.read_bytes(), read(path), 0
    for damage in (cut, flip, noise):
        for number in range(TRIES):
            path.write_bytes(damage(whole, random.Random(f"{pattern} {number}")))
            tally.injected(f"damage: {path.suffix}")
            found, told = attempt(read, path)
            if told is None:
                np.testing.assert_equal(found, expected)
            else:
                assert str(path.parent) in told
                assert "\n" not in told
                named += 1
            tally.survived(f"damage: {path.suffix}")
    assert named > 2 * TRIES, "hardly any damage was noticed"


def test_what_is_damaged_is_named_removed_and_made_again(
    finished: Workspace, undisturbed: dict[str, str], tmp_path: Path, tally: Tally
) -> None:
    copy = finished.copy(tmp_path / "copy")
    patterns = ("runs/*lstm*/*/curves.parquet", "experiments/*/table.csv")
    patterns += ("claims/verdicts.json",)
    victims = [next(copy.path.glob(f"results/{pattern}")) for pattern in patterns]
    for victim in victims:
        victim.write_bytes(flip(victim.read_bytes(), random.Random(1)))
        tally.injected("damage made good")
    shown = copy.cli("verify")
    assert shown.returncode == 1
    for victim in victims:
        assert shown.stdout.count(victim.relative_to(copy.path).as_posix() + " ") == 1
    assert copy.cli("verify", "--remove").returncode == 0
    plan = next(copy.path.glob("results/plans/*.json"))
    plan.write_bytes(cut(plan.read_bytes(), random.Random(1)))
    done = copy.snakemake(*TARGETS)
    assert done.returncode == 0, done.stdout[-3000:]
    assert f"{plan.name} is damaged: it is made anew." in done.stdout
    assert re.search(r"^train +1$", done.stdout, re.M), "more was trained than was damaged"
    assert digests(copy) == undisturbed
    assert copy.cli("verify").stdout.endswith(" 0 damaged\n")
    tally.survived("damage made good", len(victims))
