#include <algorithm>

#include "ops/common.h"

namespace anabranch {
namespace {

using ops::refuse;

std::size_t at(int axis) { return static_cast<std::size_t>(axis); }

// The elements first .. last - 1 along an axis.
array part(const array& a, int axis, ShapeElem first, ShapeElem last, const StreamOrDevice& s) {
  Shape start(a.shape().size(), 0), stop = a.shape();
  start[at(axis)] = first;
  stop[at(axis)] = last;
  return slice(a, start, stop, s);
}

}  // namespace

array concatenate(const std::vector<array>& arrays, int axis, const StreamOrDevice& s) {
  if (arrays.empty()) refuse("concatenate", "No arrays provided for concatenation.");
  const StreamOrDevice on = to_stream(s);
  const int along = normalize_axis(axis, arrays[0].ndim(), "concatenate");
  Dtype d = arrays[0].dtype();
  Shape shape = arrays[0].shape();
  shape[at(along)] = 0;
  for (const array& a : arrays) {
    if (a.shape().size() != shape.size()) {
      refuse("concatenate", "All the input arrays must have the same number of dimensions, got shapes " +
                                to_string(arrays[0].shape()) + " and " + to_string(a.shape()) + ".");
    }
    for (int i = 0; i < a.ndim(); ++i) {
      if (i != along && a.shape(i) != shape[at(i)]) {
        refuse("concatenate", "All the input array dimensions must match exactly except for the concatenation axis " +
                                  std::to_string(along) + ", got shapes " + to_string(arrays[0].shape()) + " and " +
                                  to_string(a.shape()) + ".");
      }
    }
    if (__builtin_add_overflow(shape[at(along)], a.shape(along), &shape[at(along)]))
      refuse("concatenate", "The result has too many elements.");
    d = promote_types(d, a.dtype());
  }
  element_count(shape);
  if (arrays.size() == 1) return arrays[0];
  SmallVector<graph::NodeRef, 3> inputs;
  inputs.reserve(arrays.size());
  for (const array& a : arrays) inputs.push_back(astype(a, d, on).node());
  return graph::operation(graph::Op::Concatenate, shape, d, std::move(inputs), to_stream(on),
                          graph::ConcatenateAttrs{along});
}
array concatenate(const std::vector<array>& arrays, const StreamOrDevice& s) {
  const StreamOrDevice on = to_stream(s);
  std::vector<array> flat;
  flat.reserve(arrays.size());
  for (const array& a : arrays) flat.push_back(flatten(a, on));
  return concatenate(flat, 0, on);
}

array stack(const std::vector<array>& arrays, int axis, const StreamOrDevice& s) {
  if (arrays.empty()) refuse("stack", "No arrays provided for stacking.");
  const StreamOrDevice on = to_stream(s);
  const int fresh = normalize_axis(axis, arrays[0].ndim() + 1, "stack");
  std::vector<array> expanded;
  expanded.reserve(arrays.size());
  for (const array& a : arrays) {
    if (a.shape() != arrays[0].shape()) {
      refuse("stack", "All arrays must have the same shape, got " + to_string(arrays[0].shape()) + " and " +
                          to_string(a.shape()) + ".");
    }
    expanded.push_back(expand_dims(a, fresh, on));
  }
  return concatenate(expanded, fresh, on);
}
array stack(const std::vector<array>& arrays, const StreamOrDevice& s) { return stack(arrays, 0, s); }

std::vector<array> split(const array& a, int num_splits, int axis, const StreamOrDevice& s) {
  if (num_splits <= 0) refuse("split", "num_splits must be positive but got " + std::to_string(num_splits) + ".");
  const int along = normalize_axis(axis, a.ndim(), "split");
  const ShapeElem extent = a.shape(along), each = extent / num_splits;
  if (each * num_splits != extent) {
    refuse("split", "Cannot split axis " + std::to_string(along) + " of shape " + to_string(a.shape()) + " into " +
                        std::to_string(num_splits) + " equal parts.");
  }
  std::vector<array> out;
  out.reserve(at(num_splits));
  for (int i = 0; i < num_splits; ++i) out.push_back(part(a, along, i * each, (i + 1) * each, s));
  return out;
}
std::vector<array> split(const array& a, int num_splits, const StreamOrDevice& s) { return split(a, num_splits, 0, s); }
std::vector<array> split(const array& a, const Shape& indices, int axis, const StreamOrDevice& s) {
  const int along = normalize_axis(axis, a.ndim(), "split");
  std::vector<array> out;
  out.reserve(indices.size() + 1);
  for (std::size_t i = 0; i <= indices.size(); ++i) {
    out.push_back(part(a, along, i == 0 ? 0 : indices[i - 1], i == indices.size() ? a.shape(along) : indices[i], s));
  }
  return out;
}
std::vector<array> split(const array& a, const Shape& indices, const StreamOrDevice& s) {
  return split(a, indices, 0, s);
}

std::vector<array> unstack(const array& a, int axis, const StreamOrDevice& s) {
  const int along = normalize_axis(axis, a.ndim(), "unstack");
  std::vector<array> out;
  out.reserve(static_cast<std::size_t>(a.shape(along)));
  for (ShapeElem i = 0; i < a.shape(along); ++i) out.push_back(squeeze(part(a, along, i, i + 1, s), along, s));
  return out;
}

array repeat(const array& a, int repeats, int axis, const StreamOrDevice& s) {
  const int along = normalize_axis(axis, a.ndim(), "repeat");
  if (repeats < 0) refuse("repeat", "Number of repeats cannot be negative, got " + std::to_string(repeats) + ".");
  if (repeats == 1) return a;
  Shape seen = a.shape(), shape = a.shape();
  seen.insert(seen.begin() + along + 1, repeats);
  ops::require_extents("repeat", seen);
  shape[at(along)] *= repeats;
  return reshape(broadcast_to(expand_dims(a, along + 1, s), seen, s), shape, s);
}
array repeat(const array& a, int repeats, const StreamOrDevice& s) { return repeat(flatten(a, s), repeats, 0, s); }

array tile(const array& a, const std::vector<int>& reps, const StreamOrDevice& s) {
  const std::size_t n = std::max(reps.size(), a.shape().size());
  // Each axis becomes two: the repetitions, then the extent.
  Shape ones, seen, shape;
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t no_rep = n - reps.size(), no_axis = n - a.shape().size();
    const ShapeElem rep = i < no_rep ? 1 : reps[i - no_rep], extent = i < no_axis ? 1 : a.shape()[i - no_axis];
    if (rep < 0) refuse("tile", "Number of repetitions cannot be negative, got " + std::to_string(rep) + ".");
    ones.push_back(1);
    ones.push_back(extent);
    seen.push_back(rep);
    seen.push_back(extent);
  }
  ops::require_extents("tile", seen);
  for (std::size_t i = 0; i < n; ++i) shape.push_back(seen[2 * i] * seen[2 * i + 1]);
  const StreamOrDevice on = to_stream(s);
  return reshape(broadcast_to(reshape(a, ones, on), seen, on), shape, on);
}

