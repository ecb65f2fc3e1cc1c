// Running sums and products as operations of scan.cuh.
#pragma once

#include "kernels/cuda_types.h"
#include "kernels/scan/cuda_scan.h"
#include "kernels/scan/scan.cuh"

namespace anabranch::kernels {

// What words of 32 bits can carry from thread to thread.
template <typename T>
using ScanState = std::conditional_t<std::is_integral_v<T> && sizeof(T) < 4, std::uint32_t, Computed<T>>;

template <typename T, typename Operation>
struct ScanNumbers {
  using Element = T;
  using State = ScanState<T>;
  ANABRANCH_HOST_DEVICE State load(T x) const { return load_as_computed(x); }
  ANABRANCH_HOST_DEVICE T store(State x) const {
    if constexpr (is_half<T>) return store_computed<T>(x);
    else return static_cast<T>(x);
  }
  ANABRANCH_HOST_DEVICE State combine(State a, State b) const { return Operation()(a, b); }
  ANABRANCH_HOST_DEVICE T neutral() const { return store(State(std::is_same_v<Operation, Prod> ? 1 : 0)); }
};

template <typename Operation>
void scan_numbers(const DenseRows& rows, const graph::ScanAttrs& attrs, const CudaLaunch& launch) {
  dispatch_wrapping(rows.dtype, [&](auto* p) {
    using T = std::remove_pointer_t<decltype(p)>;
    if constexpr (!std::is_same_v<T, bool>)
      scan_on_device(ScanNumbers<T, Operation>{}, rows.in, rows.out, rows.rows, rows.n, attrs.reverse, attrs.inclusive,
                     launch);
  });
}

}  // namespace anabranch::kernels
