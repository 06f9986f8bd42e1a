"""The seed blocks that are finished: what there is to import."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from lstm_bench.spec import TUNING_SEEDS, SeedBlock
from lstm_bench.store.files import damaged, sha256
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from lstm_bench.store.tables import read_about, read_table

TABLES = ("replicates", "curves", "timing")
SWEEP, TUNING = "sweep", "tuning"


@dataclass(frozen=True)
class FinishedBlock:
    """A seed block whose files are all there."""

    folder: Path
    seeds: range

    @classmethod
    def find(cls, folder: Path, code: str) -> FinishedBlock | None:
        """The block in this folder, when it was finished by this code. Raises DamagedFile."""
        last_written = folder / "replicates.parquet"
        if not last_written.exists() or read_about(last_written).get("code") != code:
            return None
        return cls(folder, SeedBlock.parse(folder.name).seeds)

    @property
    def is_tuning(self) -> bool:
        return self.seeds.start >= TUNING_SEEDS

    @cached_property
    def seals(self) -> list[str]:
        """A checksum a table. Raises DamagedFile when one has gone."""
        return [self._seal(self.folder / f"{table}.parquet") for table in TABLES]

    @staticmethod
    def _seal(path: Path) -> str:
        try:
            return sha256(path.read_bytes())
        except OSError as error:
            raise damaged(path, error.strerror) from error

    def table(self, name: str) -> pa.Table:
        return read_table(self.folder / f"{name}.parquet").replace_schema_metadata()


Finished = dict[tuple[str, str], list[FinishedBlock]]


def finished_blocks(plan: Plan, results: Results) -> tuple[Finished, int]:
    """Finished blocks by (condition, purpose), and how many the sweep still lacks.

    A condition that is both tuned and judged is two runs: no replicate of the one may count in
    the other. Results of older code are as good as none.
    """
    asked, missing = set(plan.blocks(plan.asked)), 0
    finished: Finished = {}
    for condition, name in plan.blocks(plan.experiments):
        block = FinishedBlock.find(
            results.block(condition, name), plan.conditions[condition]["code"]
        )
        if block is not None:
            purpose = TUNING if block.is_tuning else SWEEP
            finished.setdefault((condition, purpose), []).append(block)
        elif (condition, name) in asked:
            missing += 1
    return finished, missing
