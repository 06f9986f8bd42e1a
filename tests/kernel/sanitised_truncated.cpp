// The truncated kernel over a grid of odd shapes, to be run under AddressSanitizer and UBSan: every
// buffer is of exactly the size that lstm_bench/engine/truncated.py gives it.
#include <cmath>
#include <cstdio>
#include <initializer_list>
#include <memory>
#include "../../lstm_bench/engine/fused/truncated.cpp"

using Buffer = std::unique_ptr<float[]>;

static Buffer filled(long n) {
  Buffer buffer(new float[n]);
  for (long i = 0; i < n; ++i) buffer[i] = 0.3f * float((i * 7919 + 13) % 101 - 50) / 50;
  return buffer;
}

static long check(long R, long T, long B, long D, long blocks, long per, int form, bool keep) {
  const bool gated = form & 1, fed_back = form & 2, dx = form & 4;
  const long H = blocks * per, n = gated ? 2 * blocks : blocks, N = H + n, M = fed_back ? N : 0;
  const long Np = (N + W - 1) / W * W, Hp = (H + W - 1) / W * W, rows = R * B * T;
  const long steps[] = {0, T - 1};
  Buffer weights = filled(R * N * D), recurrent = filled(R * N * M), bias = filled(R * N);
  Buffer inputs = filled(T * R * D * B), cells = filled(R * H * B), gates = filled(R * n * B);
  Buffer active = filled(keep ? rows * Np : 0), squashed = filled(keep ? rows * Hp : 0);
  Buffer seen = filled(keep ? (rows + R * B) * N : 0), hidden = filled(2 * R * H * B);
  Buffer h_last = filled(R * H * B), s_last = filled(R * H * B), gates_last = filled(R * n * B);
  Buffer dW = filled(R * N * D), dU = filled(R * N * M), db = filled(R * N);
  Buffer d_inputs = filled(T * R * D * B), ds0 = filled(R * H * B);
  TruncatedPass p{};
  p.R = R, p.T = T, p.B = B, p.H = H, p.D = D, p.S = T > 1 ? 2 : 1, p.N = N, p.M = M;
  p.blocks = blocks, p.per_block = per, p.output_gate = gated, p.centred_input = fed_back;
  p.centred_output = gated, p.keep = keep;
  p.weights = weights.get(), p.recurrent = recurrent.get(), p.bias = bias.get();
  p.inputs = inputs.get(), p.h0 = cells.get(), p.s0 = cells.get(), p.gates0 = gates.get();
  p.steps = steps, p.active = active.get(), p.squashed = squashed.get(), p.seen = seen.get();
  p.hidden = hidden.get(), p.h_last = h_last.get(), p.s_last = s_last.get();
  p.gates_last = gates_last.get(), p.d_hidden = hidden.get(), p.d_h_last = cells.get();
  p.d_s_last = cells.get(), p.d_gates_last = gates.get(), p.d_weights = dW.get();
  p.d_recurrent = dU.get(), p.d_bias = db.get(), p.d_inputs = dx ? d_inputs.get() : nullptr;
  p.d_s0 = ds0.get();
  if (truncated(&p, 0) || (keep && truncated(&p, 1))) return 1;
  for (long i = 0; i < R * N; ++i)
    if (!std::isfinite(db[i])) return 1;
  return 0;
}

int main() {
  long cases = 0, bad = 0;
  for (long R : {1, 2})
    for (long T : {1, 2, 7})
      for (long B : {1, 3})
        for (long D : {1, 5, 17})
          for (long blocks : {1, 2, 9})
            for (long per : {1, 2, 3})
              for (int form = 0; form < 8; ++form)
                for (bool keep : {false, true})
                  ++cases, bad += check(R, T, B, D, blocks, per, form, keep);
  std::printf("%ld cases, %ld bad\n", cases, bad);
}
