// A cell through time and back, for one (replicate, tile of the batch) after another.
//
// States lie in rows: [step][sequence][unit], units padded with zeros to a multiple of W. What torch
// passes in and gets back lies in columns: inputs (T, R or 1, D, B), states (R, H, B), hidden states
// of the S steps asked for (S, R, H, B). M (R, GATES * H, H + D + 1) is [U, W, b] by gate.
#include <algorithm>
#include <cstring>
#include <new>
#include "cells.h"
#include "scratch.h"
#include "tile.h"
#include "turn.h"

struct Pass {
  long R, T, B, H, D, S;        // sizes
  long tiles, shared_inputs;    // tiles of a batch; whether all replicates read the same inputs
  long keep;                    // whether a backward pass will follow
  const float *M, *inputs, *h0, *c0;
  const long* steps;            // S increasing steps
  float *hs, *cs, *saved;       // rows kept for the backward pass (or two slots of them)
  float *hidden, *h_last, *c_last;
  const float *d_hidden, *d_h_last, *d_c_last;  // null where there is no gradient
  float *dM, *d_inputs, *dh0, *dc0;             // dM (R * tiles, GATES * H, H + D + 1)
};

namespace {

thread_local Scratch scratch;

long up(long n, long unit) { return (n + unit - 1) / unit * unit; }

template <class Cell>
struct Runner {
  static constexpr int C = Cell::COLUMNS, RC = Cell::RECURRENT, XC = C - Cell::X, NC = C - RC;
  static constexpr int UNITS = Cell::GROUPS * W;                     // units of a panel
  static constexpr int GATES = Cell::GROUPS == 1 ? C : 1;

  const Pass& p;
  const long H, D, B, K, P, Hp, N;
  float *U, *X, *bias;    // forward: [panel][k][RC], [panel][d][XC], [panel][C]
  float *Ub, *Xb;         // backward: by groups of 4 vectors, [row of gradient][vectors]
  long packed = -1;

  explicit Runner(const Pass& pass)
      : p(pass), H(p.H), D(p.D), B(p.B), K(H + D + 1), P((H + UNITS - 1) / UNITS), Hp(P * UNITS),
        N(P * C * W) {}

  long first_row(long tile) const { return B * tile / p.tiles; }
  long slot(long t) const { return p.keep ? t : t & 1; }
  long slots() const { return p.keep ? p.T + 1 : 2; }
  float* rows_of(float* base, long r, long b0, long width, long steps) const {
    return base ? base + (r * B + b0) * width * steps : nullptr;
  }
  const float* x_at(long t, long r, long b0) const {
    return p.inputs + ((p.shared_inputs ? t : t * p.R + r) * D) * B + b0;
  }
  // The row of M for lane j of column c of panel q, or -1 for padding.
  long row_of(long q, long c, long j) const {
    const long unit = Cell::GROUPS == 1 ? q * W + j : (q * C + c) * W + j;
    return unit >= H ? -1 : Cell::GROUPS == 1 ? c * H + unit : unit;
  }
  // Where column c of panel q starts in a gradient row.
  long place(long q, long c) const {
    return (c < RC ? q * RC + c : P * RC + q * NC + (c - RC)) * W;
  }

  void pack_forward(long r) {
    const float* M = p.M + r * GATES * H * K;
    for (long q = 0; q < P; ++q)
      for (long c = 0; c < C; ++c)
        for (long j = 0; j < W; ++j) {
          const long row = row_of(q, c, j);
          const float* m = row < 0 ? nullptr : M + row * K;
          if (c < RC)
            for (long k = 0; k < H; ++k) U[((q * H + k) * RC + c) * W + j] = m ? m[k] : 0;
          if (c >= Cell::X)
            for (long k = 0; k < D; ++k)
              X[((q * D + k) * XC + c - Cell::X) * W + j] = m ? m[H + k] : 0;
          bias[(q * C + c) * W + j] = m ? m[K - 1] : 0;
        }
  }

