// Copies between strided regions: the work-horse under copy, concatenate, gather, scatter and slice_update.
#pragma once

#include <cstddef>
#include <cstdint>

#include "anabranch/shape.h"
#include "runtime/launch.h"

namespace anabranch::kernels {

// What becomes of n elements of the destination, given as many of the source (steps in bytes).
using UpdateRun = void (*)(char* dst, std::int64_t dst_step, const char* src, std::int64_t src_step, std::int64_t n);

// A copy of `shape` elements of `itemsize` bytes, cut into pieces of about a quarter of a megabyte that any threads may
// run in any order. How it is cut depends on shape and strides alone. Strides are in elements, of any sign; those of
// the destination are not 0 (but along extents of 1). The regions must not overlap. With `update` the destination is
// not overwritten but updated.
class CopyPlan {
 public:
  CopyPlan(void* dst, const Strides& dst_strides, const void* src, const Strides& src_strides, const Shape& shape,
           std::size_t itemsize, UpdateRun update = nullptr);

  std::size_t pieces() const { return pieces_; }
  // Bytes written by a piece (the last ones along an axis may be smaller).
  std::size_t piece_bytes() const { return piece_bytes_; }
  // Runs a piece, on regions that begin so many bytes further.
  void run(std::size_t piece, std::int64_t dst_offset = 0, std::int64_t src_offset = 0) const;
  void run_all(std::int64_t dst_offset = 0, std::int64_t src_offset = 0) const {
    for (std::size_t i = 0; i < pieces_; ++i) run(i, dst_offset, src_offset);
  }

 private:
  struct Axis {
    std::int64_t extent, dst, src;  // steps in bytes
    std::int64_t block;             // extent of a piece
  };
  enum class Kind : std::uint8_t { Run, Transposed, Strided, Update };

  void simplify();
  void widen();
  void choose_kind();
  void choose_blocks();

  char* dst_;
  const char* src_;
  SmallVector<Axis, 6> axes_;  // slowest of the destination first
  std::size_t itemsize_;
  UpdateRun update_;
  std::size_t pieces_ = 1;
  std::size_t piece_bytes_ = 0;
  Kind kind_ = Kind::Run;
  bool stream_ = false;  // stores that go around the caches
};

// Copies where it is called.
void strided_copy(void* dst, const Strides& dst_strides, const void* src, const Strides& src_strides,
                  const Shape& shape, std::size_t itemsize);

// Adds the copy to `launch`, or does it at once where it is small and `launch` has no phase before it.
void add_copy(runtime::Launch& launch, const CopyPlan& plan);

}  // namespace anabranch::kernels
