// Work space of a form's pass, and its weights in the order in which tiles read them.
#pragma once
#include <algorithm>
#include <cstring>
#include "form.h"
#include "scratch.h"
#include "turn.h"

namespace {

thread_local Scratch memory;
constexpr int MOST = 256;  // rows, links, columns: see compiled/plan.py

static inline long up(long n) { return (n + W - 1) / W * W; }

// Where row k of rows, number n of columns lies in groups of four vectors of columns: `rows` times
// 4 W numbers together, so that a tile's rows stand side by side in the cache.
long grouped(long k, long n, long rows, long columns) {
  const long group = n / (4 * W) * (4 * W);
  return group * rows + k * std::min(4L * W, columns - group) + n - group;
}

// out (rows, columns), grouped, += a' b over `count` rows of both.
void outer(long rows, const float* a, long row, long step, const float* b, long ldb, long count,
           float* out, long columns) {
  for (long n = 0; n < columns; n += 4 * W) {
    float* to = out + n * rows;
    switch (std::min(4L * W, columns - n) / W) {
      case 1: accumulate<1>(rows, a, row, step, b + n, ldb, count, to, W); break;
      case 2: accumulate<2>(rows, a, row, step, b + n, ldb, count, to, 2 * W); break;
      case 3: accumulate<3>(rows, a, row, step, b + n, ldb, count, to, 3 * W); break;
      case 4: accumulate<4>(rows, a, row, step, b + n, ldb, count, to, 4 * W); break;
    }
  }
}

struct FormMemory {
  const FormPlan& f;
  const FormPass& p;
  long packed = -1, ring_wide = 0, slots;
  long wide[MOST], panels[MOST], place[MOST], count[MOST], x_at[MOST], row_wide[MOST];
  float *pack[MOST], *start[MOST], *vector[MOST], *d_vector[MOST], *mask[MOST], *row[MOST];
  float *fixed[MOST], *seed[MOST], *out[MOST], *returned[MOST], *d_weights[MOST];
  Step s{};

  FormMemory(const FormPlan& plan, const FormPass& pass)
      : f(plan), p(pass), slots(pass.keep ? pass.T + 1 : 2) {
    for (long e = 0; e < f.sizes; ++e) wide[e] = up(f.units[e]), panels[e] = wide[e] / W;
    for (long n = 0, c = 0; n < f.loops; ++n)
      for (long i = 0; i < f.loop[n].products; ++i, ++c)
        place[c] = ring_wide, ring_wide += wide[f.loop[n].size];
    if (ring_wide % 256 == 0) ring_wide += W;  // rows a page apart would meet in the cache
    for (long l = 0; l < f.reads; ++l) {
      count[l] = f.read[l].units;
      x_at[l] = f.read[l].kind == INPUT ? f.read[l].index * p.B : 0;
    }
    s.stride = p.B, s.keep = p.keep, s.row = row, s.wide = row_wide, s.pack = pack;
    s.start = start, s.vector = vector, s.d_vector = d_vector, s.mask = mask, s.units = f.units;
    s.panels = panels, s.count = count, s.x_at = x_at, s.place = place, s.ring_wide = ring_wide;
  }

  long first_row(long tile) const { return p.B * tile / p.tiles; }
  long slot(long t) const { return p.keep ? t : t & 1; }
  const float* leaf(long number, long r) const { return p.leaf[number] + r * p.stride[number]; }
  const float* x_of(long t, long r, long b0) const {
    return p.inputs + ((p.shared_inputs ? t : t * p.R + r) * f.D) * p.B + b0;
  }
  float* state(long piece, long r, long b0, long size, long t) const {
    return p.states[piece] + ((r * p.B + b0) * slots + slot(t) * size) * wide[f.piece[piece].size];
  }
  long span(long l) const { return f.read[l].count * wide[f.loop[f.read[l].nest].size]; }
  const Matrix* matrices(long l) const { return f.matrix + f.read[l].columns; }

