// A form through time and back, for one (replicate, tile of the batch) after another: what is the
// same for all cells. The loops over units of a step are written from its equations (`Nest`).
//
// States lie in rows, [step][sequence][unit], units padded to a multiple of W, one array a piece of
// the state. What torch passes in and gets back lies in columns: inputs (T, R or 1, D, B), states
// (R, units, B), hidden states of the S steps asked for (S, R, units, B). Gradients of products lie in
// a ring of steps, a row a sequence: [product][unit]. Products of a backward pass and weights'
// gradients are matrix products with parts of the ring.
#include <cmath>
#include <new>
#include "form_memory.h"

namespace {

struct FormRunner : FormMemory {
  Nest nest;

  FormRunner(const FormPlan& plan, const FormPass& pass, Nest nest)
      : FormMemory(plan, pass), nest(nest) {}

  void forward(long r, long tile) {
    const long b0 = first_row(tile), size = first_row(tile + 1) - b0;
    s.size = size, s.more = 1;
    reserve_forward(size);
    if (packed != r) pack_forward(r), packed = r;
    for (long i = 0; i < f.pieces; ++i) {
      const Piece& piece = f.piece[i];
      float* rows = state(i, r, b0, size, 0);
      std::memset(rows, 0, size * wide[piece.size] * sizeof(float));
      to_rows<false>(column(p.start[piece.part], piece, r) + b0, p.B, rows, wide[piece.size], size,
                     f.units[piece.size]);
    }
    for (long t = 0, step = 0; t < p.T; ++t) {
      aim(false, r, b0, size, t, 0);
      for (long n = 0; n < f.loops; ++n) nest(0, n, s);
      if (step < p.S && p.steps[step] == t) {
        shown(r, b0, size, t + 1, 0, p.hidden + (step * p.R) * f.part_units[0] * p.B);
        ++step;
      }
    }
    for (long part = 0; part < f.parts; ++part) shown(r, b0, size, p.T, part, p.last[part]);
  }

  // Where a piece lies in a part (R, units, B) of replicate r.
  template <class Float>
  Float* column(Float* part, const Piece& piece, long r) const {
    return part + (r * f.part_units[piece.part] + piece.offset) * p.B;
  }
  void shown(long r, long b0, long size, long t, long part, float* columns) const {
    for (long i = 0; i < f.pieces; ++i)
      if (f.piece[i].part == part)
        to_columns(state(i, r, b0, size, t), wide[f.piece[i].size],
                   column(columns, f.piece[i], r) + b0, p.B, size, f.units[f.piece[i].size]);
  }
  void seeded(const float* columns, long r, long b0, long size, long part) {
    if (!columns) return;
    for (long i = 0; i < f.pieces; ++i)
      if (f.piece[i].part == part)
        to_rows<true>(column(columns, f.piece[i], r) + b0, p.B, seed[i], wide[f.piece[i].size],
                      size, f.units[f.piece[i].size]);
  }

  long reserved = -1;
  void reserve_forward(long size) {
    if (reserved >= size) return;
    reserve(false, (p.B + p.tiles - 1) / p.tiles, 1);
    reserved = (p.B + p.tiles - 1) / p.tiles, packed = -1;
  }

  void backward(long r, long tile) {
    const long b0 = first_row(tile), size = first_row(tile + 1) - b0;
    const long chunk = std::max(1L, 128 / size);
    s.size = size;
    reserve(true, size, chunk);
    vectors(r);
    for (long v = 0; v < f.vectors; ++v)
      std::memset(d_vector[v], 0, (f.vector[v].size < 0 ? W : wide[f.vector[v].size]) * 4);
    for (long l = 0; l < f.reads; ++l) {
      if (returns(l)) pack_return(l, r);
      std::memset(d_weights[l], 0, count[l] * span(l) * sizeof(float));
    }
    float* const ring = s.ring;
    std::memset(ring, 0, chunk * size * ring_wide * sizeof(float));
    for (long i = 0; i < f.pieces; ++i)
      std::memset(seed[i], 0, size * wide[f.piece[i].size] * sizeof(float));
    for (long part = 0; part < f.parts; ++part) seeded(p.d_last[part], r, b0, size, part);
    long step = p.S - 1;
    for (long end = p.T; end > 0;) {
      const long begin = std::max(0L, end - chunk);
      for (long t = end - 1; t >= begin; --t) {
        if (step >= 0 && p.steps[step] == t) {
          if (p.d_hidden)
            seeded(p.d_hidden + step * p.R * f.part_units[0] * p.B, r, b0, size, 0);
          --step;
        }
        if (p.decay > 0) set_norm(t, size);
        s.ring = ring + (t - begin) * size * ring_wide, s.more = t > 0;
        aim(true, r, b0, size, t, t - begin);
        one_back(r, b0, size, t);
      }
      for (long l = 0; l < f.reads; ++l) weigh(l, r, b0, size, begin, end, ring);
      end = begin;
    }
    s.ring = ring;
    unpack(p.d_leaves + (r * p.tiles + tile) * f.gradients);
    for (long i = 0; i < f.pieces; ++i)
      to_columns(seed[i], wide[f.piece[i].size],
                 column(p.d_start[f.piece[i].part], f.piece[i], r) + b0, p.B, size,
                 f.units[f.piece[i].size]);
  }

