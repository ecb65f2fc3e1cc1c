// What the families of operations share.
#pragma once

#include <optional>
#include <string>

#include "anabranch/ops.h"
#include "graph/node.h"

namespace anabranch::ops {

using graph::Op;
using graph::Scalar;

// "[function] message"
std::string message(const char* function, const std::string& text);
// Throws std::invalid_argument with it.
[[noreturn]] void refuse(const char* function, const std::string& text);

inline std::string name(Dtype d) { return std::string(dtype_name(d)); }
inline bool is_inexact(Dtype d) { return issubdtype(d, inexact); }
// Where an operation on `d` computes if it needs floats.
inline Dtype at_least_float(Dtype d) { return is_inexact(d) ? d : float32; }

// Throws std::invalid_argument for a negative extent, std::overflow_error for too many elements.
void require_extents(const char* function, const Shape& shape);

// A scalar constant: it is folded into the programs that use it.
array constant(double value, Dtype dtype, const StreamOrDevice& s);
// The value of `a`, converted, where it is one and the same for all elements and known without evaluating.
std::optional<Scalar> known_value(const array& a, Dtype dtype);
// `a` seen as `shape`, to which its shape must broadcast.
array broadcast(const array& a, const Shape& shape);
// A view with the axes in the order of `axes`, which must be a permutation.
array permute(const array& a, const SmallVector<int, 4>& axes);
// A view with other extents of the same elements, or nothing where strides can't say it.
std::optional<array> view_as(const array& a, const Shape& shape);

inline SmallVector<graph::NodeRef, 3> operands(const array& a) { return {a.node()}; }
inline SmallVector<graph::NodeRef, 3> operands(const array& a, const array& b) { return {a.node(), b.node()}; }

}  // namespace anabranch::ops
