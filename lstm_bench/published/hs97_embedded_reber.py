"""Hochreiter & Schmidhuber (1997), Experiment 1 (table 1): the embedded Reber grammar."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lstm_bench.published.base import Arm, Kind, Published, PublishedTable, online
from lstm_bench.spec import Condition

T = 30
EVERY = 100
REPLICATES = 30


def condition(
    cell: str, width: int, options: Mapping[str, object], learning_rate: float, updates: int
) -> Condition:
    return Condition(
        task="embedded_reber_1997",
        T=T,
        cell=cell,
        width=width,
        task_options={"disjoint": True},
        cell_options=dict(options),
        training=online(learning_rate, updates, EVERY, held_out=256, train_size=256),
        network={"readout": "logistic", "readout_bias": False, "readout_range": 0.2},
    )


def blocks(cells: int) -> dict[str, object]:
    """Memory blocks of `cells` cells; output gates start at -1, -2, ...; only gates have biases."""
    options: dict[str, object] = {
        "truncated": True,
        "biases": "gates",
        "output_bias": -1.0,
        "output_bias_step": -1.0,
    }
    return options | ({"cells_per_block": cells} if cells > 1 else {})


class EmbeddedReberTable(PublishedTable):
    """LSTM of 1997 against a simple recurrent network on the embedded Reber grammar."""

    name = "hs97_embedded_reber"
    title = "Embedded Reber grammar (HS97, Experiment 1)"
    citation = "Hochreiter & Schmidhuber (1997), Long Short-Term Memory, sec. 5.1, table 1"
    setting = (
        "Predict the next symbol of a string; 256 random strings for training, 256 others for "
        "testing, a trial succeeds when the legal symbols have the greatest outputs at every step "
        "of all strings of both sets. 3 pairs of data sets with 10 initialisations each. Memory "
        "blocks without forget gates, truncated gradient, logistic outputs, squared error, one "
        "string an update (appendix A.1), weights from U[-0.2, 0.2], output-gate biases -1, -2, -3 "
        "(, -4), no biases but those of gates."
    )
    deviations = (
        "Success is asked of 256 strings that are not among the training strings (validation), not "
        "of the training strings as well.",
        "Frequent strings (probability of 1/64 or more) are always training strings.",
        f"Strings have at most {T + 1} symbols, which holds for 99.9 % of those of the grammar.",
        "Every replicate has training strings and an initialisation of its own; the paper crosses "
        "3 data sets with 10 initialisations.",
        "Input-gate biases start from U[-0.2, 0.2], as in sec. 5.1; table 10 says U[-0.1, 0.1].",
        "The training strings pass in shuffled epochs; the paper draws them at random.",
        f"Success is looked for every {EVERY} strings.",
    )

    def arms(self) -> Iterable[Arm]:
        lstm, table = "lstm_1997", "HS97, table 1"
        yield Arm(
            "3 blocks of 2, rate 0.5",
            condition(lstm, 6, blocks(2), 0.5, 50_000),
            REPLICATES,
            Kind.REPLICA,
            Published(table, 30, 30, 8_440, low=3_800, high=24_100, weights=276),
        )
        yield Arm(
            "3 blocks of 2, rate 0.1",
            condition(lstm, 6, blocks(2), 0.1, 60_000),
            REPLICATES,
            Kind.REPLICA,
            Published(table, 30, 30, 21_730, weights=276),
        )
        yield Arm(
            "4 blocks of 1, rate 0.5",
            condition(lstm, 4, blocks(1), 0.5, 50_000),
            REPLICATES,
            Kind.REPLICA,
            Published(table, 30, 29, 9_500, weights=264),
        )
        yield Arm(
            "6 blocks of 2, rate 0.5",
            condition(lstm, 12, blocks(2), 0.5, 50_000),
            10,
            Kind.CONTROL,
            deviations=("Twice the blocks: shows that cell, gradient and task go together.",),
        )
        yield Arm(
            "Elman network, 15 units",
            condition("elman", 15, {}, 0.1, 50_000),
            10,
            Kind.NEGATIVE,
            Published(f"{table} (Cleeremans et al. 1989)", more_than=200_000, weights=435),
            needs="3 blocks of 2, rate 0.5",
            deviations=(
                "The learning rate is ours (0.1): table 1 gives none for it.",
                "tanh units with biases and the full gradient, instead of logistic units, no "
                "biases and a gradient cut after one step.",
            ),
        )
