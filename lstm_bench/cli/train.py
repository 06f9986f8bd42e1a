"""One training from the shell: every training option, the tuned rate, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from lstm_bench.cli.group import cli, plugin_option
from lstm_bench.errors import BenchError
from lstm_bench.references import is_reference
from lstm_bench.spec import Training

if TYPE_CHECKING:
    from lstm_bench.spec import Condition

HELP = {
    "updates": "Budget of updates.",
    "batch": "Sequences an update.",
    "evaluate_every": "Most updates between evaluations on validation.",
    "evaluate_first": "Updates between the first of them.",
    "optimiser": "adam, rmsprop or sgd.",
    "learning_rate": "Without it: the tuned rate of the pair, where config.yaml names one.",
    "momentum": "Of sgd.",
    "clip": "norm, value or none.",
    "clip_at": "Where the gradient is clipped.",
    "futility_after": "Share of the budget from which a replicate at the chance loss is stopped.",
    "futility_margin": "Share of the way from chance loss to perfect that counts as no way.",
    "train_size": "Sequences of a finite training set; without it fresh ones are drawn.",
    "validation_size": "Sequences that stopping reads.",
    "confirmation_size": "Fresh sequences that must agree before a replicate counts as solved.",
    "test_size": "Sequences read once, at the end.",
    "reduction": "mean, or sum: half the summed squared error.",
    "truncate": "Steps between cuts of the gradient; without it none.",
    "carry": "With --truncate: whether the state passes a cut.",
    "recompute": "Memory as sqrt(T) for twice the forward pass.",
    "train_distinct": "How many sequences of a finite training set differ.",
    "weight_decay": "Decoupled weight decay.",
    "stop": "solved, or budget: train to the end.",
    "keep": "last, or best: the weights of the lowest validation loss.",
    "curriculum": "A length trained before, in rising order; give it once for each.",
    "gradient_decay": "Sets the norm of dL/dh to fall by this factor a step; 1 keeps it.",
    "stateful": "Hand the state on from batch to batch, along a series or text.",
}
COLUMNS = ["seed", "status", "reason", "updates_to_solve", "best_validation_loss", "test_score"]


def pairs(_: Any, __: Any, values: tuple[str, ...]) -> dict[str, object]:
    """A click callback: name=value texts as a mapping, each value as YAML has it."""
    from lstm_bench.store.yamls import parse_yaml

    found = {}
    for value in values:
        key, equals, text = value.partition("=")
        if not equals:
            raise BenchError(f"{value!r} is not allowed; give options as name=value.")
        found[key] = parse_yaml(text, key)
    return found


def training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """An option for every field of `Training`, with its default and its type."""
    for each in reversed(fields(Training)):
        default = None if each.name == "learning_rate" else each.default
        flag = "--" + each.name.replace("_", "-")
        several = isinstance(each.default, tuple)
        if isinstance(each.default, bool):
            flag = f"{flag}/--no-{flag[2:]}"
            kind: Any = bool
        else:
            words = str(each.type).replace("tuple[", "").split(" ")[0].strip(",]")
            kind = {"int": int, "float": float, "str": str}[words]
        option = click.option(
            flag,
            each.name,
            type=kind,
            multiple=several,
            default=default,
            show_default=not several,
            help=HELP[each.name],
        )
        command = option(command)
    return command


@cli.command()
@click.argument("task")
@click.argument("cell")
@click.option("--T", "T", type=int, required=True, help="Sequence length.")
@click.option("--replicates", type=int, default=5, show_default=True)
@click.option("--first-seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--width", type=int, default=32, show_default=True)
@click.option("--task-option", "task_options", multiple=True, callback=pairs, help="name=value")
@click.option("--cell-option", "cell_options", multiple=True, callback=pairs, help="name=value")
@click.option("--network-option", "network", multiple=True, callback=pairs, help="name=value")
@training_options
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto")
@plugin_option
def train(task: str, cell: str, T: int, plugin: tuple[str, ...], **options: Any) -> None:
    """Train CELL on TASK: one condition, with the same files as in a sweep.

    CELL is a name of the catalogue, or a module of torch: package.module:Name or file.py:Name.
    """
    from lstm_bench import cells
    from lstm_bench.registry import load_plugins
    from lstm_bench.training.api import make_condition
    from lstm_bench.training.api import train as run

    load_plugins(plugin)
    if is_reference(cell):
        made: Any = cells.create(cell, options["cell_options"])
        click.echo(f"{made.name} is taken as {made.call}")
    for each in fields(Training):
        if not _said(each.name):  # the default of the training, or of a task that has its own
            del options[each.name]
    asked = {key: options.pop(key) for key in ("replicates", "first_seed", "device")}
    if "learning_rate" not in options:
        options["learning_rate"] = _tuned(make_condition(task, cell, T, **options))
    trained = run(task, cell, T, **asked, **options)
    click.echo(trained.replicates[COLUMNS].to_string(index=False))
    click.echo(f"\n{trained.diagnosis}")
    click.echo(f"\n{trained.folders[0].parent}")


def _said(option: str) -> bool:
    """Whether an option of this command was given, and is not its default."""
    return click.get_current_context().get_parameter_source(option) is ParameterSource.COMMANDLINE


def _tuned(condition: Condition) -> float:
    """The rate frozen for this pair, or the default; says which."""
    from lstm_bench.store.rates import read_rates
    from lstm_bench.store.yamls import read_yaml
    from lstm_bench.sweep import Choice, nearest_rate

    task = Choice(condition.task, condition.task_options).key
    own = {"network": condition.network} if condition.network else {}
    cell = Choice(condition.cell, condition.cell_options, own=own).key
    config = read_yaml(Path("config.yaml")) if Path("config.yaml").exists() else {}
    tuned = read_rates(config or {}).chosen.get((task, cell))
    if tuned is None:
        rate = Training.learning_rate
        why = f"the default: none is tuned here for {cell} on {task}"
    else:
        rate = nearest_rate(tuned, condition.T)
        why = f"tuned for {cell} on {task}; --learning-rate gives another"
    click.echo(f"learning rate {rate:g} ({why})")
    return rate or Training.learning_rate
