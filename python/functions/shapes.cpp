// Functions that change the shape and leave the elements.
#include "anabranch/ops.h"
#include "functions/bind.h"
#include "functions/function.h"

namespace anabranch::python {

namespace {

// One array from one, or a list of them from several.
template <array (*F)(const array&, const StreamOrDevice&)>
PyObject* each(Args& a) {
  const StreamOrDevice s = a.stream(0);
  std::vector<array> out;
  for (const array& x : a.rest_arrays()) out.push_back(F(x, s));
  return out.size() == 1 ? wrap(std::move(out.front())) : list_of(std::move(out));
}

nb::object broadcast_shapes_of(Args& a) {
  if (a.rest().empty()) throw std::invalid_argument("[broadcast_shapes] at least one shape must be given");
  Shape out;
  for (PyObject* o : a.rest()) {
    Shape shape;
    if (PyIndex_Check(o) || !to_shape(o, shape)) a.signature().fail("shapes must be sequences of ints");
    out = broadcast_shapes(out, shape);
  }
  return nb::cast(out);
}

array as_strided_of(Args& a) {
  const array& x = a.operand(0);
  const Shape shape = a.given(1) ? a.shape(1) : x.shape();
  const Strides strides = a.given(2) ? Strides(a.shape(2)) : contiguous_strides(shape);
  const std::int64_t offset = a.given(3) ? a.long_integer(3) : 0;
  if (offset < 0) throw std::invalid_argument("[as_strided] the offset " + std::to_string(offset) + " is negative");
  return as_strided(x, shape, strides, static_cast<std::size_t>(offset), a.stream(4));
}

}  // namespace

void bind_shapes(nb::module_& m) {
  def<[](Args& a) { return reshape(a.operand(0), a.shape(1), a.stream(2)); }>(
      m, "reshape(a: array, /, shape: Sequence[int], *, stream: StreamOrDevice = None) -> array",
      "The same elements in another shape. One extent may be -1: what remains.");
  def<[](Args& a) { return flatten(a.operand(0), a.integer(1, 0), a.integer(2, -1), a.stream(3)); }>(
      m, "flatten(a: array, /, start_axis: int = 0, end_axis: int = -1, *, stream: StreamOrDevice = None) -> array",
      "The axes from start_axis to end_axis as one.");
  def<[](Args& a) { return unflatten(a.operand(0), a.integer(1), a.shape(2), a.stream(3)); }>(
      m, "unflatten(a: array, /, axis: int, shape: Sequence[int], *, stream: StreamOrDevice = None) -> array",
      "One axis as several of the given extents.");
  def<[](Args& a) {
    const array& x = a.operand(0);
    return a.given(1) ? squeeze(x, a.axes(1), a.stream(2)) : squeeze(x, a.stream(2));
  }>(m, "squeeze(a: array, /, axis: None | int | Sequence[int] = None, *, stream: StreamOrDevice = None) -> array",
     "Without the axes of extent 1, or without those given, whose extent must be 1.");
  def<[](Args& a) { return expand_dims(a.operand(0), a.axes(1), a.stream(2)); }>(
      m, "expand_dims(a: array, /, axis: int | Sequence[int], *, stream: StreamOrDevice = None) -> array",
      "With axes of extent 1 put in at those places.");
  def<[](Args& a) {
    const array& x = a.operand(0);
    return a.given(1) ? transpose(x, a.integers(1), a.stream(2)) : transpose(x, a.stream(2));
  }>(m, "transpose(a: array, /, axes: Sequence[int] | None = None, *, stream: StreamOrDevice = None) -> array",
     "The axes in another order, by default reversed.");
  alias(m, "permute_dims", "transpose");
  def<[](Args& a) { return matrix_transpose(a.operand(0), a.stream(1)); }>(
      m, "matrix_transpose(a: array, /, *, stream: StreamOrDevice = None) -> array", "The last two axes exchanged.");
  def<[](Args& a) { return swapaxes(a.operand(0), a.integer(1), a.integer(2), a.stream(3)); }>(
      m, "swapaxes(a: array, /, axis1: int, axis2: int, *, stream: StreamOrDevice = None) -> array",
      "Two axes exchanged.");
  def<[](Args& a) { return moveaxis(a.operand(0), a.integer(1), a.integer(2), a.stream(3)); }>(
      m, "moveaxis(a: array, /, source: int, destination: int, *, stream: StreamOrDevice = None) -> array",
      "An axis moved to another place.");
  def<[](Args& a) {
    const array& x = a.operand(0);
    return a.given(1) ? flip(x, a.axes(1), a.stream(2)) : flip(x, a.stream(2));
  }>(m, "flip(a: array, /, axis: None | int | Sequence[int] = None, *, stream: StreamOrDevice = None) -> array",
     "The elements in reverse order along all axes, or those given.");
  def<[](Args& a) {
    const StreamOrDevice s = a.stream(2);
    return broadcast_to(a.value(0, s), a.shape(1), s);
  }>(m, "broadcast_to(a: scalar | array, /, shape: Sequence[int], *, stream: StreamOrDevice = None) -> array",
     "Repeated to `shape`, as operands are.");
  def<[](Args& a) { return list_of(broadcast_arrays(a.rest_arrays(), a.stream(0))); }>(
      m, "broadcast_arrays(*arrays: array, stream: StreamOrDevice = None) -> list[array]",
      "All repeated to the shape that an operation on them has.");
  def<&broadcast_shapes_of>(m, "broadcast_shapes(*shapes: Sequence[int]) -> tuple[int, ...]",
                            "The shape that an operation on arrays of these shapes has.");
  def<&each<&atleast_1d>>(m, "atleast_1d(*arys: array, stream: StreamOrDevice = None) -> array | list[array]",
                          "Scalars as vectors.");
  def<&each<&atleast_2d>>(m, "atleast_2d(*arys: array, stream: StreamOrDevice = None) -> array | list[array]",
                          "Vectors as rows of a matrix.");
  def<&each<&atleast_3d>>(m, "atleast_3d(*arys: array, stream: StreamOrDevice = None) -> array | list[array]",
                          "With a last axis of extent 1 put to matrices.");
  def<&as_strided_of>(m,
                      "as_strided(a: array, /, shape: Sequence[int] | None = None, strides: Sequence[int] | None = "
                      "None, offset: int = 0, *, stream: StreamOrDevice = None) -> array",
                      "The elements of `a`, laid out densely, read with these strides from `offset` on.");
  def<[](Args& a) { return contiguous(a.operand(0), a.flag(1, false), a.stream(2)); }>(
      m, "contiguous(a: array, /, allow_col_major: bool = False, *, stream: StreamOrDevice = None) -> array",
      "Laid out densely in row-major order (or in column-major order, if allowed and so already).");
}

}  // namespace anabranch::python
