"""The plan of a config, made where it is missing: the only way in for the Snakefile and commands.

It is named by the digest of everything that could change it: the config, the plugins, the frozen
learning rates and the package's own sources, so that a plan of another version is never taken for
it. A process of its own makes it, with torch and everything else imported, and that is where all
bad input is found: who only asks for a plan loads none of that.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lstm_bench.data import content_digest, named_in
from lstm_bench.errors import BenchError, DamagedFile
from lstm_bench.references import code_of_reference, is_reference
from lstm_bench.spec import canonical
from lstm_bench.store import paths
from lstm_bench.store.declarations import DECLARATIONS
from lstm_bench.store.plans import Plan
from lstm_bench.store.rates import rate_files

SOURCES = (".py", ".html", ".css", ".js", ".yaml")
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


def plan_digest(config: Mapping[str, object], schema: Path, **request: Any) -> str:
    """The name of the plan of this config, here and now, and of what else decides it."""
    total = hashlib.sha256(canonical(config).encode() + source_digest().encode())
    plugins = config.get("plugins")
    files = list(plugins) if isinstance(plugins, list) else []
    claims = config.get("claims")
    files += (
        [name for name in claims if str(name).endswith("ml")] if isinstance(claims, list) else []
    )
    for name in [*files, *_rate_files(config), str(schema), str(DECLARATIONS)]:
        path = Path(str(name))
        total.update(path.read_bytes() if name and path.is_file() else b"-")
    for text in _references(config):
        total.update(code_of_reference(text).encode())
    for name in named_in(config):  # of tasks: large, so by their digests
        total.update(content_digest(Path(name)).encode() if Path(name).is_file() else b"-")
    total.update(canonical(request).encode())
    return total.hexdigest()[:16]


def _references(config: Mapping[str, object]) -> list[str]:
    """Of modules among the cells, in a config that no schema has seen yet."""
    cells = config.get("cells")
    every = cells if isinstance(cells, list) else []
    named = [e.get("module", e.get("cell")) if isinstance(e, dict) else e for e in every]
    return [str(name) for name in named if is_reference(name)]


def _rate_files(config: Mapping[str, object]) -> list[Any]:
    """Of a config that no schema has seen yet."""
    named = config.get("learning_rates")
    return rate_files(config) if isinstance(named, str | list) else []


def ensure_plan(
    config: Mapping[str, object],
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
    schema = schema_file(Path(basedir))
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


def again(plan: Plan, basedir: Path) -> Plan:
    """The plan of the same config by the present code, which may be newer. Raises BenchError."""
    return ensure_plan(plan.config, basedir, plan.inherited(paths.Results()))


def schema_file(basedir: Path) -> Path:
    """The schema of configs in this folder of a workflow. Raises BenchError where there is none."""
    schema = basedir / "workflow" / "schemas" / "config.schema.yaml"
    if not schema.exists():
        raise BenchError(
            f"{schema} is not there; run this where config.yaml and the Snakefile are."
        )
    return schema


def _whole(path: Path) -> Plan | None:
    """The plan that lies there; a damaged one is named, and made anew."""
    try:
        return Plan.read(path) if path.exists() else None
    except DamagedFile:
        print(f"{path} is damaged: it is made anew.", file=sys.stderr)
        return None
