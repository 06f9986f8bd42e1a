"""A sweep from outside: its state, its files, what it will take, its runs in MLflow."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import click

from lstm_bench.cli.group import cli, config_option
from lstm_bench.data import named_in, register
from lstm_bench.errors import unknown
from lstm_bench.planning.ensure import again, ensure_plan
from lstm_bench.planning.overlays import inherited, merged, read_layers
from lstm_bench.registry import load_plugins
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan

MOST_SINGLE = 20  # trainings of their own that `status` lists


def _plan(configfile: Iterable[str], results: Results) -> Plan:
    """The plan of config.yaml with these overlays, or that last run; it says which."""
    plan = _planned(configfile) if configfile else Plan.last_run(results)
    click.echo(f"config       {plan.named(results)}")
    return plan


def _planned(configfile: Iterable[str]) -> Plan:
    layers = read_layers(["config.yaml", *configfile])
    return ensure_plan(merged(layers), Path(), inherited(layers))


@cli.command()
@click.option(
    "--experiment",
    "experiments",
    multiple=True,
    help="One experiment, tuning for one; may be given again. Without it: those of the config.",
)
@config_option
def status(experiments: tuple[str, ...], configfile: tuple[str, ...]) -> None:
    """Seed blocks done, running and waiting; how replicates ended; what failed and why.

    Of the config last run, and of every run of lstm-bench train beside it.
    """
    from lstm_bench.store.ladders import not_tried, rungs_not_tried
    from lstm_bench.store.status import others, singles, status_of
    from lstm_bench.tracking.known import every_plan, plan_of

    results = Results()
    alone = not configfile and not results.plans()
    plan = plan_of(results) if alone else _plan(configfile, results)
    by_hand = singles(every_plan(plan, results), results)
    if alone:
        click.echo("config       none: no sweep was run here")
    for name in experiments:
        if name not in plan.experiments:
            raise unknown("experiment", name, plan.experiments)
    pairs = plan.blocks(experiments or plan.asked)
    skipped = not_tried(plan, results, pairs)
    of_rungs = rungs_not_tried(plan, skipped)
    pairs = [pair for pair in pairs if pair in of_rungs or pair not in skipped]
    found = status_of(pairs, results, of_rungs)
    if not alone:
        click.echo(f"seed blocks  {sum(found.blocks.values())}: " + _told(found.blocks))
        click.echo(f"replicates   {sum(found.replicates.values())}: " + _told(found.replicates))
    if elsewhere := others(plan, results, by_hand):
        click.echo(f"beside them  {elsewhere} seed blocks of other configs")
    lines = {"running": found.running, "failed": found.failures}
    for place, (id, blocks) in enumerate(by_hand.items()):
        one = status_of([(id, block) for block in blocks], results)
        states = one.replicates + Counter({k: n for k, n in one.blocks.items() if k != "done"})
        if place < MOST_SINGLE:
            click.echo(f"single       {id}: {_told(states)}")
        lines["running"] += one.running
        lines["failed"] += one.failures
    if len(by_hand) > MOST_SINGLE:
        click.echo(f"single       and {len(by_hand) - MOST_SINGLE} more: lstm_bench.load() has all")
    for title, told in lines.items():
        for line in told:
            click.echo(f"{title:12} {line}")


@cli.command()
@click.option(
    "--status",
    "statuses",
    default="error,timeout",
    show_default=True,
    help="How a replicate ended, or stale: trained by other code. Several with commas.",
)
@config_option
def retry(statuses: str, configfile: tuple[str, ...]) -> None:
    """Forget the seed blocks that ended so: the next snakemake trains them again."""
    from lstm_bench.store.verify import FINAL, STALE, forget

    wanted = [word.strip() for word in statuses.split(",")]
    for word in wanted:
        if word not in FINAL:
            raise unknown("status", word, FINAL)
    results = Results()
    plan = _plan(configfile, results)
    plan = again(plan, Path()) if STALE in wanted else plan
    found = forget(plan, results, wanted)
    for line in found:
        click.echo(line)
    click.echo(f"{len(found)} forgotten" + "; run snakemake again." * bool(found))


@cli.command()
@click.option("--remove", is_flag=True, help="Delete what is damaged, to be made again.")
def verify(remove: bool) -> None:
    """Read every stored file back and name what does not match its checksum."""
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
    from lstm_bench.training.calibration import update_seconds

    plan = _planned(configfile)
    load_plugins(plan.config["plugins"])
    for file in named_in(plan.config):
        register(file)
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
@config_option
def track(configfile: tuple[str, ...]) -> None:
    """Import what is finished into MLflow, once; after `rm results/mlflow.db`, all of it again."""
    from lstm_bench.tracking.importer import track_all

    results = Results()
    for tally in track_all(_tracked(configfile, results), results):
        click.echo(tally)


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=5000, show_default=True)
@click.option("--open/--no-open", "open_browser", default=False, help="Open a browser.")
@config_option
def ui(host: str, port: int, open_browser: bool, configfile: tuple[str, ...]) -> None:
    """Open MLflow's UI and go on importing what finishes while it is open."""
    from lstm_bench.tracking.ui import serve

    plan = _tracked(configfile, Results())
    chosen = plan if configfile else None  # without one: whichever is last run by then
    serve(Path(), host=host, port=port, open_browser=open_browser, chosen=chosen)


def _tracked(configfile: Iterable[str], results: Results) -> Plan:
    """The plan whose experiments stand first in MLflow; single trainings alone have none."""
    from lstm_bench.tracking.known import plan_of

    alone = not configfile and not results.plans()
    return plan_of(results) if alone else _plan(configfile, results)
