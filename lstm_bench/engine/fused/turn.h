// Between rows (sequences, units) and columns (units, sequences): squares of W by W are turned in
// registers.
#pragma once
#include <algorithm>
#include <utility>
#include "vector.h"

// Lane i of the result is number L[i] of the 2 W numbers of both vectors.
template <int... L>
static INLINE V pick(V lo, V hi) {
#if defined(__clang__)
  return __builtin_shufflevector(lo, hi, L...);
#else
  return __builtin_shuffle(lo, hi, VI{L...});
#endif
}

// Exchanges the off-diagonal blocks of S by S in each block of 2 S by 2 S.
template <int S, int... L>
static INLINE void exchange(V (&a)[W], std::integer_sequence<int, L...>) {
#pragma GCC unroll 16
  for (int i = 0; i < W; ++i)
    if (!(i & S)) {
      const V lo = a[i], hi = a[i + S];
      a[i] = pick<(L & S ? W + L - S : L)...>(lo, hi);
      a[i + S] = pick<(L & S ? W + L : L + S)...>(lo, hi);
    }
}

template <int S = 1>
static INLINE void turn(V (&a)[W]) {
  if constexpr (S < W) {
    exchange<S>(a, std::make_integer_sequence<int, W>{});
    turn<2 * S>(a);
  }
}

// Units [0, H) of `size` columns, `stride` apart, to rows of `width` numbers, a multiple of W; the
// padding of a row becomes zero, or stays as it is where the columns are added.
template <bool ADD>
static void to_rows(const float* columns, long stride, float* rows, long width, long size, long H) {
  const long whole = size / W * W;
  for (long k = 0; k < H; k += W)
    for (long b = 0; b < whole; b += W) {
      V a[W];
#pragma GCC unroll 16
      for (int i = 0; i < W; ++i) a[i] = k + i < H ? load(columns + (k + i) * stride + b) : V{};
      turn(a);
#pragma GCC unroll 16
      for (int i = 0; i < W; ++i) {
        float* row = rows + (b + i) * width + k;
        store(row, ADD ? load(row) + a[i] : a[i]);
      }
    }
  for (long b = whole; b < size; ++b)
    for (long k = 0; k < H; ++k) {
      const float x = columns[k * stride + b];
      rows[b * width + k] = ADD ? rows[b * width + k] + x : x;
    }
}

static void to_columns(const float* rows, long width, float* columns, long stride, long size,
                       long H) {
  const long whole = size / W * W;
  for (long k = 0; k < H; k += W)
    for (long b = 0; b < whole; b += W) {
      V a[W];
#pragma GCC unroll 16
      for (int i = 0; i < W; ++i) a[i] = load(rows + (b + i) * width + k);
      turn(a);
      const long count = std::min<long>(W, H - k);
      for (long i = 0; i < count; ++i) store(columns + (k + i) * stride + b, a[i]);
    }
  for (long b = whole; b < size; ++b)
    for (long k = 0; k < H; ++k) columns[k * stride + b] = rows[b * width + k];
}
