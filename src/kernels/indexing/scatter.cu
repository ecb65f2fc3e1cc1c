// Scatter gives the same bits as on the CPU: the updates are sorted by where they go, and those for one place are
// applied in order by one thread.
#include <bit>

#include "kernels/cuda_kernels.h"
#include "kernels/indexing/cuda_copy.h"
#include "kernels/indexing/cuda_index_reader.h"
#include "kernels/indexing/cuda_update.h"
#include "kernels/sort/radix_sort.h"

namespace anabranch::kernels {
namespace {

constexpr int threads = 256;
constexpr int at_once = 4;  // items that a thread has under way

// An update is a slice that is one deep along each indexed axis, so that two of them meet wholly or not at all. Other
// scatters are told as updates of single elements.
struct ScatterProblem {
  std::int64_t updates, count;  // of updates; of elements in all
  std::int64_t places;          // distinct ones; beyond them lies what is left out
  Divisor window_elements;      // of an update
  IndexMap<2> window;           // in the result and in the updates
  IndexMap<1> from;             // the first element of each update
  // To find places: updates of single elements, `elements_each` to an index tuple, lie apart as in `element`.
  Divisor elements_each;
  IndexMap<1> element;
  DeviceIndexArrays indices;
  std::int64_t place_steps[DeviceIndexArrays::most];
};

// Of an update's first element, in the result and in the updates.
struct Offsets {
  std::int64_t to, from;
};

// For each update its place, for sorting, and its offsets.
template <typename Key>
__global__ void __launch_bounds__(threads)
    places_kernel(Key* places, Key* order, Offsets* offsets, const __grid_constant__ ScatterProblem p) {
  const std::int64_t step = std::int64_t{gridDim.x} * threads;
  for (std::int64_t i = std::int64_t{blockIdx.x} * threads + threadIdx.x; i < p.updates; i += step) {
    const std::int64_t tuple = p.elements_each.quotient(i);
    std::int64_t offset = p.element(i - tuple * p.elements_each.value), place = offset;
    bool inside = true;
    for (int k = 0; k < p.indices.count; ++k) {
      const DeviceIndices& a = p.indices.arrays[k];
      const std::int64_t index = a.index(tuple);
      inside = inside && a.inside(index);
      offset += index * a.step;
      place += index * p.place_steps[k];
    }
    places[i] = static_cast<Key>(inside ? place : p.places);
    order[i] = static_cast<Key>(i);
    offsets[i] = {offset, p.from(i)};
    if (!inside) p.indices.tell_if_outside(tuple);
  }
}

// Sorted numbers, 32 or 64 bits wide: a branch is cheaper than each kernel twice.
struct Numbers {
  const void* data;
  bool wide;
  ANABRANCH_HOST_DEVICE std::int64_t operator[](std::int64_t i) const {
    return wide ? static_cast<std::int64_t>(static_cast<const std::uint64_t*>(data)[i])
                : static_cast<std::int64_t>(static_cast<const std::uint32_t*>(data)[i]);
  }
};

// The end of the run of equal keys that begins at `begin`: by steps that double, then halve.
ANABRANCH_HOST_DEVICE inline std::int64_t end_of_run(Numbers keys, std::int64_t begin, std::int64_t n) {
  const std::int64_t key = keys[begin];
  std::int64_t low = begin, width = 1;  // keys[low] is in the run
  while (low + width < n && keys[low + width] == key) {
    low += width;
    width *= 2;
  }
  std::int64_t high = low + width < n ? low + width : n;  // not in it
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (keys[middle] == key ? low : high) = middle;
  }
  return high;
}

// An assignment: of the updates for one place the last one counts.
template <typename Item>
__global__ void __launch_bounds__(threads)
    assign_kernel(Item* out, const Item* updates, Numbers places, Numbers order, const Offsets* offsets,
                  const __grid_constant__ ScatterProblem p) {
  constexpr std::int64_t tile = threads * at_once;
  for (std::int64_t first = blockIdx.x * tile; first < p.count; first += gridDim.x * tile) {
    Item items[at_once];
    std::int64_t to[at_once];
#pragma unroll
    for (int k = 0; k < at_once; ++k) {
      const std::int64_t i = first + k * threads + threadIdx.x;
      to[k] = -1;
      if (i >= p.count) continue;
      const std::int64_t at = p.window_elements.quotient(i), place = places[at];
      if (place == p.places || (at + 1 < p.updates && places[at + 1] == place)) continue;
      const auto inner = p.window.offsets(i - at * p.window_elements.value);
      const Offsets update = offsets[order[at]];
      to[k] = update.to + inner.of[0];
      items[k] = updates[update.from + inner.of[1]];
    }
#pragma unroll
    for (int k = 0; k < at_once; ++k)
      if (to[k] >= 0) out[to[k]] = items[k];
  }
}

template <typename T, typename Update>
__global__ void __launch_bounds__(threads)
    update_kernel(T* out, const T* updates, Numbers places, Numbers order, const Offsets* offsets,
                  const __grid_constant__ ScatterProblem p) {
  const std::int64_t step = std::int64_t{gridDim.x} * threads;
  for (std::int64_t i = std::int64_t{blockIdx.x} * threads + threadIdx.x; i < p.count; i += step) {
    const std::int64_t at = p.window_elements.quotient(i);
    const std::int64_t place = places[at];
    if (place == p.places || (at > 0 && places[at - 1] == place)) continue;
    const auto inner = p.window.offsets(i - at * p.window_elements.value);
    const std::int64_t end = end_of_run(places, at, p.updates);
    T& to = out[offsets[order[at]].to + inner.of[0]];
    T value = to;
#pragma unroll 4
    for (std::int64_t k = at; k < end; ++k) value = Update()(value, updates[offsets[order[k]].from + inner.of[1]]);
    to = value;
  }
}

struct SortedPlaces {
  Numbers places, order;
  const Offsets* offsets;
};

template <typename Key>
SortedPlaces sort_places(const ScatterProblem& p, const CudaLaunch& launch) {
  const auto n = static_cast<std::size_t>(p.updates);
  Key* places = launch.scratch<Key>(n);
  Key* order = launch.scratch<Key>(n);
  auto* offsets = launch.scratch<Offsets>(n);
  launch.run("scatter", places_kernel<Key>, grid_of((p.updates + threads - 1) / threads), threads, 0, places, order,
             offsets, p);
  if (n > 1) {
    Key* sorted = launch.scratch<Key>(n);
    Key* sorted_order = launch.scratch<Key>(n);
    radix_sort_pairs(places, sorted, order, sorted_order, p.updates,
                     std::bit_width(static_cast<std::uint64_t>(p.places)), launch);
    places = sorted;
    order = sorted_order;
  }
  constexpr bool wide = sizeof(Key) == 8;
  return {{places, wide}, {order, wide}, offsets};
}

template <typename T>
void launch_scatter(void (*kernel)(T*, const T*, Numbers, Numbers, const Offsets*, ScatterProblem), int each,
                    const runtime::View& out, const runtime::View& updates, const SortedPlaces& sorted,
                    const ScatterProblem& p, const CudaLaunch& launch) {
  launch.run("scatter", kernel, grid_of((p.count + threads * each - 1) / (threads * each)), threads, 0, out.as<T>(),
             updates.as<const T>(), sorted.places, sorted.order, sorted.offsets, p);
}

std::int64_t elements_per_item(const Shape& window, const Strides& to, const Strides& from, const Strides& updates,
                               const DeviceIndexArrays& indices, const void* out, const void* in,
                               std::size_t itemsize) {
  if (window.empty() || to.back() != 1 || from.back() != 1) return 1;
  Strides steps = updates;
  steps.push_back(window.back());
  for (const Strides* all : {&to, &from})
    for (std::size_t i = 0; i + 1 < all->size(); ++i) steps.push_back((*all)[i]);
  return widest_item(itemsize, {out, in}, steps, indices);
}

}  // namespace

