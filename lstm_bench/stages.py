"""`python -m lstm_bench.stages`: the steps of the workflow, one command a rule.

Bad input and damaged files end in one sentence and exit code 1; a fault of the suite keeps its
traceback. Where the sweep has a fork server a step works in a child of it: half of its time went
into importing pandas, SciPy and matplotlib.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import click

from lstm_bench.errors import BenchError, tell
from lstm_bench.jobs import forkserver, supervision
from lstm_bench.registry import load_plugins
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from lstm_bench.store.signatures import sign

plan_option = click.option(
    "--plan", "plan_path", type=Path, required=True, envvar="LSTM_BENCH_PLAN"
)
plugin_option = click.option(
    "--plugin",
    type=click.Path(),
    multiple=True,
    expose_value=False,
    envvar="LSTM_BENCH_PLUGINS",
    callback=lambda context, option, paths: load_plugins(paths),
)


@click.group()
def stages() -> None:
    """The steps of the workflow."""


@stages.command()
@plugin_option
@plan_option
@click.argument("experiment")
@click.option("--output", type=Path, required=True)
def probe(plan_path: Path, experiment: str, output: Path) -> None:
    """Measure with torch what an experiment's plan asks for."""
    import importlib

    from lstm_bench.store.tables import write_table

    entry = Plan.read(plan_path).experiments[experiment]
    module = importlib.import_module(f"lstm_bench.probes.{entry.probe}")
    rows = []
    for row in module.measure(entry.probe_settings):
        click.echo({name: value for name, value in row.items() if not isinstance(value, list)})
        rows.append(row)
    write_table(output, rows)


@stages.command()
@plugin_option
@plan_option
@click.argument("experiment")
def conclude(plan_path: Path, experiment: str) -> None:
    """Table, summary and verdict of an experiment."""
    from lstm_bench.experiments.run import conclude as run

    plan, results = Plan.read(plan_path), Results()
    click.echo(run(plan, experiment, results))
    sign(plan, results, experiment, "conclude")


@stages.command()
@plugin_option
@plan_option
@click.argument("experiment")
def draw(plan_path: Path, experiment: str) -> None:
    """The figure of an experiment."""
    from lstm_bench.experiments.run import draw as run

    plan, results = Plan.read(plan_path), Results()
    click.echo(run(plan, experiment, results))
    sign(plan, results, experiment, "draw")


@stages.command()
@plugin_option
@plan_option
@click.argument("row")
def table(plan_path: Path, row: str) -> None:
    """A published table: the paper's numbers and ours."""
    from lstm_bench.published.run import conclude as run

    click.echo(run(Plan.read(plan_path), row, Results()))


@stages.command(name="tables")
@plan_option
def tables_(plan_path: Path) -> None:
    """The page with every published table."""
    from lstm_bench.report.published import write_tables

    click.echo(write_tables(Plan.read(plan_path), Results()))


@stages.command()
@plugin_option
@plan_option
def judge(plan_path: Path) -> None:
    """The verdict on every claim."""
    from lstm_bench.claims.run import judge as run

    click.echo(run(Plan.read(plan_path), Results()))


@stages.command()
@plan_option
def freeze(plan_path: Path) -> None:
    """Write the learning rates that tuning chose into the file the config names last."""
    from lstm_bench.planning.freeze import freeze as run

    click.echo(run(Plan.read(plan_path), Results()))


@stages.command()
@plugin_option
@plan_option
@click.option("--stamp", type=Path, required=True)
def track(plan_path: Path, stamp: Path) -> None:
    """Import what is stored into MLflow."""
    from lstm_bench.store.files import write_json
    from lstm_bench.tracking.importer import track as run

    tally = run(Plan.read(plan_path), Results(), tries=3)
    click.echo(tally)
    write_json(stamp, {"runs": tally.added + tally.replaced + tally.unchanged})


@stages.command()
@plugin_option
@plan_option
@click.option("--output", type=Path, required=True)
@click.option("--explorer", type=Path, required=True)
def report(plan_path: Path, output: Path, explorer: Path) -> None:
    """Write the report and the explorer beside it."""
    from lstm_bench.report.explorer import write_explorer
    from lstm_bench.report.page import write_report

    plan, results = Plan.read(plan_path), Results()
    write_report(plan, results, output)
    write_explorer(plan, results, explorer)


@stages.command()
@plugin_option
@plan_option
def card(plan_path: Path) -> None:
    """Write the memory card of the sweep's first cell."""
    from lstm_bench.report.card.page import write_card

    click.echo(write_card(Plan.read(plan_path), Results()))


def warm() -> None:
    """What most of them import. Not MLflow, which starts threads: a fork would lose them."""
    from lstm_bench.claims import run  # noqa: F401
    from lstm_bench.experiments.base import registry
    from lstm_bench.plotting import render  # noqa: F401
    from lstm_bench.plotting.style import paper_style
    from lstm_bench.report import page  # noqa: F401

    registry()
    with paper_style():
        pass


def work(arguments: list[str]) -> int:
    """Run one stage in this process; returns its exit code."""
    # those that a child is forked with blocked, until it can answer: they end a stage
    signal.pthread_sigmask(signal.SIG_UNBLOCK, supervision.PASSED_ON)
    try:
        stages(arguments, prog_name="python -m lstm_bench.stages", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BenchError as error:
        tell(error)
        return 1
    return 0


def main() -> int:
    """Run one stage, in a child of the sweep's fork server where there is one."""
    if not os.environ.get(forkserver.VARIABLE):
        return work(sys.argv[1:])
    code = supervision.supervise("lstm_bench.stages", work, sys.argv[1:], held=())
    if code == -signal.SIGKILL:
        told = "the process of this step, or the sweep's fork server, was killed: it is done again"
        print(told, file=sys.stderr, flush=True)
        os.environ.pop(forkserver.VARIABLE)
        os.execv(sys.executable, [sys.executable, "-m", "lstm_bench.stages", *sys.argv[1:]])
    return code if code >= 0 else 128 - code  # as a shell says that a signal ended it


if __name__ == "__main__":
    supervision.leave(main())
