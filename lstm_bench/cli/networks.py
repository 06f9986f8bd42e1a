"""Figures of what was trained: the gates of a sequence, learning curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lstm_bench.cli.group import cli, plugin_option
from lstm_bench.registry import load_plugins

if TYPE_CHECKING:
    from lstm_bench.training.trained_network import TrainedNetwork


@cli.command()
@click.argument("run")
@click.option("--seed", type=click.IntRange(0), help="Without it: the first seed.")
@click.option("--sequence", type=click.IntRange(0), default=0, show_default=True)
@click.option("--T", "T", type=int, help="Length of the sequence. Without it: as trained.")
@click.option("--output", type=click.Path(dir_okay=False), help="A .png, .svg or .pdf.")
@plugin_option
def gates(
    run: str,
    seed: int | None,
    sequence: int,
    T: int | None,
    output: str | None,
    plugin: tuple[str, ...],
) -> None:
    """Draw every gate of a trained network in one held-out sequence, unit by unit.

    RUN is the name of a folder of results/runs or its beginning, a .safetensors file, or runs:/ID
    of a replicate in MLflow.
    """
    load_plugins(plugin)
    from lstm_bench.plotting.gates import gates_figure
    from lstm_bench.plotting.style import paper_style, write_figure

    net = _network(run, seed)
    batch = net.sample(sequence + 1, T).rows([sequence])
    opened = {name: values[0] for name, values in net.gates(batch.inputs).items()}
    length = "" if T in (None, net.condition.T) else f" of length {T}"
    title = f"{net}: every gate in held-out sequence {sequence}{length}"
    title += f" (loss {net.evaluate(batch)[0]:.3g})"
    with paper_style():
        figure = gates_figure(title, net.task, batch, opened)
        suffix = "elsewhere" if net.seed is None else f"seed-{net.seed}"
        click.echo(write_figure(figure, output or f"gates-{net.condition.id}-{suffix}.png"))


def _network(run: str, seed: int | None) -> TrainedNetwork:
    if run.startswith("runs:/") or run.endswith(".safetensors"):
        from lstm_bench.tracking.networks import load_network

        return load_network(run, seed)
    from lstm_bench.training.load import find_run

    trained = find_run(run)
    return trained.replicate(trained.seeds[0] if seed is None else seed)


@cli.command()
@click.argument("runs", nargs=-1, required=True)
@click.option("--output", type=click.Path(dir_okay=False), help="A .png, .svg or .pdf.")
@plugin_option
def plot(runs: tuple[str, ...], output: str | None, plugin: tuple[str, ...]) -> None:
    """Draw the learning curves of one run, or of several beside each other.

    RUNS are names of folders of results/runs, or their beginnings.
    """
    load_plugins(plugin)
    from lstm_bench import tasks
    from lstm_bench.plotting.curves import Curve, curves_figure
    from lstm_bench.plotting.palette import cell_places
    from lstm_bench.plotting.style import paper_style, write_figure
    from lstm_bench.training.load import find_run

    found = [find_run(run) for run in dict.fromkeys(runs)]
    conditions = [trained.condition for trained in found]
    cells = [c.cell for c in conditions]
    alone = len(set(cells)) == len(cells)
    places = [cell_places(cells)[c] for c in cells] if alone else range(len(cells))
    drawn = []
    for place, trained in zip(places, found):
        c = trained.condition
        task = tasks.create(c.task, c.task_options)
        label = c.cell if alone and len(found) > 1 else c.id
        curve = Curve(
            label, place, trained.replicates, trained.curves, task.score_name, task.solved_score
        )
        drawn.append(curve)
    where = dict.fromkeys(f"{c.task}, T = {c.T}" for c in conditions)
    with paper_style():
        figure = curves_figure(f"Learning curves on {'; '.join(where)}: a line a replicate", drawn)
        click.echo(write_figure(figure, output or f"curves-{conditions[0].id}.png"))
