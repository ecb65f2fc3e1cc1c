// Sorting, and what accumulates along an axis.
#include "ops/common.h"

namespace anabranch {
namespace {

using ops::Op;

// The permutation that exchanges `axis` and the last one; its own inverse.
SmallVector<int, 4> axis_last(int axis, int ndim) {
  SmallVector<int, 4> order;
  for (int i = 0; i < ndim; ++i) order.push_back(i);
  std::swap(order[static_cast<std::size_t>(axis)], order.back());
  return order;
}

// `op` along `axis`, with the attributes' copy.
template <typename... Attributes>
array along(Op op, const array& a, int axis, Dtype dtype, const StreamOrDevice& s, const Attributes&... attributes) {
  const auto order = axis_last(axis, a.ndim());
  const array in = ops::permute(a, order);
  return ops::permute(graph::operation(op, in.shape(), dtype, ops::operands(in), to_stream(s), attributes...), order);
}

array sorted(Op op, const char* function, const array& a, int axis, const StreamOrDevice& s) {
  return along(op, a, normalize_axis(axis, a.ndim(), function), op == Op::Sort ? a.dtype() : uint32, s);
}

array scan(graph::ScanKind kind, const char* function, const array& a, Dtype dtype, int axis, bool reverse,
           bool inclusive, const StreamOrDevice& s) {
  const int at = normalize_axis(axis, a.ndim(), function);
  return along(Op::Scan, astype(a, dtype, s), at, dtype, s, graph::ScanAttrs{kind, reverse, inclusive});
}

Dtype summed(Dtype d) { return d == bool_ ? int32 : d; }

}  // namespace

array sort(const array& a, int axis, const StreamOrDevice& s) { return sorted(Op::Sort, "sort", a, axis, s); }
array sort(const array& a, const StreamOrDevice& s) { return sort(flatten(a, s), -1, s); }
array argsort(const array& a, int axis, const StreamOrDevice& s) { return sorted(Op::ArgSort, "argsort", a, axis, s); }
array argsort(const array& a, const StreamOrDevice& s) { return argsort(flatten(a, s), -1, s); }

#define ANABRANCH_DEFINE(function, kind, result)                                                             \
  array function(const array& a, int axis, bool reverse, bool inclusive, const StreamOrDevice& s) {          \
    return scan(graph::ScanKind::kind, #function, a, result, axis, reverse, inclusive, s);                   \
  }                                                                                                          \
  array function(const array& a, bool reverse, bool inclusive, const StreamOrDevice& s) {                    \
    return function(flatten(a, s), -1, reverse, inclusive, s);                                               \
  }
ANABRANCH_DEFINE(cumsum, Sum, summed(a.dtype()))
ANABRANCH_DEFINE(cumprod, Prod, a.dtype())
ANABRANCH_DEFINE(cummax, Max, a.dtype())
ANABRANCH_DEFINE(cummin, Min, a.dtype())
ANABRANCH_DEFINE(logcumsumexp, LogAddExp, ops::at_least_float(a.dtype()))
#undef ANABRANCH_DEFINE

}  // namespace anabranch
