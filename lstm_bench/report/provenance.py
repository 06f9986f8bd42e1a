"""Where the numbers come from: versions, hardware, commit, seeds."""

from __future__ import annotations

import pandas as pd

from lstm_bench.store.commit import git_commit
from lstm_bench.store.plans import Plan

MACHINE = (
    *("lstm_bench", "python", "torch", "numpy", "processor", "instruction_set", "gpu", "platform"),
    *("library_settings", "determinism"),
)
TITLES = {
    "lstm_bench": "lstm_bench version",
    "instruction_set": "instruction set",
    "library_settings": "settings of the libraries",
}


def provenance(plan: Plan, replicates: pd.DataFrame, timing: pd.DataFrame) -> dict[str, object]:
    """Facts by name, for the last section of the report."""
    facts: dict[str, object] = {}
    for name in MACHINE:
        values = sorted({str(v) for v in timing[name].dropna()}) if name in timing else []
        if values:
            facts[TITLES.get(name, name)] = ", ".join(values)
    facts["git commit"] = git_commit() or "not a repository"
    if len(replicates):
        facts["code of the runs"] = "; ".join(sorted(set(replicates.code)))
        facts["device and backend"] = ", ".join(
            sorted({f"{d} / {b}" for d, b in zip(replicates.device, replicates.backend) if d})
        )
        facts["seeds"] = f"{replicates.seed.min()} to {replicates.seed.max()}"
        facts["trained"] = f"{timing.started.min()} to {timing.finished.max()}"
        blocks = timing.drop_duplicates(["condition", "started"])
        spent = blocks.ensemble_seconds.sum() + blocks.evaluation_seconds.sum()
        facts["training and evaluation"] = (
            f"{spent / 60:.1f} core-minutes in {len(blocks)} seed blocks"
        )
    facts["plan"] = str(plan.path.name)
    return facts
