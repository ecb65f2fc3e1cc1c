// Softmax and logsumexp over the last axis. 16-bit floats compute in float32. Rows that a block can hold in registers
// are read once; longer ones by several blocks each, twice.
#include <algorithm>

#include "kernels/cuda_fetch.h"
#include "kernels/cuda_kernels.h"
#include "kernels/cuda_math.h"
#include "kernels/cuda_pack.h"
#include "kernels/cuda_types.h"
#include "kernels/cuda_warp.h"
#include "kernels/dynamic_shared.h"
#include "kernels/index_map.h"
#include "kernels/indexing/cuda_copy.h"
#include "kernels/reduce/device_plan.h"

namespace anabranch::kernels {
namespace {

constexpr int part_threads = 256;
constexpr std::int64_t part = 16 << 10;  // elements of a long row that a block reads

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

// Over the lanes of a row: some of a warp, or whole warps, which are then all of the block. `memory` has a place for
// each warp, which is read until the next barrier.
template <typename C, typename Combine>
__device__ C fold_row(C value, int lanes, C identity, C* memory, Combine combine) {
  if (lanes <= warp_threads) return fold_lanes(value, lanes, combine);
  constexpr int most_warps = held_rows_threads / warp_threads;
  const int thread = static_cast<int>(threadIdx.x), place = thread % most_warps;
  value = fold_lanes(value, warp_threads, combine);
  if (thread % warp_threads == 0) memory[thread / warp_threads] = value;
  __syncthreads();
  return fold_lanes(place < lanes / warp_threads ? memory[place] : identity, most_warps, combine);
}

// Blocks go from row to row, of which a thread holds E elements. N > 1: vectors of N are aligned in all rows, and have
// 16 bytes. Then, while a row is in registers, the next one is on its way to shared memory, each thread's elements to
// places that only it uses.
template <typename T, int N, int E>
__global__ void __launch_bounds__(held_rows_threads, held_rows_resident(E, sizeof(Computed<T>)) / held_rows_threads)
    held_rows_kernel(const T* in, T* out, const __grid_constant__ SoftmaxProblem p) {
  using C = Computed<T>;
  using V = Pack<T, N>;
  constexpr int steps = E / N, most_warps = held_rows_threads / warp_threads;
  constexpr bool ahead = N > 1;
  alignas(16) __shared__ unsigned char memory[2 * most_warps * sizeof(C)];
  C* tops = reinterpret_cast<C*>(memory);
  C* sums = tops + most_warps;
  const int thread = static_cast<int>(threadIdx.x), threads = static_cast<int>(blockDim.x);
  const int lane = p.lanes < threads ? thread & (p.lanes - 1) : thread, stride = p.lanes * N;
  const int own_steps = (static_cast<int>(p.n) - lane * N + stride - 1) / stride;  // that are not beyond the row
  V* const next = static_cast<V*>(dynamic_shared()) + thread;
  const auto fetch = [&](std::int64_t row) {
    if (row >= p.rows.count) return;
    const T* from = in + p.rows(row) + lane * N;
    V* to = next;
#pragma unroll
    for (int s = 0; s < steps; ++s, from += stride, to += threads)
      if (s < own_steps) fetch_16(to, from);
  };

  const std::int64_t rows_each = threads / p.lanes, by = rows_each * gridDim.x;
  std::int64_t first = blockIdx.x * rows_each, row = first + thread / p.lanes;
  if constexpr (ahead) {
    fetch(row);
    V nothing;
#pragma unroll
    for (T& x : nothing.elements) x = store_computed<T>(least<C>());
    for (int s = own_steps; s < steps; ++s) next[s * threads] = nothing;
  }
#pragma unroll 1
  for (; first < p.rows.count; first += by, row += by) {
    const bool there = row < p.rows.count;
    C x[E];
    if constexpr (ahead) {
      wait_for_fetched();
      const V* from = next;
#pragma unroll
      for (int s = 0; s < steps; ++s, from += threads) {
        const V v = *from;
#pragma unroll
        for (int k = 0; k < N; ++k) x[s * N + k] = load_as_computed(v.elements[k]);
      }
    } else {
      const T* from = in + (there ? p.rows(row) : 0) + lane;
      T raw[E];
#pragma unroll
      for (int s = 0; s < steps; ++s, from += stride)
        raw[s] = there && s < own_steps ? *from : store_computed<T>(least<C>());
#pragma unroll
      for (int s = 0; s < steps; ++s) x[s] = load_as_computed(raw[s]);
    }
    C top = x[0];
#pragma unroll
    for (int i = 1; i < E; ++i) top = larger(top, x[i]);
    if constexpr (ahead) fetch(row + by);
    top = fold_row(top, p.lanes, least<C>(), tops, [](C a, C b) { return larger(a, b); });
    C sum(0);
#pragma unroll
    for (C& e : x) {
      e = exp_of(C(e - top));
      sum = sum + e;
    }
    sum = fold_row(sum, p.lanes, C(0), sums, Sum());
    if (!there) continue;
    if (p.log) {
      if (lane == 0) out[row] = store_computed<T>(log_sum(top, sum));
      continue;
    }
    const C factor = inverse(sum);
    T* to = out + row * p.n + lane * N;
#pragma unroll
    for (int s = 0; s < steps; ++s, to += stride) {
      V pack;
#pragma unroll
      for (int k = 0; k < N; ++k) pack.elements[k] = store_computed<T>(Prod()(x[s * N + k], factor));
      if (s < own_steps) store_pack(to, pack);
    }
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
  constexpr int warps = part_threads / warp_threads, each = 64 / sizeof(C);
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

template <int E, typename T>
void launch_held_rows(const T* in, T* out, SoftmaxProblem& p, const CudaLaunch& launch) {
  constexpr int N = 16 / sizeof(T) <= E ? 16 / sizeof(T) : 1;
  const auto aligned = [](const void* at) { return reinterpret_cast<std::uintptr_t>(at) % 16 == 0; };
  bool vectors = N > 1 && p.n % N == 0 && aligned(in) && aligned(out);
  for (int a = 0; a < p.rows.axes; ++a) vectors = vectors && p.rows.strides[a][0] % N == 0;
  const HeldRowsPlan plan = plan_held_rows(p.rows.count, p.n, E, sizeof(Computed<T>));
  p.lanes = plan.lanes;
  const unsigned blocks = grid_of(plan.blocks, launch.processors() * plan.resident_blocks);
  const std::size_t ahead = vectors ? static_cast<std::size_t>(plan.threads * E) * sizeof(T) : 0;
  const auto kernel = vectors ? held_rows_kernel<T, N, E> : held_rows_kernel<T, 1, E>;
  launch.run("softmax", kernel, blocks, static_cast<unsigned>(plan.threads), ahead, in, out, p);
}

template <typename T>
void launch_softmax(const T* in, T* out, SoftmaxProblem& p, const CudaLaunch& launch) {
  using C = Computed<T>;
  constexpr int few = few_held(sizeof(C)), many = many_held(sizeof(C));
  if (p.n <= 8 * few) return launch_held_rows<few>(in, out, p, launch);
  if (p.n <= held_rows_threads * many) return launch_held_rows<many>(in, out, p, launch);
  p.parts = (p.n + part - 1) / part;
  auto* partial = launch.scratch<Partial<C>>(static_cast<std::size_t>(p.rows.count * p.parts));
  const unsigned blocks = whole_grid(p.rows.count * p.parts);
  launch.run("softmax", parts_kernel<T>, blocks, part_threads, 0, in, partial, p);
  launch.run("softmax", finish_kernel<T>, p.log ? whole_grid(p.rows.count) : blocks, part_threads, 0, in, partial, out,
             p);
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
