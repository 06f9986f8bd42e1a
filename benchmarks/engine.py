"""The engine at eight shapes and along T: ratios to torch.nn and JAX, rates, share of the peak.

    python -m benchmarks.engine                 measure and print the tables of docs/performance.md
    python -m benchmarks.engine --quick         a few seconds a cell, to see that it runs

The measurement is the probe of `snakemake speed` (lstm_bench/probes/speed.py) at shapes of its own.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.measuring import deliver, heading, markdown, put
from lstm_bench.experiments.speed_tables import (
    PEAK,
    TIMED,
    TUNED,
    contenders,
    growth,
    measured,
    peak,
)
from lstm_bench.probes.speed import measure

SHAPES = [  # R, B, H, T, D
    (1, 32, 32, 100, 2),
    (8, 32, 32, 100, 2),
    (1, 32, 64, 200, 10),
    (8, 32, 64, 200, 10),
    (1, 64, 128, 400, 2),
    (8, 64, 128, 400, 2),
    (1, 128, 256, 200, 10),
    (4, 128, 256, 200, 10),
]
LENGTHS = [100, 300, 1000, 3000, 10000]
LINE = (4, 32, 64, 2)  # R, B, H, D of the line along T


def shape(R: int, B: int, H: int, T: int, D: int, along_T: bool) -> dict[str, Any]:
    sizes = {"replicates": R, "batch": B, "width": H, "T": T, "inputs": D}
    return {**sizes, "along_T": along_T, "along_width": not along_T}


def settings(a: argparse.Namespace) -> dict[str, Any]:
    chosen = a.shapes or (range(2) if a.quick else range(len(SHAPES)))
    shapes = [shape(*SHAPES[place], along_T=False) for place in chosen]
    R, B, H, D = LINE
    lengths = a.lengths[:2] if a.quick else a.lengths
    shapes += [shape(R, B, H, T, D, along_T=True) for T in lengths]
    return {
        "cells": [{"name": name, "options": {}, "shown": name} for name in a.cells],
        "threads": a.threads,
        "shapes": shapes,
        "instruction_sets": a.instruction_sets,
        "without": a.without,
        "samples": 3 if a.quick else 9,
        "sample_seconds": 0.02 if a.quick else 0.1,
        "limit_seconds": 3 if a.quick else 90,
        "memory_limit_bytes": None,
        "cold_cache": not a.quick,
        "device": a.device,
    }


def at_shapes(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Each shape: the rate of the first backend, and how many times as fast it is as the others."""
    rows = []
    keys = ["cell", "threads", "replicates", "batch", "width", "T", "inputs"]
    for key, group in table[table.along_width].groupby(keys, sort=False):
        by = group.set_index("contender")
        row: dict[str, Any] = {
            "cell": key[0],
            "threads": key[1],
            "(R,B,H,T,D)": ",".join(map(str, key[2:])),
        }
        own = group[group.is_backend].contender.iloc[0]
        row |= {"ms": 1e3 * by.seconds[own], f"{own} GF/s": by.gigaflops[own]}
        row["of peak"] = _percent(by.of_peak[own])
        for name in contenders(group):
            if name == own:
                continue
            status = by.status[name]
            ratio = by.seconds[name] / by.seconds[own]
            row[f"× {name}"] = ratio if status in TIMED else status.replace("_", " ")
        busy = int((group.status == "disturbed").sum())
        row["busy"] = f"{busy} of {len(group)}" if busy else ""
        rows.append(row)
    return rows


def along_T(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Exponents of time and memory along T, and the last length each contender could do."""
    rows = []
    line = table[table.along_T]
    for grown in growth(table).to_dict("records"):
        same = line.cell.eq(grown["cell"]) & line.threads.eq(grown["threads"])
        own = line[same & line.contender.eq(grown["contender"])]
        done, failed = own[own.seconds.notna()], own[own.seconds.isna()]
        last = done.loc[done["T"].idxmax()]
        rows.append(
            {
                "cell": grown["cell"],
                "threads": grown["threads"],
                "contender": grown["contender"],
                "time ~ T^": grown["exponent_of_T"],
                "memory ~ T^": grown["memory_exponent_of_T"],
                "KiB a step": grown["memory_bytes_a_step"] / 2**10,
                "longest T": int(last["T"]),
                "s there": last.seconds,
                "MiB there": last.peak_memory_bytes / 2**20,
                "beyond": "; ".join(sorted(set(failed.status.str.replace("_", " ")))),
            }
        )
    return rows


def first_calls(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A fresh process: its imports, what it compiles (a kernel, the first time), its first call."""
    fresh = table[table.start_seconds.notna()]
    return [
        {
            "cell": row.cell,
            "contender": row.contender,
            "start and imports s": row.start_seconds,
            "compile s": row.fresh_build_seconds,
            "first call s": row.fresh_call_seconds,
        }
        for row in fresh[fresh.threads == fresh.threads.min()].itertuples()
    ]


def _percent(share: float) -> str:
    return "–" if share != share else f"{share:.0%}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", nargs="+", default=["lstm", "gru", "elman"])
    parser.add_argument("--threads", nargs="+", type=int, default=_threads())
    parser.add_argument("--instruction-sets", nargs="*", default=["avx2"])
    parser.add_argument("--without", nargs="*", default=[], help="contenders to leave out")
    parser.add_argument(
        "--shapes", nargs="+", type=int, choices=range(len(SHAPES)), help="by place"
    )
    parser.add_argument("--lengths", nargs="*", type=int, default=LENGTHS, help="along T")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--into", type=Path, help="a page with the marks <!-- engine -->")
    a = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for row in measure(settings(a)):
        told = " ".join(str(row[k]) for k in ("cell", "threads", "contender", "T", "status"))
        print(told, row["reason"], file=sys.stderr)
        rows.append(row)
        if a.into and row["contender"] == PEAK:  # the last of a case: what is measured stays
            put("engine", written(rows), a.into)
    deliver("engine", written(rows), a.into)


def written(rows: list[dict[str, Any]]) -> str:
    """What has been measured so far, as it stands in docs/performance.md."""
    table = measured(pd.DataFrame(rows))
    wrong = table[table.status == "wrong"]
    checked = table.worst_error.dropna()
    busy = f"{table.discarded.sum()} samples discarded, {table.samples.sum()} kept"
    told = [
        "sgemm peak: "
        + ", ".join(f"{v:.0f} GF/s on {k} thread(s)" for k, v in peak(table).items()),
        f"largest relative error against float64: {checked.max():.1e}; wrong: {len(wrong)}",
        f"× name: how many times as long as the first backend it takes; tuned: {TUNED}",
    ]
    sections = [heading(busy), "\n".join(f"- {line}" for line in told)]
    if table.along_width.any():
        sections.append(markdown(at_shapes(table)))
    if table.along_T.any():
        sections += [f"Along T, at (R, B, H, D) = {LINE}:", markdown(along_T(table))]
    sections += ["A fresh process:", markdown(first_calls(table))]
    return "\n\n".join(sections)


def _threads() -> list[int]:
    return [1, 2] if (os.cpu_count() or 1) > 1 else [1]


if __name__ == "__main__":
    main()
