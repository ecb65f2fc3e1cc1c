// Bringing elements of any dtype and stride into a dense block of the type that computes them, and back.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/elementwise/lane_table.h"

namespace anabranch::kernels {

// Elements of a block. A buffer for one has `block_slack` more, which may be overwritten.
inline constexpr std::int64_t block_elements = 2048;
inline constexpr std::int64_t block_slack = static_cast<std::int64_t>(quantum);

class Loader {
 public:
  // `to` is the dtype of a lane: not a 16-bit float. Conversion as astype has it; to bool: whether not zero. Integers
  // of one size are the same.
  Loader(Dtype from, Dtype to);

  // Whether elements are of the lane's type already.
  bool same() const { return !first_ && !second_; }
  std::int64_t from_size() const { return from_size_; }
  std::int64_t to_size() const { return to_size_; }
  // n elements, `step` bytes apart from `src` on, become dense at `to`, which has room for the next multiple of
  // `quantum`.
  void load(void* to, const char* src, std::int64_t step, std::int64_t n) const;

 private:
  void convert(char* to, const char* src, std::int64_t n) const;

  LaneFn first_ = nullptr, second_ = nullptr;  // 16-bit floats become float32 first
  std::int64_t from_size_, to_size_;
};

// Copies n items of `size` bytes, `step` bytes apart, to dense ones.
void collect(char* to, const char* src, std::int64_t step, std::int64_t n, std::int64_t size);

class Storer {
 public:
  // `to` is as wide as `from`, or narrower: integers wrap, float32 rounds to a 16-bit float.
  Storer(Dtype from, Dtype to);

  bool same() const { return !round_ && from_size_ == to_size_; }
  // n dense elements, whose buffer has slack, become elements `step` bytes apart.
  void store(char* to, std::int64_t step, const void* from, std::int64_t n) const;

 private:
  LaneFn round_ = nullptr;
  std::int64_t from_size_, to_size_;
};

}  // namespace anabranch::kernels
