// Arrays that come from no operand: arange and eye.
#include "kernels/cuda_kernels.h"
#include "kernels/cuda_pack.h"
#include "kernels/cuda_types.h"
#include "kernels/index_map.h"
#include "kernels/indexing/cuda_fill.h"
#include "kernels/indexing/fill.h"

namespace anabranch::kernels {
namespace {

constexpr int threads = 256;

template <typename T>
struct FloatRange {
  double start, step;
  ANABRANCH_HOST_DEVICE T operator()(std::int64_t i) const {
    const double x = start + static_cast<double>(i) * step;
    if constexpr (std::is_same_v<T, double>) return x;
    else return T(static_cast<float>(x));
  }
};

template <typename T>
struct WrappingRange {
  std::uint64_t start, step;
  ANABRANCH_HOST_DEVICE T operator()(std::int64_t i) const {
    return static_cast<T>(start + static_cast<std::uint64_t>(i) * step);
  }
};

template <typename T>
struct Constant {
  T value;
  ANABRANCH_HOST_DEVICE T operator()(std::int64_t) const { return value; }
};

template <typename T>
struct Diagonal {
  Divisor columns;
  std::int64_t diagonal;
  T one;
  ANABRANCH_HOST_DEVICE T operator()(std::int64_t i) const {
    const std::int64_t row = columns.quotient(i);
    return i - row * columns.value == row + diagonal ? one : T(0);
  }
};

template <typename T>
inline constexpr int per_pack = 16 / sizeof(T);

template <typename T, typename Value>
__global__ void __launch_bounds__(threads)
    fill_kernel(T* out, std::int64_t count, bool aligned, const __grid_constant__ Value value) {
  constexpr int N = per_pack<T>;
  const std::int64_t step = std::int64_t{gridDim.x} * threads * N;
  for (std::int64_t i = (std::int64_t{blockIdx.x} * threads + threadIdx.x) * N; i < count; i += step) {
    if (aligned && i + N <= count) {
      Pack<T, N> pack;
#pragma unroll
      for (int k = 0; k < N; ++k) pack.elements[k] = value(i + k);
      store_pack(out + i, pack);
    } else {
      for (int k = 0; k < N && i + k < count; ++k) out[i + k] = value(i + k);
    }
  }
}

template <typename T, typename Value>
void launch_fill(const char* name, const runtime::View& out, const Value& value, const CudaLaunch& launch) {
  const std::int64_t count = element_count(out.shape);
  if (count == 0) return;
  constexpr std::int64_t each = threads * per_pack<T>;
  const bool aligned = reinterpret_cast<std::uintptr_t>(out.data) % sizeof(Pack<T, per_pack<T>>) == 0;
  launch.run(name, fill_kernel<T, Value>, grid_of((count + each - 1) / each), threads, 0, out.as<T>(), count, aligned,
             value);
}

}  // namespace

void fill_bits(const runtime::View& out, std::uint64_t bits, const CudaLaunch& launch) {
  dispatch_size(out.dtype.size(), [&](auto* p) {
    using T = std::remove_pointer_t<decltype(p)>;
    launch_fill<T>("fill", out, Constant<T>{static_cast<T>(bits)}, launch);
  });
}

void arange_cuda(const runtime::KernelCall& call, const CudaLaunch& launch) {
  const auto& attrs = call.attrs<graph::ArangeAttrs>();
  dispatch_wrapping(call.out[0].dtype, [&](auto* p) {
    using T = std::remove_pointer_t<decltype(p)>;
    if constexpr (std::is_integral_v<T>) {
      const IntegerRange range(attrs);
      launch_fill<T>("arange", call.out[0], WrappingRange<T>{range.start, range.step}, launch);
    } else {
      launch_fill<T>("arange", call.out[0], FloatRange<T>{attrs.start, attrs.step}, launch);
    }
  });
}

void eye_cuda(const runtime::KernelCall& call, const CudaLaunch& launch) {
  const runtime::View& out = call.out[0];
  std::uint64_t one = 0;
  graph::Scalar::of_int(1, out.dtype).store(&one);
  dispatch_size(out.dtype.size(), [&](auto* p) {
    using T = std::remove_pointer_t<decltype(p)>;
    launch_fill<T>("eye", out,
                   Diagonal<T>{Divisor(out.shape[1]), call.attrs<graph::EyeAttrs>().diagonal, static_cast<T>(one)},
                   launch);
  });
}

}  // namespace anabranch::kernels
