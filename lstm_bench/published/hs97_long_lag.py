"""Hochreiter & Schmidhuber (1997), Experiments 2a and 2b (table 2): a lag of 100 steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lstm_bench.published.base import Arm, Kind, Published, PublishedTable, online
from lstm_bench.spec import Condition

P = 100
EVERY = 100
REPLICATES = 18
RECURRENT = 6  # replicates of the arms that are not expected to succeed
CELL = {
    "truncated": True,
    "output_gate": False,
    "input_squash": "logistic",
    "output_squash": "identity",
    "biases": "none",
    "recurrence": "none",
}
NETWORK = {"readout": "logistic", "readout_bias": False, "direct": True, "readout_range": 0.2}


def condition(
    variant: str, symbols: int, cell: str, options: Mapping[str, object], updates: int
) -> Condition:
    """One hidden unit or memory cell, weights from input to output, a learning rate of 1."""
    task_options: dict[str, object] = {"symbols": symbols}
    if variant != "noisy":
        task_options["variant"] = variant
    return Condition(
        task="long_lag",
        T=symbols if symbols == P else 2,
        cell=cell,
        width=1,
        task_options=task_options,
        cell_options=dict(options),
        training=online(1.0, updates, EVERY, held_out=256),
        network=NETWORK,
    )


class LongLagTable(PublishedTable):
    """One memory cell against a recurrent unit when the relevant symbol lies 100 steps back."""

    name = "hs97_long_lag"
    title = "Long time lags, p = 100 (HS97, Experiments 2a and 2b)"
    citation = "Hochreiter & Schmidhuber (1997), Long Short-Term Memory, sec. 5.2, table 2"
    setting = (
        "Predict the next of p + 1 symbols at every step; the last is the first again, p steps "
        "later. In 2a the symbols between are always the same, in 2b they are drawn anew. One cell "
        "with an input gate, no output gate, no biases, g logistic, h the identity, weights from "
        "input to output, logistic outputs, squared error, one sequence an update. A trial "
        "succeeds when the error of every output stays below 0.25 for 10,000 sequences in a row "
        "(2b: at the end of a sequence). 18 trials."
    )
    deviations = (
        "Success is asked of 256 sequences that training does not learn from, all right (2a has "
        "two different ones), not of 10,000 training sequences in a row.",
        "The memory cell and its input gate are there from the start; the paper adds them once the "
        "error has stopped decreasing (sec. 5.2).",
        f"Success is looked for every {EVERY} sequences.",
    )

    def arms(self) -> Iterable[Arm]:
        table = "HS97, table 2"
        yield Arm(
            "2a, one memory cell",
            condition("noise_free", P, "lstm_1997", CELL, 15_000),
            REPLICATES,
            Kind.REPLICA,
            Published(table, 18, 18, 5_040, weights=10_504),
        )
        yield Arm(
            "2b, one memory cell",
            condition("noisy", P, "lstm_1997", CELL, 15_000),
            REPLICATES,
            Kind.REPLICA,
            Published("HS97, sec. 5.2", 18, 18, 5_680, weights=10_504),
        )
        yield Arm(
            "2a, one recurrent unit (BPTT)",
            condition("noise_free", P, "elman", {}, 10_000),
            RECURRENT,
            Kind.NEGATIVE,
            Published(table, 18, 0, more_than=5_000_000, weights=10_404),
            needs="2a at lag 2, one recurrent unit",
            deviations=(
                "A cap of 10,000 sequences: the failure is shown up to there only.",
                "tanh instead of a logistic unit, and a bias for it.",
            ),
        )
        yield Arm(
            "2a at lag 2, one recurrent unit",
            condition("noise_free", 3, "elman", {}, 10_000),
            RECURRENT,
            Kind.CONTROL,
        )
