// Maxima, minima, any and all.
#include "kernels/cuda_types.h"
#include "kernels/reduce/cuda_reduce.h"
#include "kernels/reduce/fold.cuh"
#include "kernels/reduce/ordered_key.h"

namespace anabranch::kernels {
namespace {

// The largest key; for truth, that of whether an element is other than zero.
template <typename T>
struct FoldKeys {
  using In = T;
  using Accumulator = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;

  OrderedKeys<T, Accumulator> keys;
  T nonzero;  // the bits of which one is set in what is not zero
  bool truth, all;

  ANABRANCH_HOST_DEVICE Accumulator load(T x, std::int64_t) const {
    return truth ? ((x & nonzero) != 0) != all : keys.key(x);
  }
  ANABRANCH_HOST_DEVICE Accumulator identity() const { return 0; }
  ANABRANCH_HOST_DEVICE Accumulator combine(Accumulator a, Accumulator b) const { return a < b ? b : a; }
  ANABRANCH_HOST_DEVICE void store(void* out, std::int64_t at, Accumulator x) const {
    if (truth) static_cast<bool*>(out)[at] = (x != 0) != all;
    else static_cast<T*>(out)[at] = keys.element(x);
  }
};

struct FoldComplex {
  using In = complex64_t;
  using Accumulator = complex64_t;

  bool maximum;

  ANABRANCH_HOST_DEVICE complex64_t load(complex64_t x, std::int64_t) const { return x; }
  ANABRANCH_HOST_DEVICE complex64_t identity() const {
    const float end = maximum ? -INFINITY : INFINITY;
    return {end, end};
  }
  ANABRANCH_HOST_DEVICE complex64_t combine(complex64_t a, complex64_t b) const {
    return maximum ? Max()(a, b) : Min()(a, b);
  }
  ANABRANCH_HOST_DEVICE void store(void* out, std::int64_t at, complex64_t x) const {
    static_cast<complex64_t*>(out)[at] = x;
  }
};

// All bits but the signs of floats.
std::uint64_t nonzero_bits(Dtype dtype) {
  if (dtype == complex64) return 0x7fffffff7fffffff;
  if (issubdtype(dtype, floating)) return ~(std::uint64_t{1} << (8 * dtype.size() - 1));
  return ~std::uint64_t{0};
}

}  // namespace

void reduce_extreme(const DeviceReduction& r, Dtype dtype, bool maximum, const CudaLaunch& launch) {
  if (dtype == complex64) return fold_on_device(FoldComplex{maximum}, r, launch);
  dispatch_size(dtype.size(), [&](auto* p) {
    using T = std::remove_pointer_t<decltype(p)>;
    using Fold = FoldKeys<T>;
    fold_on_device(Fold{{dtype, !maximum}, 0, false, false}, r, launch);
  });
}

void reduce_truth(const DeviceReduction& r, Dtype dtype, bool all, const CudaLaunch& launch) {
  dispatch_size(dtype.size(), [&](auto* p) {
    using T = std::remove_pointer_t<decltype(p)>;
    fold_on_device(FoldKeys<T>{{}, static_cast<T>(nonzero_bits(dtype)), true, all}, r, launch);
  });
}

}  // namespace anabranch::kernels
