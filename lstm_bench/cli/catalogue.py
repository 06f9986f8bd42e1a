"""What there is to train: lists, pages and drawings of tasks, cells and experiments."""

from __future__ import annotations

from pathlib import Path

import click

from lstm_bench.cli.group import cli, plugin_option
from lstm_bench.errors import unknown
from lstm_bench.registry import load_plugins


@cli.command(name="list")
@click.argument("kind", type=str, required=False)
@plugin_option
def list_(kind: str | None, plugin: tuple[str, ...]) -> None:
    """List tasks, cells and experiments, or one KIND of them."""
    load_plugins(plugin)
    from lstm_bench.catalogue import catalogue, first_line

    known = catalogue()
    if kind is not None and kind not in known:
        raise unknown("kind", kind, known)
    shown = [kind] if kind else list(known)
    width = max(len(name) for each in shown for name in known[each])
    for each in shown:
        click.secho(each, bold=True)
        for name, cls in known[each].items():
            click.echo(f"  {name:{width}} {first_line(cls)}")


@cli.command()
@click.argument("name")
@plugin_option
def show(name: str, plugin: tuple[str, ...]) -> None:
    """All there is to know of a task, a cell or an experiment."""
    load_plugins(plugin)
    from lstm_bench.catalogue import page

    click.echo(page(name))


@cli.command()
@click.option("--folder", type=click.Path(file_okay=False), default="docs", show_default=True)
@plugin_option
def gallery(folder: str, plugin: tuple[str, ...]) -> None:
    """Draw one sample of every task to gallery.png and gallery.svg."""
    load_plugins(plugin)
    from lstm_bench.plotting.gallery import write_gallery

    Path(folder).mkdir(parents=True, exist_ok=True)
    for path in write_gallery(Path(folder)):
        click.echo(path)


@cli.command()
@click.option("--folder", type=click.Path(file_okay=False), default="docs", show_default=True)
@plugin_option
def overview(folder: str, plugin: tuple[str, ...]) -> None:
    """Write catalogue.md, one line for every task and every cell."""
    load_plugins(plugin)
    from lstm_bench.catalogue.overview import write_overview

    Path(folder).mkdir(parents=True, exist_ok=True)
    click.echo(write_overview(Path(folder)))
