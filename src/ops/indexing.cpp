#include <algorithm>

#include "ops/common.h"

namespace anabranch {
namespace {

using graph::Op;
using graph::ScatterKind;
using ops::refuse;

std::size_t at(int axis) { return static_cast<std::size_t>(axis); }

// A region of an array, cut to it as Python cuts slices.
struct Region {
  Shape start, step, shape;

  Region(const char* function, const array& a, const Shape& from, const Shape& to, const Shape& by)
      : start(from), step(by), shape(a.shape()) {
    const std::size_t n = a.shape().size();
    if (from.size() != n || to.size() != n || by.size() != n) {
      refuse(function, "start, stop and strides must each have as many values as the array has dimensions, " +
                           std::to_string(n) + ", but got " + std::to_string(from.size()) + ", " +
                           std::to_string(to.size()) + " and " + std::to_string(by.size()) + ".");
    }
    for (std::size_t i = 0; i < n; ++i) {
      if (by[i] == 0) refuse(function, "Strides must not be zero, got " + to_string(by) + ".");
      const ShapeElem extent = a.shape()[i];
      // The places that can begin or end: one before the first element to the last, if backwards.
      const ShapeElem low = by[i] < 0 ? -1 : 0, high = by[i] < 0 ? extent - 1 : extent;
      const auto place = [&](ShapeElem x) { return std::clamp(x < 0 ? x + extent : x, low, std::max(low, high)); };
      const ShapeElem first = place(from[i]), last = place(to[i]);
      const auto span = static_cast<std::uint64_t>(std::max<ShapeElem>(by[i] < 0 ? first - last : last - first, 0));
      const auto pace = by[i] < 0 ? 0 - static_cast<std::uint64_t>(by[i]) : static_cast<std::uint64_t>(by[i]);
      shape[i] = static_cast<ShapeElem>(span ? 1 + (span - 1) / pace : 0);
      if (shape[i] <= 1) step[i] = 1;  // whatever it was: it can't overflow
      start[i] = shape[i] ? first : 0;
    }
  }
};

array update_region(ScatterKind kind, const char* function, const array& src, const array& update, const Shape& start,
                    const Shape& stop, const Shape& strides, const StreamOrDevice& s) {
  const Region region(function, src, start, stop, strides);
  const StreamOrDevice on = to_stream(s);
  array fresh = astype(update, src.dtype(), on);
  while (fresh.ndim() > src.ndim() && fresh.shape(0) == 1) fresh = squeeze(fresh, 0, on);
  if (broadcast_shapes(fresh.shape(), region.shape, function) != region.shape) {
    refuse(function, "Cannot broadcast an update of shape " + to_string(update.shape()) + " to the region's shape " +
                         to_string(region.shape) + ".");
  }
  if (element_count(region.shape) == 0) return src;
  fresh = ops::broadcast(fresh, region.shape);
  return graph::operation(Op::SliceUpdate, src.shape(), src.dtype(), ops::operands(src, fresh), to_stream(on),
                          graph::SliceUpdateAttrs{kind, region.start, region.step});
}

void require_index_dtype(const char* function, const array& indices) {
  if (!issubdtype(indices.dtype(), integer))
    refuse(function, "Indices must be integers, got " + ops::name(indices.dtype()) + ".");
}

// Index arrays, broadcast to one shape, with the (distinct) axes that they count along.
struct Indices {
  std::vector<array> arrays;
  SmallVector<int, 4> axes;
  Shape shape;

