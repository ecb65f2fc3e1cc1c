// Stable sorts of unsigned keys in a GPU's memory.
#pragma once

#include "kernels/cuda_launch.h"

namespace anabranch::kernels {

// `keys` is a std::uint8_t, uint16_t, uint32_t or uint64_t; only its lowest `bits` count.
template <typename Key>
void radix_sort(const Key* keys, Key* sorted, std::int64_t n, int bits, const CudaLaunch& launch);

// A value goes with each key. Values are as wide as 64-bit keys, otherwise 32-bit.
template <typename Key, typename Value>
void radix_sort_pairs(const Key* keys, Key* sorted, const Value* values, Value* sorted_values, std::int64_t n, int bits,
                      const CudaLaunch& launch);

}  // namespace anabranch::kernels
