// Scans along dense rows, for any operation that associates (but for rounding) and commutes. What is combined with what
// depends on shapes alone: unlike with a single pass that looks back, results have the same bits in each run.
//
// An operation `Op` is a parameter of the kernels. It has
//   Element, State                what rows hold, and what they are scanned as
//   State load(Element) const, Element store(State) const
//   State combine(State, State) const, of what comes first and what follows
//   Element neutral() const       what an exclusive scan begins with
#pragma once

#include "kernels/cuda_fetch.h"
#include "kernels/cuda_launch.h"
#include "kernels/cuda_pack.h"
#include "kernels/cuda_warp.h"
#include "kernels/dynamic_shared.h"
#include "kernels/index_map.h"
#include "kernels/scan/scan_plan.h"

namespace anabranch::kernels {

inline constexpr int scan_warps = scan_threads / warp_threads;

// Of a thread in a tile.
template <typename State>
inline constexpr int scan_items = sizeof(State) <= 4 ? 16 : 8;
// Of a multiprocessor, as registers allow: enough to have 48 KB on their way at any time.
template <typename State>
inline constexpr int scan_blocks = sizeof(State) <= 4 ? 4 : 3;

struct ScanProblem {
  std::int64_t rows, n;
  bool reverse, inclusive;
  ScanPlan plan;

