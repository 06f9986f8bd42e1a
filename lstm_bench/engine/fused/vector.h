// Vectors of W floats and the nonlinearities on them. One text for every instruction set: the
// compiler lowers the vector type, and what differs (a reciprocal) is behind the macros below.
#pragma once
#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <cstdint>
#endif

#ifndef W
#error "compile with -DW=lanes: 16 for AVX-512, 8 for AVX2, 4 elsewhere"
#endif
#define INLINE inline __attribute__((always_inline))

typedef float V __attribute__((vector_size(4 * W)));
typedef int VI __attribute__((vector_size(4 * W)));

static INLINE V load(const float* p) { V v; std::memcpy(&v, p, sizeof v); return v; }
static INLINE void store(float* p, V v) { std::memcpy(p, &v, sizeof v); }
static INLINE V all(float x) { return x - V{}; }

// N vectors in lockstep. A nonlinearity is one long chain of dependent operations; side by side, N
// chains hide each other's latency, which no processor looks far enough ahead to do by itself.
template <int N>
struct Pack {
  V v[N];
};
#define LANES _Pragma("GCC unroll 8") for (int i = 0; i < N; ++i)
#define OPERATOR(op)                                                                              \
  template <int N> static INLINE Pack<N> operator op(Pack<N> a, const Pack<N>& b) {               \
    LANES a.v[i] = a.v[i] op b.v[i];                                                              \
    return a;                                                                                     \
  }                                                                                               \
  template <int N> static INLINE Pack<N> operator op(Pack<N> a, float b) {                        \
    LANES a.v[i] = a.v[i] op b;                                                                   \
    return a;                                                                                     \
  }                                                                                               \
  template <int N> static INLINE Pack<N> operator op(float a, Pack<N> b) {                        \
    LANES b.v[i] = a op b.v[i];                                                                   \
    return b;                                                                                     \
  }
OPERATOR(+)
OPERATOR(-)
OPERATOR(*)
#undef OPERATOR

// Vectors that lie `stride` floats apart.
template <int N>
static INLINE Pack<N> load(const float* p, long stride) {
  Pack<N> a;
  LANES a.v[i] = load(p + i * stride);
  return a;
}
template <int N>
static INLINE void store(float* p, long stride, const Pack<N>& a) {
  LANES store(p + i * stride, a.v[i]);
}

// A NaN passes: a replicate that has diverged must be seen to have.
static INLINE V clamp(V x, float limit) {
#if W == 16
  return (V)_mm512_max_ps(_mm512_set1_ps(-limit), _mm512_min_ps(_mm512_set1_ps(limit), (__m512)x));
#elif W == 8
  return (V)_mm256_max_ps(_mm256_set1_ps(-limit), _mm256_min_ps(_mm256_set1_ps(limit), (__m256)x));
#else
  V low = all(-limit), high = all(limit);
  x = x > high ? high : x;
  return x < low ? low : x;
#endif
}

// 1 / x for positive x: an estimate and one step of Newton, or the division.
static INLINE V estimate(V x) {
#if W == 16
  return (V)_mm512_rcp14_ps((__m512)x);
#elif W == 8
  return (V)_mm256_rcp_ps((__m256)x);
#else
  return 1.0f / x;
#endif
}

template <int N>
static INLINE Pack<N> clamp(Pack<N> x, float limit) {
  LANES x.v[i] = clamp(x.v[i], limit);
  return x;
}
template <int N>
static INLINE Pack<N> reciprocal(const Pack<N>& x) {
  Pack<N> r;
  LANES r.v[i] = estimate(x.v[i]);
#if W != 4
  r = r + r * (1.0f - x * r);
#endif
  return r;
}

// 2^n for whole numbers n added to the magic number below.
template <int N>
static INLINE Pack<N> power(const Pack<N>& t) {
  Pack<N> scale;
  LANES {
    VI bits;
    std::memcpy(&bits, &t.v[i], sizeof bits);
    bits = (bits << 23) + (127 << 23);
    std::memcpy(&scale.v[i], &bits, sizeof bits);
  }
  return scale;
}

// 2^y = scale (1 + fraction) for |y| <= 126, y = factor x; the fraction is relatively exact near 0.
template <int N>
struct Power {
  Pack<N> scale, fraction;
};
template <int N>
static INLINE Power<N> power_of_two(const Pack<N>& x, float factor) {
  const float magic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to the nearest integer
  Pack<N> t = x * factor + magic;
  Pack<N> f = x * factor - (t - magic);  // a fused multiply-add: the product is not rounded
  // 2^f - 1 = f p(f) on [-1/2, 1/2], minimax in relative error (1e-8)
  Pack<N> p = f * 1.54035113e-4f + 1.33907357e-3f;
  p = p * f + 9.61823750e-3f;
  p = p * f + 5.55035743e-2f;
  p = p * f + 2.40226498e-1f;
  p = p * f + 6.93147188e-1f;
  return {power(t), f * p};
}

template <int N>
static INLINE Pack<N> sigmoid(const Pack<N>& x) {
  Power<N> e = power_of_two(clamp(x, 87.0f), -1.44269504f);
  return reciprocal(1.0f + (e.scale + e.scale * e.fraction));
}

static INLINE V sigmoid(V x) { return sigmoid(Pack<1>{{x}}).v[0]; }

// With e = exp(2x) - 1: tanh(x) = e / (e + 2), exact for small x where 2 sigmoid(2x) - 1 is not.
template <int N>
static INLINE Pack<N> tanh_(const Pack<N>& x) {
  Power<N> p = power_of_two(clamp(x, 10.0f), 2.88539008f);
  Pack<N> e = p.scale * p.fraction + (p.scale - 1.0f);
  return e * reciprocal(e + 2.0f);
}

// Vanishing gradients become denormals, many times slower; flushed for the length of a call.
struct FlushDenormals {
#if defined(__x86_64__)
  unsigned before = _mm_getcsr();
  FlushDenormals() { _mm_setcsr(before | 0x8040); }
  ~FlushDenormals() { _mm_setcsr(before); }
#elif defined(__aarch64__)
  uint64_t before;
  FlushDenormals() {
    asm volatile("mrs %0, fpcr" : "=r"(before));
    asm volatile("msr fpcr, %0" ::"r"(before | (1ull << 24)));
  }
  ~FlushDenormals() { asm volatile("msr fpcr, %0" ::"r"(before)); }
#endif
};
