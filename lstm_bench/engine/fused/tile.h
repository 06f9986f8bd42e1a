// The register tile: R rows times C vectors of accumulators, fed one k at a time.
#pragma once
#include "vector.h"

// acc[r][FIRST + c] += sum over k of a(r, k) b[k][c], with a(r, k) = a[r * row + k * step].
template <int C, int FIRST = 0, int R, int A>
static INLINE void multiply(V (&acc)[R][A], const float* a, long row, long step, const float* b,
                            long ldb, long K) {
  for (long k = 0; k < K; ++k, a += step, b += ldb) {
    V column[C];
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) column[c] = load(b + c * W);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      V x = all(a[r * row]);
#pragma GCC unroll 8
      for (int c = 0; c < C; ++c) acc[r][FIRST + c] += x * column[c];
    }
  }
}

template <int R, int C>
static INLINE void add_tile(const float* a, long row, long step, const float* b, long ldb, long K,
                            float* out, long ldo) {
  V acc[R][C];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) acc[r][c] = load(out + r * ldo + c * W);
  multiply<C>(acc, a, row, step, b, ldb, K);
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) store(out + r * ldo + c * W, acc[r][c]);
}

// Rows a tile holds: 24 of the 32 registers of AVX-512 accumulate, 12 of the 16 of AVX2.
#if W == 16
constexpr int tile_rows(int C) { return C == 4 ? 6 : 8; }
#else
constexpr int tile_rows(int C) { return C == 4 ? 3 : C == 3 ? 4 : 6; }
#endif

// Calls body(integral_constant<R>, first) over `rows` rows in groups of at most MAX, evenly.
template <int R> struct Rows { static constexpr int value = R; };

template <int MAX, class Body>
static INLINE void in_groups(long rows, Body&& body) {
  const long groups = (rows + MAX - 1) / MAX;
  for (long g = 0, first = 0; g < groups; ++g) {
    const long size = rows / groups + (g < rows % groups);
    switch (size) {
      case 1: body(Rows<1>{}, first); break;
      case 2: if constexpr (MAX >= 2) body(Rows<2>{}, first); break;
      case 3: if constexpr (MAX >= 3) body(Rows<3>{}, first); break;
      case 4: if constexpr (MAX >= 4) body(Rows<4>{}, first); break;
      case 5: if constexpr (MAX >= 5) body(Rows<5>{}, first); break;
      case 6: if constexpr (MAX >= 6) body(Rows<6>{}, first); break;
      case 7: if constexpr (MAX >= 7) body(Rows<7>{}, first); break;
      case 8: if constexpr (MAX >= 8) body(Rows<8>{}, first); break;
    }
    first += size;
  }
}

// out (rows, C vectors) += a (rows, K) b (K, C vectors). Every number is one sum over k in order,
// so that it does not depend on how the rows fall into tiles.
template <int C>
static void accumulate(long rows, const float* a, long row, long step, const float* b, long ldb,
                       long K, float* out, long ldo) {
  in_groups<tile_rows(C)>(rows, [&](auto size, long first) {
    add_tile<decltype(size)::value, C>(a + first * row, row, step, b, ldb, K, out + first * ldo,
                                       ldo);
  });
}

// The same for any number of vectors, four at a time; b is packed [panel][k][vectors of panel].
static void accumulate_packed(long rows, const float* a, long row, long step, const float* b,
                              long K, long vectors, float* out, long ldo) {
  for (long v = 0; v < vectors; v += 4) {
    const long C = vectors - v < 4 ? vectors - v : 4;
    const float* panel = b + v * W * K;
    switch (C) {
      case 1: accumulate<1>(rows, a, row, step, panel, C * W, K, out + v * W, ldo); break;
      case 2: accumulate<2>(rows, a, row, step, panel, C * W, K, out + v * W, ldo); break;
      case 3: accumulate<3>(rows, a, row, step, panel, C * W, K, out + v * W, ldo); break;
      case 4: accumulate<4>(rows, a, row, step, panel, C * W, K, out + v * W, ldo); break;
    }
  }
}
