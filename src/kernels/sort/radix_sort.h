// Stable sorts of unsigned keys in a GPU's memory.
#pragma once

#include "kernels/cuda_launch.h"

namespace anabranch::kernels {

// A `Key` is a std::uint32_t or std::uint64_t; only its lowest `bits` count.
template <typename Key>
void radix_sort(const Key* keys, Key* sorted, std::int64_t n, int bits, const CudaLaunch& launch);

// A value of the same width goes with each key.
template <typename Key>
void radix_sort_pairs(const Key* keys, Key* sorted, const Key* values, Key* sorted_values, std::int64_t n, int bits,
                      const CudaLaunch& launch);

}  // namespace anabranch::kernels
