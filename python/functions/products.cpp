// Products of matrices and vectors.
#include "anabranch/ops.h"
#include "functions/bind.h"
#include "functions/function.h"

namespace anabranch::python {

namespace {

template <array (*F)(const array&, const array&, const StreamOrDevice&)>
constexpr auto product = [](Args& a) {
  const array& x = a.operand(0);
  return F(x, a.operand(1), a.stream(2));
};

array tensordot_of(Args& a) {
  const array &x = a.operand(0), &y = a.operand(1);
  const StreamOrDevice s = a.stream(3);
  if (!a.given(2)) return tensordot(x, y, 2, s);
  if (a.is_integer(2)) return tensordot(x, y, a.integer(2), s);
  std::vector<std::vector<int>> axes;
  if (!nb::try_cast(a[2], axes) || axes.size() != 2) a.wrong(2, "an int or a pair of sequences of ints");
  return tensordot(x, y, axes[0], axes[1], s);
}

}  // namespace

void bind_products(nb::module_& m) {
  def<product<&matmul>>(m, "matmul(a: array, b: array, /, *, stream: StreamOrDevice = None) -> array",
                        "Matrix product over the last two axes, the others broadcast. A vector counts as a row on the "
                        "left and a column on the right, and its axis is dropped.");
  def<product<&inner>>(m, "inner(a: array, b: array, /, *, stream: StreamOrDevice = None) -> array",
                       "Sum of products over the last axes.");
  def<product<&outer>>(m, "outer(a: array, b: array, /, *, stream: StreamOrDevice = None) -> array",
                       "All products of the flattened elements.");
  def<product<&kron>>(m, "kron(a: array, b: array, *, stream: StreamOrDevice = None) -> array", "Kronecker product.");
  def<[](Args& a) {
    const array &c = a.operand(0), &x = a.operand(1), &y = a.operand(2);
    return addmm(c, x, y, static_cast<float>(a.number(3, 1)), static_cast<float>(a.number(4, 1)), a.stream(5));
  }>(m,
     "addmm(c: array, a: array, b: array, /, alpha: float = 1.0, beta: float = 1.0, *, stream: StreamOrDevice = None) "
     "-> array",
     "beta * c + alpha * matmul(a, b)");
  def<&tensordot_of>(m,
                     "tensordot(a: array, b: array, /, axes: int | list[Sequence[int]] = 2, *, "
                     "stream: StreamOrDevice = None) -> array",
                     "Contraction over the last `axes` axes of `a` and the first of `b`, or over the axes given for "
                     "each.");
}

}  // namespace anabranch::python
