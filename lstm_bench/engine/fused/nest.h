// What a loop over units sees of a step: written loops (engine/compiled) include it.
#pragma once
#include "pointwise.h"
#include "tile.h"

// Rows of units, one a sequence, or of one number.
struct Lines {
  float* data;
  long wide;

  float* at(long first, long u) const { return data + first * wide + u; }
  template <int N> INLINE Pack<N> get(long first, long u) const { return load<N>(at(first, u), wide); }
  template <int N> INLINE void put(long first, long u, const Pack<N>& a) const {
    store(at(first, u), wide, a);
  }
  template <int N> INLINE Pack<N> each(long first) const { return each_row<N>(data + first); }

  // A sum over units: a vector a row first, then one number a row.
  template <int N> INLINE void add_partial(long first, long u, const Pack<N>& a) const {
    float* partial = data + first * W;
    store(partial, W, u ? load<N>(partial, W) + a : a);
  }
  void total(const Lines& number, long size) const {
    for (long i = 0; i < size; ++i) {
      float sum = 0;
      for (int j = 0; j < W; ++j) sum += data[i * W + j];
      number.data[i] = sum;
    }
  }

  // The hardware does not foresee a walk back over pages.
  template <int N, int LINES> INLINE void fetch(long first, long u) const {
    for (int i = 0; i < N; ++i)
      for (int l = 0; l < LINES; ++l) __builtin_prefetch(at(first + i, u) + l * W);
  }
};

// One step of one tile of a replicate. Rows are numbered by the writer of the loops; `units` and
// `panels` are by size, `mask` too (all ones up to the last unit), `pack`, `count` and `x_at` by link.
struct Step {
  long size, stride, keep, more;  // sequences; columns of the inputs; a gradient follows; t > 0
  const float* x;                 // inputs of this step in columns
  float* const* row;
  const long* wide;               // of a row, in numbers
  const float* const* pack;       // weights as a tile reads them
  const float* const* start;      // what the accumulators of a loop begin with
  const float* const* vector;
  float* const* d_vector;
  const float* const* mask;
  const long *units, *panels, *count, *x_at;
  float* ring;                    // gradients of the products, a row a sequence
  long ring_wide;
  const long* place;              // of each product in a row of the ring

  Lines rows(int number) const { return {row[number], wide[number]}; }
  Lines gradient(int product) const { return {ring + place[product], ring_wide}; }

  // acc[..][FIRST * G ..] += the products of a link with rows, or with the inputs; G vectors each.
  template <int COUNT, int FIRST, int G, int N, int A>
  INLINE void multiply(V (&acc)[N][A], const Lines& a, int link, long q, long first) const {
    const long K = count[link];
    const float* weights = pack[link] + q * K * COUNT * W;
    ::multiply<COUNT * G, FIRST * G>(acc, a.at(first, 0), a.wide, 1, weights, COUNT * G * W, K);
  }
  template <int COUNT, int FIRST, int G, int N, int A>
  INLINE void multiply_x(V (&acc)[N][A], int link, long q, long first) const {
    const long K = count[link];
    const float *weights = pack[link] + q * K * COUNT * W, *from = x + x_at[link] + first;
    ::multiply<COUNT * G, FIRST * G>(acc, from, 1, stride, weights, COUNT * G * W, K);
  }
};

typedef void (*Nest)(int backward, int which, const Step& step);

// How many vectors of units go side by side where a loop has `products` of them.
static inline long group_of(long products, long panels) {
  if (products == 1 && panels % 4 == 0) return 4;
  return products < 3 && panels % 2 == 0 ? 2 : 1;
}
template <int PRODUCTS, class Body>
static INLINE void groups(long panels, Body&& body) {
  const long group = group_of(PRODUCTS, panels);
  if constexpr (PRODUCTS == 1)
    if (group == 4) return body(Rows<4>{});
  group == 2 ? body(Rows<2>{}) : body(Rows<1>{});
}

template <int N, int C>
static INLINE void begin(V (&acc)[N][C], const float* start) {
#pragma GCC unroll 8
  for (int i = 0; i < N; ++i)
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) acc[i][c] = load(start + c * W);
}
