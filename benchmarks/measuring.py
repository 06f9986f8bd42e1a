"""What the benchmarks share: seconds of commands, tables in markdown, and their place on a page."""

from __future__ import annotations

import datetime
import os
import platform
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lstm_bench.speed.quiet import busy_seconds

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Spent:
    """Seconds on the clock, on processors by the commands, and on processors by all others."""

    wall: float
    cpu: float
    others: float | None

    def plus(self, cpu: float) -> Spent:
        """With processor seconds of processes that were taken for others'."""
        others = None if self.others is None else max(self.others - cpu, 0.0)
        return Spent(self.wall, self.cpu + cpu, others)


class Stopwatch:
    """Measures the processes that were started, and have ended, inside `with`."""

    def __enter__(self) -> Stopwatch:
        self._at = (time.perf_counter(), _children(), busy_seconds())
        return self

    def __exit__(self, *_: object) -> None:
        wall, cpu, busy = self._at
        cpu = _children() - cpu
        now = busy_seconds()
        others = None if busy is None or now is None else max(now - busy - cpu, 0.0)
        self.spent = Spent(time.perf_counter() - wall, cpu, others)


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run(command: list[str], **options: Any) -> str:
    """Standard output of a command on one thread. Raises SystemExit with its last lines."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, encoding="utf-8", capture_output=True, env=environment, **options
    )
    if done.returncode:
        shown = (done.stdout + done.stderr)[-2000:]
        raise SystemExit(f"{' '.join(command)[:200]} failed:\n{shown}")
    return done.stdout


def side_by_side(commands: Iterable[list[str]], cores: int) -> list[str]:
    """Their outputs, with at most so many at a time."""
    with ThreadPoolExecutor(cores) as pool:
        return list(pool.map(run, commands))


def markdown(rows: Iterable[Mapping[str, Any]]) -> str:
    """A table; the first row's keys are its head, and a missing value is a dash."""
    rows = [dict(row) for row in rows]
    if not rows:
        return "(nothing was measured)"
    head = list(dict.fromkeys(key for row in rows for key in row))
    lines = [head, ["---"] * len(head)]
    lines += [[_shown(row.get(key)) for key in head] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _shown(value: Any) -> str:
    if value is None or value != value:
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def heading(disturbance: str) -> str:
    """When, where, on which code, and how quiet it was: above every table."""
    from lstm_bench.training.machine import about_machine

    about = about_machine()
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, encoding="utf-8", capture_output=True
    ).stdout.strip()
    command = " ".join(["python", *_relative(sys.orig_argv[1:])])
    return (
        f"{datetime.date.today()}, {about['processor']} ({os.cpu_count()} cores), "
        f"{platform.system()}, Python {about['python']}, torch {about['torch']}, commit "
        f"{commit or 'unknown'}; {disturbance}. `{command}`"
    )


def _relative(words: list[str]) -> list[str]:
    """Without the folders of this machine."""
    return [Path(word).name if Path(word).is_absolute() else word for word in words]


def deliver(name: str, text: str, page: Path | None) -> None:
    """Print it, and put it between the marks `<!-- name -->` and `<!-- /name -->` of a page."""
    print(text)
    if page is not None:
        put(name, text, page)


def put(name: str, text: str, page: Path) -> None:
    """Between the marks of a page. Raises SystemExit where it has none."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.S)
    old = page.read_text(encoding="utf-8")
    if not pattern.search(old):
        raise SystemExit(f"{page} has no {begin} ... {end}")
    page.write_text(pattern.sub(lambda _: f"{begin}\n{text.strip()}\n{end}", old), encoding="utf-8")
