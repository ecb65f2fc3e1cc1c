// A fused program as the interpreter of GPUs reads it: steps over slots, in one block of words that is a kernel's
// argument.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/program.h"
#include "kernels/elementwise/layout.h"

namespace anabranch::kernels {

// What a thread computes at a time: a slot holds so many elements for each thread.
inline constexpr int interpreted_elements = 4;

struct InterpretedStep {
  enum class Kind : std::uint8_t {
    load,       // slot `out` = input in[0] of dtype `type`
    store,      // output in[1] of dtype `type` = operand in[0]
    compute,    // slot `out` = op(operands) of lane `type`
    convert,    // slot `out` = operand in[0] of lane `type` as lane `to`
    select,     // slot `out` = operand in[0] ? in[1] : in[2], elements of `type` bytes
    round_f16,  // slot `out` rounded in place
    round_bf16,
  };
  Kind kind;
  std::uint8_t type;
  std::uint8_t to;
  std::uint8_t op;  // graph::Op, all of whose elementwise values fit
  std::uint16_t out;
  std::uint16_t in[3];  // operands: slots, or constants where interpreted_constant is set
};
inline constexpr std::uint16_t interpreted_constant = 0x8000;

struct InterpretedInput {
  enum class Kind : std::uint32_t { dense, uniform, strided };
  std::uint64_t data;
  Kind kind;
  std::uint32_t size;  // bytes of an element
};

// The block begins with this; the arrays follow, at so many words from its beginning. `strides` has one row of `axes`
// for each input.
struct InterpretedHeader {
  std::int64_t count;
  std::uint16_t words, steps, slots, width;  // width: bytes of a slot's element
  std::uint16_t axes, extents_at, strides_at, inputs_at;
  std::uint16_t outputs_at, constants_at, steps_at, padding;
};
// Enough for the largest program (eval/fuse.cpp) over any layout.
inline constexpr std::size_t interpreted_words = 2560;

// Throws std::invalid_argument where an operation has no kernel for its dtype.
void encode(const graph::Program& program, const Layout& layout, std::vector<std::uint64_t>& words);

// Whether the operation can be computed in the lane, as the table of operations says.
bool accepts(graph::Op op, graph::Lane lane);
// Throws std::invalid_argument where an instruction can't.
void check_lanes(const graph::Program& program);

}  // namespace anabranch::kernels
