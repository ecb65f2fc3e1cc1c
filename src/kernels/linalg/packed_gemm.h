// A matrix product of our own for the real floats: operands are packed once (and converted on the way), shared by all
// threads, and multiplied tile by tile, with sums in float32 (float64 for float64). BLAS would pack them anew a tile.
#pragma once

#include <cstdint>

#include "anabranch/dtype.h"
#include "kernels/linalg/matmul_problem.h"

namespace anabranch::kernels {

// How packed operands lie in memory: panels of `a` rows (of the left operand) or `b` columns (of the right one) and up
// to `depth` steps of k, padded with zeros to whole panels and to a multiple of `steps`.
struct PanelFormat {
  // Float32 and Float64 in the order of use, [step][line]; Tiles: bfloat16 as AMX wants it, see amx_gemm.h.
  enum class Kind { Float32, Float64, Tiles } kind;
  int a, b;
  std::int64_t depth, steps;

  std::int64_t bytes(std::int64_t lines, std::int64_t steps_of_k) const {
    const int size = kind == Kind::Float64 ? 8 : kind == Kind::Float32 ? 4 : 2;
    return lines * ((steps_of_k + steps - 1) / steps * steps) * size;
  }
};
// The one for operands of a type on this machine.
PanelFormat panel_format(Dtype dtype);

// The lines that an operand is made of: rows of the left one, columns of the right one. `across` lies between lines and
// `along` between steps of k, in elements.
struct Lines {
  Dtype dtype;
  const void* data;
  std::int64_t across, along;
  bool left;
};

// Packs `count` lines from `first`, steps [k, k + depth), depth at most format.depth, to the start of a line of the
// cache. `stream`: past the caches, for panels that are read much later.
void pack_panels(const PanelFormat& format, const Lines& lines, std::int64_t first, std::int64_t count, std::int64_t k,
                 std::int64_t depth, void* to, bool stream);

// c (+)= a b for packed panels of `rows` rows, `cols` columns and `depth` steps; c is row-major, of float64 if the
// panels are, and else of float32. `next` is what the caller multiplies by next: the panels of b for other steps.
void multiply_panels(const PanelFormat& format, const void* a, const void* b, std::int64_t rows, std::int64_t cols,
                     std::int64_t depth, bool accumulate, void* c, std::int64_t ldc, const void* next);

// Rounds rows of float32 to float16 or bfloat16.
void round_rows(Dtype dtype, const float* from, std::int64_t rows, std::int64_t cols, std::int64_t ld_from, void* to,
                std::int64_t ld_to);

// Adds the phases of a product. Best for large matrices.
void packed_matmul(const MatmulProblem& problem, runtime::Launch& launch);
// The same where each chunk packs what it needs: for small matrices, and for many of them. What takes less than
// `at_once` nanoseconds is done at once.
void unshared_matmul(const MatmulProblem& problem, double at_once, runtime::Launch& launch);

}  // namespace anabranch::kernels
