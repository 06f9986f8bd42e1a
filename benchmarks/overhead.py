"""What a sweep spends beside updates: its CPU time by part.

    python -m benchmarks.overhead                                                the default sweep
    python -m benchmarks.overhead --configfile workflow/presets/smoke.yaml       a minute
    python -m benchmarks.overhead --folder DIR --configfile ...                  keep its results

It runs `snakemake` in a folder of its own and counts

    all CPU time                of snakemake and every process below it (the kernel's account), and
                                of the process that forks trainings, which nobody waits for
    each command                bash's `times` at its end; a forked job's own account
    updates and evaluation      measured by each training, in its timing.parquet, on the clock;
                                times the share of the clock its job had a core
    training data               drawn again here, some batches of each condition, times its updates
    process start and imports   of an interpreter that imports what a job does, times the jobs, and
                                the forking process, which imports torch once for all
    Snakemake itself            what is left of all

An update is forward, backward, clipping and optimiser; all else is orchestration. The cost probe
measures the machine and counts as neither.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.measuring import ROOT, Stopwatch, deliver, heading, markdown, run

TRAINING_JOBS = ("lstm_bench.jobs.job", "lstm_bench.jobs.climb")
FORKED = ("served", "server")  # see lstm_bench/jobs/forkserver.py
STAGES = ("conclude", "draw", "judge", "report", "track", "probe")
DRAWN = 30  # batches of each condition that are drawn again


def command_seconds(account: str) -> tuple[str, float]:
    """Which part a command was, and its CPU seconds, from one file of bash's `times`."""
    *command, own, below = account.rstrip().split("\n")
    times = [re.fullmatch(r"(\d+)m([\d.,]+)s (\d+)m([\d.,]+)s", line) for line in (own, below)]
    if None in times:
        raise ValueError(f"no account of times: {account[-200:]!r}")
    total = sum(
        60 * int(minutes) + float(seconds.replace(",", "."))
        for line in times
        if line is not None
        for minutes, seconds in (line.groups()[:2], line.groups()[2:])
    )
    text = "\n".join(command)
    if any(job in text for job in TRAINING_JOBS):
        return "served" if text.startswith(FORKED) else "train", total
    if text.startswith("server"):
        return "server", total
    stage = re.search(r"lstm_bench\.stages (\w+)", text)
    return stage[1] if stage and stage[1] in STAGES else "other", total


def parts(
    total: float,
    commands: Mapping[str, list[float]],
    updates: float,
    evaluation: float,
    data: float,
    start: float,
) -> dict[str, float]:
    """CPU seconds by part; they add up to `total`.

    updates and evaluation as trainings measure them, updates with the drawing of data; start of one
    job's interpreter.
    """
    served, server = (sum(commands.get(name, [])) for name in FORKED)
    train, jobs = sum(commands.get("train", [])) + served, len(commands.get("train", []))
    train += server
    stages = {name: sum(commands.get(name, [])) for name in (*STAGES, "other")}
    starting = jobs * start + server
    return {
        "updates": updates - data,
        "training data": data,
        "evaluation on validation": evaluation,
        "start and imports of trainings": starting,
        "rest of trainings: reading, logging, testing, writing": train
        - updates
        - evaluation
        - starting,
        "tables, figures and verdicts": stages["conclude"] + stages["draw"] + stages["judge"],
        "report": stages["report"],
        "MLflow": stages["track"],
        "Snakemake and the plan": total - train - sum(stages.values()) + stages["other"],
        "cost probe (a measurement)": stages["probe"],
    }


def table(seconds: Mapping[str, float]) -> list[dict[str, Any]]:
    """Shares of the CPU time without the probe's."""
    whole = sum(v for name, v in seconds.items() if "probe" not in name)
    rows: list[dict[str, Any]] = [
        {"part": name, "CPU s": value, "share": "–" if "probe" in name else f"{value / whole:.1%}"}
        for name, value in seconds.items()
    ]
    beside = whole - seconds["updates"]
    rows.append({"part": "all but updates", "CPU s": beside, "share": f"{beside / whole:.1%}"})
    return [*rows, {"part": "whole sweep", "CPU s": whole, "share": "100%"}]


def start_seconds(repeats: int = 3) -> float:
    """CPU seconds of an interpreter that imports what a job does before its child is forked."""
    with Stopwatch() as watch:
        for _ in range(repeats):
            run([sys.executable, "-c", "import lstm_bench.jobs.job"], cwd=ROOT)
    return watch.spent.cpu / repeats


