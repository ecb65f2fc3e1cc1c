// Functions that pick elements by index arrays, or put some in their place.
#include "anabranch/ops.h"
#include "functions/bind.h"
#include "functions/function.h"

namespace anabranch::python {

void bind_indexing(nb::module_& m) {
  def<[](Args& a) {
    const array& x = a.operand(0);
    const StreamOrDevice s = a.stream(3);
    if (a.is_integer(1)) return a.given(2) ? take(x, a.integer(1), a.integer(2), s) : take(x, a.integer(1), s);
    const array& indices = a.operand(1);
    return a.given(2) ? take(x, indices, a.integer(2), s) : take(x, indices, s);
  }>(m, "take(a: array, /, indices: int | array, axis: int | None = None, *, stream: StreamOrDevice = None) -> array",
     "The elements (slices) at the indices along an axis; of the flattened array if that is None.");
  def<[](Args& a) {
    const array &x = a.operand(0), &indices = a.operand(1);
    const StreamOrDevice s = a.stream(3);
    if (a.has(2) && !a.given(2)) return take_along_axis(flatten(x, s), indices, 0, s);
    return take_along_axis(x, indices, a.integer(2, -1), s);
  }>(m,
     "take_along_axis(a: array, /, indices: array, axis: int | None = -1, *, stream: StreamOrDevice = None) -> array",
     "For each place along the other axes, the elements at its own indices along `axis`.");
  def<[](Args& a) {
    const StreamOrDevice s = a.stream(4);
    const array &x = a.operand(0), &indices = a.operand(1), &values = a.value(2, s, x.dtype());
    if (a.given(3)) return put_along_axis(x, indices, values, a.integer(3), s);
    return reshape(put_along_axis(flatten(x, s), indices, values, 0, s), x.shape(), s);
  }>(m,
     "put_along_axis(a: array, /, indices: array, values: array, axis: int | None = None, *, "
     "stream: StreamOrDevice = None) -> array",
     "A copy of `a` in which take_along_axis() finds `values`.");
  def<[](Args& a) {
    const array &x = a.operand(0), &start = a.operand(1);
    return slice(x, start, a.integers(2), a.shape(3), a.stream(4));
  }>(m,
     "slice(a: array, start_indices: array, axes: Sequence[int], slice_size: Sequence[int], *, "
     "stream: StreamOrDevice = None) -> array",
     "`slice_size` elements along each axis, from start_indices[k] on along axes[k] and from 0 on along the others.");
  def<[](Args& a) {
    const array &x = a.operand(0), &update = a.operand(1), &start = a.operand(2);
    return slice_update(x, update, start, a.integers(3), a.stream(4));
  }>(m,
     "slice_update(a: array, update: array, start_indices: array, axes: Sequence[int], *, "
     "stream: StreamOrDevice = None) -> array",
     "A copy of `a` in which slice() finds `update`.");
}

}  // namespace anabranch::python
