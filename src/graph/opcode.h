// Every operation that a node of the graph can be, and what the runtime must know about it.
#pragma once

#include <cstdint>

#include "anabranch/elementwise_table.h"

namespace anabranch::graph {

#define ANABRANCH_ENUM(Opcode, ...) Opcode,
enum class Op : std::uint16_t {
  Leaf,  // data that is already there
  // Elementwise, in the order of the tables; these fuse.
  Full,    // every element is the scalar attribute
  AsType,  // conversion of the element type
  Select,  // condition (bool), then the two choices
  ANABRANCH_UNARY_OPS(ANABRANCH_ENUM) ANABRANCH_BINARY_OPS(ANABRANCH_ENUM)
  // Irregular: one OpDef and one kernel file a backend each.
  Copy,  // dense row-major copy
  Arange,
  Eye,
  Reduce,
  ArgReduce,
  Softmax,
  LogSumExp,
  Scan,
  Sort,
  ArgSort,
  Concatenate,
  Gather,
  Scatter,
  SliceUpdate,
  RandomBits,
  Matmul,
  Inverse,
  Solve,
  Cholesky,
  Transfer,  // the same value in another memory space; runs on a queue, with no kernel
  count,
};
#undef ANABRANCH_ENUM

inline constexpr int op_count = static_cast<int>(Op::count);
constexpr bool is_elementwise(Op op) { return op >= Op::Full && op < Op::Copy; }
constexpr bool is_binary(Op op) { return op >= Op::Add && op < Op::Copy; }

// "add", "matmul" ...: the name that errors and traces give.
const char* op_name(Op op);

}  // namespace anabranch::graph
