#include "kernels/indexing/cuda_index_reader.h"

#include <algorithm>

namespace anabranch::kernels {

std::int64_t widest_item(std::size_t itemsize, std::initializer_list<const void*> arrays, const Strides& steps,
                         const DeviceIndexArrays& indices) {
  std::uint64_t addresses = 0, distances = 0;  // all of their bits: what divides these divides each
  for (const void* array : arrays) addresses |= reinterpret_cast<std::uintptr_t>(array);
  for (const std::int64_t step : steps) distances |= static_cast<std::uint64_t>(step);
  for (int k = 0; k < indices.count; ++k) distances |= static_cast<std::uint64_t>(indices.arrays[k].step);
  std::uint64_t n = 16 / itemsize;
  while (n > 1 && (distances % n || addresses % (n * itemsize))) n /= 2;
  return static_cast<std::int64_t>(n);
}

DeviceIndexArrays device_index_arrays(const char* function, std::span<const runtime::View> indices,
                                      const SmallVector<int, 4>& axes, const Shape& shape, const Strides& strides,
                                      const Shape& windows, IndexFaults* faults) {
  DeviceIndexArrays all;
  if (indices.size() > DeviceIndexArrays::most) {
    throw NotSupported("[" + std::string(function) + "] A GPU takes at most " +
                       std::to_string(DeviceIndexArrays::most) + " index arrays, not " +
                       std::to_string(indices.size()) + ".");
  }
  IndexedAxes indexed;
  for (const int axis : axes) indexed.push_back({axis, shape[static_cast<std::size_t>(axis)]});
  std::uint64_t* fault = faults && !indices.empty() ? faults->expect(function, indexed) : nullptr;
  for (const runtime::View& view : indices) {
    const auto axis = static_cast<std::size_t>(axes[static_cast<std::size_t>(all.count)]);
    const std::int64_t limit = std::max<std::int64_t>(0, shape[axis] - windows[axis] + 1);
    if (limit == 0) {
      throw std::out_of_range("[" + std::string(function) + "] every index is out of bounds for axis " +
                              std::to_string(axis) + " with size " + std::to_string(shape[axis]) + ".");
    }
    all.arrays[all.count] = {view.data,
                             IndexMap<1>(view.shape, {&view.strides}),
                             shape[axis],
                             limit,
                             strides[axis],
                             static_cast<std::int8_t>(view.dtype.size()),
                             issubdtype(view.dtype, signedinteger),
                             static_cast<std::int8_t>(all.count),
                             fault};
    ++all.count;
  }
  return all;
}

}  // namespace anabranch::kernels
