// A fused program: elementwise operations over one domain, as values in single assignment. Device neutral: the CPU
// interprets it block by block, a GPU backend prints it as source.
#pragma once

#include <cstdint>

#include "anabranch/small_vector.h"
#include "graph/attributes.h"
#include "graph/opcode.h"

namespace anabranch::graph {

// The type in which an element is computed. 16-bit floats are computed in f32, with a rounding after each operation
// that can leave their format, so that a value is the same in a register as in memory.
enum class Lane : std::uint8_t { b8, u8, u16, u32, u64, i8, i16, i32, i64, f32, f64, c64, count };
inline constexpr int lane_count = static_cast<int>(Lane::count);
Lane lane_of(Dtype d);

// Value numbers: inputs first, then constants, then one for each instruction in order.
struct Program {
  struct Instruction {
    Op op;
    Dtype from;             // dtype of the operands (of the choices, for Select)
    Dtype to;               // dtype of the result
    std::uint8_t operands;  // 1 to 3
    std::uint16_t operand[3];
  };
  struct Output {
    std::uint16_t value;
    Dtype dtype;
  };
  SmallVector<Dtype, 4> inputs;
  // Bit i: input i is not read but generated. Its operand is a key, its elements are the uint32 words that RandomBits
  // makes of it, as many as the domain has.
  std::uint32_t generated = 0;
  SmallVector<Scalar, 2> constants;
  SmallVector<Instruction, 4> instructions;
  SmallVector<Output, 2> outputs;

  bool is_generated(std::size_t input) const { return input < 32 && (generated >> input & 1); }
  void clear() {
    inputs.clear();
    generated = 0;
    constants.clear();
    instructions.clear();
    outputs.clear();
  }
};

// Whether `op`'s result from 16-bit floats needs no rounding back to their format.
bool is_exact(Op op);

}  // namespace anabranch::graph
