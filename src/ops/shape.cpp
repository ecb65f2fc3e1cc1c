// Operations that only say how the same elements are to be seen.
#include <algorithm>
#include <cstdlib>

#include "ops/common.h"

namespace anabranch {
namespace {

using ops::refuse;

using Permutation = SmallVector<int, 4>;

Permutation identity_order(const array& a) {
  Permutation axes;
  for (int i = 0; i < a.ndim(); ++i) axes.push_back(i);
  return axes;
}

array dense_copy(const array& a, const StreamOrDevice& s) {
  return graph::operation(graph::Op::Copy, a.shape(), a.dtype(), ops::operands(a), to_stream(s));
}

// `shape` with its -1, if it has one, replaced by what remains of `count` elements.
Shape inferred(const char* function, const Shape& shape, std::int64_t count) {
  Shape out = shape;
  std::int64_t known = 1;
  std::optional<std::size_t> open;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == -1) {
      if (open) refuse(function, "Can only infer one dimension, got " + to_string(shape) + ".");
      open = i;
    } else if (shape[i] < 0) {
      refuse(function, "Negative dimensions not allowed, got " + to_string(shape) + ".");
    } else if (__builtin_mul_overflow(known, shape[i], &known)) {
      refuse(function, "Shape " + to_string(shape) + " has too many elements.");
    }
  }
  if (!open) return out;
  if (known == 0) refuse(function, "Cannot infer a dimension of an empty array, got " + to_string(shape) + ".");
  out[*open] = count / known;
  return out;
}

array reversed(const array& a, const std::vector<bool>& reverse) {
  Strides strides = a.strides();
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < strides.size(); ++i) {
    if (!reverse[i]) continue;
    offset += std::max<std::int64_t>(a.shape()[i] - 1, 0) * strides[i];
    strides[i] = -strides[i];
  }
  return graph::view(a, a.shape(), strides, a.size() ? offset : 0);
}

}  // namespace

array reshape(const array& a, const Shape& shape, const StreamOrDevice& s) {
  if (a.shape() == shape) return a;
  const auto count = static_cast<std::int64_t>(a.size());
  const Shape to = inferred("reshape", shape, count);
  if (element_count(to) != count) {
    refuse("reshape",
           "Cannot reshape array of size " + std::to_string(count) + " into shape " + to_string(shape) + ".");
  }
  if (const auto view = ops::view_as(a, to)) return *view;
  return graph::view(dense_copy(a, s), to, contiguous_strides(to));
}

array unflatten(const array& a, int axis, const Shape& shape, const StreamOrDevice& s) {
  if (shape.empty()) refuse("unflatten", "Shape to unflatten to cannot be empty.");
  const int at = normalize_axis(axis, a.ndim(), "unflatten");
  const Shape part = inferred("unflatten", shape, a.shape(at));
  if (element_count(part) != a.shape(at)) {
    refuse("unflatten", "Cannot unflatten axis " + std::to_string(axis) + " with size " + std::to_string(a.shape(at)) +
                            " into shape " + to_string(shape) + ".");
  }
  Shape to(a.shape().begin(), a.shape().begin() + at);
  for (ShapeElem extent : part) to.push_back(extent);
  for (int i = at + 1; i < a.ndim(); ++i) to.push_back(a.shape(i));
  return reshape(a, to, s);
}

array flatten(const array& a, int start_axis, int end_axis, const StreamOrDevice& s) {
  const int n = a.ndim();
  if (n == 0) return reshape(a, Shape{1}, s);
  // Axes beyond the ends are cut to them, as MLX does.
  const int start = std::max(start_axis < 0 ? start_axis + n : start_axis, 0);
  const int end = std::min(end_axis < 0 ? end_axis + n : end_axis, n - 1);
  if (start > end) {
    refuse("flatten", "start_axis must not be after end_axis, got " + std::to_string(start_axis) + " and " +
                          std::to_string(end_axis) + " for an array with " + std::to_string(n) + " dimensions.");
  }
  if (start == end) return a;
  Shape to(a.shape().begin(), a.shape().begin() + start);
  to.push_back(element_count(Shape(a.shape().begin() + start, a.shape().begin() + end + 1)));
  for (int i = end + 1; i < n; ++i) to.push_back(a.shape(i));
  return reshape(a, to, s);
}
array flatten(const array& a, const StreamOrDevice& s) { return flatten(a, 0, -1, s); }

