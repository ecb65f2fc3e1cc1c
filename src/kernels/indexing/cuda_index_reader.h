// Reading integer index arrays of any dtype and layout on a GPU. A kernel cannot raise where an index is outside: it
// tells the host, which raises later, and goes on, gather with the nearest index inside, scatter without that update.
#pragma once

#include <initializer_list>
#include <span>
#include <stdexcept>

#include "kernels/index_map.h"
#include "kernels/indexing/index_faults.h"
#include "runtime/launch.h"

namespace anabranch::kernels {

// One index array.
struct DeviceIndices {
  const void* data;
  IndexMap<1> map;
  std::int64_t extent;  // of the axis, from whose end negative indices count
  std::int64_t limit;   // one past the largest index at which the region still lies inside
  std::int64_t step;    // items from one index to the next
  std::int8_t bytes;    // of an index
  bool is_signed;
  std::int8_t number;    // which array this is
  std::uint64_t* fault;  // for packed_fault(), or null

  ANABRANCH_HOST_DEVICE std::int64_t raw(std::int64_t at) const {
    switch (bytes) {
      case 1: return is_signed ? read<std::int8_t>(at) : read<std::uint8_t>(at);
      case 2: return is_signed ? read<std::int16_t>(at) : read<std::uint16_t>(at);
      case 4: return is_signed ? read<std::int32_t>(at) : read<std::uint32_t>(at);
      default: return read<std::int64_t>(at);
    }
  }
  // That of tuple i, from the beginning of the axis; outside [0, limit) if it is outside.
  ANABRANCH_HOST_DEVICE std::int64_t index(std::int64_t i) const {
    const std::int64_t x = raw(map(i));
    if (!is_signed) return x < 0 ? limit : x;  // a uint64 beyond int64
    return x < 0 ? x + extent : x;
  }
  ANABRANCH_HOST_DEVICE bool inside(std::int64_t index) const { return index >= 0 && index < limit; }
  // The nearest one inside; `outside` becomes true where that is another one.
  ANABRANCH_HOST_DEVICE std::int64_t nearest(std::int64_t index, bool& outside) const {
    outside = outside || !inside(index);
    return index < 0 ? 0 : index < limit ? index : limit - 1;
  }
  // Tells the host of tuple i, if its index is outside. Many threads may do so at once: any of their words will do. For
  // when a kernel has done its loads: it stores, and what is loaded later can't be asked for before.
  ANABRANCH_HOST_DEVICE void tell_if_outside(std::int64_t i) const {
    if (!fault || inside(index(i))) return;
    const std::int64_t x = raw(map(i));
    *fault = packed_fault(number, !is_signed && x < 0 ? beyond : x);
  }

 private:
  template <typename T>
  ANABRANCH_HOST_DEVICE std::int64_t read(std::int64_t at) const {
    return static_cast<std::int64_t>(static_cast<const T*>(data)[at]);
  }
};

// All of them; axes[k] is that of array k.
struct DeviceIndexArrays {
  static constexpr int most = 8;
  int count = 0;
  DeviceIndices arrays[most];

  ANABRANCH_HOST_DEVICE void tell_if_outside(std::int64_t i) const {
    for (int k = 0; k < count; ++k) arrays[k].tell_if_outside(i);
  }
};

// How many elements make up the widest item of at most 16 bytes, where elements lie in dense runs and every item is to
// be aligned. `steps`: the runs' length, and from one run to the next, in elements; those of `indices` come on top.
std::int64_t widest_item(std::size_t itemsize, std::initializer_list<const void*> arrays, const Strides& steps,
                         const DeviceIndexArrays& indices);

// `windows`: how far a region reaches along each axis of `shape`; `function`, which lives for ever, is for the error.
// Throws std::out_of_range where no index can be right.
DeviceIndexArrays device_index_arrays(const char* function, std::span<const runtime::View> indices,
                                      const SmallVector<int, 4>& axes, const Shape& shape, const Strides& strides,
                                      const Shape& windows, IndexFaults* faults);

}  // namespace anabranch::kernels
