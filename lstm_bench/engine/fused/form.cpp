// A form through time and back, for one (replicate, tile of the batch) after another: what is the
// same for all cells. The loops over units of a step are written from its equations (`Nest`).
//
// States lie in rows, [step][sequence][unit], units padded to a multiple of W, one array a piece of
// the state. What torch passes in and gets back lies in columns: inputs (T, R or 1, D, B), states
// (R, units, B), hidden states of the S steps asked for (S, R, units, B). Gradients of products lie in a ring of steps, a row a sequence: [product][unit]. Products
// of a backward pass and weights' gradients are matrix products with parts of the ring.
#include <algorithm>
#include <cstring>
#include <new>
#include "nest.h"
#include "scratch.h"
#include "turn.h"

// kinds of rows, as in compiled/writing.py
enum Kind { BEFORE, AFTER, KEPT, ROW, PARTIAL, SUM, NUMBER, INPUT, SEED, OUT, BACK, OPERAND, D_INPUT };

struct Piece { long part, offset, size, in_place, given; };  // `given`: a loop writes its gradient
struct Slice { long offset, units, read, given; };          // of the inputs; read unit by unit
struct Row { long kind, index, size; };                     // size: by number, or -1
struct Loop { long level, size, products, column; };
struct Read { long kind, index, units, nest, first, count, ready, back, operand, columns; };
struct Matrix { long leaf, row, column; };
struct Vector { long leaf, offset, size; };
struct Leaf { long columns, gradient; };

struct FormPlan {
  long sizes, parts, pieces, slices, sums, loops, back_loops, rows, back_rows, columns, reads;
  long starts, vectors, leaves, D, gradients;
  const long *units, *kept, *part_units, *start;  // start: pairs (column, vector)
  const Piece* piece;
  const Slice* slice;
  const Row *row, *back_row;
  const Loop *loop, *back_loop;
  const Read* read;      // the links of a form
  const Matrix* matrix;  // of the columns of all links, one link after another
  const Vector* vector;
  const Leaf* leaf;
};

struct FormPass {
  long R, T, B, S, tiles, shared_inputs, keep, wants_dx;
  const long* steps;
  const float* const* leaf;  // (R, ...) each, its replicates `stride` apart
  const long* stride;
  const float *inputs, *const* start;          // start (R, units of the part, B)
  float *const* states, *const* kept, *sums;   // by piece; by size
  float *hidden, *const* last;
  const float *d_hidden, *const* d_last;       // null where there is no gradient
  float *d_leaves, *d_inputs, *const* d_start;  // d_leaves (R, tiles, gradients)
};

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

struct FormRunner {
  const FormPlan& f;
  const FormPass& p;
  Nest nest;
  long packed = -1, ring_wide = 0, slots;
  long wide[MOST], panels[MOST], place[MOST], count[MOST], x_at[MOST], row_wide[MOST];
  float *pack[MOST], *start[MOST], *vector[MOST], *d_vector[MOST], *mask[MOST], *row[MOST];
  float *fixed[MOST], *seed[MOST], *out[MOST], *returned[MOST], *d_weights[MOST];
  Step s{};

  FormRunner(const FormPlan& plan, const FormPass& pass, Nest nest)
      : f(plan), p(pass), nest(nest), slots(pass.keep ? pass.T + 1 : 2) {
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
