"""How cells lie in memory for the kernels, and how large the tiles are.

The gates of a cell are stacked along the units. For U (R, GU H, H), W (R, GU H, D) and the bias
(R, G H):

    cell    rows of the gates      rows of U   rows of W   cell's own parameters
    lstm    o, f, i, c             all         all         U_o ..., W_o ..., b_o ...
    gru     u, r, z, n             u, r, z     r, z, n     U_n U_r U_z, W_r W_z W_n, b_u b_r b_z b_n
    tanh    h                      all         all         elman
    relu    h                      all         all         irnn, elman_relu

so that of the GRU's G = 4 rows of gates the first GU = 3 have passed U and the last 3 have W x in
them. Steps lie outermost: inputs (T, R or 1, D, B), gates (T, R, G H, B), states (T + 1, R, H, B).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from lstm_bench.cells.base import Cell, Params
from lstm_bench.cells.elman import IRNN, Elman, ElmanReLU
from lstm_bench.cells.gru import GRU
from lstm_bench.cells.lstm import LSTM

KINDS: dict[type[Cell], str] = {
    LSTM: "lstm",
    GRU: "gru",
    Elman: "tanh",
    IRNN: "relu",
    ElmanReLU: "relu",
}
GATES = {"lstm": 4, "gru": 4, "tanh": 1, "relu": 1}  # G
PRODUCTS = {"lstm": 4, "gru": 3, "tanh": 1, "relu": 1}  # GU
RESIDENT_BYTES = 64 * 1024  # of U at most: beyond, a program's registers would not do
WIDE_TILE = 64


@dataclass(frozen=True)
class Tiles:
    """Sizes that decide speed, never the result. None of them depends on R."""

    resident: bool
    units: int  # BH
    batch: int  # BB
    inputs: int = 16  # BD
    warps: int = 4


def tiles(kind: str, H: int, B: int, precision: str, shared: float = math.inf) -> Tiles:
    """For a chip with so many bytes of shared memory for one program.

    The smallest product of the tensor cores is 16 wide in every direction. Beside U (twice for
    tf32x3: its high and its low parts) a program holds at most two of U's squares in another
    arrangement, and for tensor cores 8 KiB of states: an upper bound on what the compiled kernels
    ask for (benchmarks/gpu_compile.py).
    """
    padded = max(16, 1 << (H - 1).bit_length())
    square = padded**2 * (2 if precision == "bf16" else 4)
    size = PRODUCTS[kind] * square
    states = 0 if precision == "ieee" else 8 * 1024
    needed = size * (2 if precision == "tf32x3" else 1) + 2 * square + states
    resident = size <= RESIDENT_BYTES and needed <= shared
    units = padded if resident else WIDE_TILE
    warps = 4 if units <= 32 or (resident and precision == "tf32x3") else 8
    return Tiles(resident, units, 16 if B <= 16 else 32, warps=warps)


def shared_memory(device: torch.device) -> float:
    """Bytes that one program may hold on this device; no bound where there is no GPU."""
    if device.type != "cuda":
        return math.inf
    properties = torch.cuda.get_device_properties(device)
    return getattr(properties, "shared_memory_per_block_optin", properties.shared_memory_per_block)


def stacked(kind: str, p: Params) -> tuple[Tensor, Tensor, Tensor]:
    """U (R, GU H, H), W (R, GU H, D) and the bias (R, G H, 1) of a cell."""
    if kind in ("tanh", "relu"):
        return p.U, p.W, p.b
    orders = {"lstm": ("ofic", "ofic", "ofic"), "gru": ("nrz", "rzn", "urzn")}
    U, W, b = (
        torch.cat([p[f"{letter}_{gate}"] for gate in order], dim=1)
        for letter, order in zip("UWb", orders[kind])
    )
    return U, W, b


@lru_cache(maxsize=256)
def slots(T: int, steps: tuple[int, ...], device: torch.device) -> Tensor:
    """For every step its place among `steps`, or -1: int32 (T,)."""
    place = {t: i for i, t in enumerate(steps)}
    return torch.tensor([place.get(t, -1) for t in range(T)], dtype=torch.int32, device=device)
