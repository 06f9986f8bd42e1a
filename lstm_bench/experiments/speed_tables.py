"""From the samples of the speed probe to rates, ratios, growth and time to solve."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from lstm_bench.stats.timing import exponent, median

PEAK = "sgemm"
TUNED = "torch.nn tuned"
PEERS = ("torch.nn", TUNED, "jax")
LARGE = 100  # from this T on growth is fitted: below, what a call costs beside its steps shows
CASE = ["cell", "threads", "width", "T", "replicates", "batch", "inputs"]
LINE = ["cell", "contender", "threads", "width", "replicates", "batch"]
TIMED = ("ok", "disturbed")


def measured(probe: pd.DataFrame) -> pd.DataFrame:
    """One row a (case, contender): median seconds with its interval, GF/s, shares, ratios.

    seconds, low, high   of one pass of all replicates; NaN where it was not timed (see status)
    gigaflops            10^9 operations a second
    of_peak              gigaflops over the `peak` on as many threads
    times_tuned          how many times as fast as tuned torch.nn on the same case
    """
    medians = [median(samples) for samples in probe.seconds]
    table = probe.drop(columns="seconds").assign(
        samples=[m.n for m in medians],
        seconds=[m.value for m in medians],
        low=[m.low for m in medians],
        high=[m.high for m in medians],
        coverage=[m.coverage for m in medians],
        is_backend=~probe.contender.isin([*PEERS, PEAK]),
    )
    table.loc[~table.status.isin(TIMED), ["seconds", "low", "high"]] = float("nan")
    table["gigaflops"] = gigaflops(table.floating_point_operations, table.seconds)
    table["of_peak"] = table.gigaflops / table.threads.map(peak(table))
    tuned = table.loc[table.contender == TUNED, [*CASE, "seconds"]]
    tuned = table[CASE].merge(tuned, on=CASE, how="left").seconds.to_numpy()
    table["times_tuned"] = tuned / table.seconds
    return table


def peak(table: pd.DataFrame) -> pd.Series:
    """GF/s of the matrix product by the number of threads: the median over cases.

    One case's alone would make whatever disturbs it a share above 1; disturbed ones count where
    there is no other.
    """
    products = table[table.contender == PEAK]
    quiet = products[products.status == "ok"].groupby("threads").gigaflops.median()
    return quiet.combine_first(products.groupby("threads").gigaflops.median())


def gigaflops(operations: pd.Series, seconds: pd.Series) -> pd.Series:
    """10^9 floating-point operations a second."""
    return operations / seconds / 1e9


def with_solving(
    table: pd.DataFrame, training: pd.DataFrame, sizes: Iterable[tuple[int, int]]
) -> pd.DataFrame:
    """Time to solve = mean updates to solve x seconds of one replicate's pass.

    training  the table of the experiment `training_time` (task, cell, T, mean_updates)
    sizes     (width, batch) of the trainings: rows of another size are left empty

    Adds `solve_seconds_{task}` for every task. It counts forward and backward passes alone, and is
    a lower bound where some replicates did not solve the task (their updates count up to the
    budget), as `training_time` says.
    """
    known = set(sizes)
    same = np.array([(w, b) in known for w, b in zip(table.width, table.batch)])
    table = table.copy()
    for task, group in training.groupby("task", sort=False):
        found = table[["cell", "T"]].merge(
            group[["cell", "T", "mean_updates"]], on=["cell", "T"], how="left"
        )
        seconds = found.mean_updates.to_numpy() * table.seconds / table.replicates
        table[f"solve_seconds_{task}"] = seconds.where(same & (table.contender != PEAK).to_numpy())
    return table


def growth(table: pd.DataFrame) -> pd.DataFrame:
    """Of every line along T: the exponents of time and memory, and bytes a step."""
    rows = []
    timed = table[table.along_T & (table["T"] >= LARGE) & table.seconds.notna()]
    for key, group in timed[timed.contender != PEAK].groupby(LINE, sort=False):
        sized = group[group.peak_memory_bytes > 0]
        longest = sized[sized["T"] == sized["T"].max()]
        rows.append(
            {
                **dict(zip(LINE, key)),
                "exponent_of_T": exponent(group["T"], group.seconds),
                "memory_exponent_of_T": exponent(sized["T"], sized.peak_memory_bytes),
                "memory_bytes_a_step": float(
                    longest.peak_memory_bytes.iloc[0] / longest["T"].iloc[0]
                )
                if len(longest)
                else float("nan"),
            }
        )
    columns = [*LINE, "exponent_of_T", "memory_exponent_of_T", "memory_bytes_a_step"]
    return pd.DataFrame(rows, columns=columns)


def crossing(table: pd.DataFrame) -> pd.DataFrame:
    """Where the lines along T and along the width meet: most replicates, fewest threads."""
    at = table[table.along_T & table.along_width]
    return at[(at.replicates == at.replicates.max()) & (at.threads == at.threads.min())]


def contenders(table: pd.DataFrame) -> list[str]:
    """Backends and peers in the order they were measured, the peak left out."""
    return [name for name in dict.fromkeys(table.contender) if name != PEAK]


def told_ratio(rows: pd.DataFrame) -> pd.Series:
    """`1.7`, `1.7 (busy)`, or why there is none."""

    def told(row: pd.Series) -> str:
        if row.status not in TIMED:
            return str(row.status).replace("_", " ")
        ratio = f"{row.times_tuned:.3g}" if pd.notna(row.times_tuned) else "–"
        return f"{ratio} (busy)" if row.status == "disturbed" else ratio

    return rows.apply(told, axis=1)
