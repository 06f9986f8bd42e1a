"""How cells are made into a network: what a config may say under `network`."""

from __future__ import annotations

from dataclasses import dataclass

from lstm_bench.errors import BenchError, unknown

READOUTS = ("linear", "logistic")


@dataclass(frozen=True)
class NetworkOptions:
    """How cells are made into a network; the `network` of a condition.

    layers          stacked cells; the hidden states of layer l at all steps are the inputs of l + 1
    bidirectional   each layer also reads its sequence backwards, with weights of its own, and the
                    next layer and the readout see both. Such a network knows the future: its output
                    at step t is no prediction from the first t inputs. Where sequences differ in
                    length, the backward cell reads the padding of a short one first.
    readout         `linear`, or `logistic` for output units in (0, 1) under a squared error, as the
                    papers of the 1990s have them
    readout_bias    whether the output units have a bias b_y
    direct          weights V_x from the inputs to the outputs
                    (Hochreiter & Schmidhuber 1997, experiment 2a)
    embedding       numbers in the vector that is learnt for every token and read in its place, of
                    a task that reads tokens; other tasks have vectors of their own
    readout_range   r > 0 draws V, V_x and b_y from U[-r, r]; 0 draws V and V_x Glorot-uniform
                    and sets b_y = 0

    Raises BenchError for a value that cannot be.
    """

    layers: int = 1
    bidirectional: bool = False
    readout: str = "linear"
    readout_bias: bool = True
    direct: bool = False
    readout_range: float = 0.0
    embedding: int = 32

    def __post_init__(self) -> None:
        if self.layers < 1:
            raise BenchError(f"network: option layers is {self.layers}, but must be at least 1.")
        if self.embedding < 1:
            raise BenchError(
                f"network: option embedding is {self.embedding}, but must be at least 1."
            )
        if self.readout not in READOUTS:
            raise unknown("network: readout", self.readout, READOUTS)
        if self.readout_range < 0:
            raise BenchError(
                f"network: option readout_range is {self.readout_range:g}, but must be at least 0."
            )
