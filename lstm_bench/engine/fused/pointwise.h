// Operations unit by unit beside those of vector.h, for the loops that are written from equations.
#pragma once
#include <cmath>
#if defined(__aarch64__)
#include <arm_neon.h>
#endif
#include "vector.h"

// Column `column` of the accumulators.
template <int N, int C>
static INLINE Pack<N> of(const V (&a)[N][C], int column) {
  Pack<N> x;
  LANES x.v[i] = a[i][column];
  return x;
}

template <int N>
static INLINE Pack<N> same(V v) {
  Pack<N> a;
  LANES a.v[i] = v;
  return a;
}

// a b + c, rounded once where the machine can.
template <int N>
static INLINE Pack<N> multiply_add(const Pack<N>& a, const Pack<N>& b, Pack<N> c) {
#if W == 16
  LANES c.v[i] = (V)_mm512_fmadd_ps((__m512)a.v[i], (__m512)b.v[i], (__m512)c.v[i]);
#elif W == 8
  LANES c.v[i] = (V)_mm256_fmadd_ps((__m256)a.v[i], (__m256)b.v[i], (__m256)c.v[i]);
#elif defined(__aarch64__)
  LANES c.v[i] = (V)vfmaq_f32((float32x4_t)c.v[i], (float32x4_t)a.v[i], (float32x4_t)b.v[i]);
#else
  c = a * b + c;
#endif
  return c;
}

// One number a row.
template <int N>
static INLINE Pack<N> each_row(const float* p) {
  Pack<N> a;
  LANES a.v[i] = all(p[i]);
  return a;
}

template <int N>
static INLINE Pack<N> divide(Pack<N> a, const Pack<N>& b) {
  LANES a.v[i] = a.v[i] / b.v[i];
  return a;
}
template <int N>
static INLINE Pack<N> negative(Pack<N> a) {
  LANES a.v[i] = -a.v[i];
  return a;
}

// Comparisons give 1 or 0.
template <int N, class Compare>
static INLINE Pack<N> compare(Pack<N> a, const Pack<N>& b, Compare holds) {
  LANES a.v[i] = holds(a.v[i], b.v[i]) ? all(1.0f) : V{};
  return a;
}
template <int N>
static INLINE Pack<N> where(const Pack<N>& condition, Pack<N> a, const Pack<N>& b) {
  LANES a.v[i] = condition.v[i] != V{} ? a.v[i] : b.v[i];
  return a;
}

// A NaN passes through all of these.
template <int N>
static INLINE Pack<N> relu(Pack<N> a) {
  LANES a.v[i] = a.v[i] < V{} ? V{} : a.v[i];
  return a;
}
template <int N>
static INLINE Pack<N> maximum(Pack<N> a, const Pack<N>& b) {
  LANES a.v[i] = (a.v[i] > b.v[i]) | (a.v[i] != a.v[i]) ? a.v[i] : b.v[i];
  return a;
}
template <int N>
static INLINE Pack<N> minimum(Pack<N> a, const Pack<N>& b) {
  LANES a.v[i] = (a.v[i] < b.v[i]) | (a.v[i] != a.v[i]) ? a.v[i] : b.v[i];
  return a;
}
template <int N>
static INLINE Pack<N> absolute(Pack<N> a) {
  LANES a.v[i] = a.v[i] < V{} ? -a.v[i] : a.v[i];
  return a;
}
template <int N>
static INLINE Pack<N> sign(Pack<N> a) {
  LANES a.v[i] = a.v[i] > V{} ? all(1.0f) : a.v[i] < V{} ? all(-1.0f) : a.v[i];
  return a;
}

template <int N, class Function>
static INLINE Pack<N> each(Pack<N> a, Function f) {
  LANES for (int j = 0; j < W; ++j) a.v[i][j] = f(a.v[i][j]);
  return a;
}
template <int N>
static INLINE Pack<N> root(Pack<N> a) {
#if W == 16
  LANES a.v[i] = (V)_mm512_sqrt_ps((__m512)a.v[i]);
#elif W == 8
  LANES a.v[i] = (V)_mm256_sqrt_ps((__m256)a.v[i]);
#else
  LANES for (int j = 0; j < W; ++j) a.v[i][j] = std::sqrt(a.v[i][j]);
#endif
  return a;
}

// e^x, 0 below the smallest normal number and infinite above the largest.
template <int N>
static INLINE Pack<N> exp_(const Pack<N>& x) {
  Power<N> p = power_of_two(clamp(x, 87.3f), 1.44269504f);
  Pack<N> y = p.scale + p.scale * p.fraction;
  LANES {
    y.v[i] = x.v[i] < all(-87.3f) ? V{} : y.v[i];
    y.v[i] = x.v[i] > all(88.0f) ? all(__builtin_inff()) : y.v[i];
  }
  return y;
}

// log x = e log 2 + log m with m in [sqrt(1/2), sqrt(2)), log(1 + f) by a minimax polynomial (Cephes).
template <int N>
static INLINE Pack<N> log_(const Pack<N>& x) {
  Pack<N> y;
  LANES {
    VI bits;
    std::memcpy(&bits, &x.v[i], sizeof bits);
    const VI shifted = bits - 0x3f3504f3;
    const VI exponent = shifted >> 23;
    bits = (shifted & 0x7fffff) + 0x3f3504f3;
    V f, e;
    std::memcpy(&f, &bits, sizeof f);
    e = __builtin_convertvector(exponent, V);
    f = f - 1.0f;
    V p = f * 7.0376836292e-2f - 1.1514610310e-1f;
    p = p * f + 1.1676998740e-1f;
    p = p * f - 1.2420140846e-1f;
    p = p * f + 1.4249322787e-1f;
    p = p * f - 1.6668057665e-1f;
    p = p * f + 2.0000714765e-1f;
    p = p * f - 2.4999993993e-1f;
    p = p * f + 3.3333331174e-1f;
    V z = f * f;
    V r = p * f * z + e * -2.12194440e-4f - 0.5f * z + f + e * 0.693359375f;
    r = x.v[i] > V{} ? r : all(__builtin_nanf(""));
    r = x.v[i] == V{} ? all(-__builtin_inff()) : r;
    y.v[i] = x.v[i] > all(3.4028234e38f) ? x.v[i] : r;
  }
  return y;
}

// log(1 / (1 + e^-x)) = min(x, 0) - log(1 + e^-|x|), the last relatively exact near 0 (Kahan).
template <int N>
static INLINE Pack<N> logsigmoid(const Pack<N>& x) {
  Pack<N> z = exp_(negative(absolute(x))), u = z + 1.0f, l = log_(u);
  Pack<N> zero = same<N>(V{});
  l = l + divide(z - (u - 1.0f), u);
  return minimum(x, zero) - l;
}

// Zero beyond the last unit, where anything may stand.
template <int N>
static INLINE Pack<N> masked(Pack<N> a, const float* mask) {
  VI keep;
  std::memcpy(&keep, mask, sizeof keep);
  LANES {
    VI bits;
    std::memcpy(&bits, &a.v[i], sizeof bits);
    bits &= keep;
    std::memcpy(&a.v[i], &bits, sizeof bits);
  }
  return a;
}

// sum += the rows, one after another.
template <int N>
static INLINE void add_rows(float* sum, const Pack<N>& a) {
  V total = load(sum);
  LANES total += a.v[i];
  store(sum, total);
}
