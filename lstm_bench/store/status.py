"""How far a sweep is: from the files alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from filelock import FileLock, Timeout

from lstm_bench.spec import TUNING_SEEDS, SeedBlock
from lstm_bench.store.locks import not_locked
from lstm_bench.store.paths import BLOCK_FILES, STATE, Results
from lstm_bench.store.plans import Plan
from lstm_bench.store.tables import read_table


@dataclass
class Status:
    """Seed blocks by state, replicates by how they ended, and the seeds that failed.

    failed   the seeds by condition, status and reason: many fail alike
    """

    blocks: Counter[str] = field(default_factory=Counter)
    replicates: Counter[str] = field(default_factory=Counter)
    running: list[str] = field(default_factory=list)
    failed: dict[tuple[str, str, str], list[int]] = field(default_factory=dict)

    @property
    def failures(self) -> list[str]:
        """A line for each condition and reason: `adding-T5-...: 3 seeds: timeout, 0.5 s`."""
        return [
            f"{condition}: {_counted(seeds)}: {status}, {reason}"
            for (condition, status, reason), seeds in self.failed.items()
        ]


def singles(plans: Iterable[Plan], results: Results) -> dict[str, list[str]]:
    """By condition, the seed blocks that no plan asks for: those of `lstm-bench train`.

    Finished or under way. Those of a search for learning rates are none of them.
    """
    known = {pair for plan in plans for pair in plan.every_block()}
    stored = [(folder.parent.name, folder.name) for folder in results.blocks()]
    found: dict[str, list[str]] = {}
    for condition, block in dict.fromkeys([*stored, *results.under_way()]):
        if (condition, block) not in known and not _of_a_search(block):
            found.setdefault(condition, []).append(block)
    return found


def others(plan: Plan, results: Results, of_none: Mapping[str, Iterable[str]]) -> int:
    """How many finished seed blocks other plans asked for and this one does not.

    of_none   those that no plan asked for, see `singles`
    """
    known = {*plan.every_block(), *((id, name) for id, names in of_none.items() for name in names)}
    return sum(
        (folder.parent.name, folder.name) not in known and not _of_a_search(folder.name)
        for folder in results.blocks()
    )


def _of_a_search(block: str) -> bool:
    """Which rates a search trains, no plan knows."""
    return SeedBlock.parse(block).first >= TUNING_SEEDS


def status_of(
    blocks: Iterable[tuple[str, str]],
    results: Results,
    skipped: Collection[tuple[str, str]] = (),
) -> Status:
    """Read the state of these seed blocks, (condition id, block name) each.

    skipped   those that their ladders ended without
    """
    found = Status()
    for condition, block in blocks:
        folder = results.block(condition, block)
        if (condition, block) in skipped:
            found.blocks["not tried"] += 1
        elif all((folder / name).exists() for name in BLOCK_FILES):
            found.blocks["done"] += 1
            _count(found, condition, folder / "replicates.parquet")
        elif _is_locked(results, condition, block):
            found.blocks["running"] += 1
            found.running.append(f"{condition} {block}")
        elif (results.checkpoint(condition, block) / STATE).exists():
            found.blocks["interrupted"] += 1
        else:
            found.blocks["waiting"] += 1
    return found


def _count(found: Status, condition: str, path: object) -> None:
    for row in read_table(path).to_pylist():  # type: ignore[arg-type]
        found.replicates[row["status"]] += 1
        if row["status"] in ("diverged", "timeout", "error"):
            alike = (condition, row["status"], row["reason"])
            found.failed.setdefault(alike, []).append(row["seed"])


def _counted(seeds: list[int]) -> str:
    return f"{len(seeds)} seeds" if len(seeds) > 1 else f"seed {seeds[0]}"


def _is_locked(results: Results, condition: str, block: str) -> bool:
    """Whether a training process holds the block's lock."""
    lock = results.checkpoint(condition, block).parent / f"{block}.lock"
    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True
    except OSError as error:
        raise not_locked(lock, error) from error
