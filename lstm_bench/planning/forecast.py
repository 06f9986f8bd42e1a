"""The estimate of a whole sweep: by experiment, in total, as text and as a file for the report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lstm_bench.planning import effort, estimate
from lstm_bench.planning.device_request import gpus
from lstm_bench.spec import Condition
from lstm_bench.store.checksums import write_checked_json
from lstm_bench.store.paths import Results
from lstm_bench.store.planned import replicates_of
from lstm_bench.store.plans import Plan

COLUMNS = (
    *("experiment", "conditions", "jobs", "core-hours", "at most", "GPU-hours", "at most"),
    *("MiB a job", "disk MiB"),
)
HOURS = [f"{what}_hours_{of}" for what in ("core", "gpu") for of in ("expected", "budget")]
FEW = 3  # jobs a sweep has once: verdicts, report, MLflow


def forecast(
    plan: Plan, results: Results, measure: Callable[[Condition, int], float]
) -> dict[str, object]:
    """Estimate the sweep of a plan and write it for the report; returns what was written.

    `rows` has one entry an experiment and one for the whole sweep, where conditions that several
    experiments need count once. CPU seconds of a training on a GPU are not known beforehand: it
    counts with those of a core, in GPU hours.
    """
    blocks = plan.blocks(plan.asked)
    calibration = estimate.calibrate(plan, blocks, measure)
    shares = estimate.used_shares(plan, results)
    seconds = {pair: estimate.block_seconds(plan, *pair, calibration, shares) for pair in blocks}
    rows = [_row(plan, name, plan.blocks([name]), seconds) for name in plan.asked]
    rows.append(_row(plan, "whole sweep", blocks, seconds))
    made = {
        "rows": rows,
        "blocks": [[*pair, round(b, 3), round(e, 3)] for pair, (b, e) in seconds.items()],
        "measured_conditions": sum(map(len, calibration.factors.values())),
        "shares_from_runs": len(shares),
        "expected_share": estimate.EXPECTED,
    }
    write_checked_json(results.estimate(plan.path.stem), made)
    return made


def _row(
    plan: Plan,
    name: str,
    blocks: list[tuple[str, str]],
    seconds: dict[tuple[str, str], tuple[float, float]],
) -> dict[str, object]:
    on_gpu = [pair for pair in blocks if gpus(plan, pair[0])]
    on_cpu = [pair for pair in blocks if pair not in set(on_gpu)]
    entries = {id: plan.conditions[id] for id, _ in blocks}
    memory = [effort.training_mib(entries[id], replicates_of(b)) for id, b in blocks]
    disk = sum(estimate.block_bytes(entries[id], block) for id, block in blocks)
    asked = plan.asked if name == "whole sweep" else [name]
    probes = sum(len(plan.probe_files(each)) for each in asked)
    own = 2 * len(asked) + (FEW if name == "whole sweep" else 0)
    trainings = {plan.ladder_of.get(pair, pair) for pair in blocks}  # a ladder is one job
    return {
        "experiment": name,
        "conditions": len(entries),
        "jobs": len(trainings) + probes + own,
        **{
            f"{what}_hours_{which}": sum(seconds[pair][i] for pair in of) / 3600
            for what, of in (("core", on_cpu), ("gpu", on_gpu))
            for i, which in enumerate(("budget", "expected"))
        },
        "mib_a_job": max(memory, default=0),
        "disk_mib": disk / 2**20,
    }


def told(made: dict[str, Any]) -> str:
    """The estimate as `lstm-bench estimate` prints it."""
    shown = [COLUMNS]
    for row in made["rows"]:
        hours = [f"{row[name]:.3g}" for name in HOURS]
        counts = [str(row["conditions"]), str(row["jobs"])]
        sizes = [str(row["mib_a_job"]), f"{row['disk_mib']:.0f}"]
        shown.append((row["experiment"], *counts, *hours, *sizes))
    widths = [max(map(len, column)) for column in zip(*shown)]
    lines = [
        "  ".join(x.ljust(w) if i == 0 else x.rjust(w) for i, (x, w) in enumerate(zip(row, widths)))
        for row in shown
    ]
    return "\n".join([*lines, "", _assumption(made)])


def _assumption(made: dict[str, object]) -> str:
    known = made["shares_from_runs"]
    stored = f"that of stored runs for {known} pairs of task and cell, else " if known else ""
    count = made["measured_conditions"]
    return (
        f"CPU time of trainings, from {count} conditions measured here; probes are not counted.\n"
        "At most: every replicate uses its whole budget of updates. Expected: it uses a share,\n"
        f"{stored}{made['expected_share']:g}; of a ladder {estimate.CLIMBED:g}: most of its rungs "
        "are not tried, or quick."
    )
