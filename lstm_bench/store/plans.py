"""The plan: what the config means, resolved. A JSON file the Snakefile reads in milliseconds.

It is named by the digest of everything that could change it: the config, the plugins, the frozen
learning rates and the package's own sources. When it is missing, one subprocess makes it, with
torch and everything else imported, and that is where all bad input is found.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lstm_bench.errors import BenchError, DamagedFile
from lstm_bench.spec import canonical, digest
from lstm_bench.store import paths
from lstm_bench.store.seals import read_sealed_json

SOURCES = (".py", ".html", ".css", ".js", ".yaml")
BESIDE = ("speed",)  # run when asked for by name, shown on the page from then on
PACKAGE = Path(__file__).resolve().parents[1]


def source_digest(*rooms: str) -> str:
    """The digest of the sources of these rooms; of the whole package without any."""
    total = hashlib.sha256()
    folders = [PACKAGE / room for room in rooms] or [PACKAGE]
    for folder in folders:
        files = [folder] if folder.is_file() else folder.rglob("*")
        for file in sorted(f for f in files if f.suffix in SOURCES and _is_source(f)):
            total.update(file.relative_to(PACKAGE).as_posix().encode() + file.read_bytes())
    return total.hexdigest()[:12]


def _is_source(file: Path) -> bool:
    """Not what a desktop, an editor or Jupyter left there: no name of ours begins with a dot."""
    return not any(part.startswith(".") for part in file.relative_to(PACKAGE).parts)


def plan_digest(config: Mapping[str, Any], schema: Path) -> str:
    """The name of the plan of this config, here and now."""
    total = hashlib.sha256(canonical(config).encode() + source_digest().encode())
    plugins = config.get("plugins")
    files = list(plugins) if isinstance(plugins, list) else []
    claims = config.get("claims")
    files += (
        [name for name in claims if str(name).endswith("ml")] if isinstance(claims, list) else []
    )
    for name in [*files, config.get("learning_rates"), str(schema)]:
        path = Path(str(name))
        total.update(path.read_bytes() if name and path.is_file() else b"-")
    return total.hexdigest()[:16]


def ensure_plan(config: Mapping[str, Any], basedir: str | Path) -> Plan:
    """The plan of this config, made where it is missing. Raises BenchError with a sentence."""
    if {*"{}"} & set(str(basedir)):
        raise BenchError(
            f"{basedir}: the path of the workflow is not allowed; it must have no braces, which "
            "Snakemake takes for wildcards."
        )
    schema = Path(basedir) / "workflow" / "schemas" / "config.schema.yaml"
    try:
        name = plan_digest(config, schema)
    except (TypeError, ValueError) as error:
        raise BenchError(f"config: {error}; use plain YAML values.") from None
    path = paths.Results().plan(name)
    found = _whole(path)
    if found is None:
        request = json.dumps({"config": config, "digest": name, "schema": str(schema)})
        command = [sys.executable, "-m", "lstm_bench.planning"]
        made = subprocess.run(command, input=request, text=True, capture_output=True)
        if made.returncode:
            raise BenchError(made.stderr.strip() or f"planning failed (exit {made.returncode}).")
    with contextlib.suppress(OSError):
        path.touch()  # the newest plan is the one last asked for
    return found or Plan.read(path)


def _whole(path: Path) -> Plan | None:
    """The plan that lies there; a damaged one is named, and made anew."""
    try:
        return Plan.read(path) if path.exists() else None
    except DamagedFile:
        print(f"{path} is damaged: it is made anew.", file=sys.stderr)
        return None


class Plan:
    """Read access for the workflow, the report and the tracker."""

    def __init__(self, data: Mapping[str, Any], path: Path) -> None:
        self.data, self.path = data, path
        self.conditions: Mapping[str, Mapping[str, Any]] = data["conditions"]
        self.datasets: Mapping[str, Mapping[str, Any]] = data["datasets"]
        self.experiments: Mapping[str, Mapping[str, Any]] = data["experiments"]
        self.tables: Mapping[str, Mapping[str, Any]] = data.get("tables", {})
        self.claims: Mapping[str, Mapping[str, Any]] = data.get("claims", {})
        self.config: Mapping[str, Any] = data["config"]

    @classmethod
    def read(cls, path: Path) -> Plan:
        """Raises DamagedFile when it is missing or not what was written."""
        return cls(read_sealed_json(path), path)

    @property
    def asked(self) -> list[str]:
        """The experiments of the sweep; tuning is planned too, but only run when asked for."""
        return list(self.config["experiments"])

    @classmethod
    def newest(cls, results: paths.Results) -> Plan:
        """The plan last asked for. Raises BenchError where there is none."""
        plans = results.plans()
        if not plans:
            folder = results.plan("x").parent
            raise BenchError(f"{folder} holds no plan: nothing was run here; run snakemake first.")
        return cls.read(plans[-1])

    def blocks(self, experiments: Iterable[str]) -> list[tuple[str, str]]:
        """(condition id, block name) of every seed block these experiments need, once each."""
        pairs = {
            (member["condition"], block): None
            for name in experiments
            for member in self.experiments[name]["members"]
            for block in self.experiments[name]["blocks"]
        }
        return list(pairs)

    def every_block(self) -> list[tuple[str, str]]:
        """The seed blocks of every experiment and every published table, once each."""
        arms = [arm for row in self.tables.values() for arm in row["arms"]]
        published = [(arm["condition"], block) for arm in arms for block in arm["blocks"]]
        return list(dict.fromkeys([*self.blocks(self.experiments), *published]))

    def block_files(self, experiments: Iterable[str], names: Iterable[str]) -> list[str]:
        """The files of every seed block these experiments need."""
        return [
            f"{paths.BLOCK.format(condition=condition, block=block)}/{name}"
            for condition, block in self.blocks(experiments)
            for name in names
        ]

    def table_files(self, row: str) -> list[str]:
        """The one file of each seed block of a published table that is written last."""
        return [
            f"{paths.BLOCK.format(condition=arm['condition'], block=block)}/replicates.parquet"
            for arm in self.tables[row]["arms"]
            for block in arm["blocks"]
        ]

    def finished_files(self, experiments: Iterable[str]) -> list[str]:
        """The one file of each seed block that is written last."""
        return self.block_files(experiments, ["replicates.parquet"])

    def probe_files(self, experiment: str) -> list[str]:
        """The probe this experiment reads, as a list of one or none."""
        probe = self.experiments[experiment]["probe"]
        return [paths.PROBE.format(probe=probe, experiment=experiment)] if probe else []

    def probe_inputs(self, experiment: str) -> list[str]:
        """The finished runs this experiment's probe measures: `runs` of its settings."""
        return [
            f"{paths.BLOCK.format(condition=condition, block=block)}/replicates.parquet"
            for condition, block in self.experiments[experiment]["probe_settings"].get("runs", ())
        ]

    def experiment_files(self, names: Iterable[str]) -> list[str]:
        """Every experiment of the sweep, its files of these names."""
        return [
            f"{paths.EXPERIMENT.format(experiment=experiment)}/{name}"
            for experiment in self.asked
            for name in names
        ]

    def joined(self, experiment: str, results: paths.Results) -> dict[str, Path]:
        """The tables of other experiments that this one joins, those that are there."""
        tables = {
            name: results.experiment(name) / "table.csv"
            for name in self.experiments[experiment].get("reads", ())
        }
        return {name: path for name, path in tables.items() if path.exists()}

    def joined_digest(self, experiment: str) -> str:
        """The digest of those tables: what is concluded from them is concluded again."""
        found = self.joined(experiment, paths.Results())
        return digest([path.read_text() for path in found.values()]) if found else ""

    def beside(self, results: paths.Results) -> list[str]:
        """Experiments outside the sweep whose results are there and belong on the page."""
        files = (*paths.EXPERIMENT_TABLES, "summary.csv", "figure.svg", "figure.csv")
        return [
            name
            for name in BESIDE
            if name not in self.asked
            and all((results.experiment(name) / file).exists() for file in files)
        ]

    def beside_digest(self) -> str:
        """The digest of what they found and of an estimate: a page with others is written anew."""
        results = paths.Results()
        files = [results.experiment(name) / "verdict.json" for name in self.beside(results)]
        files += [path for path in [results.estimate(self.path.stem)] if path.exists()]
        return digest([path.read_text() for path in files])

    def claim_files(self) -> list[str]:
        """What the verdicts on the claims wait for, once each.

        They are drawn from the runs too, but an experiment's table is younger than all of its runs.
        """
        judged = [e["declared"]["experiment"] for e in self.claims.values() if not e["not_judged"]]
        names = list(dict.fromkeys(judged))
        tables = [f"{paths.EXPERIMENT.format(experiment=name)}/table.csv" for name in names]
        probes = [file for name in names for file in self.probe_files(name)]
        return [*probes, *tables]

    def membership(self, experiment: str) -> str:
        """A digest of which conditions and seeds an experiment draws from, and under what name."""
        entry = self.experiments[experiment]
        return digest([entry["members"], entry["blocks"]])
