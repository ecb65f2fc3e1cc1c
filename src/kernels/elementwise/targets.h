// What the files that are compiled once per instruction set share: the kinds of element types.
#pragma once

#include <cmath>
#include <complex>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "anabranch/half.h"

namespace anabranch::kernels {

template <typename T>
concept BoolLane = std::same_as<T, bool>;
template <typename T>
concept IntegerLane = std::integral<T> && !BoolLane<T>;
template <typename T>
concept RealLane = std::floating_point<T>;
template <typename T>
concept ComplexLane = std::same_as<T, complex64_t>;

// Arithmetic on these wraps, whatever T is; narrower types would be promoted to int, whose overflow is undefined.
template <IntegerLane T>
using Wrapping = std::conditional_t<sizeof(T) <= 4, std::uint32_t, std::uint64_t>;

}  // namespace anabranch::kernels