void scatter_cuda(const runtime::KernelCall& call, const CudaLaunch& launch) {
  const auto& attrs = call.attrs<graph::ScatterAttrs>();
  const runtime::View& target = call.in[0];
  const runtime::View& updates = call.in[1];
  const runtime::View& out = call.out[0];
  Strides strides = contiguous_strides(out.shape);
  if (out.data != target.data)
    copy_region(out.data, strides, target.data, target.strides, out.shape, out.dtype.size(), launch);
  ScatterProblem p;
  p.count = element_count(updates.shape);
  if (p.count == 0) return;

  const std::size_t index_axes = updates.shape.size() - out.shape.size();
  const Shape index_shape(updates.shape.begin(), updates.shape.begin() + index_axes);
  Shape window(updates.shape.begin() + index_axes, updates.shape.end());
  Strides index_strides(updates.strides.begin(), updates.strides.begin() + index_axes);
  Strides window_strides(updates.strides.begin() + index_axes, updates.strides.end());
  p.indices = device_index_arrays("scatter", call.in.subspan(2), attrs.axes, out.shape, strides, window, launch.faults);
  const bool meet_wholly =
      std::all_of(attrs.axes.begin(), attrs.axes.end(), [&](int axis) { return window[std::size_t(axis)] == 1; });
  std::int64_t per_item = 1;
  if (meet_wholly) {
    if (attrs.kind == graph::ScatterKind::Assign) {
      per_item = elements_per_item(window, strides, window_strides, index_strides, p.indices, out.data, updates.data,
                                   out.dtype.size());
    }
    if (per_item > 1) {
      window.back() /= per_item;
      for (Strides* steps : {&strides, &window_strides})
        for (std::size_t i = 0; i + 1 < steps->size(); ++i) (*steps)[i] /= per_item;
      for (std::int64_t& step : index_strides) step /= per_item;
      for (int k = 0; k < p.indices.count; ++k) p.indices.arrays[k].step /= per_item;
      p.count /= per_item;
    }
    p.updates = element_count(index_shape);
    p.window = IndexMap<2>(window, {&strides, &window_strides});
    p.from = IndexMap<1>(index_shape, {&index_strides});
    p.places = 1;
    for (int k = p.indices.count; k-- > 0;) {
      p.place_steps[k] = p.places;
      p.places *= p.indices.arrays[k].extent;
    }
  } else {
    p.updates = p.count;
    p.from = IndexMap<1>(updates.shape, {&updates.strides});
    p.elements_each = Divisor(element_count(window));
    p.element = IndexMap<1>(window, {&strides});
    p.places = element_count(out.shape);
    for (int k = 0; k < p.indices.count; ++k) p.place_steps[k] = p.indices.arrays[k].step;
  }
  p.window_elements = Divisor(p.window.count);
  constexpr std::int64_t most = std::int64_t{1} << 32;
  const SortedPlaces sorted = p.places < most - 1 && p.updates < most ? sort_places<std::uint32_t>(p, launch)
                                                                      : sort_places<std::uint64_t>(p, launch);
  if (attrs.kind == graph::ScatterKind::Assign) {
    dispatch_item(static_cast<std::size_t>(per_item) * out.dtype.size(), [&](auto* item) {
      launch_scatter(assign_kernel<std::remove_pointer_t<decltype(item)>>, at_once, out, updates, sorted, p, launch);
    });
    return;
  }
  dispatch_update(attrs.kind, out.dtype, [&](auto update, auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    launch_scatter(update_kernel<T, decltype(update)>, 1, out, updates, sorted, p, launch);
  });
}

}  // namespace anabranch::kernels
