#include "kernels/sort/radix_sort.h"

#include <cub/device/device_radix_sort.cuh>

namespace anabranch::kernels {
namespace {

// Runs a function of CUB: first it says how much memory it needs, then it works in that.
template <typename F>
void run_in_scratch(const char* name, const CudaLaunch& launch, F&& call) {
  std::size_t bytes = 0;
  check(call(nullptr, bytes), name);
  check(call(launch.scratch<char>(bytes), bytes), name);
}

}  // namespace

template <typename Key>
void radix_sort(const Key* keys, Key* sorted, std::int64_t n, int bits, const CudaLaunch& launch) {
  run_in_scratch("sort", launch, [&](void* scratch, std::size_t& bytes) {
    return cub::DeviceRadixSort::SortKeys(scratch, bytes, keys, sorted, n, 0, bits, launch.stream);
  });
}

template <typename Key>
void radix_sort_pairs(const Key* keys, Key* sorted, const Key* values, Key* sorted_values, std::int64_t n, int bits,
                      const CudaLaunch& launch) {
  run_in_scratch("sort", launch, [&](void* scratch, std::size_t& bytes) {
    return cub::DeviceRadixSort::SortPairs(scratch, bytes, keys, sorted, values, sorted_values, n, 0, bits,
                                           launch.stream);
  });
}

template void radix_sort(const std::uint32_t*, std::uint32_t*, std::int64_t, int, const CudaLaunch&);
template void radix_sort(const std::uint64_t*, std::uint64_t*, std::int64_t, int, const CudaLaunch&);
template void radix_sort_pairs(const std::uint32_t*, std::uint32_t*, const std::uint32_t*, std::uint32_t*, std::int64_t,
                               int, const CudaLaunch&);
template void radix_sort_pairs(const std::uint64_t*, std::uint64_t*, const std::uint64_t*, std::uint64_t*, std::int64_t,
                               int, const CudaLaunch&);

}  // namespace anabranch::kernels
