"""The seed blocks that are finished: what there is to import."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lstm_bench.errors import DamagedFile, tell
from lstm_bench.spec import TUNING_SEEDS, SeedBlock
from lstm_bench.store.files import damaged, sha256
from lstm_bench.store.ladders import not_tried
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from lstm_bench.store.tables import read_about, read_table
from lstm_bench.store.tensors import load_tensors
from lstm_bench.tracking.known import Known, Pair

TABLES = ("replicates", "curves", "timing")
SWEEP, TUNING = "sweep", "tuning"


@dataclass(frozen=True)
class FinishedBlock:
    """A seed block whose files are all there, and those of its seeds that no other block has."""

    folder: Path
    seeds: Sequence[int]
    needed: bool = True  # by the sweep that is tracked

    @cached_property
    def checksums(self) -> list[str]:
        """A checksum a table. Raises DamagedFile when one has gone."""
        return [self._checksum(self.folder / f"{table}.parquet") for table in TABLES]

    @staticmethod
    def _checksum(path: Path) -> str:
        try:
            return sha256(path.read_bytes())
        except OSError as error:
            raise damaged(path, error.strerror) from error

    def table(self, name: str) -> pa.Table:
        table = read_table(self.folder / f"{name}.parquet").replace_schema_metadata()
        if len(self.seeds) < len(SeedBlock.parse(self.folder.name).seeds):
            table = table.filter(pc.is_in(table["seed"], pa.array(self.seeds)))
        return table

    @cached_property
    def weights(self) -> tuple[Mapping[str, np.ndarray], Mapping[str, Any]]:
        """Of all its replicates, and what is said of them; none where there was an error."""
        return load_tensors(self.folder / "model.safetensors")


Finished = dict[Pair, list[FinishedBlock]]


def finished_blocks(plan: Plan, known: Known, results: Results) -> tuple[Finished, int]:
    """Finished blocks by (condition, purpose), and how many the sweep still lacks.

    A condition that is both tuned and judged is two runs: no replicate of the one may count in
    the other. Results of older code than the plan's are as good as none; of what is not in the
    plan, those of the code that finished last count. A seed that is in two blocks counts once, in
    the plan's. Raises DamagedFile for a damaged block of the sweep; others are told and left out.
    """
    asked, missing = set(plan.blocks(plan.asked)), 0
    asked -= not_tried(plan, results, asked)
    codes = _codes(known, results, asked)
    latest = {pair[0]: code for pair, code in codes.items()}
    finished: Finished = {}
    taken: set[tuple[str, int]] = set()
    for pair in dict.fromkeys([*plan.blocks(plan.experiments), *sorted(codes)]):
        id, needed = pair[0], pair in asked
        code = plan.conditions[id].code if id in plan.conditions else latest[id]
        if codes.get(pair) != code:
            missing += needed
            continue
        folder = results.block(*pair)
        seeds = [s for s in SeedBlock.parse(folder.name).seeds if (id, s) not in taken]
        if seeds:
            purpose = TUNING if seeds[0] >= TUNING_SEEDS else SWEEP
            finished.setdefault((id, purpose), []).append(FinishedBlock(folder, seeds, needed))
            taken.update((id, seed) for seed in seeds)
    return finished, missing


def _codes(known: Known, results: Results, asked: Collection[Pair]) -> dict[Pair, str]:
    """The code that finished each seed block, those that finished last last."""
    found: dict[Pair, tuple[float, str]] = {}
    for pair in known.stored:
        if pair[0] not in known.conditions:
            continue
        last_written = results.block(*pair) / "replicates.parquet"
        try:
            code = read_about(last_written).get("code", "")
            found[pair] = last_written.stat().st_mtime, code
        except (DamagedFile, FileNotFoundError) as error:
            if pair in asked:
                raise damaged(last_written, error) from error
            tell(error)
    return {pair: code for pair, (_, code) in sorted(found.items(), key=lambda item: item[1])}
