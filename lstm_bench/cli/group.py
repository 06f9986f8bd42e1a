"""The command group, and the options that several commands take."""

from __future__ import annotations

import subprocess
import sys

import click

plugin_option = click.option(
    "--plugin",
    multiple=True,
    type=str,
    help="A file that defines cells or tasks; may be given again.",
)
config_option = click.option(
    "--configfile",
    multiple=True,
    type=str,
    help="An overlay, as for snakemake; may be given again. Without it: the config last run.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="lstm-bench")
def cli() -> None:
    """What recurrent networks can remember, settled by experiments anyone can re-run."""


def run_snakemake(*arguments: str) -> int:
    """Snakemake of this environment, in the present folder; its exit code."""
    return subprocess.run([sys.executable, "-m", "snakemake", *arguments]).returncode
