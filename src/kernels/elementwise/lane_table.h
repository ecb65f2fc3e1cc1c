// The block kernels of every operation and lane, for the instruction set of this machine.
#pragma once

#include <cstddef>
#include <cstdint>

#include "graph/program.h"

namespace anabranch::kernels {

// Computes n elements of `out` from up to three operands; `out` may be an operand of the same element size. It may read
// and write up to the next multiple of `quantum` elements, where whatever it finds must not trap.
using LaneFn = void (*)(const void* a, const void* b, const void* c, void* out, std::size_t n);

inline constexpr std::size_t quantum = 64;

struct LaneKernel {
  LaneFn fn = nullptr;
  float ns = 0;  // about how long an element takes
};

inline constexpr int elementwise_count = static_cast<int>(graph::Op::Copy);

// Two operations in one pass, each rounded by itself: second(first(a, b), c) or second(c, first(a, b)).
inline constexpr int pair_count = 3;  // of Add, Subtract and Multiply
constexpr int pair_index(graph::Op op) {
  return op == graph::Op::Add ? 0 : op == graph::Op::Subtract ? 1 : op == graph::Op::Multiply ? 2 : -1;
}
struct Pairs {
  LaneFn fn[pair_count][pair_count][2];  // [first][second][whether c comes first]
};
// What a pair may begin with: first(lead(a), b).
inline constexpr int lead_count = 3;
constexpr int lead_index(graph::Op op) {
  return op == graph::Op::Sqrt ? 0 : op == graph::Op::Tanh ? 1 : op == graph::Op::Exp ? 2 : -1;
}

struct LaneTable {
  LaneKernel ops[elementwise_count][graph::lane_count];      // by the operands' lane
  LaneKernel convert[graph::lane_count][graph::lane_count];  // [from][to]
  LaneKernel select[9];                                      // by element size in bytes
  Pairs pairs, led_pairs[lead_count];                        // of float32
  // Operations on bfloat16 with the result rounded to it: for frequent ones and pairs of them.
  LaneKernel rounded_bf16[elementwise_count];
  Pairs bf16_pairs, led_bf16_pairs[lead_count];
  // The same from and to bfloat16 as it lies in memory.
  LaneFn direct_bf16[pair_count];
  Pairs direct_bf16_pairs;
  // What operations on bfloat16 give, rounded in place: their NaNs need no care, for they have no low bits.
  LaneKernel round_bf16_result;
  // Copies n bytes (whole quanta) to 64-byte aligned memory, past the caches.
  LaneFn stream;
  // 16-bit floats, whose lane is f32: round in place to their format; to and from memory.
  LaneKernel round_f16, round_bf16, load_f16, load_bf16, store_f16, store_bf16;
};

// The table of this machine; built on first use.
const LaneTable& lane_table();

// Bytes of an element in a register.
constexpr std::size_t lane_size(graph::Lane lane) {
  constexpr std::uint8_t sizes[] = {1, 1, 2, 4, 8, 1, 2, 4, 8, 4, 8, 8};
  return sizes[static_cast<int>(lane)];
}

// Each fills in the part of the table that its file implements.
void add_f32_kernels(LaneTable& table);
void add_f32_pairs(LaneTable& table);
void add_bf16_kernels(LaneTable& table);
void add_f64_kernels(LaneTable& table);
void add_signed_kernels(LaneTable& table);
void add_unsigned_kernels(LaneTable& table);
void add_complex_kernels(LaneTable& table);
void add_conversions(LaneTable& table);

}  // namespace anabranch::kernels