  // dL/dh_t as long as that of the last step asked for, times a decay for each step between.
  double norm_at_last = 0;
  void set_norm(long t, long size) {
    const long lag = p.steps[p.S - 1] - t;
    if (lag < 0) return;
    double squares = 0;
    each_of_h(size, [&](float& g) { squares += double(g) * g; });
    if (lag == 0) norm_at_last = std::sqrt(squares);
    if (lag == 0 || squares == 0) return;
    const double factor = norm_at_last * std::pow(p.decay, double(lag)) / std::sqrt(squares);
    each_of_h(size, [&](float& g) { g = float(g * factor); });
  }
  template <class Do>
  void each_of_h(long size, Do what) {
    for (long i = 0; i < f.pieces; ++i)
      for (long b = 0; f.piece[i].part == 0 && b < size; ++b)
        for (long k = 0; k < f.units[f.piece[i].size]; ++k)
          what(seed[i][b * wide[f.piece[i].size] + k]);
  }

  void one_back(long r, long b0, long size, long t) {
    for (long i = 0; i < f.back_rows; ++i)
      if (f.back_row[i].kind == BACK) std::memset(row[i], 0, size * row_wide[i] * sizeof(float));
    for (long i = 0; i < f.slices; ++i)
      if (!f.slice[i].given) std::memset(d_slice[i], 0, size * up(f.slice[i].units) * sizeof(float));
    for (long n = 0; n < f.back_loops; ++n) {
      nest(1, n, s);
      const bool last = n + 1 == f.back_loops || f.back_loop[n + 1].level > f.back_loop[n].level;
      for (long l = 0; last && l < f.reads; ++l)
        if (f.read[l].kind == ROW && f.read[l].ready == f.back_loop[n].level && returns(l))
          give(l, size, row[f.read[l].back], row_wide[f.read[l].back]);
    }
    for (long i = 0; i < f.pieces; ++i)
      if (!f.piece[i].given) std::memset(out[i], 0, size * wide[f.piece[i].size] * sizeof(float));
    for (long l = 0; l < f.reads; ++l) {
      const Read& read = f.read[l];
      if (read.kind == BEFORE) give(l, size, out[read.index], wide[f.piece[read.index].size]);
      if (read.kind == INPUT && p.wants_dx) give(l, size, d_slice[read.back], up(read.units));
    }
    for (long i = 0; i < f.pieces; ++i) std::swap(seed[i], out[i]);
    if (p.wants_dx) {
      float* dx = p.d_inputs + (t * p.R + r) * f.D * p.B + b0;
      for (long i = 0; i < f.slices; ++i)
        for (long k = 0; f.slices > 1 && k < f.slice[i].units; ++k)  // slices may overlap
          for (long b = 0; b < size; ++b)
            dx[(f.slice[i].offset + k) * p.B + b] += d_slice[i][b * up(f.slice[i].units) + k];
      if (f.slices == 1)
        to_columns(d_slice[0], up(f.slice[0].units), dx + f.slice[0].offset * p.B, p.B, size,
                   f.slice[0].units);
    }
  }

  void give(long l, long size, float* to, long width) {
    const Read& read = f.read[l];
    const long first = place[f.loop[read.nest].column + read.first];
    accumulate_packed(size, s.ring + first, ring_wide, 1, returned[l], span(l), up(count[l]) / W, to,
                      width);
  }

  // A link's weights' gradients of the steps [begin, end).
  void weigh(long l, long r, long b0, long size, long begin, long end, const float* ring) {
    const Read& read = f.read[l];
    const float* d = ring + place[f.loop[read.nest].column + read.first];
    const long rows = (end - begin) * size;
    if (read.kind == INPUT) {
      for (long t = begin; t < end; ++t)
        outer(count[l], x_of(t, r, b0) + x_at[l], p.B, 1, d + (t - begin) * size * ring_wide, ring_wide,
              size, d_weights[l], span(l));
      return;
    }
    const float* from = read.kind == BEFORE ? state(read.index, r, b0, size, begin) : fixed[read.operand];
    const long width = read.kind == BEFORE ? wide[f.piece[read.index].size] : row_wide[read.operand];
    outer(count[l], from, 1, width, d, ring_wide, rows, d_weights[l], span(l));
  }

};

}  // namespace

// Tasks [first, last) of R * tiles; returns 0, or 1 when memory is short.
extern "C" int form_through_time(const FormPlan* plan, const FormPass* pass, Nest nest, int backward,
                                 long first, long last) {
  FlushDenormals flush;
  try {
    FormRunner runner(*plan, *pass, nest);
    for (long task = first; task < last; ++task)
      backward ? runner.backward(task / pass->tiles, task % pass->tiles)
               : runner.forward(task / pass->tiles, task % pass->tiles);
  } catch (const std::bad_alloc&) {
    return 1;
  }
  return 0;
}

extern "C" int lanes() { return W; }
