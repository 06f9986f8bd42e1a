"""Hochreiter & Schmidhuber (1997), Experiment 6a (table 9), and forget gates on the same task."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from lstm_bench.published.base import Arm, Kind, Published, PublishedTable, online
from lstm_bench.spec import Condition, Training

TASK, T = "temporal_order_1997", 100
REPLICATES = 20

ORIGINAL = online(0.5, 80_000, every=500, held_out=2560)
MODERN = Training(
    updates=4000,
    batch=32,
    evaluate_every=100,
    evaluate_first=100,
    confirmation_size=None,
    optimiser="adam",
    learning_rate=0.01,
    clip="norm",
    clip_at=1.0,
    futility_after=1.0,
    validation_size=1024,
    test_size=2560,
)
BIASES: Mapping[str, Mapping[str, float]] = {
    "0": {"forget_bias": 0.0},
    "1": {},
    "3": {"forget_bias": 3.0},
    "5": {"forget_bias": 5.0},
    "chrono": {"chrono": 100},
}


class TemporalOrderTable(PublishedTable):
    """The order of two symbols 100 steps apart: blocks of 1997, and forget gates by their bias."""

    name = "hs97_temporal_order"
    title = "Temporal order, T = 100 to 110 (HS97, Experiment 6a), and the forget bias"
    citation = (
        "Hochreiter & Schmidhuber (1997), Long Short-Term Memory, sec. 5.6, table 9; forget gates: "
        "Gers, Schmidhuber & Cummins (2000), Learning to Forget"
    )
    setting = (
        "Which two symbols stood among distractors, and in which order: four classes, asked at the "
        "end of 100 to 110 steps. 2 memory blocks of 2 cells, input-gate biases -2, -4, truncated "
        "gradient, logistic outputs, squared error, learning rate 0.5, one sequence an update. A "
        "trial stops when the mean error is below 0.1 and the last 2000 sequences were right "
        "within 0.3 at every output. 20 trials. The arms with forget gates are not in the paper: "
        "one LSTM layer of 8 units, batches of 32, Adam at 0.01, gradients clipped at norm 1, "
        "linear outputs and squared error, at most 4000 updates."
    )
    deviations = (
        "Success is asked of 2560 sequences that training does not learn from, at most 3 wrong "
        "(the paper's worst trial), not of the last 2000 training sequences; of 1024, at most 1 "
        "wrong, in the arms that are not in the paper.",
    )

    def arms(self) -> Iterable[Arm]:
        yield Arm(
            "2 blocks of 2, as published",
            Condition(
                TASK,
                T,
                "lstm_1997",
                4,
                cell_options={
                    "cells_per_block": 2,
                    "truncated": True,
                    "input_bias": -2.0,
                    "input_bias_step": -2.0,
                    "weight_range": 0.1,
                },
                training=ORIGINAL,
                network={"readout": "logistic", "readout_range": 0.1},
            ),
            REPLICATES,
            Kind.REPLICA,
            Published("HS97, table 9", 20, 20, 31_390, weights=156),
            deviations=("Success is looked for every 500 sequences.",),
        )
        for bias, options in BIASES.items():
            modern = Condition(TASK, T, "lstm", 8, cell_options=options, training=MODERN)
            yield Arm(label_of(bias), modern, REPLICATES, Kind.CONTROL)
        yield Arm(
            "tanh network of 8 units",
            Condition(TASK, T, "elman", 8, training=MODERN),
            REPLICATES,
            Kind.CONTROL,
        )

    def claim(self, shares: Mapping[str, float]) -> str:
        """Whether the forget bias decides: few solve at 0 and 1, most at 3, 5 and chrono."""
        share = {bias: shares[label_of(bias)] for bias in BIASES}
        if any(map(math.isnan, share.values())):
            return ""
        seen = max(share["0"], share["1"]) < 0.5 < min(share[b] for b in ("3", "5", "chrono"))
        each = ", ".join(f"{bias} {value:.0%}" for bias, value in share.items())
        return (
            "Expected: a forget gate must start open, so that fewer than half of the LSTMs with a "
            f"forget bias of 0 or 1 and more than half of those with 3, 5 or chrono succeed. This "
            f"is {'' if seen else 'not '}what is found (share solved by forget bias: {each})."
        )


def label_of(bias: str) -> str:
    return "LSTM, chrono start" if bias == "chrono" else f"LSTM, forget bias {bias}"
