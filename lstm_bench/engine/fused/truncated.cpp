// The LSTM of 1997 through time with its truncated gradient: one sequence after another, the rows
// of gates and cells side by side in vectors. A replicate's numbers never meet another's.
//
// Rows of W (R, N, D), U (R, N, M) and b (R, N): the input gates, the output gates, the cells. The
// rest as in form.cpp. The equations: engine/truncated.py.
#include <cstring>
#include <new>
#include "scratch.h"
#include "vector.h"

struct TruncatedPass {
  long R, T, B, H, D, S;      // sizes; S steps asked for
  long N, M;                  // rows of gates and cells; hidden units fed back
  long blocks, per_block;
  long output_gate, centred_input, centred_output;
  long shared_inputs, keep;   // whether all replicates read the same inputs; whether to come back
  const float *weights, *recurrent, *bias, *inputs, *h0, *s0, *gates0;
  const long* steps;
  float *active, *squashed, *seen;  // (R, B, T, Np), (R, B, T, Hp), (R, B, T + 1, H + n), kept
  float *hidden, *h_last, *s_last, *gates_last;
  const float *d_hidden, *d_h_last, *d_s_last, *d_gates_last;  // null where there is no gradient
  float *d_weights, *d_recurrent, *d_bias, *d_inputs, *d_s0;
};

namespace {

thread_local Scratch scratch;

struct Runner {
  const TruncatedPass& p;
  const long n, units, Np, Hp, rows;  // gates, units that feed back, padded rows and cells
  float *packed = nullptr;            // [W, U, b] transposed: (D + M + 1, Np), padded with zeros

  static long up(long count) { return (count + W - 1) / W * W; }

  explicit Runner(const TruncatedPass& pass)
      : p(pass), n(p.N - p.H), units(p.H + n), Np(up(p.N)), Hp(up(p.H)), rows(p.D + p.M + 1) {}

  long at(long r, long unit, long of, long b) const { return (r * of + unit) * p.B + b; }
  const float* x_at(long t, long r, long b) const {
    return p.inputs + (p.shared_inputs ? t : t * p.R + r) * p.D * p.B + b;
  }

  void pack(long r) {
    std::memset(packed, 0, rows * Np * sizeof(float));
    for (long k = 0; k < p.N; ++k) {
      for (long d = 0; d < p.D; ++d) packed[d * Np + k] = p.weights[(r * p.N + k) * p.D + d];
      for (long m = 0; m < p.M; ++m)
        packed[(p.D + m) * Np + k] = p.recurrent[(r * p.N + k) * p.M + m];
      packed[(p.D + p.M) * Np + k] = p.bias[r * p.N + k];
    }
  }

  float arriving(float a) const { return p.centred_input ? 4 * a - 2 : a; }

  void forward() {
    scratch.reserve(rows * Np + Np + 2 * Hp + 2 * units + 128);
    packed = scratch.take(rows * Np);
    float *active = scratch.take(Np), *s = scratch.take(Hp), *squashed = scratch.take(Hp);
    float* now = scratch.take(units);
    for (long r = 0; r < p.R; ++r) {
      pack(r);
      for (long b = 0; b < p.B; ++b) {
        const long row = (r * p.B + b) * p.T;
        std::memset(s, 0, Hp * sizeof(float));
        for (long v = 0; v < p.H; ++v) {
          s[v] = p.s0[at(r, v, p.H, b)];
          now[v] = p.h0[at(r, v, p.H, b)];
        }
        for (long j = 0; j < n; ++j) now[p.H + j] = p.gates0[at(r, j, n, b)];
        for (long t = 0, step = 0; t < p.T; ++t) {
          if (p.keep) {
            active = p.active + (row + t) * Np, squashed = p.squashed + (row + t) * Hp;
            std::memcpy(p.seen + (row + r * p.B + b + t) * units, now, units * sizeof(float));
          }
          activate(x_at(t, r, b), now, active);
          for (long v = 0; v < p.H; ++v) s[v] += active[v / p.per_block] * arriving(active[n + v]);
          for (long q = 0; q < Hp; q += W) {
            const V state = load(s + q);
            store(squashed + q, p.centred_output ? 2.0f * sigmoid(state) - 1.0f : state);
          }
          for (long v = 0; v < p.H; ++v)
            now[v] = p.output_gate ? active[p.blocks + v / p.per_block] * squashed[v] : squashed[v];
          for (long j = 0; j < n; ++j) now[p.H + j] = active[j];
          if (step < p.S && p.steps[step] == t) {
            for (long v = 0; v < p.H; ++v) p.hidden[at(step * p.R + r, v, p.H, b)] = now[v];
            ++step;
          }
        }
        for (long v = 0; v < p.H; ++v) {
          p.h_last[at(r, v, p.H, b)] = now[v];
          p.s_last[at(r, v, p.H, b)] = s[v];
        }
        for (long j = 0; j < n; ++j) p.gates_last[at(r, j, n, b)] = now[p.H + j];
      }
    }
  }