  ANABRANCH_HOST_DEVICE std::int64_t place(std::int64_t i) const { return reverse ? n - 1 - i : i; }
};

// Inclusive, over `Width` neighbours in a warp, of which this is number `lane`.
template <int Width, typename Op>
__device__ typename Op::State scan_lanes(const Op& op, typename Op::State value, int lane) {
#pragma unroll
  for (int by = 1; by < Width; by *= 2) {
    const auto before = from_before(value, by);
    if (lane >= by) value = op.combine(before, value);
  }
  return value;
}

// What each chunk amounts to.
template <typename Op>
__global__ void __launch_bounds__(scan_threads)
    scan_totals_kernel(const __grid_constant__ Op op, const typename Op::Element* in, typename Op::State* totals,
                       const __grid_constant__ ScanProblem p) {
  using State = typename Op::State;
  alignas(16) __shared__ unsigned char memory[scan_warps * sizeof(State)];
  const unsigned chunks = static_cast<unsigned>(p.plan.chunks);
  const std::int64_t row = blockIdx.x / chunks, begin = blockIdx.x % chunks * p.plan.chunk, end = begin + p.plan.chunk;
  if (end > p.n) return;  // nothing comes after a row's last chunk; others are whole, and have many tiles
  const auto* from = in + row * p.n;
  State total = op.load(from[p.place(begin + threadIdx.x)]);
#pragma unroll 4
  for (std::int64_t i = begin + threadIdx.x + scan_threads; i < end; i += scan_threads)
    total = op.combine(total, op.load(from[p.place(i)]));
  total = fold_block(total, static_cast<int>(threadIdx.x), scan_warps, reinterpret_cast<State*>(memory),
                     [&](State a, State b) { return op.combine(a, b); });
  if (threadIdx.x == 0) totals[blockIdx.x] = total;
}

// Of the chunks before this one, of which `totals` has those of the row. One thread after the other has a stretch of
// them: nothing but what there is may be combined.
template <typename Op>
__device__ typename Op::State scan_before_chunk(const Op& op, const typename Op::State* totals, std::int64_t chunk,
                                                typename Op::State* memory) {
  using State = typename Op::State;
  const int thread = static_cast<int>(threadIdx.x);
  const std::int64_t each = (chunk + scan_threads - 1) / scan_threads, first = thread * each;
  const int there = static_cast<int>((chunk + each - 1) / each);
  if (thread < there) {
    State sum = totals[first];
    for (std::int64_t i = first + 1; i < first + each && i < chunk; ++i) sum = op.combine(sum, totals[i]);
    memory[thread] = sum;
  }
  for (int width = 1; width < there; width *= 2) {
    __syncthreads();
    if (thread % (2 * width) == 0 && thread + width < there)
      memory[thread] = op.combine(memory[thread], memory[thread + width]);
  }
  __syncthreads();
  const State before = memory[0];
  __syncthreads();
  return before;
}

// Blocks go from unit to unit, and in each from tile to tile. In a tile, a warp, or the part of one that a row has,
// goes through neighbouring vectors of N, step after step. N > 1: these are aligned in all rows, and have 16 bytes;
// then those of the next tile are on their way to shared memory meanwhile, each thread's to places that only it uses.
//
// Whatever is read beyond the end of a row, or is left from another one, comes after all that is there, and so changes
// nothing that is written.
template <typename Op, int N>
__global__ void __launch_bounds__(scan_threads, scan_blocks<typename Op::State>)
    scan_rows_kernel(const __grid_constant__ Op op, const typename Op::Element* in, typename Op::Element* out,
                     const typename Op::State* totals, const __grid_constant__ ScanProblem p) {
  using Element = typename Op::Element;
  using State = typename Op::State;
  using V = Pack<Element, N>;
  constexpr int items = scan_items<State>, steps = items / N;
  constexpr bool ahead = N > 1;
  static_assert(items % N == 0);
  alignas(16) __shared__ unsigned char chunk_memory[scan_threads * sizeof(State)];
  alignas(16) __shared__ unsigned char warp_memory[2 * scan_warps * sizeof(State)];
  State* warp_totals = reinterpret_cast<State*>(warp_memory);

  const int thread = static_cast<int>(threadIdx.x), lanes = p.plan.lanes;
  const int width = lanes < warp_threads ? lanes : warp_threads;  // what a row has of a warp
  const int warps = lanes / width;                                // and how many of these
  const int lane = thread & (width - 1), warp = (thread & (lanes - 1)) / warp_threads;
  const int stride = width * N, tile = lanes * items;
  const int own = warp * stride * steps + lane * N;  // the first item that this thread has in a tile
  const int rows_each = scan_threads / lanes;
  const unsigned chunks = static_cast<unsigned>(p.plan.chunks), units = static_cast<unsigned>(p.plan.units);
  V* const next = static_cast<V*>(dynamic_shared()) + thread;

  // A tile, and this thread's part of it.
  struct Part {
    unsigned unit;
    int tiles;           // of the unit, from this one on
    std::int64_t chunk;  // of the row, where this is the chunk's first tile, else 0
    bool carries;        // there is something before the tile
    std::int64_t at;     // the first vector in `in` and `out`
    std::int64_t rest;   // how many items there are from its first one on
  };
  const auto begin = [&](unsigned unit) {
    Part part{unit, p.plan.tiles, 0, false, 0, 0};
    std::int64_t row = unit, first = own;
    if (chunks > 1) {
      row = unit / chunks;
      part.chunk = unit % chunks;
      part.carries = part.chunk > 0;
      if (part.chunk + 1 == p.plan.chunks) part.tiles = p.plan.last_tiles;
      first += part.chunk * p.plan.chunk;
    }
    row = row * rows_each + thread / lanes;
    part.at = row * p.n + (p.reverse ? p.n - N - first : first);
    part.rest = row < p.rows ? p.n - first : 0;
    return part;
  };
  const int by = p.reverse ? -stride : stride;  // from step to step
  const auto left_in = [&](const Part& part) { return part.rest < tile ? static_cast<int>(part.rest) : tile; };
  const auto fetch = [&](const Part& part) {
    const Element* from = in + part.at;
    const int left = left_in(part);
    V* to = next;
#pragma unroll
    for (int s = 0; s < steps; ++s, from += by, to += scan_threads)
      if (s * stride < left) fetch_16(to, from);
  };

  State carry{};  // of all that comes before a tile, where there is something
  int parity = 0;
  Part part = begin(blockIdx.x);
  if constexpr (ahead) fetch(part);
#pragma unroll 1
  while (true) {
    const int left = left_in(part);
    State x[items];
    if constexpr (ahead) {
      wait_for_fetched();
#pragma unroll
      for (int s = 0; s < steps; ++s) {
        const V v = next[s * scan_threads];
#pragma unroll
        for (int k = 0; k < N; ++k) x[s * N + k] = op.load(v.elements[k]);
        if (p.reverse) {
#pragma unroll
          for (int k = 0; k < N / 2; ++k) {
            const State swapped = x[s * N + k];
            x[s * N + k] = x[s * N + N - 1 - k];
            x[s * N + N - 1 - k] = swapped;
          }
        }
      }
    } else {
      Element raw[items];
#pragma unroll
      for (int s = 0; s < items; ++s) {
        raw[s] = Element{};
        if (s * stride < left) raw[s] = in[part.at + s * by];
      }
#pragma unroll
      for (int s = 0; s < items; ++s) x[s] = op.load(raw[s]);
    }
    Part following = part;
    bool more = --following.tiles > 0;
    if (more) {
      following.at += p.reverse ? -tile : tile;
      following.rest -= tile;
      following.carries = true;
      following.chunk = 0;
    } else if (part.unit + gridDim.x < units) {
      following = begin(part.unit + gridDim.x);
      more = true;
    }
    if constexpr (ahead)
      if (more) fetch(following);
    if (part.chunk > 0)
      carry =
          scan_before_chunk(op, totals + (part.unit - part.chunk), part.chunk, reinterpret_cast<State*>(chunk_memory));

    State before[steps];  // each vector, in what this warp has; nothing comes before the very first
    State through{};      // all that it has
#pragma unroll
    for (int s = 0; s < steps; ++s) {
#pragma unroll
      for (int k = 1; k < N; ++k) x[s * N + k] = op.combine(x[s * N + k - 1], x[s * N + k]);
      const State sum = scan_lanes<warp_threads>(op, x[s * N + N - 1], lane);
      before[s] = from_before(sum, 1);
      const State all = from_thread(sum, thread % warp_threads | (width - 1));
      if (s > 0) before[s] = lane > 0 ? op.combine(through, before[s]) : through;
      through = s > 0 ? op.combine(through, all) : all;
    }
    const bool carries = part.carries;
    bool preceded = carries;  // by something outside of what this warp has
    State prefix = carry;
    if (warps > 1) {
      State* of_row = warp_totals + parity * scan_warps + (thread & -lanes) / warp_threads;
      parity ^= 1;
      if (lane == 0) of_row[warp] = through;
      __syncthreads();
      const int place = lane & (warps - 1);
      const State sums = scan_lanes<scan_warps>(op, of_row[place], place);
      const State of_warps = from_thread(sums, warp > 0 ? warp - 1 : 0);
      through = from_thread(sums, warps - 1);
      if (warp > 0) prefix = carries ? op.combine(carry, of_warps) : of_warps;
      preceded = carries || warp > 0;
    }
    carry = carries ? op.combine(carry, through) : through;

    Element* to = out + part.at;
#pragma unroll
    for (int s = 0; s < steps; ++s, to += by) {
      const bool first = s == 0 && lane == 0;
      State sum = first ? prefix : before[s];
      if (!first && preceded) sum = op.combine(prefix, before[s]);
      const bool something = preceded || !first;
      V v;
      if (p.inclusive) {
#pragma unroll
        for (int k = 0; k < N; ++k) v.elements[k] = op.store(something ? op.combine(sum, x[s * N + k]) : x[s * N + k]);
      } else {
        v.elements[0] = something ? op.store(sum) : op.neutral();
#pragma unroll
        for (int k = 1; k < N; ++k)
          v.elements[k] = op.store(something ? op.combine(sum, x[s * N + k - 1]) : x[s * N + k - 1]);
      }
      if (N > 1 && p.reverse) {
#pragma unroll
        for (int k = 0; k < N / 2; ++k) {
          const Element swapped = v.elements[k];
          v.elements[k] = v.elements[N - 1 - k];
          v.elements[N - 1 - k] = swapped;
        }
      }
      if (s * stride < left) store_pack(to, v);
    }
    if (!more) break;
    part = following;
  }
}

// `in` and `out`, which may be the same, are dense.
template <typename Op>
void scan_on_device(const Op& op, const void* in, void* out, std::int64_t rows, std::int64_t n, bool reverse,
                    bool inclusive, const CudaLaunch& launch) {
  using Element = typename Op::Element;
  using State = typename Op::State;
  constexpr int N = 16 / sizeof(Element), items = scan_items<State>;
  const auto* from = static_cast<const Element*>(in);
  auto* to = static_cast<Element*>(out);
  const ScanProblem p{rows, n, reverse, inclusive, plan_scan(rows, n, items)};
  State* totals = nullptr;
  if (p.plan.chunks > 1) {
    totals = launch.scratch<State>(static_cast<std::size_t>(rows * p.plan.chunks));
    launch.run("scan", scan_totals_kernel<Op>, whole_grid(rows * p.plan.chunks), scan_threads, 0, op, from, totals, p);
  }
  const auto aligned = [](const void* at) { return reinterpret_cast<std::uintptr_t>(at) % 16 == 0; };
  const bool vectors = n % N == 0 && aligned(in) && aligned(out);
  const unsigned blocks = std::min(whole_grid(p.plan.units), grid_of(launch.processors() * scan_blocks<State>));
  if (vectors) {
    constexpr std::size_t ahead = scan_threads * items * sizeof(Element);
    launch.run("scan", scan_rows_kernel<Op, N>, blocks, scan_threads, ahead, op, from, to, totals, p);
  } else {
    launch.run("scan", scan_rows_kernel<Op, 1>, blocks, scan_threads, 0, op, from, to, totals, p);
  }
}

}  // namespace anabranch::kernels
