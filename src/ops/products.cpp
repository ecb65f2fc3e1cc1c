// Products of matrices and vectors.
#include <algorithm>

#include "ops/common.h"

namespace anabranch {
namespace {

using ops::refuse;

Shape batch_of(const array& a) { return Shape(a.shape().begin(), a.shape().end() - 2); }

array with_batch(const array& a, const Shape& batch) {
  Shape shape = batch;
  shape.push_back(a.shape(-2));
  shape.push_back(a.shape(-1));
  return ops::broadcast(a, shape);
}

}  // namespace

array matmul(const array& a, const array& b, const StreamOrDevice& s) {
  if (a.ndim() == 0 || b.ndim() == 0)
    refuse("matmul", "Got 0 dimension input. Inputs must have at least one dimension.");
  const Dtype d = promote_types(a.dtype(), b.dtype());
  if (!ops::is_inexact(d)) {
    refuse("matmul", "Only inexact types are supported but " + ops::name(a.dtype()) + " and " + ops::name(b.dtype()) +
                         " were provided which results in " + ops::name(d) + ", which is not a floating point type.");
  }
  const StreamOrDevice on = to_stream(s);
  array left = astype(a, d, on), right = astype(b, d, on);
  if (a.ndim() == 1) left = expand_dims(left, 0, on);
  if (b.ndim() == 1) right = expand_dims(right, 1, on);
  if (left.shape(-1) != right.shape(-2)) {
    refuse("matmul", "Last dimension of first input with shape " + to_string(a.shape()) +
                         " must match second to last dimension of second input with shape " + to_string(b.shape()) +
                         ".");
  }
  const Shape batch = broadcast_shapes(batch_of(left), batch_of(right), "matmul");
  Shape shape = batch;
  shape.push_back(left.shape(-2));
  shape.push_back(right.shape(-1));
  element_count(shape);
  left = with_batch(left, batch);
  right = with_batch(right, batch);
  array out = left.shape(-1) == 0
                  ? zeros(shape, d, on)
                  : graph::operation(graph::Op::Matmul, shape, d, ops::operands(left, right), to_stream(on));
  if (b.ndim() == 1) out = squeeze(out, -1, on);
  return a.ndim() == 1 ? squeeze(out, b.ndim() == 1 ? -1 : -2, on) : out;
}

array addmm(const array& c, const array& a, const array& b, float alpha, float beta, const StreamOrDevice& s) {
  const Dtype d = promote_types(promote_types(a.dtype(), b.dtype()), c.dtype());
  if (!issubdtype(d, floating)) {
    refuse("addmm", "Only real floating point types are supported but " + ops::name(c.dtype()) + ", " +
                        ops::name(a.dtype()) + " and " + ops::name(b.dtype()) + " were provided.");
  }
  const StreamOrDevice on = to_stream(s);
  const auto scaled = [&](const array& x, float factor) {
    return factor == 1 ? x : multiply(x, ops::constant(factor, d, on), on);
  };
  const array product = matmul(astype(a, d, on), astype(b, d, on), on);
  if (broadcast_shapes(c.shape(), product.shape(), "addmm") != product.shape()) {
    refuse("addmm", "Input c of shape " + to_string(c.shape()) + " must broadcast to the output shape " +
                        to_string(product.shape()) + ".");
  }
  return add(scaled(product, alpha), scaled(astype(c, d, on), beta), on);
}

array inner(const array& a, const array& b, const StreamOrDevice& s) {
  if (a.ndim() == 0 || b.ndim() == 0) return multiply(a, b, s);
  if (a.shape(-1) != b.shape(-1)) {
    refuse("inner", "a and b must have the same last dimension, got shapes " + to_string(a.shape()) + " and " +
                        to_string(b.shape()) + ".");
  }
  return tensordot(a, b, std::vector<int>{-1}, std::vector<int>{-1}, s);
}

array outer(const array& a, const array& b, const StreamOrDevice& s) {
  const StreamOrDevice on = to_stream(s);
  return multiply(expand_dims(flatten(a, on), 1, on), flatten(b, on), on);
}

array tensordot(const array& a, const array& b, int axis, const StreamOrDevice& s) {
  if (axis < 0) refuse("tensordot", "axis must not be negative, got " + std::to_string(axis) + ".");
  if (axis > std::min(a.ndim(), b.ndim())) {
    refuse("tensordot", "axis must not exceed the number of dimensions of a and b, got " + std::to_string(axis) + ".");
  }
  std::vector<int> axes_a, axes_b;
  for (int i = 0; i < axis; ++i) {
    axes_a.push_back(a.ndim() - axis + i);
    axes_b.push_back(i);
  }
  return tensordot(a, b, axes_a, axes_b, s);
}

array tensordot(const array& a, const array& b, const std::vector<int>& axes_a, const std::vector<int>& axes_b,
                const StreamOrDevice& s) {
  if (axes_a.size() != axes_b.size()) {
    refuse("tensordot", "axes must have the same size, got " + std::to_string(axes_a.size()) + " and " +
                            std::to_string(axes_b.size()) + ".");
  }
  normalize_axes(axes_a, a.ndim(), "tensordot");
  normalize_axes(axes_b, b.ndim(), "tensordot");
  SmallVector<int, 4> order_a, order_b, contracted_a, contracted_b;
  Shape shape;
  Shape rows, inside, columns;
  for (std::size_t i = 0; i < axes_a.size(); ++i) {
    contracted_a.push_back(normalize_axis(axes_a[i], a.ndim(), "tensordot"));
    contracted_b.push_back(normalize_axis(axes_b[i], b.ndim(), "tensordot"));
    if (a.shape(contracted_a.back()) != b.shape(contracted_b.back())) {
      refuse("tensordot", "a and b must have the same extents on the contracted axes, got shapes " +
                              to_string(a.shape()) + " and " + to_string(b.shape()) + ".");
    }
    inside.push_back(a.shape(contracted_a.back()));
  }
  const auto has = [](const SmallVector<int, 4>& axes, int i) {
    return std::find(axes.begin(), axes.end(), i) != axes.end();
  };
  for (int i = 0; i < a.ndim(); ++i) {
    if (has(contracted_a, i)) continue;
    order_a.push_back(i);
    shape.push_back(a.shape(i));
    rows.push_back(a.shape(i));
  }
  for (int i : contracted_a) order_a.push_back(i);
  for (int i : contracted_b) order_b.push_back(i);
  for (int i = 0; i < b.ndim(); ++i) {
    if (has(contracted_b, i)) continue;
    order_b.push_back(i);
    shape.push_back(b.shape(i));
    columns.push_back(b.shape(i));
  }
  const StreamOrDevice on = to_stream(s);
  const array left = reshape(ops::permute(a, order_a), Shape{element_count(rows), element_count(inside)}, on);
  const array right = reshape(ops::permute(b, order_b), Shape{element_count(inside), element_count(columns)}, on);
  return reshape(matmul(left, right, on), shape, on);
}

array kron(const array& a, const array& b, const StreamOrDevice& s) {
  const StreamOrDevice on = to_stream(s);
  const std::size_t n = std::max(a.shape().size(), b.shape().size());
  // Each axis becomes two: that of `a`, then that of `b`.
  Shape shape_a(2 * n, 1), shape_b(2 * n, 1), shape(n, 1);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t no_a = n - a.shape().size(), no_b = n - b.shape().size();
    if (i >= no_a) shape[i] = shape_a[2 * i] = a.shape()[i - no_a];
    if (i >= no_b) shape[i] *= shape_b[2 * i + 1] = b.shape()[i - no_b];
  }
  return reshape(multiply(reshape(a, shape_a, on), reshape(b, shape_b, on), on), shape, on);
}

}  // namespace anabranch
