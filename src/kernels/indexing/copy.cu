// Copies between strided regions: items of up to 16 bytes wherever both sides have dense runs, transpositions through
// tiles in shared memory.
#include <algorithm>

#include "kernels/cuda_kernels.h"
#include "kernels/cuda_pack.h"
#include "kernels/cuda_types.h"
#include "kernels/dynamic_shared.h"
#include "kernels/indexing/copy_plan.h"
#include "kernels/indexing/cuda_copy.h"

namespace anabranch::kernels {
namespace {

constexpr int threads = 256;
constexpr int at_once = 4;  // items that a thread has under way

template <typename Item>
__global__ void __launch_bounds__(threads)
    copy_kernel(Item* dst, const Item* src, const __grid_constant__ IndexMap<2> map) {
  constexpr std::int64_t tile = threads * at_once;
  for (std::int64_t first = blockIdx.x * tile; first < map.count; first += gridDim.x * tile) {
    Item items[at_once];
    std::int64_t to[at_once];
#pragma unroll
    for (int k = 0; k < at_once; ++k) {
      const std::int64_t i = first + k * threads + threadIdx.x;
      if (i >= map.count) continue;
      const auto at = map.offsets(i);
      to[k] = at.of[DeviceCopy::dst_side];
      items[k] = src[at.of[DeviceCopy::src_side]];
    }
#pragma unroll
    for (int k = 0; k < at_once; ++k)
      if (first + k * threads + threadIdx.x < map.count) dst[to[k]] = items[k];
  }
}

// Long rows: a block has a part of one, and where that lies is worked out once for all of it.
template <typename Item>
inline constexpr int in_row_at_once = sizeof(Item) == 16 ? 4 : 8;

struct RowCopy {
  IndexMap<2> rows;
  std::int64_t columns, dst_step, src_step;  // along a row
  Divisor parts;                             // of a row
};

template <typename Item>
__global__ void __launch_bounds__(threads)
    copy_rows_kernel(Item* dst, const Item* src, const __grid_constant__ RowCopy copy) {
  constexpr int each = in_row_at_once<Item>;
  const std::int64_t block = blockIdx.x, row = copy.parts.quotient(block);
  const std::int64_t first = (block - row * copy.parts.value) * (threads * each) + threadIdx.x;
  const auto at = copy.rows.offsets(row);
  const Item* from = src + at.of[DeviceCopy::src_side] + first * copy.src_step;
  Item* to = dst + at.of[DeviceCopy::dst_side] + first * copy.dst_step;
  const std::int64_t left = copy.columns - first;
  Item items[each];
#pragma unroll
  for (int k = 0; k < each; ++k)
    if (k * threads < left) items[k] = from[k * threads * copy.src_step];
#pragma unroll
  for (int k = 0; k < each; ++k)
    if (k * threads < left) to[k * threads * copy.dst_step] = items[k];
}

template <typename Item>
void launch_rows(const DeviceCopy& copy, const CudaLaunch& launch) {
  Axes<2> rows = copy.axes;
  const Axis<2> column = rows.back();
  rows.pop_back();
  constexpr std::int64_t part = threads * in_row_at_once<Item>;
  const RowCopy r{IndexMap<2>(rows), column.extent, column.strides[DeviceCopy::dst_side],
                  column.strides[DeviceCopy::src_side], Divisor((column.extent + part - 1) / part)};
  launch.run("copy", copy_rows_kernel<Item>, whole_grid(r.rows.count * r.parts.value), threads, 0,
             reinterpret_cast<Item*>(copy.dst), reinterpret_cast<const Item*>(copy.src), r);
}

constexpr int tile_threads = 32, tile_rows = 8;

struct Transposition {
  std::int64_t rows, columns;       // in the destination, whose rows are dense
  std::int64_t dst_step, src_step;  // from one row, one column to the next
  std::int64_t tiles;
  Divisor tiles_across, tiles_each;  // tiles of a row of them, and of a matrix
  IndexMap<2> matrices;
};

// N neighbours of a row: in words, or the compiler would take small items apart.
template <typename Item, int N>
using Neighbours = std::conditional_t<N == 1, Pack<Item, 1>, Pack<std::uint32_t, N * sizeof(Item) / 4>>;

// N by N items, of which rows become columns.
template <typename Item, int N>
__device__ void turn(Neighbours<Item, N> (&rows)[N]) {
  if constexpr (N == 8) {
    static_assert(sizeof(Item) == 1);
    std::uint32_t r[8][2];
#pragma unroll
    for (int i = 0; i < 8; ++i)
      for (int w = 0; w < 2; ++w) r[i][w] = rows[i].elements[w];
#pragma unroll
    for (int half = 0; half < 2; ++half) {  // of the rows: words of four columns, which become rows
#pragma unroll
      for (int w = 0; w < 2; ++w) {
        std::uint32_t pairs[4];
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          const std::uint32_t even = r[4 * half + 2 * i][w], odd = r[4 * half + 2 * i + 1][w];
          pairs[i] = __byte_perm(even, odd, 0x5140);
          pairs[2 + i] = __byte_perm(even, odd, 0x7362);
        }
#pragma unroll
        for (int i = 0; i < 4; ++i)
          rows[4 * w + i].elements[half] = __byte_perm(pairs[i / 2 * 2], pairs[i / 2 * 2 + 1], i % 2 ? 0x7632 : 0x5410);
      }
    }
  } else if constexpr (N == 4) {
    static_assert(sizeof(Item) == 2);
    std::uint32_t r[4][2];
#pragma unroll
    for (int i = 0; i < 4; ++i)
      for (int w = 0; w < 2; ++w) r[i][w] = rows[i].elements[w];
#pragma unroll
    for (int i = 0; i < 4; ++i)
      for (int w = 0; w < 2; ++w)
        rows[i].elements[w] = __byte_perm(r[2 * w][i / 2], r[2 * w + 1][i / 2], i % 2 ? 0x7632 : 0x5410);
  } else if constexpr (N == 2) {
    static_assert(sizeof(Item) == 4);
    const std::uint32_t kept = rows[0].elements[1];
    rows[0].elements[1] = rows[1].elements[0];
    rows[1].elements[0] = kept;
  }
}

template <typename Item, int N>
inline constexpr std::size_t tile_bytes = std::size_t{tile_threads} * N * tile_threads * sizeof(Neighbours<Item, N>);

// N neighbours are read, and written, at once; both sides must be aligned to N items. A thread reads many packs
// before it uses one, and turns blocks of N by N around; the packs lie in shared memory so that neither way two of a
// warp share a bank.
template <typename Item, int N>
__global__ void __launch_bounds__(tile_threads* tile_rows, 3)
    transpose_kernel(Item* dst, const Item* src, const __grid_constant__ Transposition t) {
  using P = Neighbours<Item, N>;
  using Word = std::decay_t<decltype(P::elements[0])>;
  constexpr int words = sizeof(P) / sizeof(Word), side = tile_threads * N, steps = tile_threads / tile_rows;
  constexpr int together = N == 8 ? 1 : steps;        // as registers allow
  P* const tile = static_cast<P*>(dynamic_shared());  // of a column of the destination, the packs along its rows
  const auto place = [](int column, int pack) {
    return column * tile_threads + ((pack + column / N) & (tile_threads - 1));
  };
  const int x = static_cast<int>(threadIdx.x), y = static_cast<int>(threadIdx.y);
  for (std::int64_t i = blockIdx.x; i < t.tiles; i += gridDim.x) {
    const std::int64_t matrix = t.tiles_each.quotient(i), in_matrix = i - matrix * t.tiles_each.value;
    const std::int64_t down = t.tiles_across.quotient(in_matrix);
    const std::int64_t row = down * side, column = (in_matrix - down * t.tiles_across.value) * side;
    const auto at = t.matrices.offsets(matrix);
    const Item* from = src + at.of[DeviceCopy::src_side] + (column + y * N) * t.src_step + row + x * N;
    Item* to = dst + at.of[DeviceCopy::dst_side] + (row + y) * t.dst_step + column + x * N;
    const bool whole = row + side <= t.rows && column + side <= t.columns;
#pragma unroll 1
    for (int begin = 0; begin < steps; begin += together) {
      P read[together][N];
#pragma unroll
      for (int k = 0; k < together; ++k) {
#pragma unroll
        for (int n = 0; n < N; ++n) {
          const int c = (begin + k) * tile_rows * N + n;
          if (whole || (row + x * N < t.rows && column + y * N + c < t.columns))
            read[k][n] = load_pack<Word, words>(reinterpret_cast<const Word*>(from + c * t.src_step));
        }
      }
#pragma unroll
      for (int k = 0; k < together; ++k) {
        turn<Item, N>(read[k]);
#pragma unroll
        for (int n = 0; n < N; ++n) tile[place(x * N + n, y + (begin + k) * tile_rows)] = read[k][n];
      }
    }
    __syncthreads();
#pragma unroll
    for (int k = 0; k < side; k += tile_rows)
      if (whole || (row + y + k < t.rows && column + x * N < t.columns))
        store_pack(reinterpret_cast<Word*>(to + k * t.dst_step), tile[place(y + k, x)]);
    __syncthreads();
  }
}

bool packs_are_aligned(const DeviceCopy& copy, std::int64_t n) {
  const std::uintptr_t bytes = static_cast<std::size_t>(n) * copy.itemsize;
  if (reinterpret_cast<std::uintptr_t>(copy.dst) % bytes || reinterpret_cast<std::uintptr_t>(copy.src) % bytes)
    return false;
  const std::size_t row = copy.axes.size() - 2, column = row + 1;
  for (std::size_t i = 0; i < copy.axes.size(); ++i) {
    const auto& steps = copy.axes[i].strides;
    if (i != row && steps[DeviceCopy::src_side] % n) return false;
    if (i != column && steps[DeviceCopy::dst_side] % n) return false;
  }
  return copy.axes[row].extent % n == 0 && copy.axes[column].extent % n == 0;
}

template <typename Item, int N>
void launch_transposition(const DeviceCopy& copy, const CudaLaunch& launch) {
  Axes<2> outer = copy.axes;
  const Axis<2> column = outer.back(), row = outer[outer.size() - 2];
  outer.resize(outer.size() - 2);
  constexpr std::int64_t side = tile_threads * N;
  Transposition t;
  t.rows = row.extent;
  t.columns = column.extent;
  t.dst_step = row.strides[DeviceCopy::dst_side];
  t.src_step = column.strides[DeviceCopy::src_side];
  t.matrices = IndexMap<2>(outer);
  const std::int64_t across = (t.columns + side - 1) / side, down = (t.rows + side - 1) / side;
  t.tiles_across = Divisor(across);
  t.tiles_each = Divisor(across * down);
  t.tiles = across * down * t.matrices.count;
  launch.run("transpose", transpose_kernel<Item, N>, grid_of(t.tiles), dim3(tile_threads, tile_rows),
             tile_bytes<Item, N>, reinterpret_cast<Item*>(copy.dst), reinterpret_cast<const Item*>(copy.src), t);
}

template <typename Item>
void launch_copy(const DeviceCopy& copy, const CudaLaunch& launch) {
  if (!copy.transposed) {
    if (!copy.axes.empty() && copy.axes.back().extent >= threads) return launch_rows<Item>(copy, launch);
    const IndexMap<2> map(copy.axes);
    launch.run("copy", copy_kernel<Item>, grid_of((map.count + threads * at_once - 1) / (threads * at_once)), threads,
               0, reinterpret_cast<Item*>(copy.dst), reinterpret_cast<const Item*>(copy.src), map);
    return;
  }
  constexpr int packed = sizeof(Item) < 8 ? 8 / sizeof(Item) : 1;
  if (packs_are_aligned(copy, packed)) launch_transposition<Item, packed>(copy, launch);
  else launch_transposition<Item, 1>(copy, launch);
}

}  // namespace

void copy_region(void* dst, const Strides& dst_strides, const void* src, const Strides& src_strides, const Shape& shape,
                 std::size_t itemsize, const CudaLaunch& launch) {
  if (element_count(shape) == 0) return;
  const DeviceCopy copy = plan_device_copy(dst, dst_strides, src, src_strides, shape, itemsize);
  dispatch_item(copy.itemsize, [&](auto* p) { launch_copy<std::remove_pointer_t<decltype(p)>>(copy, launch); });
}

const void* dense_or_copied(const runtime::View& view, void* to, const CudaLaunch& launch) {
  if (is_row_contiguous(view.shape, view.strides)) return view.data;
  copy_region(to, contiguous_strides(view.shape), view.data, view.strides, view.shape, view.dtype.size(), launch);
  return to;
}

void copy_cuda(const runtime::KernelCall& call, const CudaLaunch& launch) {
  const runtime::View& in = call.in[0];
  const runtime::View& out = call.out[0];
  copy_region(out.data, contiguous_strides(out.shape), in.data, in.strides, in.shape, in.dtype.size(), launch);
}

}  // namespace anabranch::kernels
