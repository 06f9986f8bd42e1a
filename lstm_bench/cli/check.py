"""`lstm-bench check`: what a cell, a module, a task or an experiment promises, tried in seconds."""

from __future__ import annotations

import sys
from typing import Any

import click

from lstm_bench.cli.group import cli, plugin_option
from lstm_bench.cli.train import pairs
from lstm_bench.errors import unknown
from lstm_bench.references import is_reference
from lstm_bench.registry import load_plugins


@cli.command()
@click.argument("name")
@click.option("--option", "options", multiple=True, callback=pairs, help="name=value")
@plugin_option
def check(name: str, options: dict[str, Any], plugin: tuple[str, ...]) -> None:
    """Try what NAME promises: a cell, a task, an experiment, or a module of torch.

    A module is package.module:Name or file.py:Name. Exit code 1 where a promise is not kept.
    """
    load_plugins(plugin)
    from lstm_bench import cells, experiments, tasks
    from lstm_bench import check as trying

    every = {**experiments.registry(), **cells.registry(), **tasks.known()}
    if not is_reference(name) and name not in every:
        raise unknown("name", name, every)
    if name in experiments.registry():
        from lstm_bench.planning.rehearsing import rehearsed

        found = rehearsed(name)
    else:
        found = trying.check(name, options)
    faults = []
    for result in found:
        mark = click.style("failed", fg="red") if result.fault else click.style("kept", fg="green")
        click.echo(f"{result.shown:38} {mark:6} {result.seconds:6.1f} s")
        if result.fault:
            faults.append(result)
            click.echo(f"    {result.fault}")
    click.echo(f"{len(faults)} of the promises of {name} are not kept" if faults else "all kept")
    sys.exit(1 if faults else 0)
