// Softmax and logsumexp over the last axis. 16-bit floats compute in float32. Rows that a block can hold in registers
// are read once; longer ones by several blocks each, twice.
#include <algorithm>

#include "kernels/cuda_kernels.h"
#include "kernels/cuda_math.h"
#include "kernels/cuda_pack.h"
#include "kernels/cuda_types.h"
#include "kernels/cuda_warp.h"
#include "kernels/index_map.h"
#include "kernels/indexing/cuda_copy.h"

namespace anabranch::kernels {
namespace {

constexpr int short_threads = 256, most_threads = 1024, part_threads = 256;
constexpr std::int64_t part = 16 << 10;  // elements of a long row that a block reads

template <typename C>
inline constexpr int held = sizeof(C) == 4 ? 16 : 8;  // elements of a thread

template <typename C>
ANABRANCH_HOST_DEVICE C inverse(C x) {
  if constexpr (is_complex<C>) {
    const float norm = x.real() * x.real() + x.imag() * x.imag();
    return {x.real() / norm, -x.imag() / norm};
  } else {
    return 1 / x;
  }
}
template <typename C>
ANABRANCH_HOST_DEVICE bool is_infinite(C x) {
  if constexpr (is_complex<C>) return is_infinite(x.real()) || is_infinite(x.imag());
  else return x == static_cast<C>(INFINITY) || x == static_cast<C>(-INFINITY);
}
template <typename C>
ANABRANCH_HOST_DEVICE C least() {
  if constexpr (is_complex<C>) return {-INFINITY, -INFINITY};
  else return static_cast<C>(-INFINITY);
}
template <typename C>
ANABRANCH_HOST_DEVICE C log_sum(C top, C sum) {
  return is_infinite(top) ? top : log_of(sum) + top;
}

struct SoftmaxProblem {
  IndexMap<1> rows;  // in the input; along a row it is dense
  std::int64_t n;
  bool log;
  int lanes;           // threads of a row
  std::int64_t parts;  // of a long one
};

// N > 1: vectors of N are aligned in all rows.
template <typename T, int N>
__global__ void __launch_bounds__(most_threads)
    short_rows_kernel(const T* in, T* out, const __grid_constant__ SoftmaxProblem p) {
  using C = Computed<T>;
  constexpr int steps = held<C> / N;
  alignas(16) __shared__ unsigned char memory[most_threads / warp_threads * sizeof(C)];
  C* shared = reinterpret_cast<C*>(memory);
  const int thread = static_cast<int>(threadIdx.x), lane = thread & (p.lanes - 1);
  const int warps = p.lanes > warp_threads ? p.lanes / warp_threads : 1;
  const std::int64_t row = std::int64_t{blockIdx.x} * (static_cast<int>(blockDim.x) / p.lanes) + thread / p.lanes;
  const bool there = row < p.rows.count;
  const T* from = in + (there ? p.rows(row) : 0);
  const auto fold = [&](C value, auto combine) {
    return warps == 1 ? fold_lanes(value, p.lanes, combine) : fold_block(value, thread, warps, shared, combine);
  };

  C x[held<C>];
  C top = least<C>();
#pragma unroll
  for (int s = 0; s < steps; ++s) {
    const std::int64_t i = (std::int64_t{s} * p.lanes + lane) * N;
    const bool inside = there && i < p.n;
    Pack<T, N> pack{};
    if (inside) pack = load_pack<T, N>(from + i);
#pragma unroll
    for (int k = 0; k < N; ++k) {
      x[s * N + k] = inside ? load_as_computed(pack.elements[k]) : least<C>();
      top = inside ? Max()(top, x[s * N + k]) : top;
    }
  }
  top = fold(top, Max());
  C sum(0);
#pragma unroll
  for (int s = 0; s < steps; ++s) {
    const bool inside = (std::int64_t{s} * p.lanes + lane) * N < p.n;
#pragma unroll
    for (int k = 0; k < N; ++k) {
      x[s * N + k] = exp_of(C(x[s * N + k] - top));
      if (inside) sum = sum + x[s * N + k];
    }
  }
  sum = fold(sum, Sum());
  if (!there) return;
  if (p.log) {
    if (lane == 0) out[row] = store_computed<T>(log_sum(top, sum));
    return;
  }
  const C factor = inverse(sum);
  T* to = out + row * p.n;
#pragma unroll
  for (int s = 0; s < steps; ++s) {
    const std::int64_t i = (std::int64_t{s} * p.lanes + lane) * N;
    if (i >= p.n) continue;
    Pack<T, N> pack;
#pragma unroll
    for (int k = 0; k < N; ++k) pack.elements[k] = store_computed<T>(Prod()(x[s * N + k], factor));
    store_pack(to + i, pack);
  }
}

// The largest of some elements, and the sum of exp(x - top). Nothing, and nothing but -inf, has the sum 0.
template <typename C>
struct Partial {
  C top, sum;
};

template <typename C>
struct Join {
  ANABRANCH_HOST_DEVICE Partial<C> operator()(const Partial<C>& a, const Partial<C>& b) const {
    if (a.sum == C(0) || b.sum == C(0)) return a.sum == C(0) ? b : a;
    const C top = Max()(a.top, b.top);
    return {top, Prod()(a.sum, exp_of(C(a.top - top))) + Prod()(b.sum, exp_of(C(b.top - top)))};
  }
};

template <typename T>
__global__ void __launch_bounds__(part_threads)
    parts_kernel(const T* in, Partial<Computed<T>>* partial, const __grid_constant__ SoftmaxProblem p) {
  using C = Computed<T>;
  constexpr int warps = part_threads / warp_threads, each = held<C>;
  alignas(16) __shared__ unsigned char memory[warps * sizeof(Partial<C>)];
  const unsigned parts = static_cast<unsigned>(p.parts);
  const std::int64_t row = blockIdx.x / parts, begin = blockIdx.x % parts * part;
  const std::int64_t end = begin + part < p.n ? begin + part : p.n;
  const T* from = in + p.rows(row);
  Partial<C> found{least<C>(), C(0)};
  for (std::int64_t i = begin + threadIdx.x; i < end; i += part_threads * each) {
    C x[each];
    C top = least<C>();
#pragma unroll
    for (int k = 0; k < each; ++k) {
      const bool inside = i + k * part_threads < end;
      x[k] = inside ? load_as_computed(from[i + k * part_threads]) : least<C>();
      if (inside) top = Max()(top, x[k]);
    }
    if (top == least<C>()) continue;
    C sum(0);
#pragma unroll
    for (int k = 0; k < each; ++k)
      if (i + k * part_threads < end) sum = sum + exp_of(C(x[k] - top));
    found = Join<C>()(found, {top, sum});
  }
  found = fold_block(found, static_cast<int>(threadIdx.x), warps, reinterpret_cast<Partial<C>*>(memory), Join<C>());
  if (threadIdx.x == 0) partial[blockIdx.x] = found;
}

// Blocks are parts of rows again, for a logsumexp rows.
template <typename T>
__global__ void __launch_bounds__(part_threads)
    finish_kernel(const T* in, const Partial<Computed<T>>* partial, T* out, const __grid_constant__ SoftmaxProblem p) {
  using C = Computed<T>;
  constexpr int warps = part_threads / warp_threads;
  alignas(16) __shared__ unsigned char memory[warps * sizeof(Partial<C>)];
  const unsigned parts = static_cast<unsigned>(p.parts);
  const std::int64_t row = p.log ? blockIdx.x : blockIdx.x / parts;
  Partial<C> whole{least<C>(), C(0)};
  for (std::int64_t i = threadIdx.x; i < p.parts; i += part_threads)
    whole = Join<C>()(whole, partial[row * p.parts + i]);
  whole = fold_block(whole, static_cast<int>(threadIdx.x), warps, reinterpret_cast<Partial<C>*>(memory), Join<C>());
  if (p.log) {
    if (threadIdx.x == 0) out[row] = store_computed<T>(log_sum(whole.top, whole.sum));
    return;
  }
  const C factor = inverse(whole.sum);
  const std::int64_t begin = blockIdx.x % parts * part, end = begin + part < p.n ? begin + part : p.n;
  const T* from = in + p.rows(row);
#pragma unroll 4
  for (std::int64_t i = begin + threadIdx.x; i < end; i += part_threads) {
    const C e = exp_of(C(load_as_computed(from[i]) - whole.top));
    out[row * p.n + i] = store_computed<T>(Prod()(e, factor));
  }
}

template <typename T>
void launch_softmax(const T* in, T* out, SoftmaxProblem& p, const CudaLaunch& launch) {
  using C = Computed<T>;
  constexpr int N = 16 / sizeof(T);
  if (p.n > std::int64_t{most_threads} * held<C>) {
    p.parts = (p.n + part - 1) / part;
    auto* partial = launch.scratch<Partial<C>>(static_cast<std::size_t>(p.rows.count * p.parts));
    const unsigned blocks = whole_grid(p.rows.count * p.parts);
    launch.run("softmax", parts_kernel<T>, blocks, part_threads, 0, in, partial, p);
    launch.run("softmax", finish_kernel<T>, p.log ? whole_grid(p.rows.count) : blocks, part_threads, 0, in, partial,
               out, p);
    return;
  }
  const auto aligned = [](const void* at) { return reinterpret_cast<std::uintptr_t>(at) % 16 == 0; };
  bool vectors = p.n % N == 0 && aligned(in) && aligned(out);
  for (int a = 0; a < p.rows.axes; ++a) vectors = vectors && p.rows.strides[a][0] % N == 0;
  // A thread of a short row has at least a vector; of one for several warps, as much as it can hold.
  const bool one_warp = p.n <= warp_threads * held<C>;
  const std::int64_t each = one_warp ? std::max(4, N) : held<C>;
  p.lanes = 1;
  while (p.lanes * each < p.n && p.lanes < (one_warp ? warp_threads : most_threads)) p.lanes *= 2;
  const int threads = one_warp ? short_threads : p.lanes;
  const unsigned blocks = whole_grid((p.rows.count * p.lanes + threads - 1) / threads);
  const auto kernel = vectors ? short_rows_kernel<T, N> : short_rows_kernel<T, 1>;
  launch.run("softmax", kernel, blocks, static_cast<unsigned>(threads), 0, in, out, p);
}

void softmax(const runtime::KernelCall& call, bool log, const CudaLaunch& launch) {
  const runtime::View& view = call.in[0];
  const runtime::View& out = call.out[0];
  SoftmaxProblem p;
  p.n = view.shape.back();
  p.log = log;
  if (element_count(view.shape) == 0) return;
  const Shape rows(view.shape.begin(), view.shape.end() - 1);
  Strides steps(view.strides.begin(), view.strides.end() - 1);
  const void* in = view.data;
  if (p.n > 1 && view.strides.back() != 1) {
    const Strides dense = contiguous_strides(view.shape);
    in = dense_or_copied(
        view, launch.scratch<char>(static_cast<std::size_t>(element_count(view.shape)) * view.dtype.size()), launch);
    steps = Strides(dense.begin(), dense.end() - 1);
  }
  p.rows = IndexMap<1>(rows, {&steps});
  dispatch_dtype(view.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    if constexpr (!std::is_integral_v<T>) launch_softmax(static_cast<const T*>(in), out.as<T>(), p, launch);
  });
}

}  // namespace

void softmax_cuda(const runtime::KernelCall& call, const CudaLaunch& launch) { softmax(call, false, launch); }
void logsumexp_cuda(const runtime::KernelCall& call, const CudaLaunch& launch) { softmax(call, true, launch); }

}  // namespace anabranch::kernels
