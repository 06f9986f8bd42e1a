"""Settings of a training and a network that cannot be had together."""

from __future__ import annotations

from lstm_bench.cells.base import Cell
from lstm_bench.cells.rows import SequenceCell
from lstm_bench.engine.chunks import ThroughTime
from lstm_bench.engine.network_options import NetworkOptions
from lstm_bench.errors import BenchError
from lstm_bench.spec import Condition, Training
from lstm_bench.tasks import Task
from lstm_bench.tasks.in_order import in_order


def require_possible(condition: Condition, task: Task, cell: Cell, options: NetworkOptions) -> None:
    """Raise BenchError for a network of this cell that cannot be trained so on this task."""
    if options.readout == "logistic" and task.loss != "squared_error":
        raise BenchError(
            f"network: readout 'logistic' is not allowed on task {task.name!r}, whose loss is "
            f"{task.loss!r} of unbounded outputs; it needs a task with 'squared_error'."
        )
    training = condition.training
    through = ThroughTime.of(training)
    if through.truncate is not None and options.bidirectional:
        raise BenchError(
            f"truncate: {through.truncate} is not allowed in a bidirectional network, which "
            "has no past to cut."
        )
    if isinstance(cell, SequenceCell) and not through.whole:
        cut = {"truncate": through.truncate, "gradient_decay": through.decay}
        what = next((name for name, value in cut.items() if value is not None), "recompute")
        raise BenchError(
            f"{what}: {cut.get(what, True)} is not allowed with cell {cell.name!r}, a layer "
            "that reads whole sequences and has no steps between which to cut."
        )
    if through.decay is not None:
        _require_hidden_alone(cell, options, f"gradient_decay: {through.decay:g}")
    if training.stateful:
        _require_carried(cell, options, training)
        in_order(task).require_streams(condition.T, training.batch)


def _require_hidden_alone(cell: Cell, options: NetworkOptions, setting: str) -> None:
    """Unless all that passes from step to step is one hidden state h_t."""
    if cell.state != ("h",):
        raise BenchError(
            f"{setting} is not allowed with cell {cell.name!r}, whose state is "
            f"{', '.join(cell.state)}; it needs a cell whose gradient passes through h alone."
        )
    if options.layers > 1 or options.bidirectional:
        raise BenchError(
            f"{setting} is not allowed in a network of more than one layer or direction."
        )


def _require_carried(cell: Cell, options: NetworkOptions, training: Training) -> None:
    """Unless the state after a batch is one that the next can start from."""
    if options.bidirectional:
        raise BenchError(
            "stateful: True is not allowed in a bidirectional network, which reads the future."
        )
    if isinstance(cell, SequenceCell):
        raise BenchError(
            f"stateful: True is not allowed with cell {cell.name!r}, a layer that reads whole "
            "sequences and gives no state back."
        )
    others = {"truncate": None, "train_size": None, "curriculum": (), "gradient_decay": None}
    for name, usual in others.items():
        if (value := getattr(training, name)) != usual:
            raise BenchError(
                f"{name}: {value!r} is not allowed with stateful, which reads the training part in "
                f"its order, T steps at a time; it must be {usual!r}."
            )
