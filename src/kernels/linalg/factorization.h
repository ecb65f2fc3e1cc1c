// What the kernels that factorise square matrices share.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/linalg/blas.h"
#include "runtime/launch.h"

namespace anabranch::kernels {

// A matrix of at least this extent, in a batch of less than `few_matrices`, is factorised block column by block column,
// each spread over many threads; otherwise one thread takes a whole matrix.
inline constexpr std::int64_t large_extent = 512;
inline constexpr std::int64_t few_matrices = 8;
inline constexpr std::int64_t block = 128;
inline bool spread_each(std::int64_t n, std::int64_t matrices) { return n >= large_extent && matrices < few_matrices; }

// Nanoseconds that one multiplication or addition takes in a factorisation of extent n, about.
template <typename T>
double ns_per_factor_flop(std::int64_t n) {
  return (sizeof(T) == 4 ? 0.012 : 0.024) * (1 + 100.0 / static_cast<double>(n));
}

// Adds a phase that calls f(i) for each of `matrices`, which takes about `ns`: several to a chunk where they are small.
template <typename F>
void each_matrix(std::int64_t matrices, double ns, runtime::Launch& launch, F f) {
  const auto per_chunk = static_cast<std::int64_t>(std::clamp(100e3 / ns, 1.0, 1e6));
  launch.parallel(static_cast<std::size_t>((matrices + per_chunk - 1) / per_chunk), ns * static_cast<double>(per_chunk),
                  [=](std::size_t chunk) {
                    const std::int64_t first = static_cast<std::int64_t>(chunk) * per_chunk;
                    for (std::int64_t i = first; i < std::min(matrices, first + per_chunk); ++i) f(i);
                  });
}

// Scratch for LAPACK's `info` of each matrix, and the check of it: throws std::runtime_error for the first matrix that
// failed, so that one message comes from any schedule.
blas_int* info_scratch(std::int64_t matrices, runtime::Launch& launch);
enum class Factorization { InverseLU, SolveLU, Cholesky };
void require_success(Factorization kind, const blas_int* info, std::int64_t matrices);

}  // namespace anabranch::kernels
