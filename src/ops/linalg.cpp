#include "anabranch/linalg.h"

#include <cmath>

#include "anabranch/error.h"
#include "ops/common.h"

namespace anabranch::linalg {
namespace {

using ops::refuse;

void require_float(const char* function, Dtype d) {
  if (d != float32 && d != float64)
    refuse(function, "Arrays must have type float32 or float64. Received array with type " + ops::name(d) + ".");
}

void require_square(const char* function, const array& a) {
  if (a.ndim() < 2) {
    refuse(function,
           "Arrays must have >= 2 dimensions. Received array with " + std::to_string(a.ndim()) + " dimensions.");
  }
  if (a.shape(-1) != a.shape(-2))
    refuse(function, "Only defined for square matrices. Received array with shape " + to_string(a.shape()) + ".");
}

array triangle(const array& a, bool upper, const StreamOrDevice& s) { return upper ? triu(a, 0, s) : tril(a, 0, s); }

std::vector<int> norm_axes(const array& a, const std::optional<std::vector<int>>& axis) {
  std::vector<int> axes;
  if (axis) {
    for (int i : *axis) axes.push_back(normalize_axis(i, a.ndim(), "norm"));
  } else {
    for (int i = 0; i < a.ndim(); ++i) axes.push_back(i);
  }
  return axes;
}

array l2_norm(const array& a, const std::vector<int>& axes, bool keepdims, const StreamOrDevice& s) {
  const array magnitude = abs(astype(a, ops::at_least_float(a.dtype()), s), s);
  return axes.empty() ? magnitude : sqrt(sum(square(magnitude, s), axes, keepdims, s), s);
}

array vector_norm(const array& a, double ord, const std::vector<int>& axes, bool keepdims, const StreamOrDevice& s) {
  const Dtype d = ops::at_least_float(a.dtype());
  if (ord == 2) return l2_norm(a, axes, keepdims, s);
  if (ord == 0) return astype(count_nonzero(a, axes, keepdims, s), d, s);
  const array magnitude = abs(astype(a, d, s), s);
  const auto exponent = [&](double p) { return ops::constant(p, magnitude.dtype(), s); };
  if (std::isinf(ord))
    return astype(ord > 0 ? max(magnitude, axes, keepdims, s) : min(magnitude, axes, keepdims, s), d, s);
  if (ord == 1) return astype(sum(magnitude, axes, keepdims, s), d, s);
  const array total = sum(power(magnitude, exponent(ord), s), axes, keepdims, s);
  return astype(power(total, exponent(1 / ord), s), d, s);
}

array matrix_norm(const array& a, double ord, const std::vector<int>& axes, bool keepdims, const StreamOrDevice& s) {
  if (std::abs(ord) == 2) {
    throw NotSupported(ops::message("linalg::norm",
                                    "The 2-norm of a matrix needs a singular value decomposition, "
                                    "which is not there yet."));
  }
  if (std::abs(ord) != 1 && !std::isinf(ord))
    refuse("linalg::norm", "Invalid ord " + std::to_string(ord) + " for matrix norm.");
  const Dtype d = ops::at_least_float(a.dtype());
  const bool sum_rows = std::abs(ord) == 1;
  const array sums = sum(abs(astype(a, d, s), s), axes[sum_rows ? 0 : 1], true, s);
  const int along = axes[sum_rows ? 1 : 0];
  const array out = astype(ord > 0 ? max(sums, along, true, s) : min(sums, along, true, s), d, s);
  return keepdims ? out : squeeze(out, axes, s);
}

}  // namespace

array norm(const array& a, const std::optional<std::vector<int>>& axis, bool keepdims, const StreamOrDevice& s) {
  if (axis && axis->size() > 2) refuse("linalg::norm", "Received too many axes for norm.");
  const StreamOrDevice on = to_stream(s);
  return l2_norm(a, norm_axes(a, axis), keepdims, on);
}

array norm(const array& a, double ord, const std::optional<std::vector<int>>& axis, bool keepdims,
           const StreamOrDevice& s) {
  const StreamOrDevice on = to_stream(s);
  const std::vector<int> axes = norm_axes(a, axis);
  if (axes.size() == 1) return vector_norm(a, ord, axes, keepdims, on);
  if (axes.size() == 2) return matrix_norm(a, ord, axes, keepdims, on);
  refuse("linalg::norm", "Expected one axis or two, got " + std::to_string(axes.size()) + ".");
}

array norm(const array& a, const std::string& ord, const std::optional<std::vector<int>>& axis, bool keepdims,
           const StreamOrDevice& s) {
  const StreamOrDevice on = to_stream(s);
  const std::vector<int> axes = norm_axes(a, axis);
  if (axes.size() != 2) {
    refuse("linalg::norm",
           "Norm '" + ord + "' only supported for matrices, but received " + std::to_string(axes.size()) + " axes.");
  }
  if (ord == "nuc") {
    throw NotSupported(ops::message("linalg::norm",
                                    "The nuclear norm needs a singular value decomposition, which is "
                                    "not there yet."));
  }
  if (ord != "fro" && ord != "f") refuse("linalg::norm", "Invalid ord value '" + ord + "' for matrix norm.");
  return l2_norm(a, axes, keepdims, on);
}

array inv(const array& a, const StreamOrDevice& s) {
  require_float("linalg::inv", a.dtype());
  require_square("linalg::inv", a);
  return graph::operation(graph::Op::Inverse, a.shape(), a.dtype(), ops::operands(a), to_stream(s));
}

array tri_inv(const array& a, bool upper, const StreamOrDevice& s) {
  require_float("linalg::tri_inv", a.dtype());
  require_square("linalg::tri_inv", a);
  const StreamOrDevice on = to_stream(s);
  return triangle(inv(triangle(a, upper, on), on), upper, on);
}

array cholesky(const array& a, bool upper, const StreamOrDevice& s) {
  require_float("linalg::cholesky", a.dtype());
  require_square("linalg::cholesky", a);
  return graph::operation(graph::Op::Cholesky, a.shape(), a.dtype(), ops::operands(a), to_stream(s),
                          graph::CholeskyAttrs{upper});
}

array cholesky_inv(const array& a, bool upper, const StreamOrDevice& s) {
  require_float("linalg::cholesky_inv", a.dtype());
  require_square("linalg::cholesky_inv", a);
  const StreamOrDevice on = to_stream(s);
  const array factor = tri_inv(a, upper, on), transposed = matrix_transpose(factor, on);
  return upper ? matmul(factor, transposed, on) : matmul(transposed, factor, on);
}

namespace {

array solve_for(const char* function, const array& a, const array& b, const StreamOrDevice& s) {
  require_square(function, a);
  if (b.ndim() == 0) refuse(function, "Second input must have >= 1 dimensions. Received array with 0 dimensions.");
  const Dtype d = promote_types(a.dtype(), b.dtype());
  if (d != float32 && d != float64) {
    refuse(function, "Input arrays must promote to float32 or float64. Received arrays with type " +
                         ops::name(a.dtype()) + " and " + ops::name(b.dtype()) + ".");
  }
  const bool vector = b.ndim() == 1;
  const array matrix = astype(a, d, s), right = astype(vector ? expand_dims(b, 1, s) : b, d, s);
  if (matrix.shape(-1) != right.shape(-2)) {
    refuse(function, "Last dimension of first input with shape " + to_string(a.shape()) +
                         " must match second to last dimension of second input with shape " + to_string(b.shape()) +
                         ".");
  }
  const auto batch = [](const array& x) { return Shape(x.shape().begin(), x.shape().end() - 2); };
  Shape shape = broadcast_shapes(batch(matrix), batch(right), function), matrices = shape;
  for (int axis : {-2, -1}) {
    matrices.push_back(matrix.shape(axis));
    shape.push_back(right.shape(axis));
  }
  const array x =
      graph::operation(graph::Op::Solve, shape, d,
                       ops::operands(ops::broadcast(matrix, matrices), ops::broadcast(right, shape)), to_stream(s));
  return vector ? squeeze(x, -1, s) : x;
}

}  // namespace

array solve(const array& a, const array& b, const StreamOrDevice& s) {
  const StreamOrDevice on = to_stream(s);
  return solve_for("linalg::solve", a, b, on);
}

array solve_triangular(const array& a, const array& b, bool upper, const StreamOrDevice& s) {
  const StreamOrDevice on = to_stream(s);
  require_square("linalg::solve_triangular", a);
  return solve_for("linalg::solve_triangular", triangle(a, upper, on), b, on);
}

array cross(const array& a, const array& b, int axis, const StreamOrDevice& s) {
  const StreamOrDevice on = to_stream(s);
  const int along_a = normalize_axis(axis, a.ndim(), "linalg::cross");
  const int along_b = normalize_axis(axis, b.ndim(), "linalg::cross");
  const Dtype d = promote_types(a.dtype(), b.dtype());
  // The components, the third 0 where it is not given.
  const auto components = [&](const array& v, int along) {
    if (v.shape(along) != 2 && v.shape(along) != 3)
      refuse("linalg::cross", "The specified axis must have size 2 or 3, got shape " + to_string(v.shape()) + ".");
    std::vector<array> out = unstack(astype(v, d, on), along, on);
    if (out.size() == 2) out.push_back(zeros_like(out[0], on));
    return out;
  };
  const std::vector<array> x = components(a, along_a), y = components(b, along_b);
  std::vector<array> out;
  for (std::size_t i = 0; i < 3; ++i) {
    const std::size_t j = (i + 1) % 3, k = (i + 2) % 3;
    out.push_back(subtract(multiply(x[j], y[k], on), multiply(x[k], y[j], on), on));
  }
  return stack(out, axis < 0 ? axis : along_a, on);
}

}  // namespace anabranch::linalg
