// A matrix product of our own for float32 and, through it, the 16-bit floats: operands are packed once (and converted on
// the way), shared by all threads, and multiplied tile by tile with sums in float32. BLAS would pack them anew a tile.
#pragma once

#include <cstdint>

#include "anabranch/dtype.h"
#include "kernels/linalg/matmul_problem.h"

namespace anabranch::kernels {

// Packed operands are panels: `width` rows of a, or columns of b, for `depth` steps of k: panel[step * width + row].
// Widths are those of the register tile of this machine's instruction set.
struct PanelWidths {
  int a, b;
};
PanelWidths panel_widths();

// Steps of k for which a panel of a stays in the first cache.
inline constexpr std::int64_t panel_depth = 256;

// Packs `extent` rows (of a) or columns (of b) and `depth` steps of k of a float32, float16 or bfloat16 operand, whose
// rows (columns) are `across` apart and steps `along` apart, into ceil(extent / width) panels of `width`; what sticks out
// is zero.
void pack_panels(Dtype dtype, const void* from, std::int64_t across, std::int64_t along, std::int64_t extent,
                 std::int64_t depth, int width, float* to);

// c (+)= a b for packed panels of `rows` rows, `cols` columns and `depth` steps; c is row-major.
void multiply_panels(const float* a, const float* b, std::int64_t rows, std::int64_t cols, std::int64_t depth,
                     bool accumulate, float* c, std::int64_t ldc);

// Rounds rows of float32 to float16 or bfloat16.
void round_rows(Dtype dtype, const float* from, std::int64_t rows, std::int64_t cols, std::int64_t ld_from, void* to,
                std::int64_t ld_to);

// Adds the phases of a product of float32, float16 or bfloat16. Best for large matrices.
void packed_matmul(const MatmulProblem& problem, runtime::Launch& launch);
// The same where each chunk packs what it needs: for small matrices, and for many of them. What takes less than `at_once`
// nanoseconds is done at once.
void unshared_matmul(const MatmulProblem& problem, double at_once, runtime::Launch& launch);

}  // namespace anabranch::kernels
