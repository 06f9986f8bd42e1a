// The cells: how a row of pre-activations becomes a state, and the derivatives of that.
//
// A panel is W units (or GROUPS * W units of a plain network). Its columns are the gates, in the
// order of `M`; the first RECURRENT of them read h, the columns from X on read x. A gradient row
// holds the recurrent columns of all panels, then the rest of all panels.
#pragma once
#include "vector.h"

//   f, i, o = sigmoid(...), g = tanh(...), c = f c + i g, h = o tanh(c)
struct LSTM {
  static constexpr int COLUMNS = 4, RECURRENT = 4, X = 0, SAVED = 4, GROUPS = 1;
  static constexpr bool HAS_C = true;

  static INLINE void forward(const V (&a)[COLUMNS], const float*, float* h, const float* c_last,
                             float* c, float* saved) {
    V f = sigmoid(a[0]), i = sigmoid(a[1]), o = sigmoid(a[2]), g = tanh_(a[3]);
    V now = f * load(c_last) + i * g;
    store(c, now);
    store(h, o * tanh_(now));
    if (saved) { store(saved, f); store(saved + W, i); store(saved + 2 * W, o); store(saved + 3 * W, g); }
  }

  static INLINE void backward(const float* saved, const float*, const float*, const float* c_last,
                              const float* c, float* dh, float* dc, float* d, float*) {
    V f = load(saved), i = load(saved + W), o = load(saved + 2 * W), g = load(saved + 3 * W);
    V t = tanh_(load(c)), from_h = load(dh) * o;
    V now = load(dc) + (from_h - from_h * t * t);
    store(dc, now * f);
    store(d, now * load(c_last) * (f - f * f));
    store(d + W, now * g * (i - i * i));
    store(d + 2 * W, from_h * t * (1.0f - o));
    V through = now * i;
    store(d + 3 * W, through - through * g * g);
    store(dh, V{});
  }
};

//   u = U_n h + b_u, r, z = sigmoid(...), n = tanh(W_n x + b_n + r u), h = n + z (h - n)
struct GRU {
  static constexpr int COLUMNS = 4, RECURRENT = 3, X = 1, SAVED = 4, GROUPS = 1;
  static constexpr bool HAS_C = false;

  static INLINE void forward(const V (&a)[COLUMNS], const float* h_last, float* h, const float*,
                             float*, float* saved) {
    V u = a[0], r = sigmoid(a[1]), z = sigmoid(a[2]), n = tanh_(a[3] + r * u);
    store(h, n + z * (load(h_last) - n));
    if (saved) { store(saved, u); store(saved + W, r); store(saved + 2 * W, z); store(saved + 3 * W, n); }
  }

  static INLINE void backward(const float* saved, const float* h_last, const float*, const float*,
                              const float*, float* dh, float*, float* d, float* d_rest) {
    V u = load(saved), r = load(saved + W), z = load(saved + 2 * W), n = load(saved + 3 * W);
    V grad = load(dh), dn = grad * (1.0f - z);
    dn = dn - dn * n * n;
    store(d, dn * r);
    store(d + W, dn * u * (r - r * r));
    store(d + 2 * W, grad * (load(h_last) - n) * (z - z * z));
    store(d_rest, dn);
    store(dh, grad * z);
  }
};

//   h = tanh(...) or max(0, ...)
template <bool RELU, int UNITS>
struct Plain {
  static constexpr int COLUMNS = UNITS, RECURRENT = UNITS, X = 0, SAVED = 0, GROUPS = UNITS;
  static constexpr bool HAS_C = false;

  static INLINE void forward(const V (&a)[COLUMNS], const float*, float* h, const float*, float*,
                             float*) {
#pragma GCC unroll 4
    for (int c = 0; c < UNITS; ++c) {
      if constexpr (RELU) {
        V zero = V{};
        store(h + c * W, a[c] < zero ? zero : a[c]);
      } else {
        store(h + c * W, tanh_(a[c]));
      }
    }
  }

  static INLINE void backward(const float*, const float*, const float* h, const float*,
                              const float*, float* dh, float*, float* d, float*) {
#pragma GCC unroll 4
    for (int c = 0; c < UNITS; ++c) {
      V y = load(h + c * W), grad = load(dh + c * W), zero = V{};
      if constexpr (RELU) {
        store(d + c * W, y > zero ? grad : grad * 0.0f);
      } else {
        store(d + c * W, grad - grad * y * y);
      }
      store(dh + c * W, zero);
    }
  }
};
