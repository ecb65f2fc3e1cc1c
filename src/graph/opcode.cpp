#include "graph/opcode.h"

namespace anabranch::graph {

const char* op_name(Op op) {
#define ANABRANCH_NAME(Opcode, function, ...) #function,
  static constexpr const char* names[] = {"leaf",
                                          "full",
                                          "astype",
                                          "where",
                                          ANABRANCH_UNARY_OPS(ANABRANCH_NAME)
                                              ANABRANCH_BINARY_OPS(ANABRANCH_NAME) "copy",
                                          "arange",
                                          "eye",
                                          "reduce",
                                          "argreduce",
                                          "softmax",
                                          "logsumexp",
                                          "scan",
                                          "sort",
                                          "argsort",
                                          "concatenate",
                                          "gather",
                                          "scatter",
                                          "slice_update",
                                          "random_bits",
                                          "matmul",
                                          "inv",
                                          "solve",
                                          "cholesky",
                                          "transfer"};
#undef ANABRANCH_NAME
  static_assert(sizeof(names) / sizeof(names[0]) == op_count);
  return names[static_cast<int>(op)];
}

}  // namespace anabranch::graph