  // Columns `first` to `first + count` of M by rows of a gradient, `rows` of them from `start` on.
  void pack_backward(float* out, long r, long first, long count, long start, long rows) {
    const float* M = p.M + r * GATES * H * K;
    const long vectors = up(count, W) / W;
    std::memset(out, 0, vectors * W * rows * sizeof(float));
    for (long q = 0; q < P; ++q)
      for (long c = 0; c < C; ++c)
        for (long j = 0; j < W; ++j) {
          const long row = row_of(q, c, j), n = place(q, c) + j - start;
          if (row < 0 || n < 0 || n >= rows) continue;
          for (long k = 0; k < count; ++k) {
            const long v = k / W, group = v / 4 * 4, wide = std::min(4L, vectors - group);
            out[group * W * rows + (n * wide + v - group) * W + k % W] = M[row * K + first + k];
          }
        }
  }

  void forward(long r, long tile) {
    const long b0 = first_row(tile), size = first_row(tile + 1) - b0, step = size * Hp;
    if (packed < 0) {
      scratch.reserve(P * (H * RC + D * XC + C) * W + 64);
      U = scratch.take(P * H * RC * W), X = scratch.take(P * D * XC * W);
      bias = scratch.take(P * C * W);
    }
    if (packed != r) pack_forward(r), packed = r;
    float* hs = rows_of(p.hs, r, b0, Hp, slots());
    float* cs = rows_of(p.cs, r, b0, Hp, slots());
    float* saved = p.keep ? rows_of(p.saved, r, b0, P * Cell::SAVED * W, p.T) : nullptr;
    std::memset(hs, 0, step * sizeof(float));
    to_rows<false>(p.h0 + r * H * B + b0, B, hs, Hp, size, H);
    if (Cell::HAS_C) {
      std::memset(cs, 0, step * sizeof(float));
      to_rows<false>(p.c0 + r * H * B + b0, B, cs, Hp, size, H);
    }
    for (long t = 0, s = 0; t < p.T; ++t) {
      const float *h_last = hs + slot(t) * step, *c_last = Cell::HAS_C ? cs + slot(t) * step : hs;
      float *h = hs + slot(t + 1) * step, *c = Cell::HAS_C ? cs + slot(t + 1) * step : hs;
      const float* x = x_at(t, r, b0);
      for (long q = 0; q < P; ++q)
        in_groups<tile_rows(C)>(size, [&](auto rows, long first) {
          constexpr int R = decltype(rows)::value;
          V acc[R][C];
#pragma GCC unroll 8
          for (int i = 0; i < R; ++i)
#pragma GCC unroll 8
            for (int g = 0; g < C; ++g) acc[i][g] = load(bias + (q * C + g) * W);
          multiply<RC>(acc, h_last + first * Hp, Hp, 1, U + q * H * RC * W, RC * W, H);
          multiply<XC, Cell::X>(acc, x + first, 1, B, X + q * D * XC * W, XC * W, D);
          const long at = first * Hp + q * UNITS, kept = P * Cell::SAVED * W;
          float* keep = saved && Cell::SAVED
                            ? saved + ((t * size + first) * P + q) * Cell::SAVED * W
                            : nullptr;
          Cell::template forward<R>(acc, Hp, h_last + at, h + at, c_last + at, c + at, keep, kept);
        });
      if (s < p.S && p.steps[s] == t)
        to_columns(h, Hp, p.hidden + (s++ * p.R + r) * H * B + b0, B, size, H);
    }
    to_columns(hs + slot(p.T) * step, Hp, p.h_last + r * H * B + b0, B, size, H);
    if (Cell::HAS_C)
      to_columns(cs + slot(p.T) * step, Hp, p.c_last + r * H * B + b0, B, size, H);
  }

