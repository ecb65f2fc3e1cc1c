// Where the largest or smallest element is; the first NaN, where there is one.
#include "graph/attributes.h"
#include "kernels/cuda_kernels.h"
#include "kernels/cuda_types.h"
#include "kernels/reduce/fold.cuh"
#include "kernels/reduce/ordered_key.h"

namespace anabranch::kernels {
namespace {

template <typename Value>
struct Found {
  Value value;
  std::uint32_t index;
};

// Nothing has been found where the index is the largest: it is then also the last of equals.
inline constexpr std::uint32_t nowhere = ~std::uint32_t{0};

template <typename T>
struct FindKeys {
  using In = T;
  using Key = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
  using Accumulator = Found<Key>;

  OrderedKeys<T, Key> keys;

  ANABRANCH_HOST_DEVICE Accumulator load(T x, std::int64_t at) const {
    return {keys.equal_key(x), static_cast<std::uint32_t>(at)};
  }
  ANABRANCH_HOST_DEVICE Accumulator identity() const { return {0, nowhere}; }
  ANABRANCH_HOST_DEVICE Accumulator combine(Accumulator a, Accumulator b) const {
    if (a.value != b.value) return a.value < b.value ? b : a;
    return b.index < a.index ? b : a;
  }
  ANABRANCH_HOST_DEVICE void store(void* out, std::int64_t at, Accumulator x) const {
    static_cast<std::uint32_t*>(out)[at] = x.index;
  }
};

struct FindComplex {
  using In = complex64_t;
  using Accumulator = Found<complex64_t>;

  bool maximum;

  ANABRANCH_HOST_DEVICE Accumulator load(complex64_t x, std::int64_t at) const {
    return {x, static_cast<std::uint32_t>(at)};
  }
  ANABRANCH_HOST_DEVICE Accumulator identity() const { return {{0, 0}, nowhere}; }
  ANABRANCH_HOST_DEVICE Accumulator combine(const Accumulator& a, const Accumulator& b) const {
    if (a.index == nowhere || b.index == nowhere) return a.index == nowhere ? b : a;
    const bool later = b.index < a.index;
    const Accumulator &first = later ? b : a, &second = later ? a : b;
    if (is_nan(first.value)) return first;
    if (is_nan(second.value)) return second;
    return (maximum ? less(first.value, second.value) : less(second.value, first.value)) ? second : first;
  }
  ANABRANCH_HOST_DEVICE void store(void* out, std::int64_t at, const Accumulator& x) const {
    static_cast<std::uint32_t*>(out)[at] = x.index;
  }
};

}  // namespace

void arg_reduce_cuda(const runtime::KernelCall& call, const CudaLaunch& launch) {
  const bool maximum = call.attrs<graph::ArgReduceAttrs>().maximum;
  const Dtype dtype = call.in[0].dtype;
  const DeviceReduction r(call.in[0], call.out[0], 1, true);
  if (r.results == 0) return;
  if (dtype == complex64) return fold_on_device(FindComplex{maximum}, r, launch);
  dispatch_size(dtype.size(), [&](auto* p) {
    using T = std::remove_pointer_t<decltype(p)>;
    using Find = FindKeys<T>;
    fold_on_device(Find{{dtype, !maximum}}, r, launch);
  });
}

}  // namespace anabranch::kernels
