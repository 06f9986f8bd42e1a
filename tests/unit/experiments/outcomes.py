"""Sweeps that nothing trained: every replicate is given an end, and stored as training does."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from lstm_bench import experiments
from lstm_bench.planning.plan import resolve
from lstm_bench.probes import cost, extrapolation, gradient_flow, item_losses, selective_memory
from lstm_bench.spec import Condition, SeedBlock
from lstm_bench.stats.rate_search import Trial
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from lstm_bench.store.searches import write_search
from lstm_bench.store.tables import write_table
from lstm_bench.training.model import ReplicateBatch
from lstm_bench.training.outcome import now, write_failure, write_outcome
from lstm_bench.training.stopping import Progress
from tests.workflow.test_bad_input import SCHEMA

BUDGET, EVERY = 40, 10
SMALL: dict[str, Any] = {
    "tasks": ["adding", "temporal_order"],
    "lengths": [10, 12],
    "cells": ["elman", "gru", "lstm"],
    "replicates": 3,
    "seed_block": 3,
    "width": 4,
    "training": {
        "updates": BUDGET,
        "evaluate_every": EVERY,
        "learning_rate": 0.01,
        "validation_size": 32,
        "test_size": 32,
    },
    "tuning": {"rates": [0.003, 0.01, 0.03], "first": 3},
    "learning_rates": None,
    "device": "cpu",
    "cost": {"lengths": [5, 10], "widths": [4, 8], "length": 5, "samples": 3},
    "gradient_flow": {"length": 20, "batch": 4, "exponents": 1, "trajectories": 1},
    "truncation": {
        "tasks": ["adding", "temporal_order"],
        "lengths": [10],
        "windows": [1, 5],
        "updates": BUDGET,
        "cells": None,
    },
    "selective_memory": {
        "tasks": [
            "temporal_order",
            {"task": "flip_flop", "preset": "liu2023", "label": "flip-flop"},
        ],
        "lengths": [10],
        "sequences": 32,
        "lags": [0, 2],
        "cells": None,
    },
    "overfitting": {
        "tasks": ["temporal_order", "adding"],
        "sizes": [16, 32],
        "lengths": [10],
        "updates": BUDGET,
        "cells": None,
        "comparisons": ["equal parameters", "equal width"],
        "weight_decay": 1.0,
    },
    "uses": {
        "tasks": ["temporal_order", "sine_mix"],
        "lengths": [16],
        "controls": [{"task": "adding", "label": "adding, a control", "lengths": [10]}],
        "windows": [2, 3],
        "updates": BUDGET,
        "cells": None,
    },
    "extrapolation": {
        "tasks": ["adding", "anbn"],
        "lengths": [10],
        "factors": [2],
        "sequences": 32,
    },
    "initialisation": {"tasks": ["temporal_order"], "lengths": [10], "biases": [1, 3]},
    "ablation": {
        "tasks": [{"task": "adding", "lengths": [10]}],
        "variants": ["lstm_nig", "lstm_cifg"],
        "rates": [0.01, 0.03],
        "width": 4,
        "updates": BUDGET,
        "evaluate_every": EVERY,
    },
    "sensitivity": {
        "lengths": [10],
        "trials": 4,
        "replicates": 2,
        "updates": BUDGET,
        "width": [4, 6],
        "cells": None,
    },
    "fairness": {"tasks": ["adding"], "lengths": [10, 12], "cells": None},
}
End = Callable[[str, Condition, int], str]  # label of the cell, condition, seed: a status

PROBES = {
    "cost": cost,
    "extrapolation": extrapolation,
    "gradient_flow": gradient_flow,
    "item_losses": item_losses,
    "selective_memory": selective_memory,
}
STATUSES = ("error", "diverged", "timeout", "unsolved", "solved")


def as_usual(label: str, condition: Condition, seed: int) -> str:
    """Cells that differ, and longer sequences harder."""
    able = {"lstm": 3, "gru": 2, "elman": 1}.get(condition.cell, 2)
    return "solved" if (seed + able + condition.T // 2) % 3 < able else "unsolved"


def alike(status: str) -> End:
    return lambda label, condition, seed: status


ENDS: dict[str, End] = {
    "as usual": as_usual,
    **{name: alike(name) for name in STATUSES},
    "one cell errors": lambda label, condition, seed: (
        "error" if condition.cell in ("gru", "lstm_nig") else as_usual(label, condition, seed)
    ),
    "anything": lambda label, condition, seed: STATUSES[
        int(sha256(f"{condition.id} {seed * (condition.width % 2)}".encode()).hexdigest(), 16) % 5
    ],
    "one cell diverged": lambda label, condition, seed: (
        "diverged" if condition.cell in ("gru", "lstm_nig") else as_usual(label, condition, seed)
    ),
}
NARROW: dict[str, dict[str, Any]] = {
    "one task": {"tasks": ["temporal_order"]},
    "one cell": {"cells": ["lstm"]},
    "one length": {"lengths": [10]},
    "one seed": {"replicates": 1, "seed_block": 1},
    "one of each": {
        "tasks": ["temporal_order"],
        "cells": ["gru"],
        "lengths": [10],
        "replicates": 1,
        "seed_block": 1,
    },
}


def made(*names: str, **changes: Any) -> Plan:
    """The plan of these experiments, in the present folder."""
    asked = [name for name in names if name not in ("speed", "tuning")]
    config = {**SMALL, "experiments": asked or ["horizon"], **changes}
    if asked == ["cause"]:  # it compares arms of one cell
        config["cells"] = ["elman", {"cell": "elman", "training": {"gradient_decay": 1}}]
    if "data" in asked:
        config["tasks"] = [*config["tasks"], of_a_file()]
    path = Results().plan("digest")
    return resolve(config, SCHEMA).write(path)


def of_a_file() -> dict[str, Any]:
    """A task from a file, which is written to the present folder."""
    path = Path("own series.csv")
    if not path.exists():
        y = np.sin(np.arange(400) / 3) + np.random.default_rng(0).normal(size=400)
        pd.DataFrame({"y": y}).to_csv(path, index=False)
    return {"task": "series", "file": str(path), "lengths": [10, 12]}


def store(plan: Plan, names: list[str], end: End) -> None:
    """Every seed block and every probe of these experiments, as if they had been trained."""
    results = Results()
    labels = {m.condition: m.cell for n in names for m in plan.experiments[n].members}
    for id, block in plan.blocks(names):
        ended(results, plan, id, SeedBlock.parse(block), labels[id], end)
    for name in names:
        entry = plan.experiments[name]
        for search, asked in plan.searches.items() if entry.searches else ():
            trials = [
                Trial(c.T, rate, 5, 5, 100.0 + c.T, 0.1, chosen=rate == asked.rates[1])
                for c in asked.conditions
                for rate in asked.rates
            ]
            write_search(results, search, asked, trials, [])
        if entry.probe in PROBES:
            rows = PROBES[entry.probe].measure(entry.probe_settings)
            write_table(results.root / plan.probe_files(name)[0], list(rows))


def ended(results: Results, plan: Plan, id: str, block: SeedBlock, label: str, end: End) -> None:
    entry = plan.conditions[id]
    condition, folder = entry.spec, results.block(id, block)
    statuses = [end(label, condition, seed) for seed in block.seeds]
    if "error" in statuses:
        write_failure(folder, condition, block, "killed", entry.code, now())
        return
    model = ReplicateBatch.create(condition, block, torch.device("cpu"))
    floor = float(model.task.chance_loss(condition.T))
    model.progress = [Progress(seed, floor, 0.0) for seed in block.seeds]
    for r, (p, status) in enumerate(zip(model.progress, statuses)):
        _trained(model, p, status, floor, entry.solved_score)
        if status == "diverged":
            model.final[r] = float("nan")
    test = [(0.1 * floor if s == "solved" else floor) for s in statuses]
    scores = [1.0 if s == "solved" else 0.0 for s in statuses]
    write_outcome(folder, model, (test, scores), entry.code, now())


def _trained(model: ReplicateBatch, p: Progress, status: str, floor: float, score: float) -> None:
    budget = model.condition.training.updates
    last = {"diverged": 0, "timeout": EVERY}.get(status, budget)
    for update in range(0, last + 1, EVERY):
        part = update / budget if status == "solved" else 0.0
        loss = floor * (1 - 0.99 * part) * (1 + 0.01 * (p.seed % 7))
        point = {"seed": p.seed, "update": update, "gradient_norm": 1.0, "train_loss": loss}
        point |= {"validation_loss": loss, "validation_score": part * score}
        if status == "diverged":
            point |= dict.fromkeys(("train_loss", "gradient_norm", "validation_loss"), float("nan"))
        else:
            p.best_loss, p.best_update, p.validation_loss = loss, update, loss
        model.curves.append(point)
    if status == "solved":
        cell = len(model.condition.cell)
        p.updates_to_solve = min(budget, EVERY * (1 + (p.seed + cell) % 3))
        p.confirmations = 1
    p.milestones = {"half": p.updates_to_solve}
    p.train_seconds = 0.01 * last
    reasons = {"diverged": "not finite", "timeout": "0.1 s", "unsolved": "budget"}
    p.finish(status, reasons.get(status, ""), last)


def everything() -> list[str]:
    return sorted(experiments.registry())


def answer(folder: Path) -> str:
    told: str = json.loads((folder / "verdict.json").read_text())["answer"]
    return told


def whole_sweep(asked: list[str], end: End, **changes: Any) -> str:
    """Everything that is drawn from a sweep: returns the text of its report."""
    from lstm_bench.claims.run import judge
    from lstm_bench.experiments.run import conclude, draw
    from lstm_bench.report.explorer import write_explorer
    from lstm_bench.report.page import write_report

    plan, results = made(*asked, **changes), Results()
    store(plan, asked, end)
    for name in asked:
        conclude(plan, name, results)
        draw(plan, name, results)
    judge(plan, results)
    page = Path("report.html")
    write_report(plan, results, page)
    write_explorer(plan, results, Path("explorer"))
    return page.read_text(encoding="utf-8")


TASKS = ["adding", {"task": "copy", "preset": "small"}, "temporal_order"]
CELLS: list[Any] = [
    *("lstm", "elman", "gru", "irnn", "jordan"),
    {"cell": "lstm", "forget_bias": 3, "label": "lstm (b_f = 3)"},
    {"cell": "lstm", "chrono": 100, "label": "lstm (chrono)"},
    {"cell": "gru", "chrono": 100, "label": "gru (chrono)"},
    {"cell": "lstm", "forget_bias": 5, "label": "lstm with a bias of five"},
    {"cell": "gru", "update_bias": 2, "label": "gru (b_z = 2)"},
    *("mingru", "lstm_peephole"),
]


def sized(tasks: int, cells: int) -> dict[str, Any]:
    """So many of each, at the default lengths, also in experiments with tasks of their own."""
    own = TASKS[-tasks:]
    gated = ["temporal_order", *SMALL["selective_memory"]["tasks"][1:], {"task": "selective_copy"}]
    told = {
        "selective_memory": {"tasks": gated[:tasks]},
        **{name: {"tasks": own} for name in ("overfitting", "truncation", "fairness")},
        "initialisation": {"tasks": own},
        "extrapolation": {"tasks": ["adding", "anbn", "temporal_order"][:tasks]},
        "sensitivity": {"tasks": own},
        "ablation": {"tasks": own},
        "catalogue": {"task": "temporal_order", "cell": "lstm"},
    }
    sections = {name: {**SMALL.get(name, {}), **section} for name, section in told.items()}
    return {"tasks": own, "cells": CELLS[:cells], "lengths": [10, 20, 50, 100], **sections}
