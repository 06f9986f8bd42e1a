"""The layout of `results/`, spelt once. Placeholders in braces are Snakemake's wildcards.

Every name that becomes a part of a path is checked here, so that none leads out of `results/`. What
is looked for is matched by its whole name: desktops, editors, file servers and people leave files
of their own beside the suite's (`._curves.parquet`, `.ipynb_checkpoints`, `horizon copy.parquet`).
"""

from __future__ import annotations

import re
from pathlib import Path

from lstm_bench.errors import BenchError
from lstm_bench.spec import Condition, SeedBlock, digest

RESULTS = "results"
PLAN = f"{RESULTS}/plans/{{digest}}.json"
MARK = f"{RESULTS}/plans/{{digest}}.ran"
ESTIMATE = f"{RESULTS}/estimates/{{digest}}.json"
RUN = f"{RESULTS}/runs/{{condition}}"
BLOCK = f"{RUN}/{{block}}"
SEARCH = f"{RESULTS}/searches/{{search}}.json"
LADDER = f"{RESULTS}/ladders/{{ladder}}.json"
CHECKPOINT = f"{RESULTS}/checkpoints/{{condition}}/{{block}}"
PROBE = f"{RESULTS}/probes/{{probe}}/{{experiment}}-{{digest}}.parquet"
EXPERIMENT = f"{RESULTS}/experiments/{{experiment}}"
TABLE = f"{RESULTS}/tables/{{row}}"
TABLES_PAGE = f"{RESULTS}/tables/index.html"
CLAIMS = f"{RESULTS}/claims"
CARD = f"{RESULTS}/cards/{{card}}"
REPORT = f"{RESULTS}/report/index.html"
EXPLORER = f"{RESULTS}/report/explorer"
TRACKED = f"{RESULTS}/tracked.json"
MLFLOW_DB = f"{RESULTS}/mlflow.db"
MLFLOW_ARTIFACTS = f"{RESULTS}/mlartifacts"
LOG = f"{RESULTS}/logs"
BENCHMARK = f"{RESULTS}/benchmarks"

_NAME, _HEX = r"[a-z0-9_]+", r"[0-9a-f]+"
WILDCARDS = {
    **dict.fromkeys(("experiment", "probe", "row"), _NAME),
    "digest": _HEX,
    "condition": rf"{_NAME}-T\d+-{_NAME}-w\d+-{_HEX}",
    **dict.fromkeys(("ladder", "search"), rf"{_NAME}-{_NAME}-w\d+-{_HEX}"),
    "block": r"seeds-\d+-\d+",
}

BLOCK_FILES = ("replicates.parquet", "curves.parquet", "timing.parquet", "model.safetensors")
STATE = "state.safetensors"  # of a training that is under way
EXPERIMENT_TABLES = ("table.csv", "verdict.json")
CLAIM_FILES = (
    *("verdicts.json", "verdicts.csv", "votes.csv", "values.csv", "measured_seconds.csv"),
)
TABLE_FILES = (".csv", ".md", ".json")
EXPERIMENT_FIGURES = ("figure.svg", "figure.pdf", "figure.png", "figure.csv")
SUPPLEMENT_FIGURES = tuple(name.replace("figure", "supplement") for name in EXPERIMENT_FIGURES)
EXPERIMENT_CHECKSUMS = ("tables.sha256", "figures.sha256")
EXPERIMENT_FILES = (
    *(*EXPERIMENT_TABLES, "summary.csv"),
    *(*EXPERIMENT_FIGURES, *SUPPLEMENT_FIGURES),
    *EXPERIMENT_CHECKSUMS,
)
DRAWN_BY = "plan.json"  # in an experiment's folder: which plan, and what of it decided
CARD_FILES = ("index.html", "card.png", "card.csv")
CARD_CONFIG, CARD_PLAN = "config.yaml", "plan.json"  # of a card that was planned by `profile`
CLAIM_CHECKSUMS = ("verdicts.sha256", "measured_seconds.sha256")


