#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/common.h"

namespace anabranch {

using ops::refuse;

array arange(double start, double stop, double step, Dtype dtype, const StreamOrDevice& s) {
  if (dtype == bool_) refuse("arange", "Not supported for bool.");
  if (step == 0) refuse("arange", "step must be nonzero.");
  // An infinite step, of whichever sign, leaves the start alone.
  const double length = std::isinf(step) && std::isfinite(start) && std::isfinite(stop)
                            ? ((step > 0) == (start < stop) && start != stop ? 1 : 0)
                            : std::ceil((stop - start) / step);
  if (!std::isfinite(length)) refuse("arange", "Cannot compute length.");
  if (length >= 0x1p60) refuse("arange", "Maximum size exceeded.");
  const auto n = static_cast<ShapeElem>(std::max(length, 0.0));
  return graph::operation(graph::Op::Arange, Shape{n}, dtype, {}, to_stream(s), graph::ArangeAttrs{start, step});
}
array arange(double start, double stop, double step, const StreamOrDevice& s) {
  return arange(start, stop, step, float32, s);
}
array arange(double start, double stop, Dtype dtype, const StreamOrDevice& s) {
  return arange(start, stop, 1.0, dtype, s);
}
array arange(double start, double stop, const StreamOrDevice& s) { return arange(start, stop, 1.0, float32, s); }
array arange(double stop, Dtype dtype, const StreamOrDevice& s) { return arange(0.0, stop, 1.0, dtype, s); }
array arange(double stop, const StreamOrDevice& s) { return arange(0.0, stop, 1.0, float32, s); }
array arange(int start, int stop, int step, const StreamOrDevice& s) {
  return arange(double(start), double(stop), double(step), int32, s);
}
array arange(int start, int stop, const StreamOrDevice& s) {
  return arange(double(start), double(stop), 1.0, int32, s);
}
array arange(int stop, const StreamOrDevice& s) { return arange(0.0, double(stop), 1.0, int32, s); }

array linspace(double start, double stop, int num, bool endpoint, Dtype dtype, const StreamOrDevice& s) {
  if (num < 0) refuse("linspace", "number of samples, " + std::to_string(num) + ", must be non-negative.");
  const StreamOrDevice on = to_stream(s);
  if (num == 1) return full(Shape{1}, start, dtype, on);
  const Dtype d = dtype == float64 ? float64 : float32;
  const array t = divide(arange(0.0, num, 1.0, d, on), ops::constant(endpoint ? num - 1 : num, d, on), on);
  const array from_start = multiply(subtract(ops::constant(1, d, on), t, on), ops::constant(start, d, on), on);
  return astype(add(from_start, multiply(t, ops::constant(stop, d, on), on), on), dtype, on);
}

array full(const Shape& shape, const array& vals, Dtype dtype, const StreamOrDevice& s) {
  ops::require_extents("full", shape);
  if (const auto value = ops::known_value(vals, dtype); value && vals.size() == 1)
    return graph::full(broadcast_shapes(shape, vals.shape(), "full"), *value, to_stream(s));
  return broadcast_to(astype(vals, dtype, s), shape, s);
}
array full(const Shape& shape, const array& vals, const StreamOrDevice& s) {
  return full(shape, vals, vals.dtype(), s);
}
array full_like(const array& a, const array& vals, Dtype dtype, const StreamOrDevice& s) {
  return full(a.shape(), vals, dtype, s);
}
array full_like(const array& a, const array& vals, const StreamOrDevice& s) {
  return full(a.shape(), vals, a.dtype(), s);
}

namespace {

array filled(const char* function, const Shape& shape, int value, Dtype dtype, const StreamOrDevice& s) {
  ops::require_extents(function, shape);
  return graph::full(shape, graph::Scalar::of_int(value, dtype), to_stream(s));
}

}  // namespace

array zeros(const Shape& shape, Dtype dtype, const StreamOrDevice& s) { return filled("zeros", shape, 0, dtype, s); }
array zeros(const Shape& shape, const StreamOrDevice& s) { return filled("zeros", shape, 0, float32, s); }
array zeros_like(const array& a, Dtype dtype, const StreamOrDevice& s) { return zeros(a.shape(), dtype, s); }
array zeros_like(const array& a, const StreamOrDevice& s) { return zeros(a.shape(), a.dtype(), s); }
array ones(const Shape& shape, Dtype dtype, const StreamOrDevice& s) { return filled("ones", shape, 1, dtype, s); }
array ones(const Shape& shape, const StreamOrDevice& s) { return filled("ones", shape, 1, float32, s); }
array ones_like(const array& a, Dtype dtype, const StreamOrDevice& s) { return ones(a.shape(), dtype, s); }
array ones_like(const array& a, const StreamOrDevice& s) { return ones(a.shape(), a.dtype(), s); }

array eye(int n, int m, int k, Dtype dtype, const StreamOrDevice& s) {
  if (n < 0 || m < 0) {
    refuse("eye", "N and M must not be negative, got " + std::to_string(n) + " and " + std::to_string(m) + ".");
  }
  return graph::operation(graph::Op::Eye, Shape{n, m}, dtype, {}, to_stream(s), graph::EyeAttrs{k});
}
array identity(int n, Dtype dtype, const StreamOrDevice& s) { return eye(n, n, 0, dtype, s); }

namespace {

// Row i and column j, as a column and a row that broadcast to n by m, the columns shifted by -k.
array on_or_below_diagonal(ShapeElem n, ShapeElem m, ShapeElem k, const StreamOrDevice& s) {
  const Dtype d = std::max(n, m) + std::abs(k) <= std::numeric_limits<int>::max() ? int32 : int64;
  const array rows = arange(0.0, static_cast<double>(n), 1.0, d, s);
  const array columns = arange(static_cast<double>(-k), static_cast<double>(m - k), 1.0, d, s);
  return greater_equal(reshape(rows, Shape{n, 1}, s), columns, s);
}

array triangle(const char* function, const array& x, int k, bool lower, const StreamOrDevice& s) {
  if (x.ndim() < 2) refuse(function, "array must be at least 2-D, got shape " + to_string(x.shape()) + ".");
  const StreamOrDevice on = to_stream(s);
  const array mask = on_or_below_diagonal(x.shape(-2), x.shape(-1), lower ? k : ShapeElem{k} - 1, on);
  const array zero = ops::constant(0, x.dtype(), on);
  return lower ? where(mask, x, zero, on) : where(mask, zero, x, on);
}

}  // namespace

array tri(int n, int m, int k, Dtype dtype, const StreamOrDevice& s) {
  if (n < 0 || m < 0) {
    refuse("tri", "n and m must not be negative, got " + std::to_string(n) + " and " + std::to_string(m) + ".");
  }
  const StreamOrDevice on = to_stream(s);
  return astype(on_or_below_diagonal(n, m, k, on), dtype, on);
}
array tril(const array& x, int k, const StreamOrDevice& s) { return triangle("tril", x, k, true, s); }
array triu(const array& x, int k, const StreamOrDevice& s) { return triangle("triu", x, k, false, s); }

array diagonal(const array& a, int offset, int axis1, int axis2, const StreamOrDevice&) {
  if (a.ndim() < 2) {
    refuse("diagonal", "Array must have at least two dimensions, but got " + std::to_string(a.ndim()) + " dimensions.");
  }
  const int first = normalize_axis(axis1, a.ndim(), "diagonal"), second = normalize_axis(axis2, a.ndim(), "diagonal");
  if (first == second) refuse("diagonal", "axis1 and axis2 must be different axes.");
  const Strides from = a.strides();
  Shape shape;
  Strides strides;
  for (int i = 0; i < a.ndim(); ++i) {
    if (i == first || i == second) continue;
    shape.push_back(a.shape(i));
    strides.push_back(from[static_cast<std::size_t>(i)]);
  }
  const std::int64_t down = std::max(-std::int64_t{offset}, std::int64_t{0}), right = std::max(offset, 0);
  const std::int64_t n = std::max<std::int64_t>(0, std::min(a.shape(first) - down, a.shape(second) - right));
  const std::int64_t row = from[static_cast<std::size_t>(first)], column = from[static_cast<std::size_t>(second)];
  shape.push_back(n);
  strides.push_back(row + column);
  return graph::view(a, shape, strides, n ? down * row + right * column : 0);
}

array diag(const array& a, int k, const StreamOrDevice& s) {
  if (a.ndim() == 2) return diagonal(a, k, 0, 1, s);
  if (a.ndim() != 1) {
    refuse("diag", "array must be 1-D or 2-D, got array with " + std::to_string(a.ndim()) + " dimensions.");
  }
  const StreamOrDevice on = to_stream(s);
  const ShapeElem n = a.shape(0), shift = k, extent = n + std::abs(shift);
  ops::require_extents("diag", Shape{extent, extent});
  // The values seen as a strided region of a vector of zeros.
  const array zero = zeros(Shape{extent * extent}, a.dtype(), on);
  const ShapeElem first = shift >= 0 ? shift : -shift * extent;
  const array filled = slice_update(zero, a, Shape{first}, Shape{first + n * (extent + 1)}, Shape{extent + 1}, on);
  return reshape(filled, Shape{extent, extent}, on);
}

array trace(const array& a, int offset, int axis1, int axis2, Dtype dtype, const StreamOrDevice& s) {
  const StreamOrDevice on = to_stream(s);
  return astype(sum(astype(diagonal(a, offset, axis1, axis2, on), dtype, on), -1, false, on), dtype, on);
}
array trace(const array& a, int offset, int axis1, int axis2, const StreamOrDevice& s) {
  const StreamOrDevice on = to_stream(s);
  return sum(diagonal(a, offset, axis1, axis2, on), -1, false, on);
}
array trace(const array& a, const StreamOrDevice& s) { return trace(a, 0, 0, 1, s); }

std::vector<array> meshgrid(const std::vector<array>& arrays, bool sparse, const std::string& indexing,
                            const StreamOrDevice& s) {
  if (indexing != "xy" && indexing != "ij")
    refuse("meshgrid", "Invalid indexing value '" + indexing + "'. Valid values are 'xy' and 'ij'.");
  const std::size_t n = arrays.size();
  const StreamOrDevice on = to_stream(s);
  std::vector<array> out;
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t axis = indexing == "xy" && i < 2 && n > 1 ? 1 - i : i;
    Shape shape(n, 1);
    shape[axis] = static_cast<ShapeElem>(arrays[i].size());
    out.push_back(reshape(arrays[i], shape, on));
  }
  return sparse ? out : broadcast_arrays(out, on);
}

}  // namespace anabranch
