// The cells: how a row of pre-activations becomes a state, and the derivatives of that.
//
// A panel is W units (or GROUPS * W units of a plain network). Its columns are the gates, in the
// order of `M`; the first RECURRENT of them read h, the columns from X on read x. A gradient row
// holds the recurrent columns of all panels, then the rest of all panels. N rows go side by side:
// those of states lie `row` floats apart, those of saved numbers `kept`, of gradients `ring`.
#pragma once
#include "vector.h"

// Column `column` of the accumulators.
template <int N, int C>
static INLINE Pack<N> of(const V (&a)[N][C], int column) {
  Pack<N> x;
  LANES x.v[i] = a[i][column];
  return x;
}

//   f, i, o = sigmoid(...), g = tanh(...), c = f c + i g, h = o tanh(c)
struct LSTM {
  static constexpr int COLUMNS = 4, RECURRENT = 4, X = 0, SAVED = 4, GROUPS = 1;
  static constexpr bool HAS_C = true;

  template <int N>
  static INLINE void forward(const V (&a)[N][COLUMNS], long row, const float*, float* h,
                             const float* c_last, float* c, float* saved, long kept) {
    Pack<N> f = sigmoid(of(a, 0)), i = sigmoid(of(a, 1)), o = sigmoid(of(a, 2)), g = tanh_(of(a, 3));
    Pack<N> now = i * g + f * load<N>(c_last, row);
    store(c, row, now);
    store(h, row, o * tanh_(now));
    if (!saved) return;
    store(saved, kept, f), store(saved + W, kept, i);
    store(saved + 2 * W, kept, o), store(saved + 3 * W, kept, g);
  }

  template <int N>
  static INLINE void backward(const float* saved, long kept, long row, const float*, const float*,
                              const float* c_last, const float* c, float* dh, float* dc, float* d,
                              float*, long ring) {
    Pack<N> t = tanh_(load<N>(c, row));
    Pack<N> f = load<N>(saved, kept), i = load<N>(saved + W, kept);
    Pack<N> o = load<N>(saved + 2 * W, kept), g = load<N>(saved + 3 * W, kept);
    Pack<N> from_h = load<N>(dh, row) * o;
    Pack<N> now = load<N>(dc, row) + (from_h - from_h * t * t);
    store(dc, row, now * f);
    store(d, ring, now * load<N>(c_last, row) * (f - f * f));
    store(d + W, ring, now * g * (i - i * i));
    store(d + 2 * W, ring, from_h * t * (1.0f - o));
    Pack<N> through = now * i;
    store(d + 3 * W, ring, through - through * g * g);
    store(dh, row, Pack<N>{});
  }
};

//   u = U_n h + b_u, r, z = sigmoid(...), n = tanh(W_n x + b_n + r u), h = n + z (h - n)
struct GRU {
  static constexpr int COLUMNS = 4, RECURRENT = 3, X = 1, SAVED = 4, GROUPS = 1;
  static constexpr bool HAS_C = false;

  template <int N>
  static INLINE void forward(const V (&a)[N][COLUMNS], long row, const float* h_last, float* h,
                             const float*, float*, float* saved, long kept) {
    Pack<N> u = of(a, 0), r = sigmoid(of(a, 1)), z = sigmoid(of(a, 2)), n = tanh_(of(a, 3) + r * u);
    store(h, row, n + z * (load<N>(h_last, row) - n));
    if (!saved) return;
    store(saved, kept, u), store(saved + W, kept, r);
    store(saved + 2 * W, kept, z), store(saved + 3 * W, kept, n);
  }

  template <int N>
  static INLINE void backward(const float* saved, long kept, long row, const float* h_last,
                              const float*, const float*, const float*, float* dh, float*, float* d,
                              float* d_rest, long ring) {
    Pack<N> u = load<N>(saved, kept), r = load<N>(saved + W, kept);
    Pack<N> z = load<N>(saved + 2 * W, kept), n = load<N>(saved + 3 * W, kept);
    Pack<N> grad = load<N>(dh, row), dn = grad * (1.0f - z);
    dn = dn - dn * n * n;
    store(d, ring, dn * r);
    store(d + W, ring, dn * u * (r - r * r));
    store(d + 2 * W, ring, grad * (load<N>(h_last, row) - n) * (z - z * z));
    store(d_rest, ring, dn);
    store(dh, row, grad * z);
  }
};

//   h = tanh(...) or max(0, ...)
template <bool RELU, int UNITS>
struct Plain {
  static constexpr int COLUMNS = UNITS, RECURRENT = UNITS, X = 0, SAVED = 0, GROUPS = UNITS;
  static constexpr bool HAS_C = false;

  template <int N>
  static INLINE void forward(const V (&a)[N][COLUMNS], long row, const float*, float* h,
                             const float*, float*, float*, long) {
#pragma GCC unroll 4
    for (int c = 0; c < UNITS; ++c) {
      Pack<N> x = of(a, c);
      if constexpr (RELU) {
        V zero = V{};
        LANES x.v[i] = x.v[i] < zero ? zero : x.v[i];
        store(h + c * W, row, x);
      } else {
        store(h + c * W, row, tanh_(x));
      }
    }
  }

  template <int N>
  static INLINE void backward(const float*, long, long row, const float*, const float* h,
                              const float*, const float*, float* dh, float*, float* d, float*,
                              long ring) {
#pragma GCC unroll 4
    for (int c = 0; c < UNITS; ++c) {
      Pack<N> y = load<N>(h + c * W, row), grad = load<N>(dh + c * W, row);
      if constexpr (RELU) {
        V zero = V{};
        LANES grad.v[i] = y.v[i] > zero ? grad.v[i] : grad.v[i] * 0.0f;
      } else {
        grad = grad - grad * y * y;
      }
      store(d + c * W, ring, grad);
      store(dh + c * W, row, Pack<N>{});
    }
  }
};
