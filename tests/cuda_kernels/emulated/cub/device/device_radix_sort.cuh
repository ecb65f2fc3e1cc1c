// CUB's sorts, which are not ours to test.
#pragma once

#include <numeric>
#include <vector>

#include "cuda_runtime.h"

namespace cub {

struct DeviceRadixSort {
  template <typename Key, typename Value>
  static cudaError_t SortPairs(void* scratch, std::size_t& bytes, const Key* keys, Key* sorted, const Value* values,
                               Value* sorted_values, std::int64_t n, int begin_bit, int end_bit, cudaStream_t stream) {
    if (!scratch) {
      bytes = 1;
      return cudaSuccess;
    }
    return emulated::enqueue(stream, [=] {
      const Key mask = end_bit == 8 * sizeof(Key) ? static_cast<Key>(-1) : static_cast<Key>((Key{1} << end_bit) - 1);
      std::vector<std::int64_t> order(static_cast<std::size_t>(n));
      std::iota(order.begin(), order.end(), std::int64_t{0});
      std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
        return static_cast<Key>((keys[a] & mask) >> begin_bit) < static_cast<Key>((keys[b] & mask) >> begin_bit);
      });
      for (std::int64_t i = 0; i < n; ++i) {
        sorted[i] = keys[order[static_cast<std::size_t>(i)]];
        if (values) sorted_values[i] = values[order[static_cast<std::size_t>(i)]];
      }
    });
  }
  template <typename Key>
  static cudaError_t SortKeys(void* scratch, std::size_t& bytes, const Key* keys, Key* sorted, std::int64_t n,
                              int begin_bit, int end_bit, cudaStream_t stream) {
    return SortPairs<Key, char>(scratch, bytes, keys, sorted, nullptr, nullptr, n, begin_bit, end_bit, stream);
  }
};

}  // namespace cub
