// A cell through time and back, for one (replicate, tile of the batch) after another.
//
// States lie in rows: [step][sequence][unit], units padded with zeros to a multiple of W. What torch
// passes in and gets back lies in columns: inputs (T, R or 1, D, B), states (R, H, B), hidden states
// of the S steps asked for (S, R, H, B). M (R, GATES * H, F + D + 1) is [U, W, b] by gate; U reads
// the state, or what V makes of it where a network feeds its F outputs back.
#include <algorithm>
#include <cstring>
#include <new>
#include "cells.h"
#include "packing.h"
#include "scratch.h"
#include "tile.h"
#include "turn.h"

namespace {

thread_local Scratch scratch;

template <class Cell>
struct Runner : Packing<Cell> {
  using Layout = Packing<Cell>;
  using Layout::C, Layout::RC, Layout::XC, Layout::NC, Layout::UNITS, Layout::GATES;
  using Layout::p, Layout::H, Layout::D, Layout::F, Layout::B, Layout::K, Layout::P, Layout::Hp;
  using Layout::Fp, Layout::N, Layout::place;

  float *U, *X, *bias, *Vt;  // forward: [panel][k][RC], [panel][d][XC], [panel][C]; V transposed
  float *Ub, *Xb, *Vb;       // backward: by groups of 4 vectors, [row of gradient][vectors]
  long packed = -1;

  explicit Runner(const Pass& pass) : Layout(pass) {}

  long first_row(long tile) const { return B * tile / p.tiles; }
  long slot(long t) const { return p.keep ? t : t & 1; }
  long slots() const { return p.keep ? p.T + 1 : 2; }
  float* rows_of(float* base, long r, long b0, long width, long steps) const {
    return base ? base + (r * B + b0) * width * steps : nullptr;
  }
  const float* x_at(long t, long r, long b0) const {
    return p.inputs + ((p.shared_inputs ? t : t * p.R + r) * D) * B + b0;
  }

  void forward(long r, long tile) {
    const long b0 = first_row(tile), size = first_row(tile + 1) - b0, step = size * Hp;
    if (packed < 0) {
      scratch.reserve(P * (F * RC + D * XC + C) * W + (p.V ? H * Fp : 0) + 64);
      U = scratch.take(P * F * RC * W), X = scratch.take(P * D * XC * W);
      bias = scratch.take(P * C * W), Vt = p.V ? scratch.take(H * Fp) : nullptr;
    }
    if (packed != r) {
      this->pack_forward(r, U, X, bias), packed = r;
      if (Vt) this->pack(Vt, p.V + r * F * H, H, 1, F, H);
    }
    float* hs = rows_of(p.hs, r, b0, Hp, slots());
    float* cs = rows_of(p.cs, r, b0, Hp, slots());
    float* fed = p.V ? rows_of(p.ys, r, b0, Fp, slots()) : hs;
    float* saved = p.keep ? rows_of(p.saved, r, b0, P * Cell::SAVED * W, p.T) : nullptr;
    std::memset(hs, 0, step * sizeof(float));
    to_rows<false>(p.h0 + r * H * B + b0, B, hs, Hp, size, H);
    if (Cell::HAS_C) {
      std::memset(cs, 0, step * sizeof(float));
      to_rows<false>(p.c0 + r * H * B + b0, B, cs, Hp, size, H);
    }
    if (Vt) feed_back(size, hs, fed);
    for (long t = 0, s = 0; t < p.T; ++t) {
      const float *h_last = hs + slot(t) * step, *c_last = Cell::HAS_C ? cs + slot(t) * step : hs;
      float *h = hs + slot(t + 1) * step, *c = Cell::HAS_C ? cs + slot(t + 1) * step : hs;
      const float *x = x_at(t, r, b0), *y = fed + slot(t) * size * Fp;
      for (long q = 0; q < P; ++q)
        in_groups<tile_rows(C)>(size, [&](auto rows, long first) {
          constexpr int R = decltype(rows)::value;
          V acc[R][C];
#pragma GCC unroll 8
          for (int i = 0; i < R; ++i)
#pragma GCC unroll 8
            for (int g = 0; g < C; ++g) acc[i][g] = load(bias + (q * C + g) * W);
          multiply<RC>(acc, y + first * Fp, Fp, 1, U + q * F * RC * W, RC * W, F);
          multiply<XC, Cell::X>(acc, x + first, 1, B, X + q * D * XC * W, XC * W, D);
          const long at = first * Hp + q * UNITS, kept = P * Cell::SAVED * W;
          float* keep = saved && Cell::SAVED
                            ? saved + ((t * size + first) * P + q) * Cell::SAVED * W
                            : nullptr;
          Cell::template forward<R>(acc, Hp, h_last + at, h + at, c_last + at, c + at, keep, kept);
        });
      if (Vt) feed_back(size, h, fed + slot(t + 1) * size * Fp);
      if (s < p.S && p.steps[s] == t)
        to_columns(h, Hp, p.hidden + (s++ * p.R + r) * H * B + b0, B, size, H);
    }
    to_columns(hs + slot(p.T) * step, Hp, p.h_last + r * H * B + b0, B, size, H);
    if (Cell::HAS_C)
      to_columns(cs + slot(p.T) * step, Hp, p.c_last + r * H * B + b0, B, size, H);
  }

