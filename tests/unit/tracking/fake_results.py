"""Results that look real, written in a moment: what a sweep leaves on disk, without training."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lstm_bench.spec import TUNING_SEEDS, Condition, SeedBlock, Training
from lstm_bench.store.files import write_bytes, write_json
from lstm_bench.store.paths import Results
from lstm_bench.store.planned import (
    PlannedCondition,
    PlannedExperiment,
    PlannedMember,
)
from lstm_bench.store.plans import Plan, PlannedSweep
from lstm_bench.store.tables import write_table
from lstm_bench.store.tensors import save_tensors
from lstm_bench.sweep import Choice
from lstm_bench.training.outcome import replicate_row, timing_row
from lstm_bench.training.stopping import Progress

CODE = "task 1 cell 1 engine 1 training 1"
START = datetime.datetime(2024, 5, 6, 12, 0, 0, tzinfo=datetime.UTC)
SPEED = {"elman": 0.0, "irnn": 120.0, "jordan": 0.0, "lstm": 1.0, "gru": 0.7}


def make_plan(
    results: Results,
    tasks: Iterable[str] = ("adding",),
    cells: Iterable[str] = ("lstm", "elman"),
    lengths: Iterable[int] = (20,),
    blocks: Iterable[str] = ("seeds-000-004",),
    training: Training | None = None,
    labels: dict[str, str] | None = None,
    experiment: str = "lstm_bench",
) -> Plan:
    """Write a plan of every cell on every task at every length, with one experiment."""
    labels, members = labels or {}, []
    conditions: dict[str, PlannedCondition] = {}
    for task in tasks:
        for T in lengths:
            for cell in cells:
                c = Condition(task, T, cell, training=training or Training())
                members.append(PlannedMember(task, labels.get(cell, cell), c.id))
                conditions[c.id] = PlannedCondition(
                    spec=c,
                    code=CODE,
                    parameters=4481,
                    flops_per_update=17_203_200 * T,
                    priority=1,
                    solved_score=0.94,
                    score_name="R²",
                )
    entry = PlannedExperiment(tuple(members), tuple(blocks), code="0")
    tuning = f"seeds-{TUNING_SEEDS}-{TUNING_SEEDS + 4}"
    plan = Plan(
        package="0.1.0",
        config={"experiments": ["horizon"], "tracking": {"experiment": experiment}},
        sweep=PlannedSweep(cells=tuple(Choice(cell, label=labels.get(cell, "")) for cell in cells)),
        conditions=conditions,
        experiments={"horizon": entry, "tuning": replace(entry, blocks=(tuning,))},
    )
    return plan.write(results.plan("0123456789abcdef"))


def finish(results: Results, plan: Plan, pairs: Iterable[tuple[str, str]] | None = None) -> None:
    """Write the files of these blocks (all of the sweep by default)."""
    for number, (name, block) in enumerate(pairs or plan.blocks(plan.asked)):
        condition = plan.conditions[name].spec
        finish_block(results, condition, SeedBlock.parse(block), START + number * MINUTE)


MINUTE = datetime.timedelta(minutes=1)


def finish_block(
    results: Results,
    condition: Condition,
    block: SeedBlock,
    started: datetime.datetime = START,
    status: str | None = None,
) -> None:
    """One seed block: cells with a gate solve, Elman mostly does not, IRNN sometimes diverges."""
    folder = results.block(condition, block)
    rows, curves, timing = [], [], []
    for seed in block.seeds:
        p, points = _train(condition, seed, status)
        row = replicate_row(condition, p, CODE, "cpu", "fused")
        if p.status not in ("diverged", "error"):
            row.update(test_loss=points[-1]["validation_loss"] * 1.02)
            row.update(test_score=points[-1]["validation_score"] - 0.002, weights_sha256="ab" * 32)
        rows.append(row)
        curves += points
        measured = timing_row(condition, p, started.isoformat(timespec="milliseconds"))
        measured["finished"] = (started + MINUTE * 0.7).isoformat(timespec="milliseconds")
        timing.append({**measured, "lstm_bench": "0.1.0", "torch": "2.13.0", "gpu": None})
    write_json(folder.parent / "condition.json", condition.to_json())
    # a weight of a replicate is its seed
    weights = {} if status == "error" else {"b_y": np.array([[s] for s in block.seeds], "float32")}
    about = {"condition": condition.to_json(), "seeds": list(block.seeds), "code": CODE}
    save_tensors(folder / "model.safetensors", weights, about)
    write_table(folder / "curves.parquet", [{"condition": condition.id, **c} for c in curves])
    write_table(folder / "timing.parquet", timing)
    about = {"code": CODE, "condition": condition.id}
    write_table(folder / "replicates.parquet", rows, about)


def _train(condition: Condition, seed: int, status: str | None) -> tuple[Progress, list[Any]]:
    rng = np.random.default_rng([seed, condition.T, len(condition.cell), ord(condition.task[0])])
    t = condition.training
    pace = {"elman": 40.0, "jordan": 60.0, "irnn": 2.5, "lstm": 1.0, "gru": 0.7}
    needed = pace.get(condition.cell, 1.0) * 8 * condition.T * rng.lognormal(0, 0.3)
    diverges = status == "diverged" or (condition.cell == "irnn" and rng.random() < 0.15)
    p, points = Progress(seed, chance_loss=1 / 6), []
    for update in range(0, t.updates + 1, t.evaluate_every):
        loss = float(1 / 6 / (1 + np.exp((update - needed) / (0.1 * needed + 20))) + 0.002)
        loss *= float(rng.lognormal(0, 0.05))
        if diverges and update >= 300:
            loss = float("inf")
        score = 1 - 6 * loss
        train = None if update == 0 else loss * 1.05
        point = {"train_loss": train, "gradient_norm": None if train is None else 0.3 + loss}
        held_out = {"validation_loss": loss, "validation_score": score}
        points.append({"seed": seed, "update": update, **point, **held_out})
        p.update, p.validation_loss, p.validation_score = update, loss, score
        if p.best_loss is None or loss < p.best_loss:
            p.best_loss, p.best_update = loss, update
        if diverges and update >= 300:
            p.finish("diverged", "nan", update)
            break
        if score >= 0.94 and p.updates_to_solve is None and not diverges:
            p.updates_to_solve, p.seconds_to_solve = update, update * 0.004
        if p.updates_to_solve is not None and update > p.updates_to_solve:
            p.confirmations = 1
            p.finish("solved", "", update)
            break
    else:
        p.finish("unsolved" if p.updates_to_solve is None else "solved", "budget", t.updates)
    p.milestones = {"one_number_known": p.updates_to_solve and p.updates_to_solve // 2}
    p.train_seconds = p.update * 0.004
    if status == "error":
        p, points = Progress(seed), points[:1]
        p.finish("error", "out_of_memory", 0)
    return p, points


def conclude(results: Results, name: str = "horizon") -> Path:
    """The files an experiment leaves."""
    folder = results.experiment(name)
    verdict = {"answer": "The LSTM solves adding to T = 100 in 10 of 10 seeds; Elman to T = 20."}
    write_json(folder / "verdict.json", verdict)
    write_bytes(folder / "table.csv", b"task,cell,T,share\nadding,lstm,100,1\n")
    write_bytes(folder / "summary.csv", b"task,cell,horizon\nadding,lstm,100\n")
    figure = b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><circle r='4'/></svg>"
    write_bytes(folder / "figure.svg", figure)
    return folder
