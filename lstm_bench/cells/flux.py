"""Weights to and from Flux.jl, so that a network of the lecture's lab can be compared with ours.

Flux keeps the gates of a cell stacked in one matrix from the input, Wi (gates * h, d), one from the
state, Wh (gates * h, h), and one bias b (gates * h,); in src/layers/recurrent.jl of Flux 0.16 the
blocks of h rows stand in this order:

    RNNCell    h' = tanh.(Wi x .+ Wh h .+ b)                   one block         `elman`
    LSTMCell   input, forget, cell, output                     i, f, c, o        `lstm`
    GRUCell    reset, update, candidate, r after the product   r, z, n           `gru`

GRUCell has (1 - z) ⊙ n + z ⊙ h and one bias a gate: `gru` with reset `after` and b_u = 0. GRUv3Cell
multiplies by two matrices in the candidate and is no cell of this suite. A Julia matrix saved with
NPZ.jl is read by numpy with the same rows and columns: nothing is transposed.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lstm_bench.errors import BenchError

ORDER = {"elman": "", "gru": "rzn", "lstm": "ifco"}


def _names(kind: str, gates: str) -> list[str]:
    return [f"{kind}_{gate}" for gate in gates] or [kind]


def from_flux(
    Wi: np.ndarray, Wh: np.ndarray, b: np.ndarray | None = None
) -> tuple[str, dict[str, np.ndarray]]:
    """The name of our cell and its weights: matrices (h, d) and (h, h), biases (h,).

    Wi (g h, d), Wh (g h, h), b (g h,) with g = 1 for RNN, 3 for GRU and 4 for LSTM; no b, as with
    `bias = false`, gives zeros. Raises BenchError when the shapes are of none of the three.
    """
    Wi, Wh = np.asarray(Wi), np.asarray(Wh)
    b = np.zeros(len(Wh)) if b is None else np.asarray(b)
    shapes = f"Wi {Wi.shape}, Wh {Wh.shape} and b {b.shape}"
    if Wi.ndim != 2 or Wh.ndim != 2 or len(Wi) != len(Wh) or b.shape != (len(Wh),):
        raise BenchError(f"from_flux: {shapes} do not fit; they must have the same rows.")
    width = Wh.shape[1]
    found = [name for name, gates in ORDER.items() if len(Wh) == max(1, len(gates)) * width]
    if not found:
        raise BenchError(
            f"from_flux: {shapes} are of no known cell; Wh must have 1 (RNN), 3 (GRU) or 4 (LSTM) "
            f"times {width} rows."
        )
    (name,) = found
    weights: dict[str, np.ndarray] = {}
    for kind, stacked in (("W", Wi), ("U", Wh), ("b", b)):
        parts = np.split(stacked, max(1, len(ORDER[name])))
        weights.update(zip(_names(kind, ORDER[name]), (part.copy() for part in parts)))
    if name == "gru":
        weights["b_u"] = np.zeros(width)
    return name, weights


def to_flux(
    name: str, weights: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Wi (g h, d), Wh (g h, h) and b (g h,) for Flux, from one replicate of `name`.

    Raises BenchError for a cell Flux does not have, for weights of another cell, and for a `gru`
    whose recurrent bias b_u is not zero: Flux has no place for it.
    """
    if name not in ORDER:
        raise BenchError(f"to_flux: cell {name!r} is not one of Flux's: {', '.join(ORDER)}.")
    expected = {n for kind in "WUb" for n in _names(kind, ORDER[name])}
    if name == "gru":
        expected.add("b_u")
    if not expected <= set(weights):
        missing = ", ".join(sorted(expected - set(weights)))
        raise BenchError(f"to_flux: the weights of cell {name!r} lack {missing}.")
    if name == "gru" and np.any(weights["b_u"]):
        raise BenchError(
            "to_flux: b_u of cell 'gru' is not zero, but must be, for Flux's GRUCell has none."
        )
    Wi, Wh, b = (np.concatenate([weights[n] for n in _names(k, ORDER[name])]) for k in "WUb")
    return Wi, Wh, b
