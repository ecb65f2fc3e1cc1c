// How values of a fused program are held while it is computed.
#pragma once

#include <bit>
#include <cstdint>

#include "graph/program.h"

namespace anabranch::kernels {

constexpr bool is_half(Dtype d) { return d == float16 || d == bfloat16; }

constexpr bool is_conversion(graph::Op op) { return op == graph::Op::AsType || op == graph::Op::Full; }

// Whether the conversion leaves the value in its register as it is.
inline bool keeps_register(Dtype from, Dtype to) {
  return from == to || (graph::lane_of(from) == graph::lane_of(to) && !is_half(to));
}

// The value as the first element of a register. Real floats are held as double, all else as it lies in memory.
inline std::uint64_t register_bits(const graph::Scalar& s) {
  if (graph::lane_of(s.dtype) != graph::Lane::f32) return s.u;
  return std::bit_cast<std::uint32_t>(static_cast<float>(s.f));
}

}  // namespace anabranch::kernels
