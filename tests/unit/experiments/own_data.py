"""The experiment `data` on a file, in this process: trained, measured and concluded."""

from __future__ import annotations

from typing import Any

import pandas as pd
import yaml

from lstm_bench.experiments.run import conclude, read_csv
from lstm_bench.planning.overlays import inherited, merged
from lstm_bench.planning.plan import resolve
from lstm_bench.probes import item_losses
from lstm_bench.spec import SeedBlock
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from lstm_bench.store.tables import write_table
from lstm_bench.training.run import train_block
from tests.workflow.workspace import ROOT

SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
SHIPPED = yaml.safe_load((ROOT / "config.yaml").read_text())
PRESET = yaml.safe_load((ROOT / "workflow/presets/data.yaml").read_text())


def planned(**changes: Any) -> Plan:
    """The preset with these changes."""
    layers = [("config.yaml", SHIPPED), ("data.yaml", PRESET), ("own", changes)]
    return resolve(merged(layers), SCHEMA, inherited(layers))


def run(plan: Plan, results: Results) -> None:
    """All its trainings and the probe. `results` are those of the working directory."""
    for id, block in plan.blocks(["data"]):
        train_block(plan.conditions[id].spec, SeedBlock.parse(block), results, device="cpu")
    (file,) = plan.probe_files("data")
    settings = plan.experiments["data"].probe_settings
    write_table(results.root / file, list(item_losses.measure(settings)))


def concluded(plan: Plan, results: Results) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The table, and the summary of its one task."""
    folder = conclude(plan, "data", results)
    (row,) = read_csv(folder / "summary.csv").to_dict("records")
    return read_csv(folder / "table.csv"), {str(key): value for key, value in row.items()}
