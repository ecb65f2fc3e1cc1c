// The submodule `linalg`.
#include "anabranch/linalg.h"

#include "functions/bind.h"
#include "functions/function.h"

namespace anabranch::python {

namespace {

array norm(Args& a) {
  const array& x = a.operand(0);
  std::optional<std::vector<int>> axis;
  if (a.given(2)) axis = a.axes(2);
  const bool keepdims = a.flag(3, false);
  const StreamOrDevice s = a.stream(4);
  if (!a.given(1)) return linalg::norm(x, axis, keepdims, s);
  if (PyUnicode_Check(a[1].ptr())) return linalg::norm(x, a.text(1, ""), axis, keepdims, s);
  return linalg::norm(x, a.number(1), axis, keepdims, s);
}

// F(a, upper).
template <array (*F)(const array&, bool, const StreamOrDevice&)>
array triangular(Args& a) {
  return F(a.operand(0), a.flag(1, false), a.stream(2));
}

}  // namespace

void bind_linalg(nb::module_& m) {
  nb::module_ l = m.def_submodule("linalg", "Linear algebra, over the last two axes; the others are a batch.");
  def<&norm>(l,
             "norm(a: array, /, ord: None | int | float | str = None, axis: None | int | list[int] = None, "
             "keepdims: bool = False, *, stream: StreamOrDevice = None) -> array",
             "Vector norm over one axis, matrix norm over two; without `ord` the 2-norm over the axes given, or all.");
  alias(l, "matrix_norm", "norm");
  def<[](Args& a) { return linalg::inv(a.operand(0), a.stream(1)); }>(
      l, "inv(a: array, *, stream: StreamOrDevice = None) -> array",
      "Inverse of square matrices. A singular one fails when the operation runs.");
  def<&triangular<&linalg::tri_inv>>(
      l, "tri_inv(a: array, upper: bool = False, *, stream: StreamOrDevice = None) -> array",
      "Inverse of triangular matrices; the other triangle is not read.");
  def<&triangular<&linalg::cholesky>>(
      l, "cholesky(a: array, upper: bool = False, *, stream: StreamOrDevice = None) -> array",
      "L with L L^T = a (or U with U^T U = a). A matrix that is not positive definite fails when the operation runs.");
  def<&triangular<&linalg::cholesky_inv>>(
      l, "cholesky_inv(a: array, upper: bool = False, *, stream: StreamOrDevice = None) -> array",
      "Inverse of the matrix whose cholesky() is `a`.");
  def<[](Args& a) {
    const array& x = a.operand(0);
    return linalg::solve(x, a.operand(1), a.stream(2));
  }>(l, "solve(a: array, b: array, *, stream: StreamOrDevice = None) -> array",
     "x with a x = b; b holds columns, or is one vector. A singular matrix fails when the operation runs.");
  def<[](Args& a) {
    const array& x = a.operand(0);
    return linalg::solve_triangular(x, a.operand(1), a.flag(2, false), a.stream(3));
  }>(l, "solve_triangular(a: array, b: array, *, upper: bool = False, stream: StreamOrDevice = None) -> array",
     "x with a x = b for triangular `a`; the other triangle is not read.");
  def<[](Args& a) {
    const array& x = a.operand(0);
    return linalg::cross(x, a.operand(1), a.integer(2, -1), a.stream(3));
  }>(l, "cross(a: array, b: array, axis: int = -1, *, stream: StreamOrDevice = None) -> array",
     "Cross product of vectors of 2 or 3 along `axis`.");
}

}  // namespace anabranch::python