  // Rows of a size that are the same for all steps; `take` counts first, then hands out.
  template <class Take>
  void lay(bool backward, long size, long chunk, Take&& take) {
    const Row* rows = backward ? f.back_row : f.row;
    for (long e = 0; e < f.sizes; ++e) mask[e] = take(wide[e]);
    for (long v = 0; v < f.vectors; ++v) {
      const long numbers = f.vector[v].size < 0 ? W : wide[f.vector[v].size];
      vector[v] = take(numbers), d_vector[v] = backward ? take(numbers) : nullptr;
    }
    if (!backward) {
      for (long l = 0; l < f.reads; ++l) pack[l] = take(count[l] * span(l));
      for (long n = 0; n < f.loops; ++n)
        start[n] = take(f.loop[n].products * wide[f.loop[n].size]);
    }
    for (long i = 0; i < (backward ? f.back_rows : f.rows); ++i) {
      const Row& row = rows[i];
      row_wide[i] = row.size < 0 ? 1 : wide[row.size] * (row.kind == KEPT ? f.kept[row.size] : 1);
      if (row.kind == INPUT || row.kind == D_INPUT) row_wide[i] = up(f.slice[row.index].units);
      const bool own = row.kind == ROW || row.kind == NUMBER || row.kind == INPUT || row.kind == BACK ||
                       (row.kind == SUM && !p.keep);
      fixed[i] = own                   ? take(size * row_wide[i])
                 : row.kind == PARTIAL ? take(size * W)
                 : row.kind == OPERAND ? take(chunk * size * row_wide[i])
                                       : nullptr;
    }
    if (!backward) return;
    for (long i = 0; i < f.pieces; ++i) {
      seed[i] = take(size * wide[f.piece[i].size]);
      out[i] = f.piece[i].in_place ? seed[i] : take(size * wide[f.piece[i].size]);
    }
    for (long i = 0; i < f.slices; ++i) d_slice[i] = take(size * up(f.slice[i].units));
    for (long l = 0; l < f.reads; ++l) {
      returned[l] = returns(l) ? take(span(l) * up(count[l])) : nullptr;
      d_weights[l] = take(count[l] * span(l));
    }
    s.ring = take(chunk * size * ring_wide);
  }
  float* d_slice[MOST];

  bool returns(long l) const {
    return f.read[l].kind == INPUT ? p.wants_dx : f.read[l].back >= 0 || f.read[l].kind == BEFORE;
  }

  void reserve(bool backward, long size, long chunk) {
    long needed = 64;
    lay(backward, size, chunk, [&](long floats) -> float* {
      needed += (floats + 15) / 16 * 16;
      return nullptr;
    });
    memory.reserve(needed);
    lay(backward, size, chunk, [&](long floats) { return memory.take(floats); });
    for (long e = 0; e < f.sizes; ++e)
      for (long j = 0; j < wide[e]; ++j) {
        const int bits = j < f.units[e] ? -1 : 0;
        std::memcpy(mask[e] + j, &bits, sizeof bits);
      }
  }

  void vectors(long r) {
    for (long v = 0; v < f.vectors; ++v) {
      const long size = f.vector[v].size, numbers = size < 0 ? 1 : f.units[size];
      const float* from = leaf(f.vector[v].leaf, r) + f.vector[v].offset;
      for (long j = 0; j < (size < 0 ? W : wide[size]); ++j) vector[v][j] = j < numbers ? from[j] : 0;
    }
  }

  void pack_forward(long r) {
    vectors(r);
    for (long l = 0; l < f.reads; ++l) {
      const Read& read = f.read[l];
      const Loop& loop = f.loop[read.nest];
      const long G = group_of(loop.products, panels[loop.size]), units = f.units[loop.size];
      for (long c = 0; c < read.count; ++c) {
        const Matrix& m = matrices(l)[c];
        const long columns = f.leaf[m.leaf].columns;
        const float* from = leaf(m.leaf, r) + m.row * columns + m.column;
        for (long q = 0; q < panels[loop.size]; ++q)
          for (long j = 0; j < W; ++j) {
            const long unit = q * W + j;
            float* to = pack[l] + (q / G * count[l] * read.count * G + c * G + q % G) * W + j;
            for (long k = 0; k < count[l]; ++k)
              to[k * read.count * G * W] = unit < units ? from[unit * columns + k] : 0;
          }
      }
    }
    for (long n = 0, column = 0; n < f.loops; column += f.loop[n].products, ++n) {
      const long C = f.loop[n].products, size = f.loop[n].size;
      if (!C) continue;
      const long G = group_of(C, panels[size]);
      std::memset(start[n], 0, C * wide[size] * sizeof(float));
      for (long i = 0; i < f.starts; ++i) {
        const long c = f.start[2 * i] - column;
        if (c < 0 || c >= C) continue;
        for (long q = 0; q < panels[size]; ++q)
          for (long j = 0; j < W; ++j)
            start[n][(q / G * C * G + c * G + q % G) * W + j] += vector[f.start[2 * i + 1]][q * W + j];
      }
    }
  }

