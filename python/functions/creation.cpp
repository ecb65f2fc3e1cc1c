// Arrays out of nothing, and diagonals.
#include <climits>

#include "anabranch/ops.h"
#include "functions/bind.h"
#include "functions/function.h"

namespace anabranch::python {

namespace {

// arange([start,] stop[, step][, dtype])
array arange_of(Args& a) {
  double start = 0, stop = 0, step = 1;
  bool floats = false, wide = false;
  const auto number = [&](std::size_t i, const char* name) {
    PyObject* o = a[i].ptr();
    if (PyBool_Check(o)) throw std::invalid_argument("[arange] a bool is no " + std::string(name));
    if (!PyIndex_Check(o) || is_array(o)) {
      if (!PyFloat_Check(o)) a.wrong(i, "an int or a float");
      floats = true;
    }
    const double v = a.number(i);
    wide |= v < INT_MIN || v > INT_MAX;
    return v;
  };
  if (a.given(1)) {
    if (a.given(0)) start = number(0, "start");
    stop = number(1, "stop");
  } else if (a.given(0)) {
    stop = number(0, "stop");
  } else {
    a.signature().fail("the argument 'stop' is missing");
  }
  if (a.given(2)) step = number(2, "step");
  return arange(start, stop, step, a.dtype(3, floats ? float32 : wide ? int64 : int32), a.stream(4));
}

}  // namespace

void bind_creation(nb::module_& m) {
  def<&arange_of>(m,
                  "arange(start: int | float = 0, stop: None | int | float = None, step: None | int | float = None, "
                  "dtype: Dtype | None = None, *, stream: StreamOrDevice = None) -> array",
                  "start, start + step, ... below stop. One number alone is stop. Without a dtype: float32 if any of "
                  "them is a float, else int32, or int64 where that is too small for one of them.");
  def<[](Args& a) {
    const int num = a.given(2) ? a.integer(2) : 50;
    return linspace(a.number(0), a.number(1), num, a.flag(3, true), a.dtype(4, float32), a.stream(5));
  }>(m,
     "linspace(start: scalar, stop: scalar, num: int | None = 50, endpoint: bool = True, "
     "dtype: Dtype | None = float32, stream: StreamOrDevice = None) -> array",
     "`num` values from start to stop, stop included if `endpoint`.");
  def<[](Args& a) { return zeros(a.shape(0, true), a.dtype(1, float32), a.stream(2)); }>(
      m, "zeros(shape: int | Sequence[int], dtype: Dtype | None = float32, *, stream: StreamOrDevice = None) -> array",
      "Zeros.");
  alias(m, "empty", "zeros");
  def<[](Args& a) { return ones(a.shape(0, true), a.dtype(1, float32), a.stream(2)); }>(
      m, "ones(shape: int | Sequence[int], dtype: Dtype | None = float32, *, stream: StreamOrDevice = None) -> array",
      "Ones.");
  def<[](Args& a) {
    const array& like = a.operand(0);
    return zeros_like(like, a.dtype(1, like.dtype()), a.stream(2));
  }>(m, "zeros_like(a: array, /, dtype: Dtype | None = None, *, stream: StreamOrDevice = None) -> array",
     "Zeros of the shape (and, without one given, the dtype) of `a`.");
  alias(m, "empty_like", "zeros_like");
  def<[](Args& a) {
    const array& like = a.operand(0);
    return ones_like(like, a.dtype(1, like.dtype()), a.stream(2));
  }>(m, "ones_like(a: array, /, dtype: Dtype | None = None, *, stream: StreamOrDevice = None) -> array",
     "Ones of the shape (and, without one given, the dtype) of `a`.");
  def<[](Args& a) {
    const StreamOrDevice s = a.stream(3);
    const array& values = a.value(1, s, a.maybe_dtype(2));
    return full(a.shape(0, true), values, a.dtype(2, values.dtype()), s);
  }>(m,
     "full(shape: int | Sequence[int], vals: scalar | array, dtype: Dtype | None = None, *, "
     "stream: StreamOrDevice = None) -> array",
     "`vals` broadcast to `shape`.");
  def<[](Args& a) {
    const StreamOrDevice s = a.stream(3);
    const array& like = a.operand(0);
    const Dtype dtype = a.dtype(2, like.dtype());
    return full_like(like, a.value(1, s, dtype), dtype, s);
  }>(m,
     "full_like(a: array, vals: scalar | array, dtype: Dtype | None = None, *, stream: StreamOrDevice = None) -> array",
     "`vals` broadcast to the shape (and, without one given, converted to the dtype) of `a`.");
  def<[](Args& a) {
    const int n = a.integer(0);
    return eye(n, a.maybe_integer(1).value_or(n), a.integer(2, 0), a.dtype(3, float32), a.stream(4));
  }>(m,
     "eye(n: int, m: int | None = None, k: int = 0, dtype: Dtype | None = float32, *, stream: StreamOrDevice = None) "
     "-> array",
     "n by m zeros with ones on the k-th diagonal (positive: above the main one).");
  def<[](Args& a) { return identity(a.integer(0), a.dtype(1, float32), a.stream(2)); }>(
      m, "identity(n: int, dtype: Dtype | None = float32, *, stream: StreamOrDevice = None) -> array",
      "The identity matrix.");
  def<[](Args& a) {
    const int n = a.integer(0);
    return tri(n, a.maybe_integer(1).value_or(n), a.integer(2, 0), a.dtype(3, float32), a.stream(4));
  }>(m,
     "tri(n: int, m: int | None = None, k: int = 0, dtype: Dtype | None = None, *, stream: StreamOrDevice = None) "
     "-> array",
     "n by m: ones on and below the k-th diagonal, zeros above.");
  def<[](Args& a) { return tril(a.operand(0), a.integer(1, 0), a.stream(2)); }>(
      m, "tril(x: array, k: int = 0, *, stream: StreamOrDevice = None) -> array", "Zeros above the k-th diagonal.");
  def<[](Args& a) { return triu(a.operand(0), a.integer(1, 0), a.stream(2)); }>(
      m, "triu(x: array, k: int = 0, *, stream: StreamOrDevice = None) -> array", "Zeros below the k-th diagonal.");
  def<[](Args& a) { return diag(a.operand(0), a.integer(1, 0), a.stream(2)); }>(
      m, "diag(a: array, /, k: int = 0, *, stream: StreamOrDevice = None) -> array",
      "Of a matrix its k-th diagonal; of a vector the matrix that has it as its k-th diagonal.");
  def<[](Args& a) { return diagonal(a.operand(0), a.integer(1, 0), a.integer(2, 0), a.integer(3, 1), a.stream(4)); }>(
      m, "diagonal(a: array, offset: int = 0, axis1: int = 0, axis2: int = 1, stream: StreamOrDevice = None) -> array",
      "The diagonal over two axes, as the last axis.");
  def<[](Args& a) {
    const array& x = a.operand(0);
    const int offset = a.integer(1, 0), axis1 = a.integer(2, 0), axis2 = a.integer(3, 1);
    const StreamOrDevice s = a.stream(5);
    return a.given(4) ? trace(x, offset, axis1, axis2, *a.maybe_dtype(4), s) : trace(x, offset, axis1, axis2, s);
  }>(m,
     "trace(a: array, /, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Dtype | None = None, *, "
     "stream: StreamOrDevice = None) -> array",
     "The sum of the diagonal over two axes.");
  def<[](Args& a) {
    return tuple_of(meshgrid(a.rest_arrays(), a.given(0) && a.flag(0, false), a.text(1, "xy"), a.stream(2)));
  }>(m,
     "meshgrid(*arrays: array, sparse: bool | None = False, indexing: str = 'xy', stream: StreamOrDevice = None) "
     "-> tuple[array, ...]",
     "The grid of coordinates that vectors span; `indexing` is 'xy' or 'ij'.");
}

}  // namespace anabranch::python
