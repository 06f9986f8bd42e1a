"""Whether a Slurm cluster can ever run what is asked, before anything is submitted.

Slurm takes some jobs it can never start and leaves them pending; others it refuses one by one, in
the middle of a sweep. Each of these is one sentence here, and nothing is submitted.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lstm_bench.errors import BenchError, unknown

COMMANDS = ("sbatch", "sinfo", "squeue", "scancel", "scontrol")
PATIENCE = 30  # seconds a command may take
SHORTEST_AGE = 60  # seconds a finished job must stay in squeue to be seen there
FORMAT = "%P|%m|%c|%G|%l|%a"  # partition, MiB, CPUs, GRES, time limit, up or down


@dataclass(frozen=True)
class Nodes:
    """Nodes of one kind in a partition; the limit in minutes."""

    partition: str
    default: bool
    memory: int
    cpus: int
    gpus: int
    limit: float


def require(asked: Iterable[Mapping[str, object]]) -> None:
    """Raise BenchError for the first of these resources that no node of its partition has."""
    for name in COMMANDS:
        if shutil.which(name) is None:
            raise BenchError(
                f"slurm: there is no {name} on the PATH; run this where jobs are submitted (a "
                "login node), or leave --profile profiles/slurm out to run on this machine."
            )
    nodes = _nodes(_answer("sinfo", "--noheader", "--exact", "--format", FORMAT))
    if not nodes:
        raise BenchError("slurm: sinfo shows no partition that is up; ask who runs the cluster.")
    _require_status(_answer("scontrol", "show", "config"))
    seen = {tuple(sorted((k, each[k]) for k in _ASKED if each.get(k))) for each in asked}
    for each in sorted(seen, key=repr):
        _judge(dict(each), nodes)


_ASKED = ("slurm_partition", "mem_mb", "runtime", "gpu", "gres", "_cores")


def _answer(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=PATIENCE)
        why = "" if done.returncode == 0 else done.stderr.strip() or f"exit {done.returncode}"
    except (OSError, subprocess.TimeoutExpired) as error:
        why = str(error)
    if why:
        first = why.splitlines()[0].rstrip(".")
        raise BenchError(f"slurm: {command[0]} does not answer ({first}); is the cluster up?")
    return done.stdout


def _nodes(text: str) -> list[Nodes]:
    found = []
    for line in text.splitlines():
        partition, memory, cpus, gres, limit, state = line.strip().split("|")
        if state == "up":
            name = partition.rstrip("*")
            sizes = (int(memory.rstrip("+")), int(cpus.rstrip("+")), _gpus(gres))
            found.append(Nodes(name, partition != name, *sizes, limit=_minutes(limit)))
    return found


def _gpus(gres: str) -> int:
    """`gpu:a100:4(S:0-1),tmp:1` has four."""
    plain = re.sub(r"\([^)]*\)", "", gres)
    parts = [part.split(":") for part in plain.split(",")]
    return sum(int(p[-1]) if p[-1].isdigit() else 1 for p in parts if p[0] == "gpu")


def _minutes(limit: str) -> float:
    """`2-12:00:00`, `30:00` or `infinite`."""
    if ":" not in limit and not limit.isdigit():
        return float("inf")
    days, _, clock = limit.rpartition("-")
    parts = [int(part) for part in clock.split(":")]
    hours, minutes, seconds = [0, 0, 0, *parts][-3:]
    return int(days or 0) * 1440 + hours * 60 + minutes + seconds / 60


def _require_status(config: str) -> None:
    """A job that ended must be seen in squeue or in sacct, or Snakemake waits for it for ever."""
    values = dict(re.findall(r"^(\w+)\s*=\s*(.*?)\s*$", config, re.M))
    accounted = not values.get("AccountingStorageType", "none").endswith("none")
    age = int(values.get("MinJobAge", "300").split()[0])
    if not accounted and age < SHORTEST_AGE:
        raise BenchError(
            f"slurm: MinJobAge {age} is not allowed on a cluster without accounting, since jobs "
            f"leave squeue before they are seen to have ended; it must be at least {SHORTEST_AGE}."
        )


def _judge(asked: Mapping[str, Any], nodes: list[Nodes]) -> None:
    partition = str(asked.get("slurm_partition", ""))
    known = {each.partition for each in nodes}
    if partition and partition not in known:
        raise unknown("slurm_partition:", partition, known)
    there = [each for each in nodes if each.partition == partition or not partition]
    if not partition and any(each.default for each in there):
        there = [each for each in there if each.default]
    where = f"partition {there[0].partition!r}"
    gpus = int(asked.get("gpu", 0)) or ("gpu" in str(asked.get("gres", "")))
    for key, value, most, unit in (
        ("mem_mb", int(asked.get("mem_mb", 0)), max(n.memory for n in there), " MB on a node"),
        ("threads", int(asked.get("_cores", 1)), max(n.cpus for n in there), " CPUs on a node"),
        ("gpu", int(gpus), max(n.gpus for n in there), " GPUs on a node"),
        ("runtime", int(asked.get("runtime", 0)), max(n.limit for n in there), " minutes"),
    ):
        if value > most:
            raise BenchError(
                f"slurm: {key} {value} is not allowed in {where}, which has at most "
                f"{most:g}{unit}; choose another slurm_partition in profiles/slurm/config.yaml or "
                "ask for less."
            )
