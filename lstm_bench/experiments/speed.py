"""How near to the machine's limit is the engine? Not part of the sweep: `snakemake speed`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import pandas as pd

from lstm_bench.experiments.base import Evidence, Experiment
from lstm_bench.experiments.runs import frame, groups
from lstm_bench.experiments.settings import (
    Allowed,
    Entries,
    Length,
    Lengths,
    Positive,
    Samples,
    Settings,
    Widths,
)
from lstm_bench.experiments.speed_tables import (
    LARGE,
    PEAK,
    TUNED,
    contenders,
    crossing,
    growth,
    measured,
    told_ratio,
    with_solving,
)
from lstm_bench.plotting.figure import LENGTH, Axis, Figure, Layer, figure, panel
from lstm_bench.stats.timing import exponent
from lstm_bench.sweep import Choice, Sweep

PlainCells = Annotated[tuple[Choice, ...], Allowed(of="plain_cells"), Entries("cell")]
Seconds = Annotated[float, Allowed(exclusiveMinimum=0)]


@dataclass(frozen=True)
class SpeedSettings(Settings):
    """What `snakemake speed` measures, on a machine that runs nothing else."""

    cells: PlainCells = (Choice("lstm"), Choice("gru"), Choice("elman"))
    widths: Annotated[Widths, "at `length`"] = (16, 32, 64, 128, 256)
    length: Length = 200
    lengths: Annotated[Lengths, "at `width` above"] = (20, 50, 100, 300, 1000, 3000, 10_000)
    replicates: Annotated[Lengths, "networks side by side, as in a seed block"] = (1, 8)
    batch: Positive = 32
    inputs: Positive = 2
    threads: Annotated[Lengths, "add 2 to see what a second one brings one process"] = (1,)
    instruction_sets: Annotated[
        tuple[Literal["avx512", "avx2", "portable"], ...],
        "other kernels, too: avx512, avx2, portable",
    ] = ()
    samples: Annotated[Samples, "undisturbed; six or more give an interval of 95 %"] = 9
    sample_seconds: Annotated[Seconds, "each; shorter, a busy neighbour goes unseen"] = 0.1
    limit_seconds: Annotated[
        Seconds, "for a case and a call: beyond, a contender is given up from this T on"
    ] = 60
    memory_limit_gib: Annotated[
        float | None, Allowed(exclusiveMinimum=0), "a contender's; null: 70 % of what is free"
    ] = None
    cold_cache: Annotated[bool, "let the first call compile, as on a new machine"] = True


@dataclass(frozen=True)
class Speed(Experiment):
    """How fast is the engine on this machine?

    How long does a forward and backward pass take on each backend, against sequence length,
    width and replicates, and how near is it to the rate of a plain matrix product?

    One pass forward and backward (loss on the last step, gradients of all weights) of R
    replicates. Each contender runs in a process of its own, all on the same cores, and is timed
    only after its outputs and gradients agreed with the float64 loop on two replicates and at
    most 100 steps (each tensor to a relative error below 1e-5). Samples are taken in turns
    after a warm-up. A sample is discarded where a process on one thread had its core for less
    than 95 % of it, or everything else on the machine used more than 5 % of all cores; where
    fewer than three remain, all are kept and the row says disturbed. Times are medians with an
    order-statistic interval of 95 %. GF/s count 6 R T B G H (H + D) operations a pass (G = 4,
    3, 1 for LSTM, GRU, Elman); the peak is a matrix product (sgemm, 1536 x 1536) timed among
    the rest, its median over cases. torch.nn runs its replicates one after another; tuned means
    with flushed denormals and kept buffers, as the suite runs. JAX is one compiled scan,
    vectorised over replicates. Peak memory is what a call holds beyond weights and inputs (JAX:
    the work space its compiler planned). A first call is that of a fresh process with an empty
    cache of kernels. Crosses mark where a contender had not enough memory or took longer than
    the limit.
    """

    name = "speed"
    probe = "speed"
    reads = ("training_time",)
    on_request = beside = True
    settings: SpeedSettings = SpeedSettings()

    def probe_settings(self, sweep: Sweep) -> dict[str, object]:
        s = dict(vars(self.settings))
        s["cells"] = [
            {"name": c.name, "options": c.at(self.settings.length), "shown": c.shown}
            for c in s["cells"]
        ]
        limit = s.pop("memory_limit_gib")
        fixed = {"batch": s.pop("batch"), "inputs": s.pop("inputs")}
        lengths, widths, length = s.pop("lengths"), s.pop("widths"), s.pop("length")
        # where the sweep's widths differ by cell, the line along T takes the middle one of ours
        main = sweep.width if isinstance(sweep.width, int) else sorted(widths)[len(widths) // 2]
        at = [(T, main) for T in lengths] + [(length, width) for width in widths]
        at = sorted(dict.fromkeys([*at, (length, main)]))  # T rises: memory is foreseen
        shapes = [
            {
                **{"width": width, "T": T, "replicates": R, **fixed},
                "along_T": width == main,
                "along_width": T == length,
            }
            for R in s.pop("replicates")
            for T, width in at
        ]
        return {**s, "shapes": shapes, "memory_limit_bytes": limit and int(limit * 2**30)}

    def table(self, evidence: Evidence) -> pd.DataFrame:
        assert evidence.probe is not None
        table = measured(evidence.probe)
        training = evidence.others.get("training_time")
        if training is None:
            return table
        trained = [entry.spec for entry in evidence.plan.values()]
        sizes = {(condition.width, condition.training.batch) for condition in trained}
        return with_solving(table, training, sizes)

    def summary(self, table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
        """Along the width, with how time and memory grow along T."""
        at = table[table.along_width & (table.contender != PEAK)]
        order = {cell: place for place, cell in enumerate(dict.fromkeys(table.cell))}
        at = at.assign(place=at.cell.map(order))
        at = at.sort_values(["place", "replicates", "threads", "width"], kind="stable")
        return at.drop(columns="place").merge(growth(table), how="left")

    def display(self, summary: pd.DataFrame) -> pd.DataFrame:
        """How many times as fast as torch.nn, tuned the same way, and how near to the peak."""
        shown = summary.assign(told=told_ratio(summary))
        index = ["cell", "replicates", "threads", "width"]
        rows = []
        for key, group in shown.groupby(index, sort=False):
            best = group[group.seconds.notna()].sort_values("seconds").head(1)
            rows.append(
                {
                    **dict(zip(index, key)),
                    **{f"{c}, × {TUNED}": t for c, t in zip(group.contender, group.told)},
                    "fastest": best.contender.iloc[0] if len(best) else "none",
                    "GF/s": float(best.gigaflops.iloc[0]) if len(best) else float("nan"),
                    "of peak": f"{best.of_peak.iloc[0]:.0%}" if len(best) else "",
                }
            )
        return pd.DataFrame(rows)

    def verdict(self, table: pd.DataFrame, summary: pd.DataFrame) -> dict[str, object]:
        at = crossing(table)
        own = at[at.is_backend & at.seconds.notna()]
        if own.empty:
            return {"answer": "No backend could be timed: see the table for the reasons."}
        fastest = own.loc[own.groupby("cell", sort=False).seconds.idxmin()]
        parts = [
            f"{row.cell} {row.gigaflops:.3g} GF/s on {row.contender} ({row.of_peak:.0%} of the "
            f"peak, {row.times_tuned:.2g} times {TUNED})"
            for row in fastest.itertuples()
        ]
        first = at.iloc[0]
        disturbed = int((table.status == "disturbed").sum())
        busy = f"; {disturbed} of {len(table)} rows on a busy machine" if disturbed else ""
        where = f"width {first.width}, T={first['T']}, {first.replicates} replicates"
        return {
            "answer": f"At {where}, {first.threads} thread(s): {'; '.join(parts)}{busy}.",
            "discarded_samples": int(table.discarded.sum()),
            "kept_samples": int(table.samples.sum()),
        }

    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        at = table[table.threads == table.threads.min()]
        at = at[at.replicates == at.replicates.max()]
        timed = at[at.seconds > 0].sort_values("T")
        timed = timed.assign(ms=1e3 * timed.seconds, mebibytes=timed.peak_memory_bytes / 2**20)
        along = timed[timed.along_T & (timed.contender != PEAK)]
        time, memory = (_with_power(along, name) for name in ("ms", "mebibytes"))
        line = partial(Layer, by="contender", size=3)
        grows = partial(line, text="power", at_edge=True)
        panels = [
            panel(
                LENGTH,
                Axis("ms per pass of all replicates", "log"),
                grows("T", "ms", "1000 * low", "1000 * high", rows=time),
                Layer(
                    "T", "ms", by="contender", look="points", marker="x", size=6, rows=_edges(at)
                ),
            ),
            panel(
                LENGTH,
                Axis("peak memory (MiB)", "log"),
                grows("T", "mebibytes", rows=memory),
            ),
            panel(
                Axis("width (hidden units)", "lengths"),
                Axis("GF/s", "log"),
                line("width", "gigaflops", only="along_width", rows=timed),
            ),
        ]
        note = (
            "median, 95 % interval; batch {batch}, {replicates} replicates, {threads} thread(s), "
            f"{{processor}}; exponents from T = {LARGE} on; ×: out of memory, or over the limit"
        )
        places = {name: place for place, name in enumerate([*contenders(table), PEAK])}
        return figure(at, panels, places, note, ["cell"], "{cell}")


def _with_power(rows: pd.DataFrame, value: str) -> pd.DataFrame:
    """With the power of T that each long enough line grows with, beside its last point."""
    rows, power = rows[rows[value] > 0], {}
    for _, line in rows.groupby(["cell", "contender"], sort=False):
        large = line[line["T"] >= LARGE]
        if large["T"].nunique() > 1:
            power[line.index[-1]] = f"T^{exponent(large['T'], large[value]):.2f}"
    return rows.assign(power=pd.Series(power, dtype=object).reindex(rows.index))


def _edges(table: pd.DataFrame) -> pd.DataFrame:
    """The first T a contender could not do, where its line would go on."""
    found = []
    for about, line in groups(table[table.along_T], ["cell", "contender"]):
        failed, timed = line[line.status.isin(["out_of_memory", "timeout"])], line[line.seconds > 0]
        if len(failed) and len(timed):
            last, T = timed.loc[timed["T"].idxmax()], failed["T"].min()
            found.append({**about, "T": T, "ms": 1e3 * last.seconds * T / last["T"]})
    return frame(found, {"cell": object, "contender": object, "T": float, "ms": float})
