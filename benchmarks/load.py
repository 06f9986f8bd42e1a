"""A sweep of thousands of seed blocks: what planning, training and reporting take.

    python -m benchmarks.load                         2,000 blocks planned, trained and reported
    python -m benchmarks.load --blocks 300            fewer of them
    python -m benchmarks.load --stored 10000          as many stored, then collected and extended
    python -m benchmarks.load --plan 100,1000,10000   planned only

Trainings are real and tiny: a few updates of a network of width 4 on sequences of 5 steps, one
replicate a block. `--stored` trains nothing: it writes blocks through the store's own writers, with
curves as long as those of the default sweep. Seconds are CPU time of the command and all below it;
memory is the largest process.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from benchmarks.measuring import ROOT, deliver, heading, markdown

LENGTHS = list(range(5, 55))
STAGES = {
    "conclude": ["horizon", "training_time"],
    "draw": ["horizon", "training_time"],
    "judge": [""],
    "report": ["--output results/report/index.html --explorer results/report/explorer"],
}


def config(blocks: int, trained: bool) -> dict[str, Any]:
    """A sweep of so many seed blocks: one replicate each where it is trained, 50 lengths where not.

    A stored or planned one has as many conditions as blocks, the most a plan can hold.
    """
    per_cell = 1 if trained else len(LENGTHS)
    conditions = 4 if trained else blocks
    cells = [
        {"cell": "lstm", "forget_bias": i, "label": f"lstm {i}"}
        for i in range(conditions // per_cell)
    ]
    return {
        "tasks": ["adding"],
        "lengths": LENGTHS[:per_cell],
        "cells": cells,
        "experiments": ["horizon", "training_time"],
        "replicates": blocks // conditions,
        "seed_block": 1,
        "width": 4,
        "learning_rates": None,
        "device": "cpu",
        "training": {"updates": 4, "evaluate_every": 2, "validation_size": 16, "test_size": 16},
    }


class Folder:
    """A workspace around the real Snakefile, and the rows of what was measured in it."""

    def __init__(self, path: Path, blocks: int, trained: bool) -> None:
        self.path = path
        self.rows: list[dict[str, Any]] = []
        path.mkdir(parents=True, exist_ok=True)
        for name in ("workflow", "profiles", "environment.yml", "Snakefile"):
            if not (path / name).exists():
                (path / name).symlink_to(ROOT / name)
        self.configure(config(blocks, trained))

    def configure(self, content: dict[str, Any]) -> None:
        (self.path / "config.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")

    def measure(self, what: str, module: str, *words: str) -> str:
        """Run `python -m module words` here; its output."""
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
            command = [sys.executable, "-m", module, *words]
            child = subprocess.Popen(
                command, cwd=self.path, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            log.seek(0)
            shown = log.read()
        if child.returncode:
            raise SystemExit(f"{what} failed:\n{shown[-2000:]}")
        seconds = usage.ru_utime + usage.ru_stime
        row = {"what": what, "CPU s": round(seconds, 1), "MiB": round(usage.ru_maxrss / 1024)}
        print(row, file=sys.stderr, flush=True)
        self.rows.append(row)
        return shown

    def snakemake(self, what: str, *words: str) -> str:
        return self.measure(what, "snakemake", "--cores", str(os.cpu_count()), *words)

    def planned(self, what: str) -> None:
        """Twice: with the plan to make, and with the plan there."""
        self.snakemake(f"{what}: plan and jobs", "-n", "-q")
        self.snakemake(f"{what}: jobs alone", "-n", "-q")

    def stages(self) -> None:
        """Every stage from stored runs to the report, each as the workflow starts it."""
        plans = self.path / "results/plans"
        plan = max(plans.glob("*.json"), key=os.path.getmtime).relative_to(self.path)
        for stage, calls in STAGES.items():
            for call in calls:
                words = [stage, *call.split()]
                told = " ".join(word for word in words[:2] if not word.startswith("-"))
                self.measure(told, "lstm_bench.stages", *words, "--plan", str(plan))

    def extended(self, blocks: int, more: int) -> None:
        """Plan one cell for every 50 more blocks; SystemExit unless exactly those are to train."""
        old = yaml.safe_load((self.path / "config.yaml").read_text(encoding="utf-8"))
        new = [
            {"cell": "lstm", "forget_bias": -1 - i, "label": f"new {i}"}
            for i in range(more // len(old["lengths"]))
        ]
        self.configure({**old, "cells": old["cells"] + new})
        shown = self.snakemake(f"{blocks:,} stored and {more} more: plan and jobs", "-n")
        planned = re.search(r"^train +(\d+)$", shown, re.M)
        if planned is None or int(planned[1]) != more:
            raise SystemExit(f"{more} blocks are new, but planned were:\n{shown[:2000]}")


def trained(folder: Path, blocks: int) -> list[dict[str, Any]]:
    sweep = Folder(folder, blocks, trained=True)
    sweep.planned(f"{blocks:,} blocks")
    sweep.snakemake(f"{blocks:,} blocks: everything", "-q", "all")
    sweep.stages()
    sweep.snakemake("again: nothing to do", "-n", "-q")
    return sweep.rows


def stored(folder: Path, blocks: int) -> list[dict[str, Any]]:
    sweep = Folder(folder, blocks, trained=False)
    sweep.planned(f"{blocks:,} blocks")
    sweep.measure("written through the store", "benchmarks.stored_runs", ".", "write")
    for name in ("replicates", "timing", "curves"):
        sweep.measure(f"collect {name}", "benchmarks.stored_runs", ".", name)
    sweep.stages()
    sweep.extended(blocks, 100)
    return sweep.rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, default=2000, help="trained; a multiple of 4")
    parser.add_argument("--stored", type=int, help="instead: stored; a multiple of 50")
    parser.add_argument("--plan", help="instead: planned; multiples of 50, with commas")
    parser.add_argument("--folder", type=Path, help="an empty folder to keep the sweep in")
    parser.add_argument("--into", type=Path, help="a page with the marks <!-- load -->")
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = a.folder or Path(scratch) / "sweep"
        if a.plan:
            rows = []
            for count in map(int, a.plan.split(",")):
                sweep = Folder(folder / str(count), count, trained=False)
                sweep.planned(f"{count:,} blocks")
                rows += sweep.rows
        else:
            rows = stored(folder, a.stored) if a.stored else trained(folder, a.blocks)
    load = f"others kept {os.getloadavg()[1]:.1f} processes busy or waiting"
    deliver("load", f"{heading(load)}\n\n{markdown(rows)}", a.into)


if __name__ == "__main__":
    main()
