"""How near to the machine's limit is the engine? Not part of the sweep: `snakemake speed`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import numpy as np
import pandas as pd

from lstm_bench.experiments.base import Evidence, Experiment
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
from lstm_bench.plotting.panels import (
    DOUBLE,
    cell_legend,
    log_lengths,
    log_ticks,
    panels,
    place_style,
)
from lstm_bench.stats.timing import exponent
from lstm_bench.sweep import Choice, Sweep

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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
    """Every backend and its peers: time, rate, share of the machine's peak, memory, first call."""

    name = "speed"
    title = "How fast is the engine on this machine?"
    question = (
        "How long does a forward and backward pass take on each backend, against sequence length, "
        "width and replicates, and how near is it to the rate of a plain matrix product?"
    )
    method = (
        "One pass forward and backward (loss on the last step, gradients of all weights) of R "
        "replicates. Each contender runs in a process of its own, all on the same cores, and is "
        "timed only after its outputs and gradients agreed with the float64 loop on two replicates "
        "and at most 100 steps (each tensor to a relative error below 1e-5). Samples are taken in "
        "turns after a warm-up. A sample is discarded where a process on one thread had its core "
        "for less than 95 % of it, or everything else on the machine used more than 5 % of all "
        "cores; where fewer than three remain, all are kept and the row says disturbed. Times are "
        "medians with an order-statistic interval of 95 %. GF/s count 6 R T B G H (H + D) "
        "operations a pass (G = 4, 3, 1 for LSTM, GRU, Elman); the peak is a matrix product "
        "(sgemm, 1536 x 1536) timed among the rest, its median over cases. torch.nn runs its "
        "replicates one after another; tuned means with flushed denormals and kept buffers, as the "
        "suite runs. JAX is one compiled scan, vectorised over replicates. Peak memory is what a "
        "call holds beyond weights and inputs (JAX: the work space its compiler planned). A first "
        "call is that of a fresh process with an empty cache of kernels. Crosses mark where a "
        "contender had not enough memory or took longer than the limit."
    )
    probe = "speed"
    reads = ("training_time",)
    on_request = beside = True
    settings: SpeedSettings = SpeedSettings()

    def probe_settings(self, sweep: Sweep) -> dict[str, object]:
        s = dict(vars(self.settings))
        s["cells"] = [
            {"name": c.name, "options": dict(c.options), "shown": c.shown} for c in s["cells"]
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
        at = table[
            (table.threads == table.threads.min()) & (table.replicates == table.replicates.max())
        ]
        cells = list(dict.fromkeys(table.cell))
        figure, grid = panels(3, len(cells), height=2.0)
        figure.set_figwidth(max(DOUBLE, figure.get_figwidth()))  # the legend needs it
        names = contenders(table)
        for column, cell in enumerate(cells):
            rows = at[at.cell == cell]
            along, across = rows[rows.along_T], rows[rows.along_width]
            time, memory, rate = grid[:, column]
            ends: dict[Axes, list[End]] = {time: [], memory: []}
            for place, name in enumerate(names):
                if not (rows[rows.contender == name].seconds > 0).any():
                    continue  # it cannot run so many replicates, say
                line = along[along.contender == name]
                ends[time] += _line(time, line, "T", line.seconds * 1e3, name, place)
                _intervals(time, line, "T", 1e3, place)
                sizes = line.peak_memory_bytes / 2**20
                ends[memory] += _line(memory, line, "T", sizes, name, place)
                wide = across[across.contender == name]
                _line(rate, wide, "width", wide.gigaflops, name, place)
                _edges(time, line, place)
            peak = across[across.contender == PEAK].sort_values("width")
            if peak.gigaflops.notna().any():
                rate.plot(peak.width, peak.gigaflops, color="black", linewidth=0.8, label="sgemm")
            for axes, axis, shown in (
                (time, "T", along), (memory, "T", along), (rate, "width", across)
            ):  # fmt: skip
                log_lengths(axes, shown[axis].tolist())
                axes.tick_params(axis="x", labelrotation=45 if axis == "T" else 0)
                if np.isfinite(axes.dataLim.minposy):  # something could be timed
                    axes.set_yscale("log")
                    log_ticks(axes.yaxis)
                axes.set_xlabel("sequence length T" if axis == "T" else "width (hidden units)")
            for axes, found in ends.items():
                _exponents(axes, found)
            time.set_title(cell)
        grid[0, 0].set_ylabel("ms per pass of\nall replicates")
        grid[1, 0].set_ylabel("peak memory (MiB)")
        grid[2, 0].set_ylabel("GF/s")
        cell_legend(figure, grid[2, 0])
        first = at.iloc[0]
        figure.supxlabel(
            f"median, 95 % interval; batch {first.batch}, {first.replicates} replicates, "
            f"{first.threads} thread(s), {first.processor}; exponents from T = {LARGE} on; "
            "×: out of memory, or over the time limit",
            fontsize=6.5,
        )
        return figure


class End(NamedTuple):
    """Where a line along T ends, and the power of T it grows with."""

    y: float
    T: float
    exponent: float
    color: str


def _line(
    axes: Axes, rows: pd.DataFrame, axis: str, values: pd.Series, name: str, place: int
) -> list[End]:
    """Draw a contender's line; its end, where it is long enough for an exponent."""
    shown = rows.assign(y=values).dropna(subset=["y"]).sort_values(axis)
    shown = shown[shown.y > 0]
    style = place_style(place)
    axes.plot(shown[axis], shown.y, label=name, markersize=3, **style)
    large = shown[shown["T"] >= LARGE]
    if axis != "T" or large["T"].nunique() < 2:
        return []
    last = shown.iloc[-1]
    return [End(last.y, last["T"], exponent(large["T"], large.y), style["color"])]


def _exponents(axes: Axes, ends: list[End]) -> None:
    """The exponents beside the ends of their lines, one above another where lines end together."""
    if not ends:
        return
    low, high = np.log(axes.get_ylim())
    gap, ends = 0.07 * (high - low), sorted(ends)
    places = [float(np.log(end.y)) for end in ends]
    for i in range(1, len(places)):  # up from the lowest, then down again from the top
        places[i] = max(places[i], places[i - 1] + gap)
    for i in reversed(range(len(places))):
        places[i] = min(places[i], high if i == len(places) - 1 else places[i + 1] - gap)
    for end, place in zip(ends, places):
        axes.annotate(
            f"T$^{{{end.exponent:.2f}}}$", (end.T, np.exp(place)), fontsize=5, xytext=(3, 0),
            textcoords="offset points", color=end.color, va="center", annotation_clip=False,
        )  # fmt: skip


def _intervals(axes: Axes, rows: pd.DataFrame, axis: str, scale: float, place: int) -> None:
    """The intervals of the medians."""
    shown, color = rows.dropna(subset=["low", "high"]), place_style(place)["color"]
    axes.vlines(shown[axis], scale * shown.low, scale * shown.high, color=color, linewidth=0.7)


def _edges(axes: Axes, rows: pd.DataFrame, place: int) -> None:
    """A cross at the first T a contender could not do, where its line would go on."""
    failed, timed = rows[rows.status.isin(["out_of_memory", "timeout"])], rows[rows.seconds > 0]
    if failed.empty or timed.empty:
        return
    edge, last = failed["T"].min(), timed.loc[timed["T"].idxmax()]
    y = 1e3 * last.seconds * edge / last["T"]
    axes.plot([edge], [y], "x", markersize=6, color=place_style(place)["color"])
