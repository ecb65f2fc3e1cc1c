// Running maxima and minima: from the first NaN on, NaN.
#include <cmath>

#include "kernels/cuda_math.h"
#include "kernels/cuda_types.h"
#include "kernels/reduce/ordered_key.h"
#include "kernels/scan/cuda_scan.h"
#include "kernels/scan/scan.cuh"

namespace anabranch::kernels {
namespace {

template <typename T>
struct ScanKeys {
  using Element = T;
  using State = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;

  OrderedKeys<T, State> keys;
  T first;  // of an exclusive scan

  ANABRANCH_HOST_DEVICE State load(T x) const { return keys.key(x); }
  ANABRANCH_HOST_DEVICE T store(State x) const { return keys.element(x); }
  ANABRANCH_HOST_DEVICE State combine(State a, State b) const { return a < b ? b : a; }
  ANABRANCH_HOST_DEVICE T neutral() const { return first; }
};

// Of float32, by an instruction that is right about NaN; of minima, with the signs inverted.
struct ScanFloats {
  using Element = std::uint32_t;
  using State = float;

  std::uint32_t flip;  // the sign bit for minima

  ANABRANCH_HOST_DEVICE float load(std::uint32_t x) const { return as<float>(x ^ flip); }
  ANABRANCH_HOST_DEVICE std::uint32_t store(float x) const { return as<std::uint32_t>(x) ^ flip; }
  ANABRANCH_HOST_DEVICE float combine(float a, float b) const { return larger(a, b); }
  ANABRANCH_HOST_DEVICE std::uint32_t neutral() const { return store(-INFINITY); }

 private:
  template <typename To, typename From>
  ANABRANCH_HOST_DEVICE static To as(From from) {
    To to;
    memcpy(&to, &from, sizeof(to));
    return to;
  }
};

struct ScanComplex {
  using Element = complex64_t;
  using State = complex64_t;

  bool maximum;

  ANABRANCH_HOST_DEVICE complex64_t load(complex64_t x) const { return x; }
  ANABRANCH_HOST_DEVICE complex64_t store(complex64_t x) const { return x; }
  ANABRANCH_HOST_DEVICE complex64_t combine(complex64_t a, complex64_t b) const {
    return maximum ? Max()(a, b) : Min()(a, b);
  }
  ANABRANCH_HOST_DEVICE complex64_t neutral() const { return {maximum ? -INFINITY : INFINITY, 0}; }
};

// The element that is not larger, or smaller, than any.
std::uint64_t neutral_bits(Dtype dtype, bool maximum) {
  std::uint64_t bits = 0;
  dispatch_dtype(dtype, [&](auto* p) {
    using T = std::remove_pointer_t<decltype(p)>;
    if constexpr (std::is_integral_v<T>) {
      const T x = maximum ? std::numeric_limits<T>::lowest() : std::numeric_limits<T>::max();
      std::memcpy(&bits, &x, sizeof(T));
    } else if constexpr (!is_complex<T>) {
      const T x(maximum ? -INFINITY : INFINITY);
      std::memcpy(&bits, &x, sizeof(T));
    }
  });
  return bits;
}

}  // namespace

void scan_extremes(const DenseRows& rows, const graph::ScanAttrs& attrs, const CudaLaunch& launch) {
  const bool maximum = attrs.kind == graph::ScanKind::Max;
  const auto run = [&](auto op) {
    scan_on_device(op, rows.in, rows.out, rows.rows, rows.n, attrs.reverse, attrs.inclusive, launch);
  };
  if (rows.dtype == complex64) return run(ScanComplex{maximum});
  if (rows.dtype == float32) return run(ScanFloats{maximum ? 0 : 0x80000000u});
  dispatch_size(rows.dtype.size(), [&](auto* p) {
    using T = std::remove_pointer_t<decltype(p)>;
    run(ScanKeys<T>{{rows.dtype, !maximum}, static_cast<T>(neutral_bits(rows.dtype, maximum))});
  });
}

}  // namespace anabranch::kernels
