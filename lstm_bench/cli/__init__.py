"""`lstm-bench`: the catalogue, checks, one training, a sweep from outside."""

from __future__ import annotations

import sys

import click

from lstm_bench.cli import (  # noqa: F401 (each adds its commands)
    catalogue,
    check,
    data,
    declare,
    networks,
    profile,
    sweep,
    train,
)
from lstm_bench.cli.group import cli
from lstm_bench.environment import isolate
from lstm_bench.errors import BenchError


def main() -> None:
    """One sentence for wrong input, exit code 1; click's own usage errors keep their code 2."""
    isolate()
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