  // The matrix of a link by rows of the ring, in groups of four vectors of what it reads.
  void pack_return(long l, long r) {
    const Read& read = f.read[l];
    const long rows = span(l), vectors = up(count[l]) / W, size = f.loop[read.nest].size;
    std::memset(returned[l], 0, rows * vectors * W * sizeof(float));
    for (long c = 0; c < read.count; ++c) {
      const Matrix& m = matrices(l)[c];
      const long columns = f.leaf[m.leaf].columns;
      const float* from = leaf(m.leaf, r) + m.row * columns + m.column;
      for (long j = 0; j < f.units[size]; ++j)
        for (long k = 0; k < count[l]; ++k)
          returned[l][grouped(c * wide[size] + j, k, rows, vectors * W)] = from[j * columns + k];
    }
  }

  // Pointers to the rows of step t.
  void aim(bool backward, long r, long b0, long size, long t, long in_chunk) {
    const Row* rows = backward ? f.back_row : f.row;
    const long kept_slots = p.keep ? p.T : 1, kept_at = p.keep ? t : 0;
    for (long i = 0; i < (backward ? f.back_rows : f.rows); ++i) {
      const Row& of = rows[i];
      row[i] = fixed[i];
      switch (of.kind) {
        case BEFORE: row[i] = state(of.index, r, b0, size, t); break;
        case AFTER: row[i] = state(of.index, r, b0, size, t + 1); break;
        case KEPT:
          if (p.keep)
            row[i] = p.kept[of.size] + ((r * p.B + b0) * kept_slots + kept_at * size) * row_wide[i];
          break;
        case SUM:
          if (p.keep)
            row[i] = p.sums + (of.index * p.R * p.B + r * p.B + b0) * kept_slots + kept_at * size;
          break;
        case SEED: row[i] = seed[of.index]; break;
        case OUT: row[i] = out[of.index]; break;
        case D_INPUT: row[i] = d_slice[of.index]; break;
        case OPERAND: row[i] = fixed[i] + in_chunk * size * row_wide[i]; break;
        case INPUT: {
          const Slice& slice = f.slice[of.index];
          std::memset(row[i], 0, size * row_wide[i] * sizeof(float));
          to_rows<true>(x_of(t, r, b0) + slice.offset * p.B, p.B, row[i], row_wide[i], size,
                        slice.units);
        }
      }
    }
    s.x = x_of(t, r, b0);
  }

  void unpack(float* to) const {
    std::memset(to, 0, f.gradients * sizeof(float));
    for (long l = 0; l < f.reads; ++l) {
      const long size = f.loop[f.read[l].nest].size;
      for (long c = 0; c < f.read[l].count; ++c) {
        const Matrix& m = matrices(l)[c];
        const long columns = f.leaf[m.leaf].columns;
        float* out_ = to + f.leaf[m.leaf].gradient + m.row * columns + m.column;
        for (long j = 0; j < f.units[size]; ++j)
          for (long k = 0; k < count[l]; ++k)
            out_[j * columns + k] += d_weights[l][grouped(k, c * wide[size] + j, count[l], span(l))];
      }
    }
    for (long v = 0; v < f.vectors; ++v) {
      float* out_ = to + f.leaf[f.vector[v].leaf].gradient + f.vector[v].offset;
      const long size = f.vector[v].size;
      for (long j = 0; j < (size < 0 ? W : f.units[size]); ++j) out_[size < 0 ? 0 : j] += d_vector[v][j];
    }
  }
};

}  // namespace