  void backward(long r, long tile) {
    const long b0 = first_row(tile), size = first_row(tile + 1) - b0, step = size * Hp;
    const long chunk = std::max(1L, 128 / size), Dp = up(D, W), rest = P * NC * W;
    const bool dx = p.d_inputs;
    scratch.reserve(N * (Hp + (dx ? Dp : 0)) + chunk * size * N + 2 * step + size * Dp +
                    P * (H + D) * C * W + N + 1024);
    Ub = scratch.take(P * RC * W * Hp);
    Xb = dx ? scratch.take(N * Dp) : nullptr;
    float *ring = scratch.take(chunk * size * N), *dh = scratch.take(step);
    float *dc = scratch.take(step), *d_x = scratch.take(size * Dp);
    float *dU = scratch.take(P * H * RC * W), *dX = scratch.take(P * D * C * W);
    float* db = scratch.take(N);
    pack_backward(Ub, r, 0, H, 0, P * RC * W);
    if (dx) {
      pack_backward(Xb, r, H, D, 0, P * RC * W);
      if (NC) pack_backward(Xb + P * RC * W * Dp, r, H, D, P * RC * W, rest);
    }
    std::memset(dh, 0, step * 4), std::memset(dc, 0, step * 4), std::memset(db, 0, N * 4);
    std::memset(dU, 0, P * H * RC * W * 4), std::memset(dX, 0, P * D * C * W * 4);
    if (p.d_h_last) to_rows<false>(p.d_h_last + r * H * B + b0, B, dh, Hp, size, H);
    if (Cell::HAS_C && p.d_c_last)
      to_rows<false>(p.d_c_last + r * H * B + b0, B, dc, Hp, size, H);
    const float* hs = rows_of(p.hs, r, b0, Hp, p.T + 1);
    const float* cs = Cell::HAS_C ? rows_of(p.cs, r, b0, Hp, p.T + 1) : hs;
    const float* saved = rows_of(p.saved, r, b0, P * Cell::SAVED * W, p.T);
    long s = p.S - 1;
    for (long end = p.T; end > 0;) {
      const long begin = std::max(0L, end - chunk);
      for (long t = end - 1; t >= begin; --t) {
        if (s >= 0 && p.steps[s] == t) {
          if (p.d_hidden)
            to_rows<true>(p.d_hidden + (s * p.R + r) * H * B + b0, B, dh, Hp, size, H);
          --s;
        }
        float* d = ring + (t - begin) * size * N;
        for (long q = 0; q < P; ++q)
          in_groups<4>(size, [&](auto rows, long b) {
            constexpr int R = decltype(rows)::value;
            const long at = b * Hp + q * UNITS, kept = P * Cell::SAVED * W;
            if (t > 0)
              for (int i = 0; i < R; ++i)
                fetch(saved, hs, cs, ((t - 1) * size + b + i) * P + q, (t - 1) * step + at + i * Hp);
            Cell::template backward<R>(
                saved + ((t * size + b) * P + q) * Cell::SAVED * W, kept, Hp, hs + t * step + at,
                hs + (t + 1) * step + at, cs + t * step + at, cs + (t + 1) * step + at, dh + at,
                dc + at, d + b * N + place(q, 0), d + b * N + (NC ? place(q, RC) : 0), N);
          });
        accumulate_packed(size, d, N, 1, Ub, P * RC * W, Hp / W, dh, Hp);
        if (dx) {
          std::memset(d_x, 0, size * Dp * sizeof(float));
          accumulate_packed(size, d, N, 1, Xb, P * RC * W, Dp / W, d_x, Dp);
          if (NC)
            accumulate_packed(size, d + P * RC * W, N, 1, Xb + P * RC * W * Dp, rest, Dp / W, d_x,
                              Dp);
          to_columns(d_x, Dp, p.d_inputs + (t * p.R + r) * D * B + b0, B, size, D);
        }
      }
      gradients(r, b0, size, begin, end, hs, ring, dU, dX, db);
      end = begin;
    }
    unpack(p.dM + (r * p.tiles + tile) * GATES * H * K, dU, dX, db);
    to_columns(dh, Hp, p.dh0 + r * H * B + b0, B, size, H);
    if (Cell::HAS_C) to_columns(dc, Hp, p.dc0 + r * H * B + b0, B, size, H);
  }