array squeeze(const array& a, const std::vector<int>& axes, const StreamOrDevice&) {
  const std::vector<int> drop = normalize_axes(axes, a.ndim(), "squeeze");
  const Strides from = a.strides();
  Shape shape;
  Strides strides;
  for (int i = 0; i < a.ndim(); ++i) {
    if (!std::binary_search(drop.begin(), drop.end(), i)) {
      shape.push_back(a.shape(i));
      strides.push_back(from[static_cast<std::size_t>(i)]);
    } else if (a.shape(i) != 1) {
      refuse("squeeze", "Cannot squeeze axis " + std::to_string(i) + " with size " + std::to_string(a.shape(i)) +
                            " which is not equal to 1.");
    }
  }
  return drop.empty() ? a : graph::view(a, shape, strides);
}
array squeeze(const array& a, int axis, const StreamOrDevice& s) { return squeeze(a, std::vector<int>{axis}, s); }
array squeeze(const array& a, const StreamOrDevice& s) {
  std::vector<int> axes;
  for (int i = 0; i < a.ndim(); ++i) {
    if (a.shape(i) == 1) axes.push_back(i);
  }
  return squeeze(a, axes, s);
}

array expand_dims(const array& a, const std::vector<int>& axes, const StreamOrDevice&) {
  if (axes.empty()) return a;
  const int n = a.ndim() + static_cast<int>(axes.size());
  const std::vector<int> fresh = normalize_axes(axes, n, "expand_dims");
  const Strides from = a.strides();
  Shape shape;
  Strides strides;
  std::size_t next = 0;
  for (int i = 0; i < n; ++i) {
    const bool is_fresh = std::binary_search(fresh.begin(), fresh.end(), i);
    shape.push_back(is_fresh ? 1 : a.shape()[next]);
    strides.push_back(is_fresh ? 0 : from[next]);
    next += !is_fresh;
  }
  return graph::view(a, shape, strides);
}
array expand_dims(const array& a, int axis, const StreamOrDevice& s) {
  return expand_dims(a, std::vector<int>{axis}, s);
}

array transpose(const array& a, const std::vector<int>& axes, const StreamOrDevice&) {
  if (axes.size() != a.shape().size()) {
    refuse("transpose", "Received " + std::to_string(axes.size()) + " axes for array with " + std::to_string(a.ndim()) +
                            " dimensions.");
  }
  normalize_axes(axes, a.ndim(), "transpose");
  Permutation order;
  for (int axis : axes) order.push_back(normalize_axis(axis, a.ndim(), "transpose"));
  return ops::permute(a, order);
}
array transpose(const array& a, const StreamOrDevice&) {
  Permutation order = identity_order(a);
  std::reverse(order.begin(), order.end());
  return ops::permute(a, order);
}
array matrix_transpose(const array& a, const StreamOrDevice& s) {
  if (a.ndim() < 2) {
    refuse("matrix_transpose", "Array must have at least two dimensions, got shape " + to_string(a.shape()) + ".");
  }
  return swapaxes(a, -1, -2, s);
}

array swapaxes(const array& a, int axis1, int axis2, const StreamOrDevice&) {
  const int first = normalize_axis(axis1, a.ndim(), "swapaxes"), second = normalize_axis(axis2, a.ndim(), "swapaxes");
  Permutation order = identity_order(a);
  std::swap(order[static_cast<std::size_t>(first)], order[static_cast<std::size_t>(second)]);
  return ops::permute(a, order);
}

array moveaxis(const array& a, int source, int destination, const StreamOrDevice&) {
  const int from = normalize_axis(source, a.ndim(), "moveaxis"), to = normalize_axis(destination, a.ndim(), "moveaxis");
  Permutation order = identity_order(a);
  order.erase(order.begin() + from);
  order.insert(order.begin() + to, from);
  return ops::permute(a, order);
}