  Indices(const char* function, const array& a, const std::vector<array>& indices, const std::vector<int>& along) {
    if (indices.size() != along.size()) {
      refuse(function, "Expected an index array for each axis, got " + std::to_string(indices.size()) + " for " +
                           std::to_string(along.size()) + " axes.");
    }
    normalize_axes(along, a.ndim(), function);
    for (int axis : along) axes.push_back(normalize_axis(axis, a.ndim(), function));
    for (const array& i : indices) {
      require_index_dtype(function, i);
      shape = broadcast_shapes(shape, i.shape(), function);
    }
    for (const array& i : indices) arrays.push_back(ops::broadcast(i, shape));
  }
};

array gather_along(const char* function, const array& a, const Indices& indices, const Shape& slice_sizes,
                   const StreamOrDevice& s) {
  if (slice_sizes.size() != a.shape().size()) {
    refuse(function, "Expected a slice size for each of " + std::to_string(a.ndim()) + " dimensions, got " +
                         std::to_string(slice_sizes.size()) + ".");
  }
  Shape shape = indices.shape;
  for (std::size_t i = 0; i < slice_sizes.size(); ++i) {
    if (slice_sizes[i] < 0 || slice_sizes[i] > a.shape()[i]) {
      refuse(function, "Slice sizes " + to_string(slice_sizes) + " do not fit into an array of shape " +
                           to_string(a.shape()) + ".");
    }
    shape.push_back(slice_sizes[i]);
  }
  element_count(shape);
  SmallVector<graph::NodeRef, 3> inputs{a.node()};
  for (const array& i : indices.arrays) inputs.push_back(i.node());
  return graph::operation(Op::Gather, shape, a.dtype(), std::move(inputs), to_stream(s),
                          graph::GatherAttrs{indices.axes, slice_sizes});
}

array scatter_along(ScatterKind kind, const char* function, const array& a, const Indices& indices,
                    const array& updates, const StreamOrDevice& s) {
  const std::size_t lead = indices.shape.size();
  if (updates.shape().size() != lead + a.shape().size()) {
    refuse(function, "Updates must have the dimensions of the indices, " + std::to_string(lead) +
                         ", and those of the array, " + std::to_string(a.ndim()) + ", but have shape " +
                         to_string(updates.shape()) + ".");
  }
  Shape shape = indices.shape;
  for (std::size_t i = 0; i < a.shape().size(); ++i) {
    shape.push_back(updates.shape()[lead + i]);
    if (shape.back() > a.shape()[i]) {
      refuse(function, "Updates of shape " + to_string(updates.shape()) + " do not fit into an array of shape " +
                           to_string(a.shape()) + ".");
    }
  }
  if (broadcast_shapes(updates.shape(), shape, function) != shape) {
    refuse(function, "Updates of shape " + to_string(updates.shape()) + " do not broadcast to the indices' shape " +
                         to_string(indices.shape) + ".");
  }
  const array fresh = ops::broadcast(astype(updates, a.dtype(), s), shape);
  SmallVector<graph::NodeRef, 3> inputs{a.node(), fresh.node()};
  for (const array& i : indices.arrays) inputs.push_back(i.node());
  return graph::operation(Op::Scatter, a.shape(), a.dtype(), std::move(inputs), to_stream(s),
                          graph::ScatterAttrs{kind, indices.axes});
}

// The scalar indices in a vector `start` (or the scalar itself, for a single axis), one for each axis.
std::vector<array> starts(const char* function, const array& start, const std::vector<int>& axes,
                          const StreamOrDevice& s) {
  if (start.ndim() > 1 || start.size() != axes.size()) {
    refuse(function, "Expected a start for each of " + std::to_string(axes.size()) + " axes, got an array of shape " +
                         to_string(start.shape()) + ".");
  }
  require_index_dtype(function, start);
  return start.ndim() == 0 ? std::vector<array>{start} : unstack(start, 0, s);
}

// For take_along_axis and its like: the indices along `axis`, and positions along all others.
struct AlongAxis {
  std::vector<array> indices;
  std::vector<int> axes;
  Shape shape;  // of the indices, broadcast against `a` but for the axis

