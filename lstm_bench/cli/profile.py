"""The memory card of one cell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from lstm_bench.cli.group import cli, plugin_option, run_snakemake
from lstm_bench.cli.train import pairs
from lstm_bench.errors import BenchError
from lstm_bench.references import is_reference
from lstm_bench.registry import load_plugins
from lstm_bench.store.paths import Results


@cli.command()
@click.argument("name")
@click.option("--cell-option", "options", multiple=True, callback=pairs, help="name=value")
@click.option("--label", help="What the cell is called. Without it: its name and options.")
@click.option("--minutes", type=click.FloatRange(3), default=10, show_default=True)
@click.option("--cores", type=click.IntRange(1), default=2, show_default=True)
@plugin_option
def profile(
    name: str,
    options: dict[str, object],
    label: str | None,
    minutes: float,
    cores: int,
    plugin: tuple[str, ...],
) -> None:
    """One page on what the cell NAME remembers, beside lstm, gru and elman of equal size.

    How much is tried is fixed by an estimate the first time, in results/cards; afterwards the card
    goes on where it was, and trains nothing twice.
    """
    load_plugins(plugin)
    from lstm_bench.planning.card import PRESET, plan_card, untuned
    from lstm_bench.planning.ensure import ensure_plan
    from lstm_bench.planning.overlays import inherited, merged, read_layers
    from lstm_bench.tracking.importer import track
    from lstm_bench.training.calibration import update_seconds

    kind = "module" if is_reference(name) else "cell"
    entry = {kind: name, **options, **({"label": label} if label else {})}
    results = Results()
    own = plan_card(entry, plugin, minutes, cores, update_seconds, results)
    click.echo(f"config       config.yaml + {PRESET} + {own}")
    layers = read_layers(["config.yaml", PRESET, own])
    plan = ensure_plan(merged(layers), Path(), inherited(layers))
    if lacking := untuned(plan, results):
        click.echo(f"tuning       {', '.join(lacking)}")
        given = [e for e, c in zip(merged(layers)["cells"], plan.sweep.cells) if c.shown in lacking]
        _snakemake(cores, [PRESET, str(own)], ["--config", f"cells={given!r}"], "tune")
    _snakemake(cores, [PRESET, str(own)], [], "card")
    plan = ensure_plan(merged(layers), Path(), inherited(layers))  # with the rates tuned by now
    click.echo(track(plan, results))
    click.echo(f"The card: {results.card(plan.sweep.cells[0].shown) / 'index.html'}")


def _snakemake(cores: int, overlays: Sequence[str], more: Sequence[str], target: str) -> None:
    if run_snakemake("--cores", str(cores), "--configfile", *overlays, *more, "--", target):
        raise BenchError(f"the card stopped at `{target}`: see above, and give the command again.")
