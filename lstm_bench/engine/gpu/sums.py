"""The two products outside of time: weight gradients and input gradients, from the gates' ones."""

import triton
import triton.language as tl

from lstm_bench.engine.gpu.functions import factor, product


@triton.jit(do_not_specialize=["T"])
def weights(
    dgates, columns, out, T, STEPS, R, G: tl.constexpr, SHARED: tl.constexpr, ROWS: tl.constexpr,
    K: tl.constexpr, ONES: tl.constexpr, B: tl.constexpr, BR: tl.constexpr, BK: tl.constexpr,
    BB: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """out[p, r] = sum of dgates[t, r] columns[t, r]^T over the steps t of part p.

    dgates (T, R, G, B), its first ROWS rows in use; columns (T, R or 1, K, B); out (P, R, ROWS,
    K + ONES), whose last column, where ONES, is the sum of dgates alone: the bias. A program owns
    one tile of one part and adds in the order of time and batch: no two programs add to a number.
    """
    r = tl.program_id(0).to(tl.int64)
    tiles: tl.constexpr = (K + ONES + BK - 1) // BK
    rows = tl.program_id(1) // tiles * BR + tl.arange(0, BR)
    k = tl.program_id(1) % tiles * BK + tl.arange(0, BK)
    p = tl.program_id(2).to(tl.int64)
    b = tl.arange(0, BB)
    first = p * STEPS
    a_gate, a_column = R * G * B, K * B if SHARED else R * K * B  # from one step to the next
    lefts = dgates + first * a_gate + r * G * B + rows[:, None] * B + b[None, :]
    rights = columns + first * a_column + (0 if SHARED else r * K * B)
    rights += k[None, :] * B + b[:, None]
    in_rows, in_columns, bias = (rows < ROWS)[:, None], (k < K)[None, :], (k == K)[None, :]
    total = tl.zeros((BR, BK), tl.float32)
    for _ in range(tl.minimum(T - first, STEPS)):
        for b0 in range(0, B, BB):
            there = b < B - b0
            left = tl.load(lefts + b0, mask=in_rows & there[None, :], other=0.0)
            right = tl.load(rights + b0, mask=there[:, None] & in_columns, other=0.0)
            if ONES:
                right = tl.where(bias, 1.0, right)
            total += product(factor(left, PRECISION), right, PRECISION)
        lefts += a_gate
        rights += a_column
    at = (p * R + r) * ROWS * (K + ONES) + rows[:, None] * (K + ONES) + k[None, :]
    tl.store(out + at, total, mask=(rows < ROWS)[:, None] & (k < K + ONES)[None, :])


@triton.jit
def inputs(
    W, dgates, dx, R, G: tl.constexpr, FIRST: tl.constexpr, ROWS: tl.constexpr, D: tl.constexpr,
    B: tl.constexpr, BD: tl.constexpr, BB: tl.constexpr, BK: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """dx[t, r] = W[r]^T dgates[t, r, FIRST:]: a program a (step, replicate, tile of dx).

    W (R, ROWS, D); dgates (T, R, G, B); dx (T, R, D, B).
    """
    t, r = tl.program_id(0).to(tl.int64), tl.program_id(1).to(tl.int64)
    tiles: tl.constexpr = (B + BB - 1) // BB
    d = tl.program_id(2) // tiles * BD + tl.arange(0, BD)
    b = tl.program_id(2) % tiles * BB + tl.arange(0, BB)
    W += r * ROWS * D
    dgates += (t * R + r) * G * B + FIRST * B
    total = tl.zeros((BD, BB), tl.float32)
    for first in range(0, ROWS, BK):
        k = first + tl.arange(0, BK)
        there = (d < D)[:, None] & (k < ROWS)[None, :]
        left = tl.load(W + k[None, :] * D + d[:, None], mask=there, other=0.0)
        there = (k < ROWS)[:, None] & (b < B)[None, :]
        right = tl.load(dgates + k[:, None] * B + b[None, :], mask=there, other=0.0)
        total += product(factor(left, PRECISION), right, PRECISION)
    there = (d < D)[:, None] & (b < B)[None, :]
    tl.store(dx + (t * R + r) * D * B + d[:, None] * B + b[None, :], total, mask=there)