def data_seconds(blocks: pd.DataFrame) -> float:
    """CPU seconds all batches of these trainings took: `spec` and the `updates` of replicates."""
    from lstm_bench.spec import Condition
    from lstm_bench.training.stateful import stream_of

    total = 0.0
    for spec, group in blocks.groupby("spec"):
        c = Condition.from_json(json.loads(str(spec)))
        stream = stream_of(c, 0)
        stream(0)
        started = time.process_time()
        for update in range(DRAWN):
            stream(update)
        total += (time.process_time() - started) / DRAWN * float(group.updates.sum())
    return total


def on_core(folder: Path, train: float) -> float:
    """The share of their time on the clock that trainings had a core: 1 on a quiet machine."""
    files = folder.glob("results/benchmarks/train/*/*.tsv")  # Snakemake's, in seconds on the clock
    clock = sum(float(pd.read_csv(file, sep="\t")["s"].sum()) for file in files)
    return min(1.0, train / clock) if clock else 1.0


def trained(folder: Path) -> pd.DataFrame:
    """One row a replicate: its block's seconds, its updates and its condition's spec."""
    rows = []
    for file in sorted(folder.glob("results/runs/*/*/timing.parquet")):
        timing, ends = (
            pd.read_parquet(file.with_name(f"{n}.parquet")) for n in ("timing", "replicates")
        )
        spec = (file.parents[1] / "condition.json").read_text(encoding="utf-8")
        merged = timing.merge(ends[["seed", "updates"]], on="seed")
        rows.append(merged.dropna(axis=1, how="all").assign(spec=spec, block=str(file.parent)))
    return pd.concat(rows, ignore_index=True)


def wait_for_the_server(accounts: Path, patience: float = 30.0) -> None:
    """It ends a second or so after the sweep, and writes its account then."""
    deadline = time.monotonic() + patience
    while any(accounts.glob("served-*")) and not any(accounts.glob("server-*")):
        if time.monotonic() > deadline:
            raise SystemExit("the process that forks trainings left no account of its CPU time")
        time.sleep(0.1)


def forked_seconds(accounts: Path) -> float:
    """CPU seconds of forked jobs and of the process that forked them: nobody's children."""
    wait_for_the_server(accounts)
    files = (file for name in FORKED for file in accounts.glob(f"{name}-*"))
    return sum(command_seconds(file.read_text(encoding="utf-8"))[1] for file in files)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configfile", nargs="*", default=[], help="overlays, as for snakemake")
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--folder", type=Path, help="an empty folder to keep the sweep in")
    parser.add_argument("--into", type=Path, help="a page with the marks <!-- overhead -->")
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = a.folder or Path(scratch) / "sweep"
        accounts = folder / "times"
        accounts.mkdir(parents=True)
        (folder / "workflow").symlink_to(ROOT / "workflow")  # where frozen rates are looked for
        (folder / "config.yaml").symlink_to(ROOT / "config.yaml")
        os.environ["LSTM_BENCH_TIMES"] = str(accounts.resolve())
        words = ["-s", str(ROOT / "Snakefile"), "-d", str(folder), "--cores", str(a.cores)]
        overlays = [str(Path(path).resolve()) for path in a.configfile]
        words += ["--configfile", *overlays] if overlays else []
        with Stopwatch() as watch:
            run([sys.executable, "-m", "snakemake", *words, "--", "all"], cwd=ROOT)
        total = watch.spent.cpu + forked_seconds(accounts)
        commands: dict[str, list[float]] = {}
        for file in accounts.iterdir():
            part, seconds = command_seconds(file.read_text(encoding="utf-8"))
            commands.setdefault(part, []).append(seconds)
        rows = trained(folder)
        train = sum(sum(commands.get(name, [])) for name in ("train", "served"))
        share = on_core(folder, train)
    blocks = rows.drop_duplicates("block")
    seconds = parts(
        total,
        commands,
        updates=share * float(blocks.ensemble_seconds.sum()),
        evaluation=share * float(blocks.evaluation_seconds.sum()),
        data=data_seconds(rows),
        start=start_seconds(),
    )
    spent = watch.spent
    busy = "" if spent.others is None else f", others {spent.others / spent.wall:.2g} cores"
    config = ", ".join(Path(path).name for path in a.configfile) or "config.yaml"
    what = f"{config}: {len(blocks)} trainings in {spent.wall:.0f} s of wall time"
    deliver("overhead", f"{heading(what + busy)}\n\n{markdown(table(seconds))}", a.into)


if __name__ == "__main__":
    main()
