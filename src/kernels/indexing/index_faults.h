// How a kernel tells the host that an index is out of range: by a word that the host looks at when the submission has
// been done. Where no index is, nothing is written, and nobody waits for anything.
#pragma once

#include <cstdint>
#include <exception>

#include "anabranch/small_vector.h"
#include "kernels/host_device.h"

namespace anabranch::kernels {

// What an index array counts along.
struct IndexedAxis {
  int axis;
  std::int64_t extent;
};
using IndexedAxes = SmallVector<IndexedAxis, 2>;

// Where the submissions of a queue have their words.
class IndexFaults {
 public:
  virtual ~IndexFaults() = default;
  // The word, 0, of the submission that is being launched: `function` indexes into `axes`, one for each index array.
  virtual std::uint64_t* expect(const char* function, const IndexedAxes& axes) = 0;
};

// What such a word holds: which index array, of eight, and one of its indices that are out of range. One beyond 60 bits
// is told as `beyond`.
inline constexpr std::int64_t beyond = (std::int64_t{1} << 59) - 1;
ANABRANCH_HOST_DEVICE inline std::uint64_t packed_fault(int array, std::int64_t index) {
  if (index < -beyond || index > beyond) index = beyond;
  return static_cast<std::uint64_t>(index) << 4 | static_cast<std::uint64_t>(array) << 1 | 1;
}
// The std::out_of_range that it means.
std::exception_ptr explained_fault(std::uint64_t packed, const char* function, const IndexedAxes& axes);

}  // namespace anabranch::kernels