array flip(const array& a, const std::vector<int>& axes, const StreamOrDevice&) {
  std::vector<bool> reverse(a.shape().size(), false);
  for (int axis : normalize_axes(axes, a.ndim(), "flip")) reverse[static_cast<std::size_t>(axis)] = true;
  return reversed(a, reverse);
}
array flip(const array& a, int axis, const StreamOrDevice& s) { return flip(a, std::vector<int>{axis}, s); }
array flip(const array& a, const StreamOrDevice&) { return reversed(a, std::vector<bool>(a.shape().size(), true)); }

array broadcast_to(const array& a, const Shape& shape, const StreamOrDevice&) {
  if (a.shape() == shape) return a;
  ops::require_extents("broadcast_to", shape);
  if (broadcast_shapes(a.shape(), shape, "broadcast_to") != shape) {
    refuse("broadcast_to",
           "Cannot broadcast array of shape " + to_string(a.shape()) + " into shape " + to_string(shape) + ".");
  }
  return ops::broadcast(a, shape);
}

std::vector<array> broadcast_arrays(const std::vector<array>& inputs, const StreamOrDevice&) {
  Shape shape;
  for (const array& a : inputs) shape = broadcast_shapes(shape, a.shape(), "broadcast_arrays");
  element_count(shape);
  std::vector<array> out;
  out.reserve(inputs.size());
  for (const array& a : inputs) out.push_back(ops::broadcast(a, shape));
  return out;
}

array atleast_1d(const array& a, const StreamOrDevice& s) { return a.ndim() >= 1 ? a : reshape(a, Shape{1}, s); }
array atleast_2d(const array& a, const StreamOrDevice& s) {
  return a.ndim() >= 2 ? a : expand_dims(atleast_1d(a, s), 0, s);
}
array atleast_3d(const array& a, const StreamOrDevice& s) {
  return a.ndim() >= 3 ? a : expand_dims(atleast_2d(a, s), 2, s);
}
#define ANABRANCH_DEFINE(function)                                                        \
  std::vector<array> function(const std::vector<array>& arrays, const StreamOrDevice& s) { \
    std::vector<array> out;                                                               \
    out.reserve(arrays.size());                                                           \
    for (const array& a : arrays) out.push_back(function(a, s));                          \
    return out;                                                                           \
  }
ANABRANCH_DEFINE(atleast_1d)
ANABRANCH_DEFINE(atleast_2d)
ANABRANCH_DEFINE(atleast_3d)
#undef ANABRANCH_DEFINE

array as_strided(const array& a, const Shape& shape, const Strides& strides, std::size_t offset,
                 const StreamOrDevice& s) {
  ops::require_extents("as_strided", shape);
  if (shape.size() != strides.size()) {
    refuse("as_strided", "shape and strides must have the same length, got " + std::to_string(shape.size()) + " and " +
                             std::to_string(strides.size()) + ".");
  }
  if (element_count(shape) > 0) {
    // In __int128: strides are the caller's.
    __int128 low = static_cast<__int128>(offset), high = low;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      const __int128 reach = static_cast<__int128>(shape[i] - 1) * strides[i];
      (reach < 0 ? low : high) += reach;
    }
    if (low < 0 || high >= static_cast<__int128>(a.size())) {
      refuse("as_strided", "Shape " + to_string(shape) + " with strides " + to_string(strides) + " and offset " +
                               std::to_string(offset) + " leaves an array of size " + std::to_string(a.size()) + ".");
    }
  }
  const array flat = contiguous(a, false, s);
  return graph::view(flat, shape, strides, element_count(shape) ? static_cast<std::int64_t>(offset) : 0);
}

array contiguous(const array& a, bool allow_col_major, const StreamOrDevice& s) {
  if (a.is_row_contiguous() || (allow_col_major && transpose(a, s).is_row_contiguous())) return a;
  return dense_copy(a, s);
}
array copy(const array& a, const StreamOrDevice& s) { return dense_copy(a, s); }

}  // namespace anabranch
