// Work space.
#pragma once
#include <cstdlib>
#include <new>

// Memory of this thread that grows and is kept: a pass must not fault its pages anew.
struct Scratch {
  float* data = nullptr;
  size_t size = 0, used = 0;
  ~Scratch() { std::free(data); }
  void reserve(size_t floats) {
    used = 0;
    if (floats <= size) return;
    std::free(data);
    data = static_cast<float*>(std::aligned_alloc(64, (floats * 4 + 63) / 64 * 64));
    if (!data) { size = 0; throw std::bad_alloc(); }
    size = floats;
  }
  float* take(size_t floats) { float* p = data + used; used += (floats + 15) / 16 * 16; return p; }
};
