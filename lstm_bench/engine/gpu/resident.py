"""Kernels that hold U on the chip for all T steps: one program a (replicate, batch tile).

A program walks through time alone; programs never wait for each other. Pointers move by one step
at a time, so that no offset within a step needs 64 bits. Shapes and the order of the stacked
gates are those of `memory`. `slots[t]` is the row of `states` that takes h_t, or -1.
"""

import triton
import triton.language as tl

from lstm_bench.engine.gpu.functions import (
    affine,
    gru_back,
    gru_step,
    lstm_back,
    lstm_step,
    plain_back,
    plain_step,
    product,
    square,
)


@triton.jit(do_not_specialize=["T"])
def forward(
    U, W, bias, inputs, h0, c0, slots, states, gates, cells, hT, cT, T, R, SHARED: tl.constexpr,
    CELL: tl.constexpr, H: tl.constexpr, D: tl.constexpr, B: tl.constexpr, BH: tl.constexpr,
    BB: tl.constexpr, BD: tl.constexpr, KEEP: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """h_1 ... h_T of one replicate's tile; gates and cell states where KEEP."""
    r = tl.program_id(0).to(tl.int64)
    units, columns = tl.arange(0, BH), tl.program_id(1) * BB + tl.arange(0, BB)
    tile = units[:, None] * B + columns[None, :]
    inside = (units < H)[:, None] & (columns < B)[None, :]
    G: tl.constexpr = 1 if CELL == "tanh" or CELL == "relu" else 4
    GU: tl.constexpr = 3 if CELL == "gru" else G
    U, W, bias = U + r * GU * H * H, W + r * GU * H * D, bias + r * G * H
    a_state, a_gate = R * H * B, R * G * H * B  # from one step to the next
    an_input = D * B if SHARED else R * D * B
    x = inputs + (0 if SHARED else r * D * B)
    state = r * H * B + tile
    gate = gates + r * G * H * B + tile
    h = tl.load(h0 + state, mask=inside, other=0.0)
    U_0 = square(U, 0, H, BH, False, PRECISION)
    if GU > 1:
        U_1 = square(U, 1, H, BH, False, PRECISION)
        U_2 = square(U, 2, H, BH, False, PRECISION)
    if CELL == "lstm":
        U_3 = square(U, 3, H, BH, False, PRECISION)
        c = tl.load(c0 + state, mask=inside, other=0.0)
        cell = cells + a_state + state  # cells[0] is c_0
    for t in range(T):
        if CELL == "lstm":
            o = affine(W, bias, x, 0, units, columns, H, D, B, BH, BB, BD, PRECISION)
            f = affine(W, bias, x, 1, units, columns, H, D, B, BH, BB, BD, PRECISION)
            i = affine(W, bias, x, 2, units, columns, H, D, B, BH, BB, BD, PRECISION)
            g = affine(W, bias, x, 3, units, columns, H, D, B, BH, BB, BD, PRECISION)
            o += product(U_0, h, PRECISION)
            f += product(U_1, h, PRECISION)
            i += product(U_2, h, PRECISION)
            g += product(U_3, h, PRECISION)
            o, f, i, g, c, h = lstm_step(o, f, i, g, c)
            if KEEP:
                tl.store(gate, o, mask=inside)
                tl.store(gate + H * B, f, mask=inside)
                tl.store(gate + 2 * H * B, i, mask=inside)
                tl.store(gate + 3 * H * B, g, mask=inside)
                tl.store(cell, c, mask=inside)
                cell += a_state
        elif CELL == "gru":
            b_u = tl.load(bias + units, mask=units < H, other=0.0)
            b = bias + H  # r, z, n, as in W
            u = b_u[:, None] + product(U_0, h, PRECISION)
            z_r = affine(W, b, x, 0, units, columns, H, D, B, BH, BB, BD, PRECISION)
            z_z = affine(W, b, x, 1, units, columns, H, D, B, BH, BB, BD, PRECISION)
            a = affine(W, b, x, 2, units, columns, H, D, B, BH, BB, BD, PRECISION)
            z_r += product(U_1, h, PRECISION)
            z_z += product(U_2, h, PRECISION)
            z_r, z_z, n, h = gru_step(u, z_r, z_z, a, h)
            if KEEP:
                tl.store(gate, u, mask=inside)
                tl.store(gate + H * B, z_r, mask=inside)
                tl.store(gate + 2 * H * B, z_z, mask=inside)
                tl.store(gate + 3 * H * B, n, mask=inside)
        else:
            z = affine(W, bias, x, 0, units, columns, H, D, B, BH, BB, BD, PRECISION)
            h = plain_step(z + product(U_0, h, PRECISION), CELL == "relu")
        gate += a_gate
        x += an_input
        slot = tl.load(slots + t).to(tl.int64)
        if slot >= 0:
            tl.store(states + slot * a_state + state, h, mask=inside)
    tl.store(hT + state, h, mask=inside)
    if CELL == "lstm":
        tl.store(cT + state, c, mask=inside)


@triton.jit(do_not_specialize=["T"])
def backward(
    U, states, gates, cells, slots, dhidden, dhT, dcT, dgates, dh0, dc0, T, R,
    CELL: tl.constexpr, H: tl.constexpr, B: tl.constexpr, BH: tl.constexpr, BB: tl.constexpr,
    PRECISION: tl.constexpr,
):  # fmt: skip
    """The gates' derivatives of all steps, and those of the first state.

    `slots[t]` is here the row of `dhidden` that belongs to h_t, or -1; states[t] is h_t and
    cells[t] is c_t, from t = 0 on.
    """
    r = tl.program_id(0).to(tl.int64)
    units, columns = tl.arange(0, BH), tl.program_id(1) * BB + tl.arange(0, BB)
    tile = units[:, None] * B + columns[None, :]
    inside = (units < H)[:, None] & (columns < B)[None, :]
    G: tl.constexpr = 1 if CELL == "tanh" or CELL == "relu" else 4
    GU: tl.constexpr = 3 if CELL == "gru" else G
    U += r * GU * H * H
    a_state, a_gate = R * H * B, R * G * H * B
    state = r * H * B + tile
    last_step = (T - 1).to(tl.int64)
    at = last_step * a_gate + r * G * H * B + tile
    gate, dgate = gates + at, dgates + at
    after = states + (last_step + 1) * a_state + state  # h_t
    dh = tl.load(dhT + state, mask=inside, other=0.0)
    V_0 = square(U, 0, H, BH, True, PRECISION)
    if GU > 1:
        V_1 = square(U, 1, H, BH, True, PRECISION)
        V_2 = square(U, 2, H, BH, True, PRECISION)
    if CELL == "lstm":
        V_3 = square(U, 3, H, BH, True, PRECISION)
        dc = tl.load(dcT + state, mask=inside, other=0.0)
        cell = cells + (last_step + 1) * a_state + state
        c = tl.load(cell, mask=inside, other=0.0)
    for s in range(T):
        t = T - 1 - s
        slot = tl.load(slots + t).to(tl.int64)
        if slot >= 0:
            dh += tl.load(dhidden + slot * a_state + state, mask=inside, other=0.0)
        if CELL == "lstm":
            o = tl.load(gate, mask=inside, other=0.0)
            f = tl.load(gate + H * B, mask=inside, other=0.0)
            i = tl.load(gate + 2 * H * B, mask=inside, other=0.0)
            g = tl.load(gate + 3 * H * B, mask=inside, other=0.0)
            cell -= a_state
            last = tl.load(cell, mask=inside, other=0.0)
            o, f, i, g, dc = lstm_back(dh, dc, o, f, i, g, c, last)
            c = last
            tl.store(dgate, o, mask=inside)
            tl.store(dgate + H * B, f, mask=inside)
            tl.store(dgate + 2 * H * B, i, mask=inside)
            tl.store(dgate + 3 * H * B, g, mask=inside)
            dh = product(V_0, o, PRECISION) + product(V_1, f, PRECISION)
            dh += product(V_2, i, PRECISION) + product(V_3, g, PRECISION)
        elif CELL == "gru":
            u = tl.load(gate, mask=inside, other=0.0)
            z_r = tl.load(gate + H * B, mask=inside, other=0.0)
            z_z = tl.load(gate + 2 * H * B, mask=inside, other=0.0)
            n = tl.load(gate + 3 * H * B, mask=inside, other=0.0)
            after -= a_state
            last = tl.load(after, mask=inside, other=0.0)
            u, z_r, z_z, n, dh = gru_back(dh, u, z_r, z_z, n, last)
            tl.store(dgate, u, mask=inside)
            tl.store(dgate + H * B, z_r, mask=inside)
            tl.store(dgate + 2 * H * B, z_z, mask=inside)
            tl.store(dgate + 3 * H * B, n, mask=inside)
            dh += product(V_0, u, PRECISION) + product(V_1, z_r, PRECISION)
            dh += product(V_2, z_z, PRECISION)
        else:
            h = tl.load(after, mask=inside, other=0.0)
            dz = plain_back(dh, h, CELL == "relu")
            tl.store(dgate, dz, mask=inside)
            dh = product(V_0, dz, PRECISION)
            after -= a_state
        gate -= a_gate
        dgate -= a_gate
    tl.store(dh0 + state, dh, mask=inside)
    if CELL == "lstm":
        tl.store(dc0 + state, dc, mask=inside)
