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
  // Bytes of a column, from four rows, are added by one instruction once they are in one word.
  template <int N, int S>
    requires(sizeof(T) == 1 && N % 4 == 0 && S % 4 == 0 && std::is_same_v<Operation, Sum>)
  __device__ void fold_rows(const Pack<T, N> (&rows)[S], Accumulator (&totals)[N]) const {
#ifdef __CUDA_ARCH__
    const std::uint32_t signs = sign * 0x01010101u, surplus = 4 * sign;
    std::uint32_t words[S][N / 4];
    memcpy(words, rows, sizeof(words));
#pragma unroll
    for (int i = 0; i < S * N / 4; i += 4) {
      const int s = i / N * 4, w = i % N / 4;
      const std::uint32_t a = words[s][w] ^ signs, b = words[s + 1][w] ^ signs, c = words[s + 2][w] ^ signs,
                          d = words[s + 3][w] ^ signs;
      const std::uint32_t ab = __byte_perm(a, b, 0x5140), cd = __byte_perm(c, d, 0x5140);
      const std::uint32_t ab_high = __byte_perm(a, b, 0x7362), cd_high = __byte_perm(c, d, 0x7362);
      const std::uint32_t columns[4] = {__byte_perm(ab, cd, 0x5410), __byte_perm(ab, cd, 0x7632),
                                        __byte_perm(ab_high, cd_high, 0x5410), __byte_perm(ab_high, cd_high, 0x7632)};
#pragma unroll
      for (int k = 0; k < 4; ++k) totals[4 * w + k] = __dp4a(columns[k], 0x01010101u, totals[4 * w + k] - surplus);
    }
#else
    for (const Pack<T, N>& row : rows)
      for (int k = 0; k < N; ++k) totals[k] = combine(totals[k], load(row.elements[k], 0));
#endif
  }
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
