"""What is stored of earlier trainings, from Python: every condition as `train` returns it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_bench.errors import BenchError, unknown
from lstm_bench.spec import SeedBlock
from lstm_bench.store.conditions import read_condition
from lstm_bench.store.paths import RESULTS, Results
from lstm_bench.training.api import Trained
from lstm_bench.training.trained_network import TrainedNetwork

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Runs:
    """Trained conditions. Iterating gives each as a `Trained`, in the order of their ids."""

    trained: tuple[Trained, ...]

    def __iter__(self) -> Iterator[Trained]:
        return iter(self.trained)

    def __len__(self) -> int:
        return len(self.trained)

    @property
    def replicates(self) -> pd.DataFrame:
        """One row a replicate of every condition: see `Trained.replicates`."""
        return self._joined("replicates")

    @property
    def curves(self) -> pd.DataFrame:
        """One row an evaluation of every replicate: see `Trained.curves`."""
        return self._joined("curves")

    def where(self, **columns: Any) -> Runs:
        """The conditions and seeds whose `replicates` have these values, or one of a list.

            >>> lstm_bench.load("results").where(task="adding", cell=["lstm", "gru"], T=50)

        Columns with a dot are named in a mapping: `where(**{"cell.forget_bias": 1.0})`. Raises
        BenchError for a column that the replicates do not have.
        """
        table = self.replicates
        chosen = np.ones(len(table), bool)
        for name, value in columns.items():
            if name not in table:
                raise unknown("where: column", name, table.columns)
            chosen &= table[name].isin(value if isinstance(value, (list, tuple)) else [value])
        kept = table[chosen].groupby("condition").seed.agg(tuple)
        return Runs(
            tuple(
                Trained(each.condition, each.folders, kept[each.condition.id])
                for each in self.trained
                if each.condition.id in kept
            )
        )

    def replicate(self, seed: int) -> TrainedNetwork:
        """The trained network of one seed, where these are the runs of one condition.

        Raises BenchError where there are several, or none, and for a seed that is not there.
        """
        if len(self.trained) != 1:
            ids = ", ".join(each.condition.id for each in self.trained[:5])
            raise BenchError(
                f"replicate: {len(self.trained)} runs are chosen, but must be one; narrow them "
                f"with where(){': ' if ids else '.'}{ids}{', ...' * (len(self.trained) > 5)}"
            )
        return self.trained[0].replicate(seed)

    def _joined(self, table: str) -> pd.DataFrame:
        import pandas as pd

        tables = [getattr(each, table) for each in self.trained]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def load(folder: str | Path = RESULTS) -> Runs:
    """Every finished run of a results folder, of sweeps and of `train`; nothing is trained.

    Plugins that it was trained with are loaded by `lstm_bench.load_plugins` first. Raises
    BenchError for a folder without runs, DamagedFile for the first file that is not whole.

        >>> runs = lstm_bench.load("results")
        >>> runs.replicates.groupby(["task", "cell", "T"]).updates_to_solve.median()
    """
    results, blocks = _finished(folder)
    return Runs(
        tuple(
            Trained(read_condition(results, id), tuple(folders), _seeds(folders))
            for id, folders in blocks.items()
        )
    )


def _finished(folder: str | Path) -> tuple[Results, dict[str, list[Path]]]:
    """The finished seed blocks of a results folder by the id of their condition."""
    place = Path(folder)
    results = Results(place.parent if place.name == RESULTS else place)
    blocks: dict[str, list[Path]] = {}
    for block in results.blocks():
        blocks.setdefault(block.parent.name, []).append(block)
    if not blocks:
        raise BenchError(
            f"load: {str(folder)!r} holds no finished run; it must be the folder 'results' of a "
            "sweep or of lstm_bench.train, or the folder that holds it."
        )
    return results, blocks


def _seeds(folders: Iterable[Path]) -> tuple[int, ...]:
    return tuple(sorted({s for each in folders for s in SeedBlock.parse(each.name).seeds}))


def find_run(name: str, folder: str | Path = RESULTS) -> Trained:
    """The run of this name: its id, the beginning of one that no other has, or its folder.

    Raises BenchError where there is none, with the nearest name, or where several begin so.
    """
    place = Path(name)
    if place.parent.name == "runs" and place.parent.parent.name == RESULTS:
        folder, name = place.parent.parent, place.name
    results, known = _finished(folder)
    fitting = [name] if name in known else [id for id in known if id.startswith(name)]
    if len(fitting) > 1:
        raise BenchError(f"run: {name!r} begins {len(fitting)} names: {', '.join(fitting)}.")
    if not fitting:
        raise unknown("run", name, known)
    (id,) = fitting
    return Trained(read_condition(results, id), tuple(known[id]), _seeds(known[id]))
