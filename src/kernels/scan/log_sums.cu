// Running log(exp(a) + exp(b) + ...).
#include "kernels/cuda_math.h"
#include "kernels/cuda_types.h"
#include "kernels/scan/cuda_scan.h"
#include "kernels/scan/scan.cuh"

namespace anabranch::kernels {
namespace {

template <typename T>
struct ScanLogSums {
  using Element = T;
  using State = Computed<T>;
  ANABRANCH_HOST_DEVICE State load(T x) const { return load_as_computed(x); }
  ANABRANCH_HOST_DEVICE T store(State x) const { return store_computed<T>(x); }
  // A function of its own: it is long, and used in very many places.
  ANABRANCH_HOST_DEVICE __noinline__ State combine(State a, State b) const {
    if constexpr (is_complex<T>) {
      return log_of(exp_of(a) + exp_of(b));
    } else {
      if (is_nan(a) || is_nan(b)) return a + b;
      const State high = a < b ? b : a, low = a < b ? a : b;
      if (high == static_cast<State>(INFINITY) || low == static_cast<State>(-INFINITY)) return high;
      return high + log1p_of(exp_of(low - high));
    }
  }
  ANABRANCH_HOST_DEVICE T neutral() const { return store(State(-INFINITY)); }
};

}  // namespace

void scan_log_sums(const DenseRows& rows, const graph::ScanAttrs& attrs, const CudaLaunch& launch) {
  dispatch_dtype(rows.dtype, [&](auto* p) {
    using T = std::remove_pointer_t<decltype(p)>;
    if constexpr (!std::is_integral_v<T>)
      scan_on_device(ScanLogSums<T>{}, rows.in, rows.out, rows.rows, rows.n, attrs.reverse, attrs.inclusive, launch);
  });
}

}  // namespace anabranch::kernels
