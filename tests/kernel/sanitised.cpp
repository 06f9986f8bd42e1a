// The kernel over a grid of odd shapes, to be run under AddressSanitizer and UBSan: every buffer is
// of exactly the size that lstm_bench/engine/fused/through_time.py gives it.
#include <cstdio>
#include <memory>
#include "../../lstm_bench/engine/fused/through_time.cpp"

using Buffer = std::unique_ptr<float[]>;

static Buffer filled(long n) {
  Buffer buffer(new float[n]);
  for (long i = 0; i < n; ++i) buffer[i] = 0.3f * float((i * 7919 + 13) % 101 - 50) / 50;
  return buffer;
}

// `fed_back` numbers instead of the state: those of a Jordan network; 0: the state.
static long check(int cell, long R, long T, long B, long D, long H, long tiles, bool keep,
                  long fed_back = 0) {
  const bool has_c = cell == 0;
  const long saved = cell < 2 ? 4 : 0, rows = cell < 2 ? 4 * H : H, slots = keep ? T + 1 : 2;
  const long wide = (H + W - 1) / W * W, state = R * H * B, steps[] = {0, T - 1};
  const long F = fed_back ? fed_back : H, wide_F = (F + W - 1) / W * W;
  Buffer V = filled(R * F * H), ys = filled(R * B * wide_F * slots), dV = filled(R * tiles * F * H);
  Buffer M = filled(R * rows * (F + D + 1)), inputs = filled(T * R * D * B), h0 = filled(state);
  Buffer c0 = filled(state), hs = filled(R * B * wide * slots), cs = filled(R * B * wide * slots);
  Buffer gates = filled(R * B * wide * T * saved), hidden = filled(2 * state);
  Buffer h_last = filled(state), c_last = filled(state), d_hidden = filled(2 * state);
  Buffer dM = filled(R * tiles * rows * (F + D + 1)), dx = filled(T * R * D * B);
  Buffer dh0 = filled(state), dc0 = filled(state);
  Pass p{};
  p.R = R, p.T = T, p.B = B, p.H = H, p.D = D, p.S = T > 1 ? 2 : 1, p.tiles = tiles, p.keep = keep;
  p.F = F;
  if (fed_back) p.V = V.get(), p.ys = ys.get(), p.dV = dV.get();
  p.M = M.get(), p.inputs = inputs.get(), p.h0 = h0.get(), p.steps = steps;
  p.hs = hs.get(), p.hidden = hidden.get(), p.h_last = h_last.get(), p.saved = gates.get();
  if (has_c) p.c0 = c0.get(), p.cs = cs.get(), p.c_last = c_last.get();
  p.d_hidden = d_hidden.get(), p.d_h_last = h0.get(), p.d_c_last = has_c ? c0.get() : nullptr;
  p.dM = dM.get(), p.d_inputs = dx.get(), p.dh0 = dh0.get(), p.dc0 = has_c ? dc0.get() : nullptr;
  if (through_time(cell, &p, 0, 0, R * tiles)) return 1;
  if (keep && through_time(cell, &p, 1, 0, R * tiles)) return 1;
  for (long i = 0; i < 2 * state && T > 1 && cell < 3; ++i)  // rectified units may grow
    if (!(hidden[i] > -100 && hidden[i] < 100)) return 1;
  return 0;
}

int main() {
  long cases = 0, bad = 0;
  for (int cell = 0; cell < 4; ++cell)
    for (long H : {1, 5, 17, 33, 100})
      for (long B : {1, 3, 20})
        for (long T : {1, 2, 7, 129})
          for (long R : {1, 3})
            for (long D : {1, 7, 130}) {
              if (T == 129 && (H > 33 || D > 7 || R > 1)) continue;  // minutes under a sanitiser
              const long tiles = B > 2 ? 2 : 1;
              bad += check(cell, R, T, B, D, H, tiles, true), ++cases;
              if (T == 7) bad += check(cell, R, T, B, D, H, 1, false), ++cases;
              for (long F : {1, 20}) {
                if (cell != 2 || T == 129 || D == 130) continue;
                bad += check(cell, R, T, B, D, H, tiles, true, F), ++cases;
                bad += check(cell, R, T, B, D, H, 1, false, F), ++cases;
              }
            }
  std::printf("%ld cases, %ld bad\n", cases, bad);
  return bad > 0;
}