  void activate(const float* x, const float* now, float* active) const {
    for (long q = 0; q < Np; q += W) {
      V net = load(packed + (p.D + p.M) * Np + q);
      for (long d = 0; d < p.D; ++d) net += x[d * p.B] * load(packed + d * Np + q);
      for (long m = 0; m < p.M; ++m) net += now[m] * load(packed + (p.D + m) * Np + q);
      store(active + q, sigmoid(net));
    }
  }

  void backward() {
    scratch.reserve(2 * rows * Np + Np + 2 * Hp + 128);
    packed = scratch.take(rows * Np);
    float *found = scratch.take(rows * Np), *delta = scratch.take(Np);
    float *e = scratch.take(Hp), *dy = scratch.take(Hp);
    std::memset(delta, 0, Np * sizeof(float));
    for (long r = 0; r < p.R; ++r) {
      pack(r);
      std::memset(found, 0, rows * Np * sizeof(float));
      for (long b = 0; b < p.B; ++b) {
        const long row = (r * p.B + b) * p.T;
        for (long v = 0; v < p.H; ++v) e[v] = p.d_s_last ? p.d_s_last[at(r, v, p.H, b)] : 0;
        for (long t = p.T - 1, step = p.S - 1; t >= 0; --t) {
          const bool asked = step >= 0 && p.steps[step] == t;
          for (long v = 0; v < p.H; ++v) {
            dy[v] = asked && p.d_hidden ? p.d_hidden[at(step * p.R + r, v, p.H, b)] : 0;
            if (t == p.T - 1 && p.d_h_last) dy[v] += p.d_h_last[at(r, v, p.H, b)];
          }
          step -= asked;
          deltas(p.active + (row + t) * Np, p.squashed + (row + t) * Hp, dy, e, delta,
                 t == p.T - 1 && p.d_gates_last ? p.d_gates_last + r * n * p.B + b : nullptr);
          gather(x_at(t, r, b), p.seen + (row + r * p.B + b + t) * units, delta, found);
          if (p.d_inputs) into_inputs(delta, p.d_inputs + (t * p.R + r) * p.D * p.B + b);
        }
        for (long v = 0; v < p.H; ++v) p.d_s0[at(r, v, p.H, b)] = e[v];
      }
      unpack(r, found);
    }
  }

  // What arrives at the net inputs of gates and cells; e is what reaches the internal states.
  void deltas(const float* active, const float* squashed, const float* dy, float* e, float* delta,
              const float* d_gates) const {
    for (long j = 0; j < n; ++j) delta[j] = d_gates ? d_gates[j * p.B] : 0;
    for (long v = 0; v < p.H; ++v) {
      const long j = v / p.per_block;
      const float a = active[n + v], y = squashed[v];
      float ds = p.centred_output ? dy[v] * ((1 - y * y) / 2) : dy[v];
      if (p.output_gate) {
        ds *= active[p.blocks + j];
        delta[p.blocks + j] += dy[v] * y;
      }
      e[v] += ds;
      delta[j] += e[v] * arriving(a);
      delta[n + v] = e[v] * active[j] * (p.centred_input ? 4 * a * (1 - a) : a * (1 - a));
    }
    for (long j = 0; j < n; ++j) delta[j] *= active[j] * (1 - active[j]);
  }

  void gather(const float* x, const float* seen, const float* delta, float* found) const {
    for (long q = 0; q < Np; q += W) {
      const V d = load(delta + q);
      float* to = found + q;
      for (long k = 0; k < p.D; ++k, to += Np) store(to, load(to) + x[k * p.B] * d);
      for (long m = 0; m < p.M; ++m, to += Np) store(to, load(to) + seen[m] * d);
      store(to, load(to) + d);
    }
  }

  void into_inputs(const float* delta, float* to) const {
    for (long d = 0; d < p.D; ++d) {
      float sum = 0;
      for (long k = 0; k < p.N; ++k) sum += packed[d * Np + k] * delta[k];
      to[d * p.B] = sum;
    }
  }

  void unpack(long r, const float* found) const {
    for (long k = 0; k < p.N; ++k) {
      for (long d = 0; d < p.D; ++d) p.d_weights[(r * p.N + k) * p.D + d] = found[d * Np + k];
      for (long m = 0; m < p.M; ++m)
        p.d_recurrent[(r * p.N + k) * p.M + m] = found[(p.D + m) * Np + k];
      p.d_bias[r * p.N + k] = found[(p.D + p.M) * Np + k];
    }
  }
};

}  // namespace

// All replicates; returns 0, or 1 when memory is short.
extern "C" int truncated(const TruncatedPass* pass, int backward) {
  FlushDenormals flush;
  try {
    Runner runner(*pass);
    backward ? runner.backward() : runner.forward();
  } catch (const std::bad_alloc&) {
    return 1;
  }
  return 0;
}
