// Copies between strided regions: items of up to 16 bytes wherever both sides have dense runs, transpositions through
// tiles in shared memory.
#include "kernels/cuda_kernels.h"
#include "kernels/cuda_pack.h"
#include "kernels/cuda_types.h"
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

constexpr int tile_threads = 32, tile_rows = 8;

struct Transposition {
  std::int64_t rows, columns;       // in the destination, whose rows are dense
  std::int64_t dst_step, src_step;  // from one row, one column to the next
  std::int64_t tiles;
  Divisor tiles_across, tiles_each;  // tiles of a row of them, and of a matrix
  IndexMap<2> matrices;
};

// N neighbours are read, and written, at once: small items in words of 32 bits, which must be aligned on both sides.
template <typename Item, int N>
__global__ void __launch_bounds__(tile_threads* tile_rows)
    transpose_kernel(Item* dst, const Item* src, const __grid_constant__ Transposition t) {
  using P = Pack<Item, N>;
  constexpr int side = tile_threads * N;
  alignas(P) __shared__ Item tile[side][side + N];
  const int x = static_cast<int>(threadIdx.x) * N, y = static_cast<int>(threadIdx.y);
  for (std::int64_t i = blockIdx.x; i < t.tiles; i += gridDim.x) {
    const std::int64_t matrix = t.tiles_each.quotient(i), in_matrix = i - matrix * t.tiles_each.value;
    const std::int64_t down = t.tiles_across.quotient(in_matrix);
    const std::int64_t row = down * side, column = (in_matrix - down * t.tiles_across.value) * side;
    const auto at = t.matrices.offsets(matrix);
    const Item* from = src + at.of[DeviceCopy::src_side];
    Item* to = dst + at.of[DeviceCopy::dst_side];
#pragma unroll
    for (int k = 0; k < side; k += tile_rows)
      if (row + x < t.rows && column + y + k < t.columns)
        *reinterpret_cast<P*>(&tile[y + k][x]) = load_pack<Item, N>(from + (column + y + k) * t.src_step + row + x);
    __syncthreads();
#pragma unroll
    for (int k = 0; k < side; k += tile_rows) {
      if (row + y + k >= t.rows || column + x >= t.columns) continue;
      P pack;
#pragma unroll
      for (int n = 0; n < N; ++n) pack.elements[n] = tile[x + n][y + k];
      store_pack(to + (row + y + k) * t.dst_step + column + x, pack);
    }
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
  launch.run("transpose", transpose_kernel<Item, N>, grid_of(t.tiles), dim3(tile_threads, tile_rows), 0,
             reinterpret_cast<Item*>(copy.dst), reinterpret_cast<const Item*>(copy.src), t);
}

template <typename Item>
void launch_copy(const DeviceCopy& copy, const CudaLaunch& launch) {
  if (!copy.transposed) {
    const IndexMap<2> map(copy.axes);
    launch.run("copy", copy_kernel<Item>, grid_of((map.count + threads * at_once - 1) / (threads * at_once)), threads,
               0, reinterpret_cast<Item*>(copy.dst), reinterpret_cast<const Item*>(copy.src), map);
    return;
  }
  constexpr int packed = sizeof(Item) < 4 ? 4 / sizeof(Item) : 1;
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
