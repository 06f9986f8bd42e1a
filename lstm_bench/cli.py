"""`lstm-bench`: the catalogue, one training from the shell, the state of a sweep, the MLflow UI."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from lstm_bench.errors import BenchError, unknown
from lstm_bench.registry import load_plugins

plugin_option = click.option(
    "--plugin",
    multiple=True,
    type=str,
    help="A file that defines cells or tasks; may be given again.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="lstm-bench")
def cli() -> None:
    """What recurrent networks can remember, settled by experiments anyone can re-run."""


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


def _pairs(_: Any, __: Any, values: tuple[str, ...]) -> dict[str, Any]:
    from lstm_bench.store.yamls import parse_yaml

    pairs = {}
    for value in values:
        key, equals, text = value.partition("=")
        if not equals:
            raise BenchError(f"{value!r} is not allowed; give options as name=value.")
        pairs[key] = parse_yaml(text, key)
    return pairs


@cli.command()
@click.argument("task")
@click.argument("cell")
@click.option("--T", "T", type=int, required=True, help="Sequence length.")
@click.option("--replicates", type=int, default=5, show_default=True)
@click.option("--first-seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--width", type=int, default=32, show_default=True)
@click.option("--updates", type=click.IntRange(1), default=2000, show_default=True)
@click.option("--batch", type=click.IntRange(1), default=32, show_default=True)
@click.option("--learning-rate", type=float, default=0.003, show_default=True)
@click.option("--task-option", multiple=True, callback=_pairs, help="name=value")
@click.option("--cell-option", multiple=True, callback=_pairs, help="name=value")
@click.option("--network-option", multiple=True, callback=_pairs, help="name=value")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto")
@plugin_option
def train(task: str, cell: str, T: int, plugin: tuple[str, ...], **options: Any) -> None:
    """Train CELL on TASK: one condition, with the same files as in a sweep."""
    from lstm_bench.training.api import train as run

    renamed = {"task_option": "task_options", "cell_option": "cell_options"}
    renamed["network_option"] = "network"
    chosen = {renamed.get(key, key): value for key, value in options.items()}
    trained = run(task, cell, T, plugins=plugin, **chosen)
    columns = ["seed", "status", "reason", "updates_to_solve", "validation_score", "test_score"]
    click.echo(trained.replicates[columns].to_string(index=False))
    click.echo(f"\n{trained.folders[0].parent}")


@cli.command()
def status() -> None:
    """Seed blocks done, running and waiting; how replicates ended; what failed and why."""
    from lstm_bench.store.paths import Results
    from lstm_bench.store.plans import Plan
    from lstm_bench.store.status import status as read

    results = Results()
    found = read(Plan.newest(results), results)
    total = sum(found.blocks.values())
    click.echo(f"seed blocks  {total}: " + _told(found.blocks))
    click.echo(f"replicates   {sum(found.replicates.values())}: " + _told(found.replicates))
    for title, lines in (("running", found.running), ("failed", found.failures)):
        for line in lines:
            click.echo(f"{title:12} {line}")


@cli.command()
@click.option(
    "--status",
    "statuses",
    default="error,timeout",
    show_default=True,
    help="How a replicate ended, or stale: trained by other code. Several with commas.",
)
def retry(statuses: str) -> None:
    """Forget the seed blocks that ended so: the next snakemake trains them again."""
    from lstm_bench.store.paths import Results
    from lstm_bench.store.plans import Plan
    from lstm_bench.store.verify import FINAL, forget

    wanted = [word.strip() for word in statuses.split(",")]
    for word in wanted:
        if word not in FINAL:
            raise unknown("status", word, FINAL)
    results = Results()
    found = forget(Plan.newest(results), results, wanted)
    for line in found:
        click.echo(line)
    click.echo(f"{len(found)} seed blocks forgotten" + "; run snakemake again." * bool(found))


@cli.command()
@click.option(
    "--remove",
    is_flag=True,
    help="Delete what is damaged, to be made again; datasets are drawn again at once.",
)
def verify(remove: bool) -> None:
    """Read every stored file back and name what does not match its checksum."""
    from lstm_bench.store.paths import Results
    from lstm_bench.store.plans import Plan
    from lstm_bench.store.verify import remove as delete
    from lstm_bench.store.verify import verify as read

    results, count, faults = Results(), 0, {}
    for path, fault in read(results):
        count += 1
        if fault is not None:
            faults[path] = fault
            click.echo(fault)
    if remove and faults:
        whole = [path for path in results.plans() if path not in faults]
        plan = Plan.read(whole[-1]) if whole else None
        load_plugins(plan.config["plugins"] if plan else ())
        for path in faults:
            delete(path, results, plan)
    told = "removed; run snakemake again" if remove and faults else "damaged"
    click.echo(f"{count} files read, {len(faults)} {told}")
    sys.exit(1 if faults and not remove else 0)


def _told(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "none yet"


@cli.command()
@click.option("--configfile", multiple=True, type=str, help="An overlay, as for snakemake.")
def estimate(configfile: tuple[str, ...]) -> None:
    """What the sweep in this folder will take: trainings measured here for ten seconds."""
    from lstm_bench.planning.forecast import forecast, told
    from lstm_bench.planning.overlays import merged
    from lstm_bench.store.paths import Results
    from lstm_bench.store.plans import ensure_plan
    from lstm_bench.training.calibration import update_seconds

    plan = ensure_plan(merged(["config.yaml", *configfile]), Path())
    load_plugins(plan.config["plugins"])
    click.echo(told(forecast(plan, Results(), update_seconds)))


@cli.command()
@click.option("--minutes", type=click.IntRange(1), default=20, show_default=True)
def packing(minutes: int) -> None:
    """How many seed blocks make a cluster's job of so many MINUTES: lines for profiles/slurm."""
    from lstm_bench.planning.packing import components

    click.echo("group-components:")
    for group, blocks in components(minutes).items():
        click.echo(f"  - {group}={blocks}")


@cli.command()
def track() -> None:
    """Import what is finished into MLflow, once; after `rm results/mlflow.db`, all of it again."""
    from lstm_bench.store.paths import Results
    from lstm_bench.tracking.importer import track_all
    from lstm_bench.tracking.known import plan_of

    results = Results()
    for tally in track_all(plan_of(results), results):
        click.echo(tally)


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=5000, show_default=True)
@click.option("--open/--no-open", "open_browser", default=False, help="Open a browser.")
def ui(host: str, port: int, open_browser: bool) -> None:
    """Open MLflow's UI and go on importing what finishes while it is open."""
    from lstm_bench.tracking.ui import serve

    serve(Path(), host=host, port=port, open_browser=open_browser)


def main() -> None:
    """One sentence for wrong input, exit code 1; click's own usage errors keep their code 2."""
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BenchError as error:
        click.echo(f"lstm-bench: {error}", err=True)
        sys.exit(1)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)


if __name__ == "__main__":
    main()
