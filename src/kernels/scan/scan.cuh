// Scans along dense rows, for any operation that associates (but for rounding) and commutes. What is combined with what
// depends on shapes alone: unlike with a single pass that looks back, results have the same bits in each run.
//
// An operation `Op` is a parameter of the kernels. It has
//   Element, State                what rows hold, and what they are scanned as
//   State load(Element) const, Element store(State) const
//   State combine(State, State) const, of what comes first and what follows
//   Element neutral() const       what an exclusive scan begins with
#pragma once

#include "kernels/cuda_launch.h"
#include "kernels/cuda_warp.h"
#include "kernels/index_map.h"

namespace anabranch::kernels {

inline constexpr int scan_threads = 256;
inline constexpr int scan_warps = scan_threads / warp_threads;
inline constexpr int scan_items = 8;  // neighbours, of a thread
inline constexpr int scan_tile = scan_threads * scan_items;

struct ScanProblem {
  std::int64_t rows, n;
  bool reverse, inclusive;
  std::int64_t chunks, chunk;  // of a row: their number and length

  ANABRANCH_HOST_DEVICE std::int64_t place(std::int64_t i) const { return reverse ? n - 1 - i : i; }
};

// Inclusive, over a warp.
template <typename Op>
__device__ typename Op::State scan_warp(const Op& op, typename Op::State value, int lane) {
#pragma unroll
  for (int by = 1; by < warp_threads; by *= 2) {
    const auto before = from_before(value, by);
    if (lane >= by) value = op.combine(before, value);
  }
  return value;
}

// A warp for each row.
template <typename Op>
__global__ void __launch_bounds__(scan_threads)
    scan_short_rows_kernel(const __grid_constant__ Op op, const typename Op::Element* in, typename Op::Element* out,
                           const __grid_constant__ ScanProblem p) {
  using State = typename Op::State;
  const int lane = static_cast<int>(threadIdx.x) % warp_threads;
  const std::int64_t row = std::int64_t{blockIdx.x} * scan_warps + threadIdx.x / warp_threads;
  if (row >= p.rows) return;  // whole warps
  const auto* from = in + row * p.n;
  auto* to = out + row * p.n;
  State carry{}, next{};
  if (lane < p.n) next = op.load(from[p.place(lane)]);
  for (std::int64_t first = 0; first < p.n; first += warp_threads) {
    const std::int64_t i = first + lane;
    State value = next;
    if (i + warp_threads < p.n) next = op.load(from[p.place(i + warp_threads)]);  // on its way meanwhile
    value = scan_warp(op, value, lane);
    if (first > 0) value = op.combine(carry, value);
    State before = from_before(value, 1);
    if (lane == 0) before = carry;
    carry = from_thread(value, warp_threads - 1);
    if (i >= p.n) continue;
    to[p.place(i)] = p.inclusive ? op.store(value) : i == 0 ? op.neutral() : op.store(before);
  }
}

// What each chunk amounts to.
template <typename Op>
__global__ void __launch_bounds__(scan_threads)
    scan_totals_kernel(const __grid_constant__ Op op, const typename Op::Element* in, typename Op::State* totals,
                       const __grid_constant__ ScanProblem p) {
  using State = typename Op::State;
  alignas(16) __shared__ unsigned char memory[scan_warps * sizeof(State)];
  const unsigned chunks = static_cast<unsigned>(p.chunks);
  const std::int64_t row = blockIdx.x / chunks, begin = blockIdx.x % chunks * p.chunk;
  const std::int64_t end = begin + p.chunk < p.n ? begin + p.chunk : p.n;
  if (end - begin < p.chunk) return;  // nothing comes after a row's last chunk; others are whole, and have many tiles
  const auto* from = in + row * p.n;
  State total = op.load(from[p.place(begin + threadIdx.x)]);
#pragma unroll 4
  for (std::int64_t i = begin + threadIdx.x + scan_threads; i < end; i += scan_threads)
    total = op.combine(total, op.load(from[p.place(i)]));
  total = fold_block(total, static_cast<int>(threadIdx.x), scan_warps, reinterpret_cast<State*>(memory),
                     [&](State a, State b) { return op.combine(a, b); });
  if (threadIdx.x == 0) totals[blockIdx.x] = total;
}

// A block for each chunk, tile after tile. `totals` are those of the chunks, where a row has several.
template <typename Op>
__global__ void __launch_bounds__(scan_threads)
    scan_chunks_kernel(const __grid_constant__ Op op, const typename Op::Element* in, typename Op::Element* out,
                       const typename Op::State* totals, const __grid_constant__ ScanProblem p) {
  using State = typename Op::State;
  // An item of padding after each 32, so that threads that read their neighbours use different banks.
  const auto padded = [](int i) { return i + i / 32; };
  alignas(16) __shared__ unsigned char memory[(scan_tile + scan_tile / 32) * sizeof(State)];
  alignas(16) __shared__ unsigned char warp_memory[scan_warps * sizeof(State)];
  State* tile = reinterpret_cast<State*>(memory);
  State* warp_totals = reinterpret_cast<State*>(warp_memory);
  const int thread = static_cast<int>(threadIdx.x), lane = thread % warp_threads, warp = thread / warp_threads;
  const unsigned chunks = static_cast<unsigned>(p.chunks);
  const std::int64_t row = blockIdx.x / chunks, chunk = blockIdx.x % chunks, begin = chunk * p.chunk;
  const std::int64_t end = begin + p.chunk < p.n ? begin + p.chunk : p.n;
  const auto* from = in + row * p.n;
  auto* to = out + row * p.n;

  State carry{};  // of all that comes before, where there is something
  if (chunk > 0) {
    // One thread after the other, each a stretch: nothing but what there is may be combined.
    const std::int64_t each = (chunk + scan_threads - 1) / scan_threads, first = thread * each;
    const auto* of_row = totals + row * p.chunks;
    const int there = static_cast<int>((chunk + each - 1) / each);
    if (thread < there) {
      State sum = of_row[first];
      for (std::int64_t i = first + 1; i < first + each && i < chunk; ++i) sum = op.combine(sum, of_row[i]);
      tile[thread] = sum;
    }
    for (int width = 1; width < there; width *= 2) {
      __syncthreads();
      if (thread % (2 * width) == 0 && thread + width < there)
        tile[thread] = op.combine(tile[thread], tile[thread + width]);
    }
    __syncthreads();
    carry = tile[0];
    __syncthreads();
  }
  for (std::int64_t base = begin; base < end; base += scan_tile) {
    const int count = static_cast<int>(end - base < scan_tile ? end - base : scan_tile);
#pragma unroll
    for (int k = 0; k < scan_items; ++k) {
      const int i = k * scan_threads + thread;
      if (i < count) tile[padded(i)] = op.load(from[p.place(base + i)]);
    }
    __syncthreads();
    State items[scan_items] = {};
    const int mine = thread * scan_items, valid = count - mine;  // can be none, or more than all
#pragma unroll
    for (int k = 0; k < scan_items; ++k) {
      if (k >= valid) continue;
      items[k] = tile[padded(mine + k)];
      if (k > 0) items[k] = op.combine(items[k - 1], items[k]);
    }
    // Where a thread lacks items, none after it has any.
    const State through = scan_warp(op, items[scan_items - 1], lane);
    State before = from_before(through, 1);
    if (lane == warp_threads - 1) warp_totals[warp] = through;
    __syncthreads();
    bool something = base > 0;
    State prefix = carry;
    for (int w = 0; w < warp; ++w, something = true)
      prefix = something ? op.combine(prefix, warp_totals[w]) : warp_totals[w];
    if (lane > 0) {
      prefix = something ? op.combine(prefix, before) : before;
      something = true;
    }
    if (count == scan_tile) {
      State all = warp_totals[0];
      for (int w = 1; w < scan_warps; ++w) all = op.combine(all, warp_totals[w]);
      carry = base > 0 ? op.combine(carry, all) : all;
    }
    State last = prefix;
#pragma unroll
    for (int k = 0; k < scan_items; ++k) {
      if (k >= valid) continue;
      const State value = something ? op.combine(prefix, items[k]) : items[k];
      tile[padded(mine + k)] = p.inclusive ? value : last;
      last = value;
    }
    __syncthreads();
#pragma unroll
    for (int k = 0; k < scan_items; ++k) {
      const int i = k * scan_threads + thread;
      if (i < count) to[p.place(base + i)] = !p.inclusive && base + i == 0 ? op.neutral() : op.store(tile[padded(i)]);
    }
    __syncthreads();
  }
}

// `in` and `out`, which may be the same, are dense.
template <typename Op>
void scan_on_device(const Op& op, const void* in, void* out, std::int64_t rows, std::int64_t n, bool reverse,
                    bool inclusive, const CudaLaunch& launch) {
  using Element = typename Op::Element;
  using State = typename Op::State;
  constexpr std::int64_t short_row = 512, enough_blocks = 1024, tiles_each = 4;
  const auto* from = static_cast<const Element*>(in);
  auto* to = static_cast<Element*>(out);
  ScanProblem p{rows, n, reverse, inclusive, 1, n};
  if (n <= short_row) {
    launch.run("scan", scan_short_rows_kernel<Op>, whole_grid((rows + scan_warps - 1) / scan_warps), scan_threads, 0,
               op, from, to, p);
    return;
  }
  const std::int64_t wanted = (enough_blocks + rows - 1) / rows, shortest = tiles_each * scan_tile;
  const std::int64_t chunks = std::clamp<std::int64_t>(wanted, 1, (n + shortest - 1) / shortest);
  const std::int64_t tiles = (n + scan_tile - 1) / scan_tile;
  p.chunk = (tiles + chunks - 1) / chunks * scan_tile;
  p.chunks = (n + p.chunk - 1) / p.chunk;
  const unsigned blocks = whole_grid(rows * p.chunks);
  State* totals = nullptr;
  if (p.chunks > 1) {
    totals = launch.scratch<State>(static_cast<std::size_t>(rows * p.chunks));
    launch.run("scan", scan_totals_kernel<Op>, blocks, scan_threads, 0, op, from, totals, p);
  }
  launch.run("scan", scan_chunks_kernel<Op>, blocks, scan_threads, 0, op, from, to, totals, p);
}

}  // namespace anabranch::kernels
