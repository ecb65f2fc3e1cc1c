// Sorting, and what accumulates along an axis.
#include "anabranch/ops.h"
#include "functions/bind.h"
#include "functions/function.h"

namespace anabranch::python {
namespace {

array converted(const array& a, const std::optional<Dtype>& dtype, const StreamOrDevice& s) {
  return dtype ? astype(a, *dtype, s) : a;
}

}  // namespace

void bind_ordering(nb::module_& m) {
#define ANABRANCH_BIND(function, summary)                                                                    \
  def<[](Args& a) {                                                                                          \
    const array& x = a.operand(0);                                                                           \
    const StreamOrDevice s = a.stream(2);                                                                    \
    if (a.has(1) && !a.given(1)) return anabranch::function(x, s);                                           \
    return anabranch::function(x, a.integer(1, -1), s);                                                      \
  }>(m, #function "(a: array, /, axis: None | int = -1, *, stream: StreamOrDevice = None) -> array", summary);
  ANABRANCH_BIND(sort, "A sorted copy, along an axis or (None) of all elements flattened; NaN last.")
  ANABRANCH_BIND(argsort, "The indices (uint32) that sort, along an axis or (None) all elements flattened.")
#undef ANABRANCH_BIND

#define ANABRANCH_BIND(function, summary)                                                                    \
  def<[](Args& a) {                                                                                          \
    const bool reverse = a.flag(2, false), inclusive = a.flag(3, true);                                      \
    const StreamOrDevice s = a.stream(5);                                                                    \
    const array x = converted(a.operand(0), a.maybe_dtype(4), s);                                            \
    return a.given(1) ? anabranch::function(x, a.integer(1), reverse, inclusive, s)                          \
                      : anabranch::function(x, reverse, inclusive, s);                                       \
  }>(m,                                                                                                      \
     #function "(a: array, /, axis: int | None = None, *, reverse: bool = False, inclusive: bool = True, "   \
               "dtype: Dtype | None = None, stream: StreamOrDevice = None) -> array",                        \
     summary " Over all elements flattened unless an axis is given; exclusive ones begin with the neutral element.");
  ANABRANCH_SCANS(ANABRANCH_BIND)
#undef ANABRANCH_BIND
}

}  // namespace anabranch::python
