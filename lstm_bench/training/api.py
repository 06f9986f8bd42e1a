"""One condition from Python or the shell: the same training and the same files as in a sweep."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from lstm_bench import cells, tasks
from lstm_bench.cells import Params
from lstm_bench.engine.network import Network
from lstm_bench.errors import BenchError
from lstm_bench.registry import chosen_options, load_plugins
from lstm_bench.spec import Condition, SeedBlock
from lstm_bench.store.collect import read_all
from lstm_bench.store.paths import Results
from lstm_bench.training import arguments
from lstm_bench.training.curriculum import require_rungs
from lstm_bench.training.diagnosis import diagnose
from lstm_bench.training.run import code_identity, is_finished, train_block
from lstm_bench.training.trained_network import TrainedNetwork, read_network

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = (  # of the table of replicates; where none was measured a column has no type of its own
    *("updates_to_solve", "best_validation_loss", "validation_loss", "validation_score"),
    *("test_loss", "test_score", "floor"),
)


@dataclass(frozen=True)
class Trained:
    """A finished condition. The tables are read from its files, the weights on request.

    seeds   those that were asked for; a folder may hold more, of an earlier call
    """

    condition: Condition
    folders: tuple[Path, ...]
    seeds: Sequence[int]

    @property
    def replicates(self) -> pd.DataFrame:
        """One row a replicate: how it ended, updates to solve, losses, scores, every option.

        `trained_updates` is how many updates it had; `updates`, an option, is the budget. Options
        of the task and the cell are columns `task.NAME` and `cell.NAME`, those of the network
        `network.NAME`; training options have their own names. What was not measured is NaN.
        """
        table = self._read("replicates.parquet")
        numbers = table.columns.intersection(NUMBERS)
        table[numbers] = table[numbers].astype(float)
        table = table.rename(columns={"updates": "trained_updates"})
        return table.assign(**_options(self.condition))

    @property
    def curves(self) -> pd.DataFrame:
        """One row an evaluation: losses, score and gradient norm by update."""
        return self._read("curves.parquet")

    @property
    def diagnosis(self) -> str:
        """What became of the replicates, with chance loss and losses, in a sentence or two."""
        return diagnose(self.condition, self.replicates, self.curves)

    @property
    def network(self) -> Network:
        """The network: sizes and equations, without weights."""
        return Network.of(self.condition)

    @property
    def params(self) -> Params:
        """The stored weights of all seeds, in their order: (R, h, d), biases (R, h, 1)."""
        layout, found = self.network.layout, [self.replicate(seed).weights for seed in self.seeds]
        return Params(layout.views(layout.pack(found, torch.zeros(1))))

    def replicate(self, seed: int) -> TrainedNetwork:
        """The trained network of one seed: its outputs, states, gates and gradients.

        Raises BenchError for a seed that is not among them, or whose training ended in an error.
        """
        chosen = arguments.whole("seed", seed, least=0)
        if chosen not in self.seeds:
            raise BenchError(
                f"seed: {chosen} is not among the replicates of {self.condition.id}; it has "
                f"{', '.join(map(str, self.seeds))}."
            )
        blocks = {folder: SeedBlock.parse(folder.name).seeds for folder in self.folders}
        (first, *_) = (folder for folder, seeds in blocks.items() if chosen in seeds)
        return read_network(first / "model.safetensors", chosen)

    def _read(self, name: str) -> pd.DataFrame:
        table = read_all(folder / name for folder in self.folders)
        table = table[table.seed.isin(list(self.seeds))]
        # two calls may have trained a seed in two blocks, to the same numbers
        keys = ["seed", *({"update"} & set(table.columns))]
        return table.drop_duplicates(keys).sort_values(keys).reset_index(drop=True)


def _options(condition: Condition) -> dict[str, object]:
    """Every option of a condition under a name of its own, defaults included."""
    parts: dict[str, Any] = {
        "task": tasks.create(condition.task, condition.task_options),
        "cell": cells.create(condition.cell, condition.cell_options),
        "network": Network.of(condition).options,
    }
    named = {
        f"{part}.{each.name}": _cell_of_a_table(getattr(component, each.name))
        for part, component in parts.items()
        for each in fields(component)
    }
    t = condition.training
    training = {**vars(t), "curriculum": ", ".join(map(str, t.curriculum))}
    return named | {key: math.nan if value is None else value for key, value in training.items()}


def _cell_of_a_table(value: object) -> object:
    return ", ".join(value) if isinstance(value, tuple) else value


def make_condition(
    task: str,
    cell: str,
    T: int,
    *,
    width: int = 32,
    task_options: Mapping[str, object] | None = None,
    cell_options: Mapping[str, object] | None = None,
    network: Mapping[str, object] | None = None,
    **training: Any,
) -> Condition:
    """A checked condition. Raises BenchError for a name, a length or a value that cannot be."""
    given = {"task_options": task_options, "cell_options": cell_options, "network": network}
    chosen = {key: arguments.options(key, value) for key, value in given.items()}
    T, width = arguments.whole("T", T), arguments.whole("width", width)
    chosen_task = tasks.create(task, chosen["task_options"])
    chosen_task.require(T)
    settings = arguments.training({**chosen_task.training, **training})
    if chosen_task.measured and settings.stop != "budget":
        raise BenchError(
            f"stop: {settings.stop!r} is not allowed with task {task!r}; it must be 'budget': no "
            "score on data from a file counts as solved."
        )
    chosen_cell = cells.create(cell, chosen["cell_options"])
    condition = Condition(
        task=task,
        T=T,
        cell=chosen_cell.name,
        width=width,
        task_options=chosen_options(chosen_task),
        cell_options=chosen_options(chosen_cell),
        training=settings,
        network=chosen["network"],
    )
    require_rungs(condition, chosen_task)
    return replace(condition, network=chosen_options(Network.of(condition, chosen_task).options))


def train(
    task: str,
    cell: str,
    T: int,
    *,
    replicates: int = 5,
    first_seed: int = 0,
    seed_block: int = 5,
    device: str = "auto",
    plugins: str | Path | Iterable[str | Path] = (),
    root: str | Path = ".",
    **options: Any,
) -> Trained:
    """Train one condition and return its results; what is finished already is not trained again.

    `options` are `width`, `task_options`, `cell_options`, `network` (the options of
    `engine.network_options.NetworkOptions`) and the fields of `spec.Training` (updates, batch,
    learning_rate, ...). Files go to `root`/results, as in a sweep. Raises `lstm_bench.BenchError`
    for bad input.

        >>> trained = lstm_bench.train("adding", "lstm", T=50, learning_rate=0.01)
        >>> trained.replicates[["seed", "status", "updates_to_solve", "test_score"]]
    """
    load_plugins(plugins)
    condition = make_condition(task, cell, T, **options)
    seeds, size = arguments.seeds(first_seed, replicates), arguments.whole("seed_block", seed_block)
    results = Results(arguments.folder("root", root))
    blocks = _blocks(condition, results, seeds, size)
    folders = [train_block(condition, block, results, device=device) for block in blocks]
    return Trained(condition, tuple(folders), seeds)


def _blocks(condition: Condition, results: Results, seeds: range, size: int) -> Iterator[SeedBlock]:
    """Finished blocks that hold some of these seeds, and blocks of at most `size` for the rest."""
    code, names = code_identity(condition), [folder.name for folder in results.blocks_of(condition)]
    stored = [
        SeedBlock.parse(name)
        for name in names
        if is_finished(results.block(condition, name), condition, code)
    ]
    seed = seeds.start
    while seed < seeds.stop:
        there = [block for block in stored if seed in block.seeds]
        if there:
            block = max(there, key=lambda each: each.last)
        else:
            starts = [each.first for each in stored if each.first > seed]
            block = SeedBlock(seed, min([seed + size, seeds.stop, *starts]) - 1)
        yield block
        seed = block.last + 1
