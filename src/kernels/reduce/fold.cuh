// Reductions of a GPU, for any operation: threads fold what they read in small trees, then blocks fold theirs, and
// where a result is shared by several blocks a second kernel folds what they found. Which element goes where depends on
// shapes alone.
//
// An operation `Op` is a parameter of the kernels. It has
//   In, Accumulator                    what is read, and what it is folded as (trivially copyable, words of 32 bits)
//   Accumulator load(In, int64) const  of the element at that position of a row
//   Accumulator identity() const
//   combine(Accumulator, Accumulator) const, which associates (but for rounding) and commutes
//   store(void* out, int64 at, Accumulator) const
//   load_row(Pack<In, N>, int64, Accumulator (&)[N]) const, if it has a better way to load neighbours of a row, of
//     which the first one's position is a multiple of N
//   fold_rows(Pack<In, N> (&)[S], Accumulator (&)[N]) const, if it has a better way to fold neighbouring columns of
//     several rows into what they amount to; S is a multiple of 4
#pragma once

#include "kernels/cuda_launch.h"
#include "kernels/cuda_pack.h"
#include "kernels/cuda_warp.h"
#include "kernels/reduce/device_plan.h"

namespace anabranch::kernels {

// Elements that a thread reads at once.
template <typename T>
inline constexpr int vector_elements = sizeof(T) >= 16  ? 1
                                       : sizeof(T) == 1 ? 8
                                                        : 16 / sizeof(T);

// A tree over 2^k values.
template <int N, typename Op, typename A>
__device__ A fold_tree(const Op& op, A (&values)[N]) {
#pragma unroll
  for (int half = N / 2; half > 0; half /= 2) {
#pragma unroll
    for (int i = 0; i < half; ++i) values[i] = op.combine(values[i], values[i + half]);
  }
  return values[0];
}

template <int N, typename Op>
__device__ typename Op::Accumulator fold_vector(const Op& op, const Pack<typename Op::In, N>& v, std::int64_t at) {
  typename Op::Accumulator values[N];
  if constexpr (requires { op.load_row(v, at, values); }) {
    op.load_row(v, at, values);
  } else {
#pragma unroll
    for (int i = 0; i < N; ++i) values[i] = op.load(v.elements[i], at + i);
  }
  return fold_tree(op, values);
}

struct RowProblem {
  IndexMap<2> kept;
  IndexMap<1> reduced;
  std::int64_t results, length;
  RowPlan plan;
  bool dense;
  void* partial;  // accumulators, [part][result], where there are several parts
};

// N > 1: the row is dense, and vectors of N are aligned.
template <typename Op, int N>
__global__ void __launch_bounds__(fold_threads)
    fold_rows_kernel(const __grid_constant__ Op op, const typename Op::In* in, void* out,
                     const __grid_constant__ RowProblem p) {
  using In = typename Op::In;
  using A = typename Op::Accumulator;
  constexpr int steps = 4;
  const int lanes = p.plan.lanes, lane = static_cast<int>(threadIdx.x) & (lanes - 1);
  // Divisions of 64 bits take long; there are fewer blocks than that.
  const unsigned parts = static_cast<unsigned>(p.plan.parts.count);
  const std::int64_t group = blockIdx.x / parts, part = blockIdx.x % parts;
  const std::int64_t result = group * (fold_threads / lanes) + threadIdx.x / static_cast<unsigned>(lanes);
  const std::int64_t begin = part * p.plan.parts.length;
  const std::int64_t end = begin + p.plan.parts.length < p.length ? begin + p.plan.parts.length : p.length;
  A total = op.identity();
  typename IndexMap<2>::Offsets at{};
  if (result < p.results) {
    at = p.kept.offsets(result);
    const In* row = in + at.of[DeviceReduction::in_side];
    std::int64_t i = begin;  // of a group of vectors
    if constexpr (N > 1) {
      using V = Pack<In, N>;
      const std::int64_t stride = lanes * N;
      for (; i + steps * stride <= end; i += steps * stride) {
        V v[steps];
#pragma unroll
        for (int s = 0; s < steps; ++s) v[s] = load_pack<In, N>(row + i + s * stride + lane * N);
        A values[steps];
#pragma unroll
        for (int s = 0; s < steps; ++s) values[s] = fold_vector<N>(op, v[s], i + s * stride + lane * N);
        total = op.combine(total, fold_tree(op, values));
      }
      for (; i + stride <= end; i += stride)
        total = op.combine(total, fold_vector<N>(op, load_pack<In, N>(row + i + lane * N), i + lane * N));
    } else {
      for (; i + steps * lanes <= end; i += steps * lanes) {
        A values[steps];
#pragma unroll
        for (int s = 0; s < steps; ++s) {
          const std::int64_t j = i + s * lanes + lane;
          values[s] = op.load(row[p.dense ? j : p.reduced(j)], j);
        }
        total = op.combine(total, fold_tree(op, values));
      }
    }
    for (std::int64_t j = i + lane; j < end; j += lanes)
      total = op.combine(total, op.load(row[p.dense ? j : p.reduced(j)], j));
  }
  const auto combine = [&](A a, A b) { return op.combine(a, b); };
  if (lanes <= warp_threads) {
    total = fold_lanes(total, lanes, combine);
  } else {
    alignas(16) __shared__ unsigned char memory[fold_threads / warp_threads * sizeof(A)];
    const int first_warp = (static_cast<int>(threadIdx.x) - lane) / warp_threads;
    total = fold_block(total, lane, lanes / warp_threads, reinterpret_cast<A*>(memory) + first_warp, combine);
  }
  if (lane != 0 || result >= p.results) return;
  if (p.partial) static_cast<A*>(p.partial)[part * p.results + result] = total;
  else op.store(out, at.of[DeviceReduction::out_side], total);
}

// Of S rows of N columns each, `apart` from each other.
template <int N, int S, typename Op>
__device__ void fold_several(const Op& op, const Pack<typename Op::In, N> (&rows)[S], std::int64_t at, int apart,
                             typename Op::Accumulator (&total)[N]) {
  if constexpr (requires { op.fold_rows(rows, total); }) {
    op.fold_rows(rows, total);
  } else {
#pragma unroll
    for (int k = 0; k < N; ++k) {
      typename Op::Accumulator values[S];
#pragma unroll
      for (int s = 0; s < S; ++s) values[s] = op.load(rows[s].elements[k], at + s * apart);
      total[k] = op.combine(total[k], fold_tree(op, values));
    }
  }
}

struct ColumnProblem {
  IndexMap<2> others;  // of the kept axes, all but the columns
  IndexMap<1> reduced;
  std::int64_t columns, in_step, out_step, length;
  ColumnPlan plan;
  void* partial;
};

// N > 1: columns are dense and aligned vectors of N.
template <typename Op, int N>
__global__ void __launch_bounds__(fold_threads, 4)
    fold_columns_kernel(const __grid_constant__ Op op, const typename Op::In* in, void* out,
                        const __grid_constant__ ColumnProblem p) {
  using In = typename Op::In;
  using A = typename Op::Accumulator;
  using V = Pack<In, N>;
  constexpr int steps = sizeof(In) > 1 ? 4 : 8;
  alignas(16) __shared__ unsigned char memory[fold_threads * N * sizeof(A)];
  A* shared = reinterpret_cast<A*>(memory);
  const int x = static_cast<int>(threadIdx.x), y = static_cast<int>(threadIdx.y);
  const int width = p.plan.width, height = p.plan.height;
  const unsigned tiles = static_cast<unsigned>(p.plan.tiles), others = static_cast<unsigned>(p.others.count);
  const std::int64_t tile = blockIdx.x % tiles, other = blockIdx.x / tiles % others, part = blockIdx.x / tiles / others;
  const std::int64_t column = (tile * width + x) * N;
  const std::int64_t begin = part * p.plan.parts.length;
  const std::int64_t end = begin + p.plan.parts.length < p.length ? begin + p.plan.parts.length : p.length;
  const auto at = p.others.offsets(other);
  A total[N];
#pragma unroll
  for (int k = 0; k < N; ++k) total[k] = op.identity();
  const In* from = in + at.of[DeviceReduction::in_side] + column * p.in_step;
  const auto read = [&](auto row) {
    std::int64_t j = begin + y;
    for (; j + (steps - 1) * height < end; j += steps * height) {
      V v[steps];
#pragma unroll
      for (int s = 0; s < steps; ++s) v[s] = load_pack<In, N>(from + row(j + s * height));
      fold_several(op, v, j, height, total);
    }
    for (; j < end; j += height) {
      const V v = load_pack<In, N>(from + row(j));
#pragma unroll
      for (int k = 0; k < N; ++k) total[k] = op.combine(total[k], op.load(v.elements[k], j));
    }
  };
  // Mostly there is one axis, and nothing to compute for each vector.
  if (column >= p.columns) {
  } else if (p.reduced.axes == 1) {
    read([&](std::int64_t j) { return j * p.reduced.strides[0][0]; });
  } else {
    read([&](std::int64_t j) { return p.reduced(j); });
  }
  // Element by element, so that neighbouring threads use neighbouring banks.
#pragma unroll
  for (int k = 0; k < N; ++k) shared[(y * N + k) * width + x] = total[k];
  for (int half = height / 2; half > 0; half /= 2) {
    __syncthreads();
    if (y >= half) continue;
#pragma unroll
    for (int k = 0; k < N; ++k) {
      A& mine = shared[(y * N + k) * width + x];
      mine = op.combine(mine, shared[((y + half) * N + k) * width + x]);
    }
  }
  if (y != 0 || column >= p.columns) return;
#pragma unroll
  for (int k = 0; k < N; ++k) {
    const A value = shared[k * width + x];
    if (p.partial) static_cast<A*>(p.partial)[(part * p.others.count + other) * p.columns + column + k] = value;
    else op.store(out, at.of[DeviceReduction::out_side] + (column + k) * p.out_step, value);
  }
}

// Folds what blocks have found.
template <typename Op>
struct Joined : Op {
  using In = typename Op::Accumulator;
  ANABRANCH_HOST_DEVICE In load(In x, std::int64_t) const { return x; }
};

template <int N, typename Op>
void launch_columns(const Op& op, const void* in, void* out, const ColumnProblem& p, const CudaLaunch& launch) {
  launch.run("reduce", fold_columns_kernel<Op, N>, whole_grid(p.plan.tiles * p.others.count * p.plan.parts.count),
             dim3(static_cast<unsigned>(p.plan.width), static_cast<unsigned>(p.plan.height)), 0, op,
             static_cast<const typename Op::In*>(in), out, p);
}

// The accumulators [parts][results] to the results, which lie as `kept` says.
template <typename Op>
void join_parts(const Op& op, const void* partial, std::int64_t parts, const DeviceReduction& r,
                const CudaLaunch& launch) {
  // Results are numbered over `kept` in row-major order.
  Axes<2> others = r.kept;
  std::int64_t step = 1;
  for (std::size_t i = others.size(); i-- > 0;) {
    others[i].strides[DeviceReduction::in_side] = step;
    step *= others[i].extent;
  }
  Axis<2> column{1, {1, 1}};
  if (!others.empty()) {
    column = others.back();
    others.pop_back();
  }
  ColumnProblem p{IndexMap<2>(others),
                  IndexMap<1>(Axes<1>{{parts, {r.results}}}),
                  column.extent,
                  column.strides[DeviceReduction::in_side],
                  column.strides[DeviceReduction::out_side],
                  parts,
                  {},
                  nullptr};
  p.plan = plan_columns(p.columns, p.others.count, parts, 1);
  p.plan.parts = {1, parts};
  launch_columns<1>(Joined<Op>{op}, partial, r.out, p, launch);
}

template <typename Op>
void fold_by_rows(const Op& op, const DeviceReduction& r, const CudaLaunch& launch) {
  using In = typename Op::In;
  constexpr int N = vector_elements<In>;
  const bool vectors = N > 1 && r.aligned_rows(N, sizeof(In));
  RowProblem p{IndexMap<2>(r.kept),
               IndexMap<1>(r.reduced),
               r.results,
               r.length,
               plan_rows(r.results, r.length, N),
               r.reduced.size() == 1 && r.reduced[0].strides[0] == 1,
               nullptr};
  const Parts parts = p.plan.parts;
  if (parts.count > 1)
    p.partial = launch.scratch<typename Op::Accumulator>(static_cast<std::size_t>(parts.count * r.results));
  const std::int64_t rows_each = fold_threads / p.plan.lanes;
  const unsigned blocks = whole_grid((r.results + rows_each - 1) / rows_each * parts.count);
  const auto* in = reinterpret_cast<const In*>(r.in);
  if (vectors) launch.run("reduce", fold_rows_kernel<Op, N>, blocks, fold_threads, 0, op, in, r.out, p);
  else launch.run("reduce", fold_rows_kernel<Op, 1>, blocks, fold_threads, 0, op, in, r.out, p);
  if (parts.count > 1) join_parts(op, p.partial, parts.count, r, launch);
}

template <typename Op>
void fold_by_columns(const Op& op, const DeviceReduction& r, const CudaLaunch& launch) {
  using In = typename Op::In;
  constexpr int N = vector_elements<In>;
  const int vector = N > 1 && r.aligned_columns(N, sizeof(In)) ? N : 1;
  Axes<2> others = r.kept;
  const Axis<2> column = others.back();
  others.pop_back();
  ColumnProblem p{IndexMap<2>(others),
                  IndexMap<1>(r.reduced),
                  column.extent,
                  column.strides[DeviceReduction::in_side],
                  column.strides[DeviceReduction::out_side],
                  r.length,
                  {},
                  nullptr};
  p.plan = plan_columns(p.columns, p.others.count, r.length, vector);
  const std::int64_t parts = p.plan.parts.count;
  if (parts > 1) p.partial = launch.scratch<typename Op::Accumulator>(static_cast<std::size_t>(parts * r.results));
  vector > 1 ? launch_columns<N>(op, r.in, r.out, p, launch) : launch_columns<1>(op, r.in, r.out, p, launch);
  if (parts > 1) join_parts(op, p.partial, parts, r, launch);
}

template <typename Op>
void fold_on_device(const Op& op, const DeviceReduction& r, const CudaLaunch& launch) {
  r.by_columns() ? fold_by_columns(op, r, launch) : fold_by_rows(op, r, launch);
}

}  // namespace anabranch::kernels
