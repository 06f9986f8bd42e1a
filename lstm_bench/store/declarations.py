"""docs/declarations.md: what verdicts were to rest on, a line each, written before it ran."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

from lstm_bench.errors import BenchError

DECLARATIONS = Path("docs/declarations.md")
_LINE = re.compile(r"\| (\d+) \| (\S+) \| `([0-9a-f]+)` \| (\d+) \| (.+?) \| (\S+) \|")


@dataclass(frozen=True)
class Declaration:
    """A line of the file.

    digest       of all that verdicts read (`planning.declare`)
    first_seed   which follows from the digest
    config       the config files, joined by ` + `
    package      the version of lstm_bench
    """

    number: int
    date: str
    digest: str
    first_seed: int
    config: str
    package: str

    @property
    def line(self) -> str:
        number, date, digest, first_seed, config, package = astuple(self)
        return f"| {number} | {date} | `{digest}` | {first_seed} | {config} | {package} |"


def declarations(path: Path = DECLARATIONS) -> list[Declaration]:
    """The lines of the file in their order; none where there is no such file."""
    if not path.exists():
        return []
    return list(_lines(path.read_text(encoding="utf-8")))


def _lines(text: str) -> Iterator[Declaration]:
    for line in text.splitlines():
        if match := _LINE.fullmatch(line.strip()):
            number, date, digest, first_seed, config, package = match.groups()
            yield Declaration(int(number), date, digest, int(first_seed), config, package)


def declare(made: Declaration, path: Path = DECLARATIONS) -> None:
    """Add a line at the end of the table. Raises BenchError where the file is not there."""
    if not path.exists():
        raise BenchError(f"{path} is not there; run this where config.yaml and the Snakefile are.")
    lines = path.read_text(encoding="utf-8").rstrip("\n").splitlines()
    rows = [place for place, line in enumerate(lines, start=1) if line.startswith("| ")]
    lines.insert(rows[-1] if rows else len(lines), made.line)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
