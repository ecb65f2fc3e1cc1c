// Reading integer index arrays of any dtype and layout as checked byte offsets.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/launch.h"

namespace anabranch::kernels {

// Element offsets of the positions [begin, begin + n) of a shape, in row-major order, times `step`, are added to `to`.
void add_positions(const Shape& shape, const Strides& strides, std::int64_t begin, std::int64_t n, std::int64_t step,
                   std::int64_t* to);

// One index array for each of some axes of a region; all of one shape.
class IndexReader {
 public:
  // indices[k] counts along axes[k] of an array of `shape` and `strides`, from whose end negative ones count; the
  // region taken at an index is windows[axis] long. `function` is for the error.
  IndexReader(const char* function, std::span<const runtime::View> indices, const SmallVector<int, 4>& axes,
              const Shape& shape, const Strides& strides, const Shape& windows, std::size_t itemsize);

  std::int64_t count() const { return count_; }
  const Shape& shape() const { return shape_; }
  // Byte offsets of the regions of index tuples [begin, begin + n). Throws std::out_of_range where an index lies
  // outside.
  void offsets(std::int64_t begin, std::int64_t n, std::int64_t* to) const;

 private:
  struct Indexed {
    runtime::View indices;
    int axis;
    std::int64_t extent;  // of the axis
    std::int64_t limit;   // one past the largest index at which the region still lies inside
    std::int64_t step;    // bytes
    bool dense;
  };
  const char* function_;
  std::vector<Indexed> indexed_;
  Shape shape_;
  std::int64_t count_ = 1;
};

}  // namespace anabranch::kernels
