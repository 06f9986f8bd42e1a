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
static INLINE V reciprocal(V x) {
#if W == 16
  V r = (V)_mm512_rcp14_ps((__m512)x);
  return r + r * (1.0f - x * r);
#elif W == 8
  V r = (V)_mm256_rcp_ps((__m256)x);
  r = r + r * (1.0f - x * r);
  return r;
#else
  return 1.0f / x;
#endif
}

// 2^y = scale (1 + fraction) for |y| <= 126; the fraction is relatively exact near 0.
struct Power { V scale, fraction; };
static INLINE Power power_of_two(V x, float factor) {
  const V magic = all(12582912.0f);  // 1.5 * 2^23: adding it rounds to the nearest integer
  V t = x * factor + magic;
  V f = x * factor - (t - magic);  // a fused multiply-add: the product is not rounded
  VI bits; std::memcpy(&bits, &t, sizeof bits);
  bits = (bits << 23) + (127 << 23);
  V scale; std::memcpy(&scale, &bits, sizeof scale);
  // 2^f - 1 = f p(f) on [-1/2, 1/2], minimax in relative error (1e-8)
  V p = all(1.54035113e-4f);
  p = p * f + 1.33907357e-3f;
  p = p * f + 9.61823750e-3f;
  p = p * f + 5.55035743e-2f;
  p = p * f + 2.40226498e-1f;
  p = p * f + 6.93147188e-1f;
  return {scale, f * p};
}

static INLINE V sigmoid(V x) {
  Power e = power_of_two(clamp(x, 87.0f), -1.44269504f);
  return reciprocal(1.0f + (e.scale + e.scale * e.fraction));
}

// With e = exp(2x) - 1: tanh(x) = e / (e + 2), exact for small x where 2 sigmoid(2x) - 1 is not.
static INLINE V tanh_(V x) {
  Power p = power_of_two(clamp(x, 10.0f), 2.88539008f);
  V e = p.scale * p.fraction + (p.scale - 1.0f);
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
