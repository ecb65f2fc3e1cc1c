// Runs a compiled program over a part of its domain.
#pragma once

#include "kernels/elementwise/compile.h"
#include "kernels/elementwise/layout.h"

namespace anabranch::kernels {

struct Task {
  Compiled code;
  Layout layout;
  std::size_t block = 0;         // elements of a range block
  bool stream = false;           // outputs go past the caches
  bool ahead = false;            // operands are asked for a block ahead
  std::size_t tiles_across = 0;  // tiles along the last axis, and along the tile axis
  std::size_t tiles_down = 0;
};

// Elements `first` to `last` of an untiled layout.
void run_range(const Task& task, std::int64_t first, std::int64_t last);
// Tiles `first` to `last`, those along the tile axis first, then those along the last one, then the outer axes.
void run_tiles(const Task& task, std::int64_t first, std::int64_t last);

}  // namespace anabranch::kernels
