// Reductions and what is computed along axes.
#include "anabranch/ops.h"
#include "functions/bind.h"
#include "functions/function.h"

namespace anabranch::python {

void bind_reductions(nb::module_& m) {
#define ANABRANCH_BIND(function, summary)                                                                            \
  def<[](Args& a) {                                                                                                  \
    const array& x = a.operand(0);                                                                                   \
    const bool keepdims = a.flag(2, false);                                                                          \
    const StreamOrDevice s = a.stream(3);                                                                            \
    if (!a.given(1)) return anabranch::function(x, keepdims, s);                                                     \
    if (a.is_integer(1)) return anabranch::function(x, a.integer(1), keepdims, s);                                   \
    return anabranch::function(x, a.axes(1), keepdims, s);                                                           \
  }>(m,                                                                                                              \
     #function "(a: array, /, axis: None | int | Sequence[int] = None, keepdims: bool = False, *, "                  \
               "stream: StreamOrDevice = None) -> array",                                                            \
     summary " Over all axes, or those given, whose extents become 1 if `keepdims`.");
  ANABRANCH_REDUCTIONS(ANABRANCH_BIND)
#undef ANABRANCH_BIND

#define ANABRANCH_BIND(function, summary)                                                                            \
  def<[](Args& a) {                                                                                                  \
    const array& x = a.operand(0);                                                                                   \
    const bool keepdims = a.flag(2, false);                                                                          \
    const int ddof = a.integer(3, 0);                                                                                \
    const StreamOrDevice s = a.stream(4);                                                                            \
    return a.given(1) ? anabranch::function(x, a.axes(1), keepdims, ddof, s)                                         \
                      : anabranch::function(x, keepdims, ddof, s);                                                   \
  }>(m,                                                                                                              \
     #function "(a: array, /, axis: None | int | Sequence[int] = None, keepdims: bool = False, ddof: int = 0, *, "   \
               "stream: StreamOrDevice = None) -> array",                                                            \
     summary " `ddof` is taken from the number of elements that divides.");
  ANABRANCH_BIND(var, "Variance.")
  ANABRANCH_BIND(std, "Standard deviation.")
#undef ANABRANCH_BIND

#define ANABRANCH_BIND(function, summary)                                                                            \
  def<[](Args& a) {                                                                                                  \
    const array& x = a.operand(0);                                                                                   \
    const bool keepdims = a.flag(2, false);                                                                          \
    const StreamOrDevice s = a.stream(3);                                                                            \
    return a.given(1) ? anabranch::function(x, a.integer(1), keepdims, s) : anabranch::function(x, keepdims, s);     \
  }>(m,                                                                                                              \
     #function "(a: array, /, axis: None | int = None, keepdims: bool = False, *, stream: StreamOrDevice = None) "   \
               "-> array",                                                                                           \
     summary);
  ANABRANCH_BIND(argmax, "The index (uint32) of the first largest element, along an axis or among all flattened.")
  ANABRANCH_BIND(argmin, "The index (uint32) of the first smallest element, along an axis or among all flattened.")
#undef ANABRANCH_BIND

  def<[](Args& a) {
    const array& x = a.operand(0);
    const bool precise = a.flag(2, false);
    const StreamOrDevice s = a.stream(3);
    if (!a.given(1)) return softmax(x, precise, s);
    if (a.is_integer(1)) return softmax(x, a.integer(1), precise, s);
    return softmax(x, a.axes(1), precise, s);
  }>(m,
     "softmax(a: array, /, axis: None | int | Sequence[int] = None, *, precise: bool = False, "
     "stream: StreamOrDevice = None) -> array",
     "exp(a - max(a)) / sum(exp(a - max(a))), over all axes or those given. 16-bit floats are always accumulated in "
     "float32.");
}

}  // namespace anabranch::python
