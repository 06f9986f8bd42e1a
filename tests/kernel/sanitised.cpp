// The runner and the loops of one cell over a grid of odd shapes, to be run under AddressSanitizer
// and UBSan: every buffer is of exactly the size that engine/compiled/running.py gives it. The text
// of the loops and of `each_plan` follows this one.
#include <cstdio>
#include <memory>
#include <vector>
#include "form.cpp"

extern "C" void nest(int backward, int which, const Step& s);

using Buffer = std::unique_ptr<float[]>;

static Buffer filled(long n) {
  Buffer buffer(new float[n]);
  for (long i = 0; i < n; ++i) buffer[i] = 0.3f * float((i * 7919 + 13) % 101 - 50) / 50;
  return buffer;
}

struct Buffers {
  std::vector<Buffer> held;
  std::vector<float*> at;
  void add(long n) { held.push_back(filled(n)), at.push_back(held.back().get()); }
};

static long wide(long units) { return (units + W - 1) / W * W; }

// `leaves` numbers of each leaf.
static long check(const FormPlan& f, const long* leaves, long R, long T, long B, long tiles,
                  bool keep, bool dx) {
  const long slots = keep ? T + 1 : 2, steps[] = {0, T - 1}, S = T > 1 ? 2 : 1, shown = f.part_units[0];
  Buffers leaf, start, states, kept, last, d_last, d_start;
  std::vector<long> stride;
  for (long i = 0; i < f.leaves; ++i) leaf.add(R * leaves[i]), stride.push_back(leaves[i]);
  for (long i = 0; i < f.parts; ++i) {
    const long n = R * f.part_units[i] * B;
    start.add(n), last.add(n), d_last.add(n), d_start.add(n);
  }
  for (long i = 0; i < f.pieces; ++i) states.add(R * B * slots * wide(f.units[f.piece[i].size]));
  for (long e = 0; e < f.sizes; ++e) kept.add(keep ? R * B * T * wide(f.units[e]) * f.kept[e] : 0);
  Buffer sums = filled(f.sums * R * B * T), inputs = filled(T * R * f.D * B);
  Buffer hidden = filled(S * R * shown * B), d_hidden = filled(S * R * shown * B);
  Buffer d_leaves = filled(R * tiles * f.gradients), d_inputs = filled(T * R * f.D * B);
  FormPass p{};
  p.R = R, p.T = T, p.B = B, p.S = S, p.tiles = tiles, p.keep = keep, p.wants_dx = dx;
  p.steps = steps, p.leaf = leaf.at.data(), p.stride = stride.data(), p.inputs = inputs.get();
  p.start = start.at.data(), p.states = states.at.data(), p.kept = kept.at.data();
  p.sums = sums.get(), p.hidden = hidden.get(), p.last = last.at.data();
  p.d_hidden = d_hidden.get(), p.d_last = d_last.at.data(), p.d_leaves = d_leaves.get();
  p.d_inputs = dx ? d_inputs.get() : nullptr, p.d_start = d_start.at.data();
  if (form_through_time(&f, &p, nest, 0, 0, R * tiles)) return 1;
  return keep && form_through_time(&f, &p, nest, 1, 0, R * tiles);
}

static long cases = 0, bad = 0;

static void every_shape(const FormPlan& f, const long* leaves) {
  for (long B : {1, 3, 20})
    for (long T : {1, 2, 7})
      for (long R : {1, 3}) {
        const long tiles = B > 2 ? 2 : 1;
        bad += check(f, leaves, R, T, B, tiles, true, B != 3), ++cases;
        if (T == 7) bad += check(f, leaves, R, T, B, 1, false, false), ++cases;
      }
  bad += check(f, leaves, 1, 129, 3, 1, true, true), ++cases;
}

static void each_plan();

int main() {
  each_plan();
  std::printf("%ld cases, %ld bad\n", cases, bad);
  return bad > 0;
}