  AlongAxis(const char* function, const array& a, const array& given, int axis, const StreamOrDevice& s) {
    const int along = normalize_axis(axis, a.ndim(), function);
    if (given.ndim() != a.ndim()) {
      refuse(function, "Indices of dimension " + std::to_string(given.ndim()) + " do not match array of dimension " +
                           std::to_string(a.ndim()) + ".");
    }
    require_index_dtype(function, given);
    Shape other = a.shape();
    other[at(along)] = 1;
    shape = broadcast_shapes(other, given.shape(), function);
    for (int i = 0; i < a.ndim(); ++i) {
      if (i != along && shape[at(i)] != a.shape(i)) {
        refuse(function, "Indices of shape " + to_string(given.shape()) + " do not fit an array of shape " +
                             to_string(a.shape()) + ".");
      }
    }
    for (int i = 0; i < a.ndim(); ++i) {
      axes.push_back(i);
      if (i == along) {
        indices.push_back(given);
      } else {
        Shape column(a.shape().size(), 1);
        column[at(i)] = a.shape(i);
        indices.push_back(reshape(arange(0.0, static_cast<double>(a.shape(i)), 1.0, int64, s), column, s));
      }
    }
  }
};

array scatter_axis(ScatterKind kind, const char* function, const array& a, const array& indices, const array& values,
                   int axis, const StreamOrDevice& s) {
  const StreamOrDevice on = to_stream(s);
  const AlongAxis along(function, a, indices, axis, on);
  if (broadcast_shapes(values.shape(), along.shape, function) != along.shape) {
    refuse(function, "Values of shape " + to_string(values.shape()) + " do not broadcast to the indices' shape " +
                         to_string(along.shape) + ".");
  }
  Shape shape = along.shape;
  shape.resize(2 * shape.size(), 1);
  const array updates = reshape(broadcast_to(values, along.shape, on), shape, on);
  return scatter_along(kind, function, a, Indices(function, a, along.indices, along.axes), updates, on);
}

}  // namespace

array slice(const array& a, const Shape& start, const Shape& stop, const Shape& strides, const StreamOrDevice&) {
  const Region region("slice", a, start, stop, strides);
  if (region.shape == a.shape() && std::all_of(strides.begin(), strides.end(), [](ShapeElem by) { return by == 1; }))
    return a;
  Strides steps = a.strides();
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    offset += region.start[i] * steps[i];
    steps[i] *= region.step[i];
  }
  return graph::view(a, region.shape, steps, element_count(region.shape) ? offset : 0);
}
array slice(const array& a, const Shape& start, const Shape& stop, const StreamOrDevice& s) {
  return slice(a, start, stop, Shape(a.shape().size(), 1), s);
}
array slice(const array& a, const array& start, const std::vector<int>& axes, const Shape& slice_size,
            const StreamOrDevice& s) {
  const StreamOrDevice on = to_stream(s);
  return gather_along("slice", a, Indices("slice", a, starts("slice", start, axes, on), axes), slice_size, on);
}

