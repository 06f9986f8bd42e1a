"""The plan: what the config means, resolved. A JSON file the Snakefile reads in milliseconds.

It is named by the digest of everything that could change it: the config, the plugins, the frozen
learning rates and the package's own sources. When it is missing, one subprocess makes it, with
torch and everything else imported, and that is where all bad input is found.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lstm_bench.errors import BenchError, DamagedFile
from lstm_bench.spec import canonical, digest
from lstm_bench.store import paths
from lstm_bench.store.files import read_json, write_json
from lstm_bench.store.rates import rate_files
from lstm_bench.store.seals import read_sealed_json

SOURCES = (".py", ".html", ".css", ".js", ".yaml")
BESIDE = ("speed",)  # run when asked for by name, shown on the page from then on
PACKAGE = Path(__file__).resolve().parents[1]


def source_digest() -> str:
    """The digest of the package's sources."""
    total = hashlib.sha256()
    files = (f for f in PACKAGE.rglob("*") if f.suffix in SOURCES and _is_source(f))
    for file in sorted(files):
        total.update(file.relative_to(PACKAGE).as_posix().encode() + file.read_bytes())
    return total.hexdigest()[:12]


def _is_source(file: Path) -> bool:
    """Not what a desktop, an editor or Jupyter left there: no name of ours begins with a dot."""
    return not any(part.startswith(".") for part in file.relative_to(PACKAGE).parts)


def plan_digest(config: Mapping[str, Any], schema: Path, **request: Any) -> str:
    """The name of the plan of this config, here and now, and of what else decides it."""
    total = hashlib.sha256(canonical(config).encode() + source_digest().encode())
    plugins = config.get("plugins")
    files = list(plugins) if isinstance(plugins, list) else []
    claims = config.get("claims")
    files += (
        [name for name in claims if str(name).endswith("ml")] if isinstance(claims, list) else []
    )
    for name in [*files, *_rate_files(config), str(schema)]:
        path = Path(str(name))
        total.update(path.read_bytes() if name and path.is_file() else b"-")
    total.update(canonical(request).encode())
    return total.hexdigest()[:16]


def _rate_files(config: Mapping[str, Any]) -> list[Any]:
    """Of a config that no schema has seen yet."""
    named = config.get("learning_rates")
    return rate_files(config) if isinstance(named, str | list) else []


def ensure_plan(
    config: Mapping[str, Any],
    basedir: str | Path,
    inherited: Sequence[str] = (),
    tuning: bool = False,
) -> Plan:
    """The plan of this config, made where it is missing. Raises BenchError with a sentence.

    `inherited` and `tuning` are those of `planning.config.make_sweep`.
    """
    if {*"{}"} & set(str(basedir)):
        raise BenchError(
            f"{basedir}: the path of the workflow is not allowed; it must have no braces, which "
            "Snakemake takes for wildcards."
        )
    schema = Path(basedir) / "workflow" / "schemas" / "config.schema.yaml"
    if not schema.exists():
        raise BenchError(
            f"{schema} is not there; run this where config.yaml and the Snakefile are."
        )
    try:
        about = {"inherited": list(inherited), "tuning": tuning}
        name = plan_digest(config, schema, **about)
    except (TypeError, ValueError) as error:
        raise BenchError(f"config: {error}; use plain YAML values.") from None
    path = paths.Results().plan(name)
    found = _whole(path)
    if found is None:
        request = json.dumps({"config": config, "digest": name, "schema": str(schema), **about})
        command = [sys.executable, "-m", "lstm_bench.planning"]
        made = subprocess.run(
            command, input=request, capture_output=True, encoding="utf-8", errors="replace"
        )
        if made.returncode:
            raise BenchError(made.stderr.strip() or f"planning failed (exit {made.returncode}).")
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
    def notices(self) -> list[str]:
        """What a user should know before the sweep starts, a sentence each."""
        return list(self.data["notices"])

    @property
    def asked(self) -> list[str]:
        """The experiments of the sweep; tuning is planned too, but only run when asked for."""
        return list(self.config["experiments"])

    @classmethod
    def last_run(cls, results: paths.Results) -> Plan:
        """The plan last run: planning alone, a dry run or an estimate, does not count.

        Where none is marked, as up to 0.3.4, the newest. Raises BenchError where there is none.
        """
        marks = sorted(results.ran(), key=lambda path: path.stat().st_mtime)
        plans = [plan for mark in marks if (plan := results.plan(mark.stem)).exists()]
        plans = plans or results.plans()
        if not plans:
            folder = results.plan("x").parent
            raise BenchError(f"{folder} holds no plan: nothing was run here; run snakemake first.")
        return cls.read(plans[-1])

    def mark_run(
        self, results: paths.Results, layers: Iterable[str], inherited: Sequence[str] = ()
    ) -> None:
        """Note that this plan is run now, the config files that made it, what they inherited."""
        about = {"config": list(layers), "inherited": list(inherited)}
        write_json(results.mark(self.path.stem), about)

    def by_present_code(self, results: paths.Results, basedir: Path) -> Plan:
        """The plan of the same config as the code now is, which may be newer. Raises BenchError."""
        return ensure_plan(self.config, basedir, self._marked(results, "inherited"))

    def layers(self, results: paths.Results) -> list[str]:
        """The config files it was last run with; none where it was not, or by 0.3.4."""
        return self._marked(results, "config")

    def _marked(self, results: paths.Results, key: str) -> list[str]:
        try:
            return [str(name) for name in read_json(results.mark(self.path.stem))[key]]
        except (DamagedFile, KeyError, TypeError):
            return []

    def named(self, results: paths.Results) -> str:
        """`config.yaml + smoke.yaml (plan 0123abcd)`: which sweep this is, for people."""
        layers = self.layers(results) or ["a config that was not run here"]
        return f"{' + '.join(layers)} (plan {self.path.stem[:8]})"

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
        """The probe this experiment reads, as a list of one or none.

        What was measured with other settings or by other code has another name, and stays.
        """
        entry = self.experiments[experiment]
        if not entry["probe"]:
            return []
        asked = digest([entry["probe_settings"], entry.get("probe_code", "")])
        place = {"probe": entry["probe"], "experiment": experiment, "digest": asked}
        return [paths.PROBE.format(**place)]

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
        return (
            digest([path.read_text(encoding="utf-8") for path in found.values()]) if found else ""
        )

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
        return digest([path.read_text(encoding="utf-8") for path in files])

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
