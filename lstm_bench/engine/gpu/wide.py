"""Kernels for widths whose U does not fit on the chip: it is read again at every step.

A program still walks alone through the T steps of one (replicate, batch tile). A step has two
phases, parted by a barrier among the program's own threads: the product with U, in tiles of BH
rows, and the pointwise equations, in tiles of BH units. What passes from phase to phase lies in
global memory, and in practice in the cache. Shapes as in `memory`.
"""

import triton
import triton.language as tl

from lstm_bench.engine.gpu.functions import (
    affine,
    factor,
    gru_back,
    gru_step,
    lstm_back,
    lstm_step,
    plain_back,
    plain_step,
    product,
)


@triton.jit(do_not_specialize=["T"])
def forward(
    U, W, bias, inputs, h, c, slots, states, gates, cells, T, R, SHARED: tl.constexpr,
    CELL: tl.constexpr, H: tl.constexpr, D: tl.constexpr, B: tl.constexpr, BH: tl.constexpr,
    BB: tl.constexpr, BD: tl.constexpr, KEEP: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """As `resident.forward`; h and c hold the state, and at the end the last one."""
    r = tl.program_id(0).to(tl.int64)
    columns = tl.program_id(1) * BB + tl.arange(0, BB)
    k = tl.arange(0, BH)
    G: tl.constexpr = 1 if CELL == "tanh" or CELL == "relu" else 4
    GU: tl.constexpr = 3 if CELL == "gru" else G
    U, W, bias = U + r * GU * H * H, W + r * GU * H * D, bias + r * G * H
    a_state, a_gate = R * H * B, R * G * H * B  # from one step to the next
    an_input = D * B if SHARED else R * D * B
    x = inputs + (0 if SHARED else r * D * B)
    here = r * H * B
    gates += r * G * H * B
    cells += a_state + here  # cells[0] is c_0
    for t in range(T):
        for first in range(0, GU * H, BH):
            rows = first + k
            total = tl.zeros((BH, BB), tl.float32)
            for k0 in range(0, H, BH):
                there = (rows < GU * H)[:, None] & (k0 + k < H)[None, :]
                u = tl.load(U + rows[:, None] * H + (k0 + k)[None, :], mask=there, other=0.0)
                there = (k0 + k < H)[:, None] & (columns < B)[None, :]
                at = here + (k0 + k)[:, None] * B + columns[None, :]
                last = tl.load(h + at, mask=there, other=0.0)
                total += product(factor(u, PRECISION), last, PRECISION)
            there = (rows < GU * H)[:, None] & (columns < B)[None, :]
            tl.store(gates + rows[:, None] * B + columns[None, :], total, mask=there)
        tl.debug_barrier()
        slot = tl.load(slots + t).to(tl.int64)
        for first in range(0, H, BH):
            units = first + k
            inside = (units < H)[:, None] & (columns < B)[None, :]
            tile = units[:, None] * B + columns[None, :]
            gate = gates + tile
            if CELL == "lstm":
                o = affine(W, bias, x, 0, units, columns, H, D, B, BH, BB, BD, PRECISION)
                f = affine(W, bias, x, 1, units, columns, H, D, B, BH, BB, BD, PRECISION)
                i = affine(W, bias, x, 2, units, columns, H, D, B, BH, BB, BD, PRECISION)
                g = affine(W, bias, x, 3, units, columns, H, D, B, BH, BB, BD, PRECISION)
                o += tl.load(gate, mask=inside, other=0.0)
                f += tl.load(gate + H * B, mask=inside, other=0.0)
                i += tl.load(gate + 2 * H * B, mask=inside, other=0.0)
                g += tl.load(gate + 3 * H * B, mask=inside, other=0.0)
                last = tl.load(c + here + tile, mask=inside, other=0.0)
                o, f, i, g, new, h_t = lstm_step(o, f, i, g, last)
                tl.store(c + here + tile, new, mask=inside)
                if KEEP:
                    tl.store(gate, o, mask=inside)
                    tl.store(gate + H * B, f, mask=inside)
                    tl.store(gate + 2 * H * B, i, mask=inside)
                    tl.store(gate + 3 * H * B, g, mask=inside)
                    tl.store(cells + tile, new, mask=inside)
            elif CELL == "gru":
                b_u = tl.load(bias + units, mask=units < H, other=0.0)
                b = bias + H
                u = b_u[:, None] + tl.load(gate, mask=inside, other=0.0)
                z_r = affine(W, b, x, 0, units, columns, H, D, B, BH, BB, BD, PRECISION)
                z_z = affine(W, b, x, 1, units, columns, H, D, B, BH, BB, BD, PRECISION)
                a = affine(W, b, x, 2, units, columns, H, D, B, BH, BB, BD, PRECISION)
                z_r += tl.load(gate + H * B, mask=inside, other=0.0)
                z_z += tl.load(gate + 2 * H * B, mask=inside, other=0.0)
                last = tl.load(h + here + tile, mask=inside, other=0.0)
                z_r, z_z, n, h_t = gru_step(u, z_r, z_z, a, last)
                if KEEP:
                    tl.store(gate, u, mask=inside)
                    tl.store(gate + H * B, z_r, mask=inside)
                    tl.store(gate + 2 * H * B, z_z, mask=inside)
                    tl.store(gate + 3 * H * B, n, mask=inside)
            else:
                z = affine(W, bias, x, 0, units, columns, H, D, B, BH, BB, BD, PRECISION)
                z += tl.load(gate, mask=inside, other=0.0)
                h_t = plain_step(z, CELL == "relu")
            tl.store(h + here + tile, h_t, mask=inside)
            if slot >= 0:
                tl.store(states + slot * a_state + here + tile, h_t, mask=inside)
        tl.debug_barrier()
        x += an_input
        if KEEP:
            cells += a_state
            if G > 1:  # a plain network keeps no gate
                gates += a_gate


@triton.jit(do_not_specialize=["T"])
def backward(
    U, states, gates, cells, slots, dhidden, dgates, dh, dc, T, R,
    CELL: tl.constexpr, H: tl.constexpr, B: tl.constexpr, BH: tl.constexpr, BB: tl.constexpr,
    PRECISION: tl.constexpr,
):  # fmt: skip
    """As `resident.backward`; dh and dc hold the last state's derivatives, then the first's."""
    r = tl.program_id(0).to(tl.int64)
    columns = tl.program_id(1) * BB + tl.arange(0, BB)
    k = tl.arange(0, BH)
    G: tl.constexpr = 1 if CELL == "tanh" or CELL == "relu" else 4
    GU: tl.constexpr = 3 if CELL == "gru" else G
    U += r * GU * H * H
    here = r * H * B
    a_state, a_gate = R * H * B, R * G * H * B
    last_step = (T - 1).to(tl.int64)
    gates += last_step * a_gate + r * G * H * B
    dgates += last_step * a_gate + r * G * H * B
    states += last_step * a_state + here  # h_{t-1}; h_t lies one step further
    cells += last_step * a_state + here
    for s in range(T):
        t = T - 1 - s
        slot = tl.load(slots + t).to(tl.int64)
        for first in range(0, H, BH):
            units = first + k
            inside = (units < H)[:, None] & (columns < B)[None, :]
            tile = units[:, None] * B + columns[None, :]
            d = tl.load(dh + here + tile, mask=inside, other=0.0)
            if slot >= 0:
                d += tl.load(dhidden + slot * a_state + here + tile, mask=inside, other=0.0)
            gate, dgate = gates + tile, dgates + tile
            if CELL == "lstm":
                o = tl.load(gate, mask=inside, other=0.0)
                f = tl.load(gate + H * B, mask=inside, other=0.0)
                i = tl.load(gate + 2 * H * B, mask=inside, other=0.0)
                g = tl.load(gate + 3 * H * B, mask=inside, other=0.0)
                c = tl.load(cells + tile + a_state, mask=inside, other=0.0)
                last = tl.load(cells + tile, mask=inside, other=0.0)
                d_c = tl.load(dc + here + tile, mask=inside, other=0.0)
                o, f, i, g, d_c = lstm_back(d, d_c, o, f, i, g, c, last)
                tl.store(dc + here + tile, d_c, mask=inside)
                tl.store(dgate, o, mask=inside)
                tl.store(dgate + H * B, f, mask=inside)
                tl.store(dgate + 2 * H * B, i, mask=inside)
                tl.store(dgate + 3 * H * B, g, mask=inside)
                direct = tl.zeros((BH, BB), tl.float32)
            elif CELL == "gru":
                u = tl.load(gate, mask=inside, other=0.0)
                z_r = tl.load(gate + H * B, mask=inside, other=0.0)
                z_z = tl.load(gate + 2 * H * B, mask=inside, other=0.0)
                n = tl.load(gate + 3 * H * B, mask=inside, other=0.0)
                last = tl.load(states + tile, mask=inside, other=0.0)
                u, z_r, z_z, n, direct = gru_back(d, u, z_r, z_z, n, last)
                tl.store(dgate, u, mask=inside)
                tl.store(dgate + H * B, z_r, mask=inside)
                tl.store(dgate + 2 * H * B, z_z, mask=inside)
                tl.store(dgate + 3 * H * B, n, mask=inside)
            else:
                h = tl.load(states + tile + a_state, mask=inside, other=0.0)
                tl.store(dgate, plain_back(d, h, CELL == "relu"), mask=inside)
                direct = tl.zeros((BH, BB), tl.float32)
            tl.store(dh + here + tile, direct, mask=inside)
        tl.debug_barrier()
        for first in range(0, H, BH):
            units = first + k
            inside = (units < H)[:, None] & (columns < B)[None, :]
            tile = units[:, None] * B + columns[None, :]
            total = tl.load(dh + here + tile, mask=inside, other=0.0)
            for k0 in range(0, GU * H, BH):
                rows = k0 + k
                there = (units < H)[:, None] & (rows < GU * H)[None, :]
                v = tl.load(U + rows[None, :] * H + units[:, None], mask=there, other=0.0)
                there = (rows < GU * H)[:, None] & (columns < B)[None, :]
                part = tl.load(dgates + rows[:, None] * B + columns[None, :], mask=there, other=0.0)
                total += product(factor(v, PRECISION), part, PRECISION)
            tl.store(dh + here + tile, total, mask=inside)
        tl.debug_barrier()
        gates -= a_gate
        dgates -= a_gate
        states -= a_state
        cells -= a_state
