// What arange means for integers.
#pragma once

#include <cstdint>

#include "graph/attributes.h"

namespace anabranch::kernels {

// From the truncated start by the difference of the first two values truncated, as if in the integer's type; wraps.
struct IntegerRange {
  std::uint64_t start, step;

  explicit IntegerRange(const graph::ArangeAttrs& attrs)
      : start(truncated(attrs.start)), step(truncated(attrs.start + attrs.step) - start) {}

 private:
  // As a cast to int64 or, beyond that, to uint64 gives.
  static std::uint64_t truncated(double x) {
    return x >= 0x1p63 ? static_cast<std::uint64_t>(x) : static_cast<std::uint64_t>(static_cast<std::int64_t>(x));
  }
};

}  // namespace anabranch::kernels