  // What the step before will read: the hardware does not foresee a walk back over pages.
  static INLINE void fetch(const float* saved, const float* hs, const float* cs, long row, long at) {
    for (int i = 0; i < Cell::SAVED; ++i)
      __builtin_prefetch(saved + (row * Cell::SAVED + i) * W);
    __builtin_prefetch(hs + at);
    if (Cell::HAS_C) __builtin_prefetch(cs + at);
  }

  // The weights' gradients of the steps [begin, end), whose gradient rows lie in the ring.
  void gradients(long r, long b0, long size, long begin, long end, const float* hs,
                 const float* ring, float* dU, float* dX, float* db) const {
    const long count = (end - begin) * size;
    for (long q = 0; q < P; ++q)
      accumulate<RC>(H, hs + begin * size * Hp, 1, Hp, ring + place(q, 0), N, count,
                     dU + q * H * RC * W, RC * W);
    for (long t = begin; t < end; ++t)
      for (long q = 0; q < P; ++q) {
        const float *x = x_at(t, r, b0), *d = ring + (t - begin) * size * N;
        accumulate<RC>(D, x, B, 1, d + place(q, 0), N, size, dX + q * D * RC * W, RC * W);
        if constexpr (NC > 0)
          accumulate<NC>(D, x, B, 1, d + place(q, RC), N, size,
                         dX + P * D * RC * W + q * D * NC * W, NC * W);
      }
    for (long i = 0; i < count; ++i)
      for (long n = 0; n < N; n += W) store(db + n, load(db + n) + load(ring + i * N + n));
  }

  void unpack(float* dM, const float* dU, const float* dX, const float* db) const {
    for (long q = 0; q < P; ++q)
      for (long c = 0; c < C; ++c)
        for (long j = 0; j < W; ++j) {
          const long row = row_of(q, c, j);
          if (row < 0) continue;
          float* m = dM + row * K;
          const float* x = c < RC ? dX + (q * D * RC + c) * W
                                  : dX + P * D * RC * W + (q * D * NC + c - RC) * W;
          for (long k = 0; k < H; ++k) m[k] = c < RC ? dU[((q * H + k) * RC + c) * W + j] : 0;
          for (long k = 0; k < D; ++k)
            m[H + k] = c >= Cell::X ? x[k * (c < RC ? RC : NC) * W + j] : 0;
          m[K - 1] = db[place(q, c) + j];
        }
  }
};

template <class Cell>
void run(const Pass& p, bool backward, long first, long last) {
  Runner<Cell> runner(p);
  for (long task = first; task < last; ++task)
    backward ? runner.backward(task / p.tiles, task % p.tiles)
             : runner.forward(task / p.tiles, task % p.tiles);
}

template <bool RELU>
void run_plain(const Pass& p, bool backward, long first, long last) {
  // two vectors of units a panel load fewer numbers a product; padding must not double the work
  ((p.H + W - 1) / W) % 2 == 0 ? run<Plain<RELU, 2>>(p, backward, first, last)
                               : run<Plain<RELU, 1>>(p, backward, first, last);
}

}  // namespace

// Tasks [first, last) of R * tiles; returns 0, 1 when memory is short, 2 for an unknown cell.
extern "C" int through_time(int cell, const Pass* pass, int backward, long first, long last) {
  FlushDenormals flush;
  try {
    switch (cell) {
      case 0: run<LSTM>(*pass, backward, first, last); return 0;
      case 1: run<GRU>(*pass, backward, first, last); return 0;
      case 2: run_plain<false>(*pass, backward, first, last); return 0;
      case 3: run_plain<true>(*pass, backward, first, last); return 0;
    }
  } catch (const std::bad_alloc&) {
    return 1;
  }
  return 2;
}

extern "C" int lanes() { return W; }