#define ANABRANCH_DEFINE(function, kind)                                                                             \
  array function(const array& src, const array& update, const Shape& start, const Shape& stop, const Shape& strides, \
                 const StreamOrDevice& s) {                                                                          \
    return update_region(ScatterKind::kind, #function, src, update, start, stop, strides, s);                        \
  }                                                                                                                  \
  array function(const array& src, const array& update, const Shape& start, const Shape& stop,                       \
                 const StreamOrDevice& s) {                                                                          \
    return update_region(ScatterKind::kind, #function, src, update, start, stop, Shape(src.shape().size(), 1), s);   \
  }
ANABRANCH_SLICE_UPDATES(ANABRANCH_DEFINE)
#undef ANABRANCH_DEFINE

array slice_update(const array& src, const array& update, const array& start, const std::vector<int>& axes,
                   const StreamOrDevice& s) {
  const StreamOrDevice on = to_stream(s);
  if (update.ndim() > src.ndim()) {
    refuse("slice_update", "An update of shape " + to_string(update.shape()) + " has more dimensions than the array, " +
                               to_string(src.shape()) + ".");
  }
  // Leading axes that the update lacks are updated in full.
  Shape shape = src.shape();
  std::copy(update.shape().begin(), update.shape().end(), shape.end() - update.ndim());
  return scatter_along(ScatterKind::Assign, "slice_update", src,
                       Indices("slice_update", src, starts("slice_update", start, axes, on), axes),
                       broadcast_to(update, shape, on), on);
}

array gather(const array& a, const std::vector<array>& indices, const std::vector<int>& axes, const Shape& slice_sizes,
             const StreamOrDevice& s) {
  return gather_along("gather", a, Indices("gather", a, indices, axes), slice_sizes, s);
}

array take(const array& a, const array& indices, int axis, const StreamOrDevice& s) {
  const int along = normalize_axis(axis, a.ndim(), "take");
  require_index_dtype("take", indices);
  if (a.shape(along) == 0 && indices.size() > 0) refuse("take", "Cannot do a non-empty take from an empty axis.");
  Shape sizes = a.shape();
  sizes[at(along)] = std::min<ShapeElem>(1, a.shape(along));
  const StreamOrDevice on = to_stream(s);
  const array taken = gather_along("take", a, Indices("take", a, {indices}, {along}), sizes, on);
  // From (indices, axes of a) to (axes before, indices, axes after).
  const int lead = indices.ndim();
  std::vector<int> order;
  for (int i = 0; i < along; ++i) order.push_back(lead + i);
  for (int i = 0; i < lead; ++i) order.push_back(i);
  for (int i = along; i < a.ndim(); ++i) order.push_back(lead + i);
  const array placed = transpose(taken, order, on);
  if (a.shape(along) > 0) return squeeze(placed, along + lead, on);
  Shape shape = placed.shape();
  shape.erase(shape.begin() + along + lead);
  return reshape(placed, shape, on);
}
array take(const array& a, const array& indices, const StreamOrDevice& s) { return take(flatten(a, s), indices, 0, s); }
array take(const array& a, int index, int axis, const StreamOrDevice& s) {
  const int along = normalize_axis(axis, a.ndim(), "take");
  const ShapeElem extent = a.shape(along), first = index < 0 ? index + extent : index;
  if (first < 0 || first >= extent) {
    throw std::out_of_range(ops::message("take", "Index " + std::to_string(index) + " is out of bounds for axis " +
                                                     std::to_string(along) + " with size " + std::to_string(extent) +
                                                     "."));
  }
  Shape start(a.shape().size(), 0), stop = a.shape();
  start[at(along)] = first;
  stop[at(along)] = first + 1;
  return squeeze(slice(a, start, stop, s), along, s);
}
array take(const array& a, int index, const StreamOrDevice& s) { return take(flatten(a, s), index, 0, s); }

array take_along_axis(const array& a, const array& indices, int axis, const StreamOrDevice& s) {
  const StreamOrDevice on = to_stream(s);
  const AlongAxis along("take_along_axis", a, indices, axis, on);
  const array taken = gather_along("take_along_axis", a, Indices("take_along_axis", a, along.indices, along.axes),
                                   Shape(a.shape().size(), 1), on);
  return reshape(taken, along.shape, on);
}
array put_along_axis(const array& a, const array& indices, const array& values, int axis, const StreamOrDevice& s) {
  return scatter_axis(ScatterKind::Assign, "put_along_axis", a, indices, values, axis, s);
}
array scatter_add_axis(const array& a, const array& indices, const array& values, int axis, const StreamOrDevice& s) {
  return scatter_axis(ScatterKind::Add, "scatter_add_axis", a, indices, values, axis, s);
}

#define ANABRANCH_DEFINE(function, kind)                                                                       \
  array function(const array& a, const std::vector<array>& indices, const array& updates,                      \
                 const std::vector<int>& axes, const StreamOrDevice& s) {                                      \
    return scatter_along(ScatterKind::kind, #function, a, Indices(#function, a, indices, axes), updates, s);   \
  }
ANABRANCH_SCATTERS(ANABRANCH_DEFINE)
#undef ANABRANCH_DEFINE

}  // namespace anabranch
