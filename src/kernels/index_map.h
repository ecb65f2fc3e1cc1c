// Positions of a shape as element offsets into strided operands: axes merged, 32-bit arithmetic where that reaches.
// Plain data that goes to a GPU's kernels as a parameter.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "anabranch/error.h"
#include "anabranch/shape.h"
#include "kernels/host_device.h"

namespace anabranch::kernels {

// Division by a number that is known when the kernel is launched, of dividends that are not negative; 32-bit ones are
// below 2^31 (Granlund and Montgomery, "Division by invariant integers using multiplication", PLDI 1994).
struct Divisor {
  std::int64_t value = 1;
  std::uint32_t multiplier = 1, shift = 0;

  Divisor() = default;
  explicit Divisor(std::int64_t divisor) : value(divisor) {
    if (divisor < 1 || divisor >= std::int64_t{1} << 31) return;
    while ((std::int64_t{1} << shift) < divisor) ++shift;
    const auto d = static_cast<std::uint64_t>(divisor);
    multiplier = static_cast<std::uint32_t>(((std::uint64_t{1} << 32) * ((std::uint64_t{1} << shift) - d)) / d + 1);
  }

  ANABRANCH_HOST_DEVICE std::uint32_t quotient(std::uint32_t n) const {
    const auto high = static_cast<std::uint32_t>((std::uint64_t{n} * multiplier) >> 32);
    return (high + n) >> shift;
  }
  ANABRANCH_HOST_DEVICE std::int64_t quotient(std::int64_t n) const {
    return n >> 31 ? n / value : quotient(static_cast<std::uint32_t>(n));
  }
};

// Axes of N operands, as they are brought to their simplest form.
template <int N>
struct Axis {
  std::int64_t extent;
  std::array<std::int64_t, N> strides;
};
template <int N>
using Axes = SmallVector<Axis<N>, 8>;

// Extents of 1 vanish, and neighbours are joined over which every operand steps evenly. Row-major order stays.
template <int N>
Axes<N> merged(const Shape& shape, const std::array<const Strides*, N>& strides) {
  Axes<N> axes;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 1) continue;
    Axis<N> a{shape[i], {}};
    bool joins = !axes.empty();
    for (int n = 0; n < N; ++n) {
      a.strides[n] = (*strides[n])[i];
      joins = joins && axes.back().strides[n] == a.strides[n] * a.extent;
    }
    if (joins) {
      axes.back() = {axes.back().extent * a.extent, a.strides};
    } else {
      axes.push_back(a);
    }
  }
  return axes;
}

// The offsets in N operands of the row-major position i of some axes, in elements.
template <int N>
struct IndexMap {
  static constexpr int most_axes = 16;

  std::int64_t count = 1;
  int axes = 0;
  bool narrow = true;         // positions and offsets are below 2^31
  Divisor extent[most_axes];  // fastest first
  std::int64_t strides[most_axes][N] = {};

  IndexMap() = default;
  explicit IndexMap(const Axes<N>& from) {
    if (from.size() > most_axes) {
      throw NotSupported("[gpu] An array of " + std::to_string(from.size()) +
                         " dimensions that cannot be merged: more than " + std::to_string(most_axes) + ".");
    }
    std::array<std::int64_t, N> reach{};
    for (std::size_t i = from.size(); i-- > 0; ++axes) {
      extent[axes] = Divisor(from[i].extent);
      count *= from[i].extent;
      for (int n = 0; n < N; ++n) {
        strides[axes][n] = from[i].strides[n];
        reach[n] += (from[i].extent - 1) * (from[i].strides[n] < 0 ? -from[i].strides[n] : from[i].strides[n]);
      }
    }
    for (std::int64_t r : reach) narrow = narrow && r < std::int64_t{1} << 31;
    narrow = narrow && count < std::int64_t{1} << 31;
  }
  IndexMap(const Shape& shape, const std::array<const Strides*, N>& by) : IndexMap(merged<N>(shape, by)) {}

  struct Offsets {
    std::int64_t of[N];
  };
  ANABRANCH_HOST_DEVICE Offsets offsets(std::int64_t position) const {
    Offsets to;
    if (narrow) {
      add<std::int32_t>(static_cast<std::uint32_t>(position), to);
    } else {
      add<std::int64_t>(position, to);
    }
    return to;
  }
  // For a single operand.
  ANABRANCH_HOST_DEVICE std::int64_t operator()(std::int64_t position) const { return offsets(position).of[0]; }

 private:
  template <typename Offset, typename Index>
  ANABRANCH_HOST_DEVICE void add(Index rest, Offsets& to) const {
    Offset sum[N] = {};
#ifdef __CUDA_ARCH__
#pragma unroll 1
#endif
    for (int a = 0; a < axes; ++a) {
      // Nothing is beyond the last axis: what is left counts along it.
      const Index above = a + 1 < axes ? static_cast<Index>(extent[a].quotient(rest)) : 0;
      const Index at = rest - above * static_cast<Index>(extent[a].value);
      for (int n = 0; n < N; ++n) sum[n] += static_cast<Offset>(at) * static_cast<Offset>(strides[a][n]);
      rest = above;
    }
    for (int n = 0; n < N; ++n) to.of[n] = sum[n];
  }
};

}  // namespace anabranch::kernels
