// Functions that join, split, repeat and pad.
#include "anabranch/ops.h"
#include "functions/bind.h"
#include "functions/function.h"

namespace anabranch::python {

namespace {

array roll_of(Args& a) {
  const array& x = a.operand(0);
  const Shape shift = a.shape(1, true);
  const StreamOrDevice s = a.stream(3);
  if (!a.given(2)) return roll(x, shift, s);
  if (a.is_integer(2)) return roll(x, shift, a.integer(2), s);
  if (a.is_integer(1)) return roll(x, a.integer(1), a.axes(2), s);
  return roll(x, shift, a.axes(2), s);
}

// int, (n,), (before, after), or one of the last two for each axis.
std::vector<std::pair<int, int>> pad_widths(const Args& a, int ndim) {
  std::vector<std::pair<int, int>> out;
  Shape widths;
  if (to_shape(a[1], widths) && !widths.empty() && widths.size() <= 2) {
    const std::vector<int> w = a.integers(1, true);
    out.assign(static_cast<std::size_t>(ndim), {w.front(), w.back()});
    return out;
  }
  for (nb::handle item : nb::iter(a[1])) {
    Shape w;
    if (PyIndex_Check(item.ptr()) || !to_shape(item, w) || w.empty() || w.size() > 2) {
      a.wrong(1, "an int, (before, after), or a list of those for each axis");
    }
    out.emplace_back(static_cast<int>(w.front()), static_cast<int>(w.back()));
  }
  if (out.size() == 1) out.resize(static_cast<std::size_t>(ndim), out.front());
  return out;
}

}  // namespace

void bind_joining(nb::module_& m) {
  def<[](Args& a) {
    const std::vector<array> arrays = a.arrays(0);
    const StreamOrDevice s = a.stream(2);
    return a[1].is_none() && a.has(1) ? concatenate(arrays, s) : concatenate(arrays, a.integer(1, 0), s);
  }>(m, "concatenate(arrays: list[array], axis: int | None = 0, *, stream: StreamOrDevice = None) -> array",
     "The arrays one after the other along an axis; flattened if that is None.");
  alias(m, "concat", "concatenate");
  def<[](Args& a) { return stack(a.arrays(0), a.given(1) ? a.integer(1) : 0, a.stream(2)); }>(
      m, "stack(arrays: list[array], axis: int | None = 0, *, stream: StreamOrDevice = None) -> array",
      "The arrays, which are of one shape, along a new axis.");
  def<[](Args& a) {
    const array& x = a.operand(0);
    const int axis = a.integer(2, 0);
    const StreamOrDevice s = a.stream(3);
    return list_of(a.is_integer(1) ? split(x, a.integer(1), axis, s) : split(x, a.shape(1), axis, s));
  }>(m,
     "split(a: array, /, indices_or_sections: int | Sequence[int], axis: int = 0, *, stream: StreamOrDevice = None) "
     "-> list[array]",
     "In equal parts, or at the indices, along an axis.");
  def<[](Args& a) { return tuple_of(unstack(a.operand(0), a.integer(1, 0), a.stream(2))); }>(
      m, "unstack(x: array, /, *, axis: int = 0, stream: StreamOrDevice = None) -> tuple[array, ...]",
      "The slices along an axis, without it.");
  def<[](Args& a) {
    const array& x = a.operand(0);
    const StreamOrDevice s = a.stream(3);
    return a.given(2) ? repeat(x, a.integer(1), a.integer(2), s) : repeat(x, a.integer(1), s);
  }>(m, "repeat(array: array, repeats: int, axis: int | None = None, *, stream: StreamOrDevice = None) -> array",
     "Each element `repeats` times in a row along an axis; flattened if that is None.");
  def<[](Args& a) { return tile(a.operand(0), a.integers(1, true), a.stream(2)); }>(
      m, "tile(a: array, reps: int | Sequence[int], /, *, stream: StreamOrDevice = None) -> array",
      "The whole array repeated along each axis.");
  def<&roll_of>(m,
                "roll(a: array, /, shift: int | Sequence[int], axis: None | int | Sequence[int] = None, *, "
                "stream: StreamOrDevice = None) -> array",
                "The elements moved along axes (flattened if None is given), those that leave coming in again at the "
                "other end.");
  def<[](Args& a) {
    const StreamOrDevice s = a.stream(4);
    const array& x = a.operand(0);
    const std::vector<std::pair<int, int>> widths = pad_widths(a, x.ndim());
    const array value = a.has(3) ? a.value(3, s, x.dtype()) : astype(array(0), x.dtype(), s);
    return pad(x, widths, value, a.text(2, "constant"), s);
  }>(m,
     "pad(a: array, pad_width: int | Sequence[int] | Sequence[Sequence[int]], mode: str = 'constant', "
     "constant_values: scalar | array = 0, *, stream: StreamOrDevice = None) -> array",
     "With elements put before and after along each axis: constant_values, or, with mode 'edge', those at the edge.");
}

}  // namespace anabranch::python
