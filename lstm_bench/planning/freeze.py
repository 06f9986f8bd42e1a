"""Freezing what `snakemake tune` found in a preset under version control."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from lstm_bench.errors import BenchError
from lstm_bench.store.files import write_bytes
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from lstm_bench.store.seals import read_sealed, read_sealed_json
from lstm_bench.store.yamls import read_yaml
from lstm_bench.sweep import TUNED_WITH

HEADER = """\
# Learning rates chosen by `snakemake tune`, by task and cell: one grid for every cell, on seeds
# no experiment judges on, chosen on validation. config.yaml reads this file; a pair that is not
# listed is trained with training.learning_rate. `trials` is the whole grid, for the report.
"""
DEFAULT = "workflow/presets/learning_rates.yaml"


def freeze(plan: Plan, results: Results) -> Path:
    """Merge the rates of the finished tuning into the preset; returns its path."""
    folder = results.experiment("tuning")
    verdict = read_sealed_json(folder / "verdict.json")
    table = pd.read_csv(io.BytesIO(read_sealed(folder / "table.csv")))
    path = results.root / (plan.config.get("learning_rates") or DEFAULT)
    before = _read(path)
    rates = {**before.get("rates", {})}
    for task, chosen in verdict["rates"].items():
        rates[task] = {**rates.get(task, {}), **chosen}
    fresh = {(row["task"], row["cell"]) for row in table.to_dict("records")}
    kept = [t for t in before.get("trials", []) if (t["task"], t["cell"]) not in fresh]
    trials = kept + [_plain(row) for row in table.to_dict("records")]
    training = plan.data["sweep"]["training"]
    tuned_with = {"width": plan.config["width"], **{key: training[key] for key in TUNED_WITH}}
    if plan.config.get("network"):
        tuned_with["network"] = plan.config["network"]
    content = {"tuned_with": tuned_with, "rates": rates, "trials": trials}
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    write_bytes(path, (HEADER + text).encode())
    return path


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        return read_yaml(path) or {}
    except BenchError as error:
        raise BenchError(f"learning_rates: {error}") from None


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    """Numbers as YAML writes them best: Python's own, losses with six digits."""
    plain = {str(k): v.item() if hasattr(v, "item") else v for k, v in row.items()}
    return {k: float(f"{v:.6g}") if isinstance(v, float) else v for k, v in plain.items()}