  // y = V h, what the next step reads in place of h.
  void feed_back(long size, const float* h, float* y) const {
    std::memset(y, 0, size * Fp * sizeof(float));
    accumulate_packed(size, h, Hp, 1, Vt, H, Fp / W, y, Fp);
  }

  void backward(long r, long tile) {
    const long b0 = first_row(tile), size = first_row(tile + 1) - b0, step = size * Hp;
    const long chunk = std::max(1L, 128 / size), Dp = up(D, W), rest = P * NC * W;
    const bool dx = p.d_inputs;
    scratch.reserve(N * (Fp + (dx ? Dp : 0)) + chunk * size * N + 2 * step + size * Dp +
                    P * (F + D) * C * W + N + (p.V ? chunk * size * Fp + (F + Fp) * Hp : 0) + 1024);
    Ub = scratch.take(P * RC * W * Fp);
    Xb = dx ? scratch.take(N * Dp) : nullptr;
    float *ring = scratch.take(chunk * size * N), *dh = scratch.take(step);
    float *dc = scratch.take(step), *d_x = scratch.take(size * Dp);
    float *dU = scratch.take(P * F * RC * W), *dX = scratch.take(P * D * C * W);
    float *db = scratch.take(N), *dys = nullptr, *dV = nullptr;
    this->pack_backward(Ub, r, 0, F, 0, P * RC * W);
    if (dx) {
      this->pack_backward(Xb, r, F, D, 0, P * RC * W);
      if (NC) this->pack_backward(Xb + P * RC * W * Dp, r, F, D, P * RC * W, rest);
    }
    if (p.V) {
      Vb = scratch.take(F * Hp), this->pack(Vb, p.V + r * F * H, F, H, H, 1);
      dys = scratch.take(chunk * size * Fp), dV = scratch.take(H * Fp);
      std::memset(dV, 0, H * Fp * 4);
    }
    std::memset(dh, 0, step * 4), std::memset(dc, 0, step * 4), std::memset(db, 0, N * 4);
    std::memset(dU, 0, P * F * RC * W * 4), std::memset(dX, 0, P * D * C * W * 4);
    if (p.d_h_last) to_rows<false>(p.d_h_last + r * H * B + b0, B, dh, Hp, size, H);
    if (Cell::HAS_C && p.d_c_last)
      to_rows<false>(p.d_c_last + r * H * B + b0, B, dc, Hp, size, H);
    const float* hs = rows_of(p.hs, r, b0, Hp, p.T + 1);
    const float* cs = Cell::HAS_C ? rows_of(p.cs, r, b0, Hp, p.T + 1) : hs;
    const float* fed = p.V ? rows_of(p.ys, r, b0, Fp, p.T + 1) : hs;
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
        float* dy = p.V ? dys + (t - begin) * size * Fp : dh;
        if (p.V) std::memset(dy, 0, size * Fp * sizeof(float));
        accumulate_packed(size, d, N, 1, Ub, P * RC * W, Fp / W, dy, Fp);
        if (p.V) accumulate_packed(size, dy, Fp, 1, Vb, F, Hp / W, dh, Hp);
        if (dx) {
          std::memset(d_x, 0, size * Dp * sizeof(float));
          accumulate_packed(size, d, N, 1, Xb, P * RC * W, Dp / W, d_x, Dp);
          if (NC)
            accumulate_packed(size, d + P * RC * W, N, 1, Xb + P * RC * W * Dp, rest, Dp / W, d_x,
                              Dp);
          to_columns(d_x, Dp, p.d_inputs + (t * p.R + r) * D * B + b0, B, size, D);
        }
      }
      gradients(r, b0, size, begin, end, fed, ring, dU, dX, db);
      if (p.V) accumulate_rows((end - begin) * size, hs + begin * step, dys, dV);
      end = begin;
    }
    if (p.V) to_columns(dV, Fp, p.dV + (r * p.tiles + tile) * F * H, H, H, F);
    this->unpack(p.dM + (r * p.tiles + tile) * GATES * H * K, dU, dX, db);
    to_columns(dh, Hp, p.dh0 + r * H * B + b0, B, size, H);
    if (Cell::HAS_C) to_columns(dc, Hp, p.dc0 + r * H * B + b0, B, size, H);
  }

  // dV (H, Fp) += hs' dys over `count` rows.
  void accumulate_rows(long count, const float* hs, const float* dys, float* dV) const {
    for (long v = 0; v < Fp; v += W) accumulate<1>(H, hs, 1, Hp, dys + v, Fp, count, dV + v, Fp);
  }

  // What the step before will read: the hardware does not foresee a walk back over pages.
  static INLINE void fetch(const float* saved, const float* hs, const float* cs, long row, long at) {
    for (int i = 0; i < Cell::SAVED; ++i)
      __builtin_prefetch(saved + (row * Cell::SAVED + i) * W);
    __builtin_prefetch(hs + at);
    if (Cell::HAS_C) __builtin_prefetch(cs + at);
  }

  // The weights' gradients of the steps [begin, end), whose gradient rows lie in the ring.
  void gradients(long r, long b0, long size, long begin, long end, const float* fed,
                 const float* ring, float* dU, float* dX, float* db) const {
    const long count = (end - begin) * size;
    for (long q = 0; q < P; ++q)
      accumulate<RC>(F, fed + begin * size * Fp, 1, Fp, ring + place(q, 0), N, count,
                     dU + q * F * RC * W, RC * W);
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
