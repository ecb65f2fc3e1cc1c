// Folding dense elements with an associative operation: the kernels under every reduction, for the instruction set of
// this machine. An element's place in the order of operations follows from its position alone, so all sets agree.
#pragma once

#include <cstddef>
#include <cstdint>

#include "anabranch/dtype.h"

namespace anabranch::kernels {

enum class FoldOp : std::uint8_t { Sum, Prod, Max, Min, count };

// Bytes of the partial results of a fold that is under way.
inline constexpr std::size_t lanes_bytes = 256;

// Steps are in bytes. Sums and products of integers wrap; a NaN makes a maximum or minimum NaN.
struct FoldKernel {
  // Sets the lanes to the operation's identity.
  void (*begin)(void* lanes);
  // Folds x[0], ..., x[n - 1] into the lanes.
  void (*fold)(const void* x, std::size_t n, void* lanes);
  // The one element that the lanes amount to.
  void (*finish)(void* lanes, void* result);
  // results[i] = fold of the n elements at x + i * step. As begin, fold and finish, but for few elements faster.
  void (*rows)(const void* x, std::ptrdiff_t step, std::size_t rows, std::size_t n, void* results);
  // acc[j] = the fold of acc[j] and element j of each of the rows, for j < n.
  void (*columns)(void* acc, const void* x, std::ptrdiff_t step, std::size_t rows, std::size_t n);
  // The identity, n times.
  void (*fill)(void* to, std::size_t n);
};

// The kernel that folds elements of `dtype`: neither bool (which folds as uint8), nor 16-bit floats (as float32), nor
// signed integers in sums and products (as unsigned ones).
const FoldKernel& fold_kernel(FoldOp op, Dtype dtype);

}  // namespace anabranch::kernels
