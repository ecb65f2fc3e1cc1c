// Sums and products as operations of fold.cuh.
#pragma once

#include "kernels/cuda_types.h"
#include "kernels/reduce/fold.cuh"

namespace anabranch::kernels {

// 16-bit floats are folded as float32, which the result may stay.
template <typename T, typename Operation>
struct FoldFloats {
  using In = T;
  using Accumulator = Computed<T>;

  bool computed = false;  // the result is an accumulator

  ANABRANCH_HOST_DEVICE Accumulator load(T x, std::int64_t) const { return load_as_computed(x); }
  ANABRANCH_HOST_DEVICE Accumulator identity() const { return Accumulator(std::is_same_v<Operation, Prod> ? 1 : 0); }
  ANABRANCH_HOST_DEVICE Accumulator combine(Accumulator a, Accumulator b) const { return Operation()(a, b); }
  ANABRANCH_HOST_DEVICE void store(void* out, std::int64_t at, Accumulator x) const {
    if (computed) static_cast<Accumulator*>(out)[at] = x;
    else static_cast<T*>(out)[at] = store_computed<T>(x);
  }
};

// Integers wrap around: signed ones are unsigned ones whose sign was spread. bool is 0 or 1.
template <typename T, typename Operation>
struct FoldIntegers {
  using In = T;
  using Accumulator = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;

  Accumulator sign;  // the sign bit of signed elements, else 0
  std::int32_t out_size;

  ANABRANCH_HOST_DEVICE Accumulator load(T x, std::int64_t) const { return (x ^ sign) - sign; }
  ANABRANCH_HOST_DEVICE Accumulator identity() const { return std::is_same_v<Operation, Prod> ? 1 : 0; }
  ANABRANCH_HOST_DEVICE Accumulator combine(Accumulator a, Accumulator b) const { return Operation()(a, b); }
  ANABRANCH_HOST_DEVICE void store(void* out, std::int64_t at, Accumulator x) const {
    switch (out_size) {
      case 1: static_cast<std::uint8_t*>(out)[at] = static_cast<std::uint8_t>(x); break;
      case 2: static_cast<std::uint16_t*>(out)[at] = static_cast<std::uint16_t>(x); break;
      case 4: static_cast<std::uint32_t*>(out)[at] = static_cast<std::uint32_t>(x); break;
      default: static_cast<std::uint64_t*>(out)[at] = x; break;
    }
  }
};

template <typename Operation>
void reduce_numbers(const DeviceReduction& r, Dtype in, Dtype out, const CudaLaunch& launch) {
  const bool whole = in == bool_ || issubdtype(in, integer);
  const bool computed = in.size() == 2 && out == float32;
  if (whole ? !issubdtype(out, integer) || (out.size() == 8) != (in.size() == 8) : in != out && !computed) {
    throw NotSupported("[reduce] A GPU does not reduce " + std::string(dtype_name(in)) + " to " +
                       std::string(dtype_name(out)) + ".");
  }
  if (!whole) {
    switch (in.val) {
      case Dtype::Val::float16: return fold_on_device(FoldFloats<float16_t, Operation>{computed}, r, launch);
      case Dtype::Val::bfloat16: return fold_on_device(FoldFloats<bfloat16_t, Operation>{computed}, r, launch);
      case Dtype::Val::float32: return fold_on_device(FoldFloats<float, Operation>{false}, r, launch);
      case Dtype::Val::float64: return fold_on_device(FoldFloats<double, Operation>{false}, r, launch);
      default: return fold_on_device(FoldFloats<complex64_t, Operation>{false}, r, launch);
    }
  }
  dispatch_size(in.size(), [&](auto* p) {
    using T = std::remove_pointer_t<decltype(p)>;
    using Fold = FoldIntegers<T, Operation>;
    using A = typename Fold::Accumulator;
    const A sign = issubdtype(in, signedinteger) ? A{1} << (8 * sizeof(T) - 1) : A{0};
    fold_on_device(Fold{sign, out.size()}, r, launch);
  });
}

}  // namespace anabranch::kernels