array roll(const array& a, const Shape& shift, const std::vector<int>& axes, const StreamOrDevice& s) {
  if (shift.size() < axes.size()) {
    refuse("roll", "At least one shift value per axis is required, got " + std::to_string(shift.size()) + " for " +
                       std::to_string(axes.size()) + " axes.");
  }
  const StreamOrDevice on = to_stream(s);
  array out = a;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const int along = normalize_axis(axes[i], a.ndim(), "roll");
    const ShapeElem n = a.shape(along);
    const ShapeElem by = n ? (shift[i] % n + n) % n : 0;
    if (by) out = concatenate({part(out, along, n - by, n, on), part(out, along, 0, n - by, on)}, along, on);
  }
  return out;
}
array roll(const array& a, int shift, const std::vector<int>& axes, const StreamOrDevice& s) {
  return roll(a, Shape(axes.size(), shift), axes, s);
}
array roll(const array& a, const Shape& shift, int axis, const StreamOrDevice& s) {
  ShapeElem total = 0;
  const ShapeElem n = std::max<ShapeElem>(a.shape(normalize_axis(axis, a.ndim(), "roll")), 1);
  for (ShapeElem by : shift) total += by % n;
  return roll(a, Shape{total}, std::vector<int>{axis}, s);
}
array roll(const array& a, int shift, int axis, const StreamOrDevice& s) { return roll(a, Shape{shift}, axis, s); }
array roll(const array& a, const Shape& shift, const StreamOrDevice& s) {
  return reshape(roll(flatten(a, s), shift, 0, s), a.shape(), s);
}
array roll(const array& a, int shift, const StreamOrDevice& s) { return roll(a, Shape{shift}, s); }

