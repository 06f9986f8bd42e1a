// What the runner is told of a form: by compiled/plan.py once a size, by compiled/running.py a pass.
#pragma once
#include "nest.h"

// kinds of rows, as in compiled/loops.py
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
  double decay;  // above 0: the norm of dL/dh_t is set (`intervention.py`); one tile
};
