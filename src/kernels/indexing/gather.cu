#include "graph/attributes.h"
#include "kernels/cuda_kernels.h"
#include "kernels/cuda_types.h"
#include "kernels/indexing/cuda_index_reader.h"

namespace anabranch::kernels {
namespace {

constexpr int threads = 256;
constexpr int at_once = 4;  // items that a thread has under way

// Where the slice of each index tuple begins in the source: read from one index array, or computed before from several.
struct SliceStarts {
  DeviceIndices indices;
  const std::int64_t* computed;  // null: from `indices`
  ANABRANCH_HOST_DEVICE std::int64_t of(std::int64_t i, bool& outside) const {
    return computed ? computed[i] : indices.nearest(indices.index(i), outside) * indices.step;
  }
};

struct GatherProblem {
  std::int64_t tuples, count;  // items in all
  Divisor slice_items;
  IndexMap<1> slice;
  SliceStarts starts;
};

__global__ void __launch_bounds__(threads)
    starts_kernel(std::int64_t* starts, std::int64_t count, const __grid_constant__ DeviceIndexArrays indices) {
  const std::int64_t step = std::int64_t{gridDim.x} * threads;
  for (std::int64_t i = std::int64_t{blockIdx.x} * threads + threadIdx.x; i < count; i += step) {
    std::int64_t sum = 0;
    bool outside = false;
    for (int k = 0; k < indices.count; ++k) {
      const DeviceIndices& a = indices.arrays[k];
      sum += a.nearest(a.index(i), outside) * a.step;
    }
    starts[i] = sum;
    if (outside) indices.tell_if_outside(i);
  }
}

template <typename Item>
__global__ void __launch_bounds__(threads)
    gather_kernel(Item* out, const Item* source, const __grid_constant__ GatherProblem p) {
  constexpr std::int64_t tile = threads * at_once;
  for (std::int64_t first = blockIdx.x * tile; first < p.count; first += gridDim.x * tile) {
    Item items[at_once];
    bool outside = false;
#pragma unroll
    for (int k = 0; k < at_once; ++k) {
      const std::int64_t i = first + k * threads + threadIdx.x;
      if (i >= p.count) continue;
      const std::int64_t tuple = p.slice_items.quotient(i);
      items[k] = source[p.starts.of(tuple, outside) + p.slice(i - tuple * p.slice_items.value)];
    }
#pragma unroll
    for (int k = 0; k < at_once; ++k) {
      const std::int64_t i = first + k * threads + threadIdx.x;
      if (i < p.count) out[i] = items[k];
    }
    if (!outside) continue;
    for (int k = 0; k < at_once; ++k) {
      const std::int64_t i = first + k * threads + threadIdx.x;
      if (i < p.count) p.starts.indices.tell_if_outside(p.slice_items.quotient(i));
    }
  }
}

// Slices that are long dense runs: a warp has a part of one, whose index it reads once.
constexpr int lanes = 32, part_items = lanes * at_once;

struct RowProblem {
  std::int64_t length, parts;  // of a row, in items; of all rows
  Divisor parts_each;
  SliceStarts starts;
};

template <typename Item>
__global__ void __launch_bounds__(threads)
    gather_rows_kernel(Item* out, const Item* source, const __grid_constant__ RowProblem p) {
  const std::int64_t part = std::int64_t{blockIdx.x} * (threads / lanes) + threadIdx.x / lanes;
  if (part >= p.parts) return;
  const std::int64_t tuple = p.parts_each.quotient(part);
  const std::int64_t first = (part - tuple * p.parts_each.value) * part_items + threadIdx.x % lanes;
  bool outside = false;
  const Item* from = source + p.starts.of(tuple, outside) + first;
  Item* to = out + tuple * p.length + first;
  const std::int64_t left = p.length - first;
  Item items[at_once];
#pragma unroll
  for (int k = 0; k < at_once; ++k)
    if (k * lanes < left) items[k] = from[k * lanes];
#pragma unroll
  for (int k = 0; k < at_once; ++k)
    if (k * lanes < left) to[k * lanes] = items[k];
  if (outside) p.starts.indices.tell_if_outside(tuple);
}

constexpr int tile_side = 32, tile_rows = 8;

// Slices that are a column of the source each, as when rows are indexed along their last axis: through tiles that are
// read along the source's rows.
struct ColumnProblem {
  std::int64_t tuples, length, step;  // of a column
  std::int64_t tiles;
  Divisor tiles_down;
  SliceStarts starts;
};

template <typename Item>
__global__ void __launch_bounds__(tile_side* tile_rows)
    gather_columns_kernel(Item* out, const Item* source, const __grid_constant__ ColumnProblem p) {
  __shared__ Item tile[tile_side][tile_side + 1];
  const int x = threadIdx.x, y = threadIdx.y;
  for (std::int64_t i = blockIdx.x; i < p.tiles; i += gridDim.x) {
    const std::int64_t across = p.tiles_down.quotient(i), down = i - across * p.tiles_down.value;
    const std::int64_t tuple = across * tile_side, row = down * tile_side;
    if (tuple + x < p.tuples) {
      bool outside = false;
      const Item* from = source + p.starts.of(tuple + x, outside);
#pragma unroll
      for (int k = 0; k < tile_side; k += tile_rows)
        if (row + y + k < p.length) tile[y + k][x] = from[(row + y + k) * p.step];
      if (outside) p.starts.indices.tell_if_outside(tuple + x);
    }
    __syncthreads();
#pragma unroll
    for (int k = 0; k < tile_side; k += tile_rows)
      if (tuple + y + k < p.tuples && row + x < p.length) out[(tuple + y + k) * p.length + row + x] = tile[x][y + k];
    __syncthreads();
  }
}

template <typename Item>
void launch_gather(void* out, const void* source, const GatherProblem& p, const CudaLaunch& launch) {
  auto* to = static_cast<Item*>(out);
  const auto* from = static_cast<const Item*>(source);
  if (p.slice.axes == 1 && p.slice.strides[0][0] == 1 && p.slice.count >= part_items / 2) {
    const std::int64_t each = (p.slice.count + part_items - 1) / part_items, parts = each * p.tuples;
    const RowProblem r{p.slice.count, parts, Divisor(each), p.starts};
    launch.run("gather", gather_rows_kernel<Item>, whole_grid((parts * lanes + threads - 1) / threads), threads, 0, to,
               from, r);
    return;
  }
  constexpr std::int64_t shortest = 8;
  const bool columns = p.slice.axes == 1 && p.slice.strides[0][0] != 1 && p.slice.strides[0][0] != 0 &&
                       p.slice.count >= shortest && p.tuples >= shortest;
  if (!columns) {
    launch.run("gather", gather_kernel<Item>, grid_of((p.count + threads * at_once - 1) / (threads * at_once)), threads,
               0, to, from, p);
    return;
  }
  const std::int64_t down = (p.slice.count + tile_side - 1) / tile_side;
  const ColumnProblem c{
      p.tuples,      p.slice.count, p.slice.strides[0][0], (p.tuples + tile_side - 1) / tile_side * down,
      Divisor(down), p.starts};
  launch.run("gather", gather_columns_kernel<Item>, grid_of(c.tiles), dim3(tile_side, tile_rows), 0, to, from, c);
}

std::int64_t elements_per_item(const Axes<1>& slice, const DeviceIndexArrays& indices, const runtime::View& out,
                               const runtime::View& source) {
  if (slice.empty() || slice.back().strides[0] != 1) return 1;
  Strides steps{slice.back().extent};
  for (std::size_t i = 0; i + 1 < slice.size(); ++i) steps.push_back(slice[i].strides[0]);
  return widest_item(out.dtype.size(), {out.data, source.data}, steps, indices);
}

}  // namespace

void gather_cuda(const runtime::KernelCall& call, const CudaLaunch& launch) {
  const auto& attrs = call.attrs<graph::GatherAttrs>();
  const runtime::View& source = call.in[0];
  const runtime::View& out = call.out[0];
  const std::int64_t total = element_count(out.shape);
  if (total == 0) return;
  Axes<1> slice = merged<1>(attrs.slice_sizes, {&source.strides});
  DeviceIndexArrays indices = device_index_arrays("gather", call.in.subspan(1), attrs.axes, source.shape,
                                                  source.strides, attrs.slice_sizes, launch.faults);
  const std::int64_t per_item = elements_per_item(slice, indices, out, source);
  if (per_item > 1) {
    slice.back().extent /= per_item;
    for (std::size_t i = 0; i + 1 < slice.size(); ++i) slice[i].strides[0] /= per_item;
    for (int k = 0; k < indices.count; ++k) indices.arrays[k].step /= per_item;
  }
  GatherProblem p;
  p.slice = IndexMap<1>(slice);
  p.slice_items = Divisor(p.slice.count);
  p.count = total / per_item;
  p.tuples = p.count / p.slice.count;
  p.starts = {indices.arrays[0], nullptr};
  if (indices.count != 1) {
    auto* starts = launch.scratch<std::int64_t>(static_cast<std::size_t>(p.tuples));
    launch.run("gather", starts_kernel, grid_of((p.tuples + threads - 1) / threads), threads, 0, starts, p.tuples,
               indices);
    p.starts.computed = starts;
  }
  dispatch_item(static_cast<std::size_t>(per_item) * source.dtype.size(), [&](auto* item) {
    launch_gather<std::remove_pointer_t<decltype(item)>>(out.data, source.data, p, launch);
  });
}

}  // namespace anabranch::kernels