namespace {

array pad_edge(const array& a, const Shape& low, const Shape& high, const StreamOrDevice& s) {
  array out = a;
  for (int i = 0; i < a.ndim(); ++i) {
    const ShapeElem before = low[at(i)], after = high[at(i)], extent = a.shape(i);
    if (before == 0 && after == 0) continue;
    if (extent == 0) refuse("pad", "Cannot take the edge of axis " + std::to_string(i) + ", which is empty.");
    std::vector<array> parts;
    const auto add_edge = [&](ShapeElem from, ShapeElem n) {
      if (n == 0) return;
      Shape shape = out.shape();
      shape[at(i)] = n;
      parts.push_back(broadcast_to(part(out, i, from, from + 1, s), shape, s));
    };
    add_edge(0, before);
    parts.push_back(out);
    add_edge(extent - 1, after);
    out = concatenate(parts, i, s);
  }
  return out;
}

}  // namespace

array pad(const array& a, const std::vector<int>& axes, const Shape& low_pad_size, const Shape& high_pad_size,
          const array& pad_value, const std::string& mode, const StreamOrDevice& s) {
  if (axes.size() != low_pad_size.size() || axes.size() != high_pad_size.size())
    refuse("pad", "Expected a padding size for each of " + std::to_string(axes.size()) + " axes.");
  if (mode != "constant" && mode != "edge") refuse("pad", "Invalid padding mode '" + mode + "'.");
  const StreamOrDevice on = to_stream(s);
  Shape low(a.shape().size(), 0), high = low, shape = a.shape(), stop = a.shape();
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::size_t axis = at(normalize_axis(axes[i], a.ndim(), "pad"));
    if (low_pad_size[i] < 0 || high_pad_size[i] < 0) {
      refuse("pad", "Padding sizes must be non-negative, got " + std::to_string(low_pad_size[i]) + " and " +
                        std::to_string(high_pad_size[i]) + " for axis " + std::to_string(axis) + ".");
    }
    low[axis] = low_pad_size[i];
    high[axis] = high_pad_size[i];
    if (__builtin_add_overflow(a.shape()[axis], low[axis], &stop[axis]) ||
        __builtin_add_overflow(stop[axis], high[axis], &shape[axis]))
      refuse("pad", "The result has too many elements.");
  }
  if (shape == a.shape()) return a;
  if (mode == "edge") return pad_edge(a, low, high, on);
  return slice_update(full(shape, pad_value, a.dtype(), on), a, low, stop, on);
}
array pad(const array& a, const std::vector<std::pair<int, int>>& pad_width, const array& pad_value,
          const std::string& mode, const StreamOrDevice& s) {
  if (pad_width.size() != a.shape().size()) {
    refuse("pad", "Got " + std::to_string(pad_width.size()) + " padding sizes for an array with " +
                      std::to_string(a.ndim()) + " dimensions.");
  }
  std::vector<int> axes;
  Shape low, high;
  for (std::size_t i = 0; i < pad_width.size(); ++i) {
    axes.push_back(static_cast<int>(i));
    low.push_back(pad_width[i].first);
    high.push_back(pad_width[i].second);
  }
  return pad(a, axes, low, high, pad_value, mode, s);
}
array pad(const array& a, const std::pair<int, int>& pad_width, const array& pad_value, const std::string& mode,
          const StreamOrDevice& s) {
  return pad(a, std::vector<std::pair<int, int>>(a.shape().size(), pad_width), pad_value, mode, s);
}
array pad(const array& a, int pad_width, const array& pad_value, const std::string& mode, const StreamOrDevice& s) {
  return pad(a, std::pair<int, int>(pad_width, pad_width), pad_value, mode, s);
}

}  // namespace anabranch