class Results:
    """Paths below one results folder; `root` is the folder that holds `results/`."""

    def __init__(self, root: str | Path = ".") -> None:
        self.root = Path(root)

    def plan(self, digest: str) -> Path:
        return self.root / PLAN.format(digest=_part(digest))

    def mark(self, digest: str) -> Path:
        """The note that a plan was run: its config files; its time is when."""
        return self.root / MARK.format(digest=_part(digest))

    def estimate(self, digest: str) -> Path:
        return self.root / ESTIMATE.format(digest=digest)

    def run(self, condition: Condition | str) -> Path:
        return self.root / RUN.format(condition=_id(condition))

    def block(self, condition: Condition | str, block: SeedBlock | str) -> Path:
        return self.root / BLOCK.format(condition=_id(condition), block=_name(block))

    def ladder(self, name: str) -> Path:
        """The record of a climb."""
        return self.root / LADDER.format(ladder=_part(name))

    def search(self, name: str) -> Path:
        """The record of a search for learning rates."""
        return self.root / SEARCH.format(search=_part(name))

    def checkpoint(self, condition: Condition | str, block: SeedBlock | str) -> Path:
        return self.root / CHECKPOINT.format(condition=_id(condition), block=_name(block))

    def probe(self, probe: str, experiment: str, digest: str) -> Path:
        """What a probe measured for an experiment; `digest` is of its settings and its code."""
        place = {"probe": _part(probe), "experiment": _part(experiment), "digest": _part(digest)}
        return self.root / PROBE.format(**place)

    def experiment(self, experiment: str) -> Path:
        return self.root / EXPERIMENT.format(experiment=_part(experiment))

    def table(self, row: str, ending: str) -> Path:
        return self.root / (TABLE.format(row=_part(row)) + ending)

    def card(self, cell: str) -> Path:
        """The folder of the memory card of a cell, by its label."""
        return self.root / CARD.format(card=_part(card_name(cell)))

    @property
    def claims(self) -> Path:
        return self.root / CLAIMS

    @property
    def tables_page(self) -> Path:
        return self.root / TABLES_PAGE

    @property
    def mlflow_db(self) -> Path:
        return self.root / MLFLOW_DB

    @property
    def mlflow_artifacts(self) -> Path:
        return self.root / MLFLOW_ARTIFACTS

    @property
    def logs(self) -> Path:
        return self.root / LOG

    def matching(self, template: str) -> list[Path]:
        """The files that are there and named as a template of this module says, sorted."""
        parts = re.split(r"\{(\w+)\}", template)  # every second one is a placeholder
        spelt = "".join(WILDCARDS[p] if i % 2 else re.escape(p) for i, p in enumerate(parts))
        found = self.root.glob(re.sub(r"\{\w+\}", "*", template))
        return sorted(
            path
            for path in found
            if re.fullmatch(spelt, path.relative_to(self.root).as_posix()) and path.is_file()
        )

    def plans(self) -> list[Path]:
        """Every plan made here, oldest first."""
        return sorted(self.matching(PLAN), key=lambda path: path.stat().st_mtime)

    def ran(self) -> list[Path]:
        """The marks of the plans that were run."""
        return self.matching(MARK)

    def blocks_of(self, condition: Condition | str) -> list[Path]:
        """The seed blocks of one condition that are finished."""
        of_one = BLOCK.replace("{condition}", _id(condition))
        return [path.parent for path in self.matching(f"{of_one}/replicates.parquet")]

    def blocks(self) -> list[Path]:
        """Every finished seed block on disk."""
        return [path.parent for path in self.matching(f"{BLOCK}/replicates.parquet")]

    def under_way(self) -> list[tuple[str, str]]:
        """Condition and seed block of every training that runs, or was interrupted."""
        found = [path.parent for path in self.matching(f"{CHECKPOINT}/{STATE}")]
        found += [path.with_suffix("") for path in self.matching(f"{CHECKPOINT}.lock")]
        return sorted({(path.parent.name, path.name) for path in found})


def card_name(label: str) -> str:
    """The folder of a label's card: a-z, 0-9 and '_'; with a digest where the label has more."""
    plain = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")
    return plain[:60] if plain == label else f"{plain[:60]}_{digest(label, 6)}".strip("_")


def _id(condition: Condition | str) -> str:
    return _part(condition if isinstance(condition, str) else condition.id)


def _name(block: SeedBlock | str) -> str:
    return _part(block if isinstance(block, str) else block.name)


def _part(name: str) -> str:
    """The name, where it is one part of a path. Raises BenchError where it is not."""
    if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}", name) is None:
        raise BenchError(
            f"{name[:80]!r} is not allowed as the name of a file; it must be 1 to 200 of a-z, A-Z, "
            "0-9, '_', '.' and '-', and not begin with '.' or '-'."
        )
    return name
