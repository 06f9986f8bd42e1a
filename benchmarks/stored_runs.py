"""Stored runs that were never trained, written as a training writes them: for `benchmarks.load`.

python -m benchmarks.stored_runs FOLDER write    every block of the newest plan of FOLDER
python -m benchmarks.stored_runs FOLDER TABLE    collect one table of all of them
"""

from __future__ import annotations

import sys
from pathlib import Path
from unittest import mock

import numpy as np

from lstm_bench.spec import SeedBlock
from lstm_bench.store.collect import collect
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from lstm_bench.store.tensors import save_tensors
from lstm_bench.training import outcome
from lstm_bench.training.machine import about_machine
from lstm_bench.training.stopping import Progress

POINTS, BUDGET = 41, 2000


def write_blocks(folder: Path) -> None:
    """Seed blocks of the folder's plan: three of five solved, values at random."""
    results = Results(folder)
    plan, rng = Plan.last_run(results), np.random.default_rng(0)
    machine = about_machine()
    measured = {"ensemble_seconds": 1.0, "evaluation_seconds": 0.1, "peak_memory_bytes": 1}
    with mock.patch("os.fsync"):  # nothing here is worth keeping through a power cut
        for id, name in plan.blocks(plan.asked):
            entry, block = plan.conditions[id], SeedBlock.parse(name)
            condition = entry.spec
            about = {"condition": condition.to_json(), "seeds": list(block.seeds)}
            about["code"] = entry.code
            weights = {"W": np.zeros((len(block.seeds), 4, 4), np.float32)}
            place = results.block(id, block)
            digest = save_tensors(place / "model.safetensors", weights, about)
            rows, timing, curves = [], [], []
            for seed in block.seeds:
                p = _ended(seed, rng)
                row = outcome.replicate_row(condition, p, entry.code, "cpu", "fused")
                rows.append({**row, "test_score": p.validation_score, "weights_sha256": digest})
                timing.append(
                    outcome.timing_row(condition, p, outcome.now(), **measured, **machine)
                )
                curves += [_point(seed, i, rng) for i in range(POINTS)]
            outcome._write_tables(place, condition, rows, curves, timing, entry.code)


def _ended(seed: int, rng: np.random.Generator) -> Progress:
    p = Progress(seed, update=BUDGET, train_seconds=0.2)
    p.best_loss, p.validation_loss, p.validation_score = rng.random(3).tolist()
    p.best_update = BUDGET
    if rng.random() < 0.6:
        p.updates_to_solve, p.seconds_to_solve = int(rng.integers(50, BUDGET)), 0.1
    p.finish("solved" if p.updates_to_solve else "unsolved", "budget", BUDGET)
    return p


def _point(seed: int, i: int, rng: np.random.Generator) -> dict[str, float | int]:
    drawn = dict(zip(outcome.CURVE_COLUMNS[2:], rng.random(4).tolist()))
    return {"seed": seed, "update": 50 * i, **drawn}


def main() -> None:
    results, name = Results(sys.argv[1]), sys.argv[2]
    if name == "write":
        return write_blocks(Path(sys.argv[1]))
    plan = Plan.last_run(results)
    print(len(collect(results, plan.blocks(plan.asked), name)))


if __name__ == "__main__":
    main()
