// What an irregular operation needs to know beyond its operands. Plain data, immutable once in a node.
#pragma once

#include <cstdint>
#include <cstring>

#include "anabranch/dtype.h"
#include "anabranch/shape.h"

namespace anabranch::runtime {
class Arena;
}

namespace anabranch::graph {

// One value of any dtype, held in the lane type that computes it (see program.h): bool and integers as int64 or
// uint64, real floats as double, complex64 as two floats.
struct Scalar {
  Dtype dtype = float32;
  union {
    std::int64_t i;
    std::uint64_t u;
    double f;
    float c[2];
  };
  Scalar() : i(0) {}
  static Scalar of_int(std::int64_t v, Dtype d);  // converts to d as astype does
  static Scalar of_uint(std::uint64_t v, Dtype d);
  static Scalar of_float(double v, Dtype d);
  static Scalar of_complex(complex64_t v, Dtype d);
  // Writes the value as one element of `dtype` to `to`.
  void store(void* to) const;
};

enum class ReduceKind : std::uint8_t { Sum, Prod, Max, Min, Any, All };

// Reduce: the input is viewed so that the kept axes come first and the `reduced` last ones are reduced.
struct ReduceAttrs {
  ReduceKind kind;
  int reduced;
};
// ArgReduce: over the last axis; the result is uint32.
struct ArgReduceAttrs {
  bool maximum;
};
// Softmax and LogSumExp: over the last axis; `precise` accumulates 16-bit floats in float32 (always so here).
struct SoftmaxAttrs {
  bool precise;
};
enum class ScanKind : std::uint8_t { Sum, Prod, Max, Min, LogAddExp };
// Scan: along the last axis, from its end if `reverse`; an exclusive one begins with the kind's neutral element. Sort
// and ArgSort (whose result is uint32) are over the last axis too and need no attributes.
struct ScanAttrs {
  ScanKind kind;
  bool reverse;
  bool inclusive;
};
struct ArangeAttrs {
  double start, step;  // value i is start + i * step, computed in double (integers: in int64)
};
struct EyeAttrs {
  std::int64_t diagonal;
};
struct ConcatenateAttrs {
  int axis;
};
// Gather: operand 0 is the source, operand 1 + k an integer index array for axis axes[k]; all index arrays have one
// (broadcast) shape. Result shape: that shape, then slice_sizes (an extent per source axis; 1 for the indexed ones).
struct GatherAttrs {
  SmallVector<int, 4> axes;
  Shape slice_sizes;
};
enum class ScatterKind : std::uint8_t { Assign, Add, Prod, Max, Min };
// Scatter: operand 0 is the target, operand 1 the updates (index shape, then one extent per target axis), operand 2 + k
// the index array for axis axes[k]. The result is a copy of the target with the updates applied in order.
struct ScatterAttrs {
  ScatterKind kind;
  SmallVector<int, 4> axes;
};
// SliceUpdate: operand 0 is the target, operand 1 the update (of the region's shape). The region begins at `start` and
// steps by `step` (elements along each axis, negative steps allowed).
struct SliceUpdateAttrs {
  ScatterKind kind;
  Shape start;
  Shape step;
};
// RandomBits: operand 0 holds keys, uint32 of shape (..., 2); the result has that leading shape, then `shape`, of
// unsigned integers `width` bytes wide. Threefry-2x32 with 20 rounds (Salmon et al., SC 2011), MLX's counter layout.
struct RandomBitsAttrs {
  int width;
};
// Matmul: batch axes are broadcast already; the last two axes of the operands are (m, k) and (k, n).
struct CholeskyAttrs {
  bool upper;
};
// Transfer: to which memory.
struct TransferAttrs {
  runtime::Arena* to;
};

}  // namespace anabranch::graph
