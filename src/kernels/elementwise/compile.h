// From a fused program to the list of block kernels that computes it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "graph/program.h"
#include "kernels/elementwise/lane_table.h"

namespace anabranch::kernels {

// Pointers to the current block of each value are held in slots: one for each input, one for each output, then the
// registers, which are blocks of scratch memory.
struct Step {
  enum class Kind : std::uint8_t {
    compute,   // slots[out] = fn(slots[in[0]], slots[in[1]], slots[in[2]])
    constant,  // slots[out] = constants[in[0]], everywhere
    uniform,   // slots[out] = the one element of input in[0], everywhere
    load,      // slots[out] = input in[0]; where it can't be read in place, by way of register in[1]
    repeat,    // slots[out] = the one element of input in[0] in this block, everywhere; kept while it is the same
    store,     // output `out` = slots[in[0]]
  };
  LaneFn fn;  // load and store: the conversion of 16-bit floats, or null
  std::uint16_t in[3];
  std::uint16_t out;
  Kind kind;
  std::uint8_t size;  // bytes of an element in slots[out]; store: in memory
};

// An output whose value is computed into its slot: directly into memory where `direct` allows, else into a register.
struct OutputHome {
  std::uint16_t slot;
  std::uint16_t reg;
  bool direct;
};

struct Compiled {
  std::vector<Step> prologue;  // once a chunk: values that are the same for all elements
  std::vector<Step> body;      // once a block
  std::vector<OutputHome> homes;
  std::vector<std::uint64_t> constants;  // as they lie in a register
  std::uint16_t inputs = 0, outputs = 0, registers = 0;
  std::uint8_t element_size = 1;  // the largest of any register's
  float ns = 0;                   // an element, about
};

// What the layout of its operands adds to a program: `uniform[i]`, whether input i has one element for the whole
// domain; `along_rows[i]`, whether it has one for each row, and blocks end where rows do; `in_data` and `out_data`,
// where they lie (equal where an output takes an input's place).
struct Placement {
  std::span<const std::uint8_t> uniform, along_rows;
  std::span<const void* const> in_data;
  std::span<void* const> out_data;
};

// Throws std::invalid_argument where an operation has no kernel for its dtype.
void compile(const graph::Program& program, const Placement& placement, Compiled& result);

}  // namespace anabranch::kernels
