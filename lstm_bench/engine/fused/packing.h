// The sizes of a pass, and its weights in the order in which the tiles read them.
#pragma once
#include <algorithm>
#include <cstring>
#include "vector.h"

struct Pass {
  long R, T, B, H, D, S;        // sizes
  long F;                       // numbers fed back: H, or the outputs of a Jordan network
  long tiles, shared_inputs;    // tiles of a batch; whether all replicates read the same inputs
  long keep;                    // whether a backward pass will follow
  const float *M, *V, *inputs, *h0, *c0;  // V (R, F, H) of what is fed back; null: the state is
  const long* steps;            // S increasing steps
  float *hs, *cs, *ys, *saved;  // rows kept for the backward pass (or two slots of them); ys = V hs
  float *hidden, *h_last, *c_last;
  const float *d_hidden, *d_h_last, *d_c_last;  // null where there is no gradient
  float *dM, *dV, *d_inputs, *dh0, *dc0;  // dM (R * tiles, GATES * H, F + D + 1), dV alike
};

static inline long up(long n, long unit) { return (n + unit - 1) / unit * unit; }

template <class Cell>
struct Packing {
  static constexpr int C = Cell::COLUMNS, RC = Cell::RECURRENT, XC = C - Cell::X, NC = C - RC;
  static constexpr int UNITS = Cell::GROUPS * W;                     // units of a panel
  static constexpr int GATES = Cell::GROUPS == 1 ? C : 1;

  const Pass& p;
  const long H, D, F, B, K, P, Hp, Fp, N;

  explicit Packing(const Pass& pass)
      : p(pass), H(p.H), D(p.D), F(p.F), B(p.B), K(F + D + 1), P((H + UNITS - 1) / UNITS),
        Hp(P * UNITS), Fp(p.V ? up(F, W) : Hp), N(P * C * W) {}

  // The row of M for lane j of column c of panel q, or -1 for padding.
  long row_of(long q, long c, long j) const {
    const long unit = Cell::GROUPS == 1 ? q * W + j : (q * C + c) * W + j;
    return unit >= H ? -1 : Cell::GROUPS == 1 ? c * H + unit : unit;
  }
  // Where column c of panel q starts in a gradient row.
  long place(long q, long c) const {
    return (c < RC ? q * RC + c : P * RC + q * NC + (c - RC)) * W;
  }

  void pack_forward(long r, float* U, float* X, float* bias) const {
    const float* M = p.M + r * GATES * H * K;
    for (long q = 0; q < P; ++q)
      for (long c = 0; c < C; ++c)
        for (long j = 0; j < W; ++j) {
          const long row = row_of(q, c, j);
          const float* m = row < 0 ? nullptr : M + row * K;
          if (c < RC)
            for (long k = 0; k < F; ++k) U[((q * F + k) * RC + c) * W + j] = m ? m[k] : 0;
          if (c >= Cell::X)
            for (long k = 0; k < D; ++k)
              X[((q * D + k) * XC + c - Cell::X) * W + j] = m ? m[F + k] : 0;
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
          for (long k = 0; k < count; ++k)
            out[at(n, k, rows, vectors)] = M[row * K + first + k];
        }
  }

  // A matrix (rows, count) by groups of 4 vectors of columns, `row` and `column` apart in `from`.
  static void pack(float* out, const float* from, long rows, long row, long count, long column) {
    const long vectors = up(count, W) / W;
    std::memset(out, 0, vectors * W * rows * sizeof(float));
    for (long n = 0; n < rows; ++n)
      for (long k = 0; k < count; ++k) out[at(n, k, rows, vectors)] = from[n * row + k * column];
  }

  // Where row n, column k lies in groups of 4 vectors.
  static long at(long n, long k, long rows, long vectors) {
    const long v = k / W, group = v / 4 * 4, wide = std::min(4L, vectors - group);
    return group * W * rows + (n * wide + v - group) * W + k % W;
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
          for (long k = 0; k < F; ++k) m[k] = c < RC ? dU[((q * F + k) * RC + c) * W + j] : 0;
          for (long k = 0; k < D; ++k)
            m[F + k] = c >= Cell::X ? x[k * (c < RC ? RC : NC) * W + j] : 0;
          m[K - 1] = db[place(q, c) + j];
        }
  }
};
