"""Declaring what verdicts will rest on, before it runs."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

import lstm_bench
from lstm_bench.cli.group import cli
from lstm_bench.planning.ensure import ensure_plan
from lstm_bench.planning.overlays import inherited, merged, read_layers
from lstm_bench.spec import DEVELOPMENT_SEEDS
from lstm_bench.store.declarations import Declaration, declarations
from lstm_bench.store.declarations import declare as append


@cli.command()
@click.option("--configfile", multiple=True, type=str, help="An overlay, as for snakemake.")
@click.option("--write", is_flag=True, help="Append the line to docs/declarations.md.")
def declare(configfile: tuple[str, ...], write: bool) -> None:
    """The line that declares what the verdicts of this config rest on, and their first seed."""
    layers = read_layers(["config.yaml", *configfile])
    # the digest does not depend on the seed, but claims are refused on those of development
    config = {**merged(layers), "first_seed": DEVELOPMENT_SEEDS, "declared": False}
    found = ensure_plan(config, Path(), inherited(layers)).declaration
    known = declarations()
    made = next((each for each in known if each.digest == found.digest), None)
    if made is None:
        made = Declaration(
            number=max((each.number for each in known), default=0) + 1,
            date=date.today().isoformat(),
            digest=found.digest,
            first_seed=found.first_seed,
            config=" + ".join(name for name, _ in layers),
            package=lstm_bench.__version__,
        )
        if write:
            append(made)
    click.echo(made.line)
    now = merged(layers).get("first_seed", 0)
    if now != found.first_seed:
        click.echo(f"set first_seed to {found.first_seed} in the config (it is {now})", err=True)
    if write:
        click.echo("commit docs/declarations.md and the config before the sweep runs", err=True)
