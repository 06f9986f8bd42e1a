"""The same small sweep by this suite, by plain torch processes and by JAX: wall and CPU time.

    python -m benchmarks.sweep            8 seeds x 3 cells x 2 lengths, 1000 updates each

Every way trains the same networks on the adding problem for the same number of updates, batch and
width, evaluates as often on as many sequences, and uses all cores: one process a run (plain torch)
or a condition (JAX, suite), one thread a process.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from benchmarks.measuring import (
    ROOT,
    Spent,
    Stopwatch,
    deliver,
    heading,
    markdown,
    run,
    side_by_side,
)
from benchmarks.overhead import forked_seconds

Losses = dict[str, list[float]]  # by cell, over seeds and lengths


def training(a: argparse.Namespace) -> dict[str, Any]:
    """The suite's own settings for a fixed number of updates."""
    return {
        "updates": a.updates,
        "batch": a.batch,
        "evaluate_every": a.evaluate_every,
        "evaluate_first": a.evaluate_every,
        "learning_rate": 0.003,
        "stop": "budget",
        "confirmation_size": None,
        "validation_size": 512,
        "test_size": 2048,
    }


def _train(job: tuple[str, int, dict[str, Any]]) -> tuple[str, list[float]]:
    cell, T, options = job
    from lstm_bench.training.api import train

    return cell, train("adding", cell, T, **options).replicates.validation_loss.tolist()


def by_api(a: argparse.Namespace, folder: Path) -> Losses:
    """lstm_bench.train, conditions spread over processes: the longest first."""
    options = {"replicates": a.seeds, "seed_block": a.seeds, "width": a.width, "device": "cpu"}
    options |= {"root": str(folder), **training(a)}
    jobs = [(c, T, options) for T in sorted(a.lengths, reverse=True) for c in a.cells]
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    with multiprocessing.get_context("spawn").Pool(a.cores) as pool:
        found = pool.map(_train, jobs, chunksize=1)
        pool.close()
        pool.join()
    return _by_cell(found)


def by_snakemake(a: argparse.Namespace, folder: Path) -> Losses:
    """The workflow, to the table of its horizon experiment."""
    import pandas as pd

    config = {
        "experiments": ["horizon"], "tasks": ["adding"], "cells": a.cells, "lengths": a.lengths,
        "replicates": a.seeds, "seed_block": a.seeds, "first_seed": 0, "width": a.width,
        "training": training(a), "learning_rates": None, "device": "cpu",
    }  # fmt: skip
    (folder / "sweep.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    words = ["-s", str(ROOT / "Snakefile"), "-d", str(folder), "--cores", str(a.cores)]
    words += ["--configfile", str(folder / "sweep.yaml")]
    target = "results/experiments/horizon/table.csv"
    run([sys.executable, "-m", "snakemake", *words, "--", target], cwd=ROOT)
    files = folder.glob("results/runs/*/*/replicates.parquet")
    rows = pd.concat([pd.read_parquet(file) for file in files])
    return {cell: group.validation_loss.tolist() for cell, group in rows.groupby("cell")}


def by_scripts(name: str, a: argparse.Namespace) -> Losses:
    """A script a run, or a condition for the one that has all seeds in a process."""
    fixed = ["--updates", a.updates, "--batch", a.batch, "--width", a.width]
    fixed += ["--evaluate-every", a.evaluate_every]
    runs = []
    for T in sorted(a.lengths, reverse=True):
        for cell in a.cells:
            which = [["--seeds", a.seeds]] if name == "jax_vmap" else [
                ["--seed", seed] for seed in range(a.seeds)
            ]  # fmt: skip
            runs += [(cell, [*fixed, "--cell", cell, "--T", T, *each]) for each in which]
    script = str(ROOT / "benchmarks" / f"{name}.py")
    commands = [[sys.executable, script, *map(str, words)] for _, words in runs]
    told = [json.loads(text.splitlines()[-1]) for text in side_by_side(commands, a.cores)]
    return _by_cell([(cell, each["validation"]) for (cell, _), each in zip(runs, told)])


def _by_cell(found: list[tuple[str, list[float]]]) -> Losses:
    losses: Losses = {}
    for cell, values in found:
        losses.setdefault(cell, []).extend(values)
    return losses


def ways(a: argparse.Namespace) -> dict[str, Callable[[Path], Losses]]:
    found: dict[str, Callable[[Path], Losses]] = {
        "plain torch, a process a run": lambda _: by_scripts("plain_torch", a),
        "lstm_bench": lambda folder: by_api(a, folder),
        "lstm_bench by snakemake": lambda folder: by_snakemake(a, folder),
    }
    if importlib.util.find_spec("jax"):
        found["JAX, vmap over seeds"] = lambda _: by_scripts("jax_vmap", a)
    return found


def table(spent: dict[str, list[Spent]], losses: dict[str, Losses]) -> list[dict[str, Any]]:
    """Medians over rounds, and how many times as fast as plain torch."""
    wall = {name: median(s.wall for s in each) for name, each in spent.items()}
    cpu = {name: median(s.cpu for s in each) for name, each in spent.items()}
    plain = next(iter(spent))
    return [
        {
            "way": name,
            "wall s": wall[name],
            "CPU s": cpu[name],
            "times faster (wall)": wall[plain] / wall[name],
            "times less CPU": cpu[plain] / cpu[name],
            **{f"loss {cell}": median(values) for cell, values in losses[name].items()},
        }
        for name in spent
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--cells", nargs="+", default=["lstm", "gru", "elman"])
    parser.add_argument("--lengths", nargs="+", type=int, default=[50, 100])
    parser.add_argument("--updates", type=int, default=1000)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--evaluate-every", type=int, default=50)
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rounds", type=int, default=1, help="all ways once a round, in turns")
    parser.add_argument("--into", type=Path, help="a page with the marks <!-- sweep -->")
    a = parser.parse_args()
    chosen = ways(a)
    spent: dict[str, list[Spent]] = {name: [] for name in chosen}
    losses: dict[str, Losses] = {}
    for _ in range(a.rounds):
        for name, way in chosen.items():
            with tempfile.TemporaryDirectory() as folder:
                accounts = Path(folder, "times")
                accounts.mkdir()
                os.environ["LSTM_BENCH_TIMES"] = str(accounts)
                with Stopwatch() as watch:
                    losses[name] = way(Path(folder))
                spent[name].append(watch.spent.plus(forked_seconds(accounts)))
                print(f"{name}: {spent[name][-1]}", file=sys.stderr)
    others = [s.others / s.wall for each in spent.values() for s in each if s.others is not None]
    busy = f"other processes used up to {max(others, default=float('nan')):.2g} cores"
    what = (
        f"{a.seeds} seeds x {len(a.cells)} cells x T = {', '.join(map(str, a.lengths))}, "
        f"{a.updates} updates, {a.cores} processes at a time, median of {a.rounds}"
    )
    text = f"{heading(busy)}\n\n{what}; loss: median validation loss at the end.\n\n"
    deliver("sweep", text + markdown(table(spent, losses)), a.into)


if __name__ == "__main__":
    main()
