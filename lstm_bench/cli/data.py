"""Data of one's own: the task of a file, written as a config, and the sweep that answers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
import yaml

from lstm_bench.cli.group import cli, run_snakemake
from lstm_bench.cli.train import pairs
from lstm_bench.errors import BenchError
from lstm_bench.planning.overlays import read_layers
from lstm_bench.spec import Training

if TYPE_CHECKING:
    from lstm_bench.tasks import Task
    from lstm_bench.tasks.in_order import InOrder

PRESET = "workflow/presets/data.yaml"
MADE = "# Made by `lstm-bench data`.\n"
PIECES = 8  # of T rows, that a sequence of a batch has where its state is carried
KINDS = {".txt": "text", ".md": "text", ".npz": "labelled"}  # any other ending: a series
PAGE = "results/report/index.html"


@cli.command()
@click.argument("file", type=click.Path())
@click.option("--task", help="series, labelled, text or pairs; else by the ending of FILE.")
@click.option("--target", help="Of a series: the column that is forecast.")
@click.option("--time", help="Of a series: the column of times, for order and gaps.")
@click.option("--horizon", type=int, help="Of a series: rows ahead.")
@click.option("--window", type=int, help="Rows or characters that a network reads; without it 32.")
@click.option(
    "--task-option", "options", multiple=True, callback=pairs, help="name=value, of any option."
)
@click.option(
    "--stateful", is_flag=True, help="Also LSTM and GRU with their state carried along the file."
)
@click.option("--cores", type=click.IntRange(1), default=2, show_default=True)
@click.option("--run/--no-run", default=True, show_default=True, help="Start it, or write it only.")
def data(
    file: str, task: str | None, window: int | None, options: dict[str, Any], **given: Any
) -> None:
    """Which cell for FILE: trains some, beside simple baselines, and writes the report.

    The config is written to FILE's name with the ending .data.yaml, to be edited and run again with
    snakemake.
    """
    from lstm_bench import tasks
    from lstm_bench.tasks.from_file import FromFile
    from lstm_bench.tasks.in_order import in_order

    cores, run, stateful = (given.pop(name) for name in ("cores", "run", "stateful"))
    name = task or KINDS.get(Path(file).suffix.lower(), "series")
    own = {key: value for key, value in given.items() if value is not None}
    entry = {"file": file, **own, **options}
    made = tasks.create(name, entry)
    if not isinstance(made, FromFile):
        raise BenchError(
            f"--task: {name!r} is not allowed; it must be series, labelled, text or pairs."
        )
    T = made.usual_length if window is None else window
    made.require(T)
    config: dict[str, Any] = {"tasks": [{"task": name, **entry}], "lengths": [T]}
    if made.reads_tokens:
        config["data"] = {"parameters": _parameters(made)}
    *_, (_, preset) = read_layers(["config.yaml", PRESET])  # which says where this must be run
    if stateful:
        config["cells"] = [*cast("list[object]", preset["cells"]), *_carried(in_order(made), T)]
    written = Path(f"{Path(file).stem}.data.yaml")
    if written.exists() and not written.read_text(encoding="utf-8").startswith(MADE):
        raise BenchError(f"{written} is there and was not made by this command; move it away.")
    text = yaml.safe_dump(config, sort_keys=False)
    written.write_text(MADE + text, encoding="utf-8")
    command = ["--cores", str(cores), "--configfile", PRESET, str(written), "--", PAGE]
    click.echo(f"snakemake {' '.join(command)}")
    if not run:
        return
    if code := run_snakemake(*command):
        sys.exit(code)
    click.echo(_answer())


def _carried(task: InOrder, T: int) -> list[dict[str, object]]:
    """Cells whose state is carried along the file, over `PIECES` batches at least."""
    pieces = len(task.pieces(T, "train")[0])
    batch = max(min(Training.batch, pieces // PIECES), 1)
    task.require_streams(T, batch)
    training = {"stateful": True, "batch": batch}
    return [
        {"cell": name, "label": f"{name} (state carried)", "training": training}
        for name in ("lstm", "gru")
    ]


def _parameters(task: Task) -> int:
    """Those of an LSTM with 64 units, embedding and readout of every token counted.

    The usual number would leave nothing for the cell beside a vocabulary.
    """
    from lstm_bench import cells
    from lstm_bench.engine.network import Network
    from lstm_bench.engine.network_options import NetworkOptions

    return Network.on(task, cells.create("lstm"), 64, NetworkOptions()).parameters


def _answer() -> str:
    """What the experiment concluded, and where the page is."""
    from lstm_bench.store.checksums import read_checked_json
    from lstm_bench.store.paths import Results

    folder = Results().experiment("data")
    return f"{read_checked_json(folder / 'verdict.json')['answer']}\n{PAGE}"
