// Products with at most a few rows or columns: matrix times vector, and a tall matrix times a narrow one. They are
// bound by reading the long operand, so it is read once, as it lies.
#pragma once

#include <cstdint>

#include "anabranch/dtype.h"
#include "kernels/linalg/matmul_problem.h"

namespace anabranch::kernels {

// The most columns of the narrow operand.
inline constexpr std::int64_t skinny_columns = 8;

// Whether skinny_matmul can compute the product: real, narrow enough, and the long operand has a contiguous axis.
bool is_skinny(const MatmulProblem& problem);
// Adds the phases of the product; what takes less than `at_once` nanoseconds is done at once.
void skinny_matmul(const MatmulProblem& problem, double at_once, runtime::Launch& launch);

// sums[c * sums_ld + r] = the sum over p < depth of a(r, p) narrow(p, c) for r < rows, c < cols: of rows `row_stride`
// apart and contiguous, or of contiguous columns `step` apart. `narrow` holds columns, narrow[c * narrow_ld + p].
// `dtype` is that of a; the rest is double for float64 and else float.
void rows_times_narrow(Dtype dtype, const void* a, std::int64_t row_stride, const void* narrow, std::int64_t narrow_ld,
                       std::int64_t rows, std::int64_t cols, std::int64_t depth, void* sums, std::int64_t sums_ld);
void columns_times_narrow(Dtype dtype, const void* a, std::int64_t step, const void* narrow, std::int64_t narrow_ld,
                          std::int64_t rows, std::int64_t cols, std::int64_t depth, void* sums, std::int64_t sums_ld);

}  // namespace anabranch::kernels
