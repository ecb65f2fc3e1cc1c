#include "array/update.h"

#include "anabranch/ops.h"
#include "array/index.h"
#include "array/object.h"

namespace anabranch::python {
namespace {

array combine(Update update, const array& old, const array& value, const StreamOrDevice& s) {
  switch (update) {
    case Update::Assign: return value;
    case Update::Add: return add(old, value, s);
    case Update::Subtract: return subtract(old, value, s);
    case Update::Multiply: return multiply(old, value, s);
    case Update::Divide: return astype(divide(old, value, s), old.dtype(), s);
    case Update::Maximum: return maximum(old, value, s);
    case Update::Minimum: break;
  }
  return minimum(old, value, s);
}

array scatter_combine(Update update, const array& a, const Index& index, const array& updates,
                      const StreamOrDevice& s) {
  const auto& arrays = index.arrays();
  const auto& axes = index.array_axes();
  switch (update) {
    case Update::Assign: return scatter(a, arrays, updates, axes, s);
    case Update::Add: return scatter_add(a, arrays, updates, axes, s);
    case Update::Subtract: return scatter_add(a, arrays, negative(updates, s), axes, s);
    case Update::Multiply: return scatter_prod(a, arrays, updates, axes, s);
    case Update::Divide: return scatter_prod(a, arrays, astype(reciprocal(updates, s), a.dtype(), s), axes, s);
    case Update::Maximum: return scatter_max(a, arrays, updates, axes, s);
    case Update::Minimum: break;
  }
  return scatter_min(a, arrays, updates, axes, s);
}

// The value as an array of a's dtype.
array update_value(const array& a, nb::handle value, const StreamOrDevice& s) {
  return astype(to_array(value, a.dtype(), s), a.dtype(), s);
}

// How many elements of a mask are true, and where: flat positions, as an array.
array positions_of(const array& mask, const StreamOrDevice& s) {
  const array dense = on_host(contiguous(mask, false, s));
  const bool* at = dense.data<bool>();
  const std::size_t n = dense.size();
  std::size_t count = 0;
  for (std::size_t i = 0; i < n; ++i) count += at[i];
  Fresh positions(Shape{static_cast<ShapeElem>(count)}, int64);
  std::int64_t* to = static_cast<std::int64_t*>(positions.data);
  for (std::size_t i = 0; i < n; ++i) {
    if (at[i]) *to++ = static_cast<std::int64_t>(i);
  }
  return positions.value;
}

array updated_where(const array& a, const array& mask, array value, Update update, const StreamOrDevice& s) {
  const std::size_t lead = mask.shape().size();
  const Shape& shape = a.shape();
  if (lead > shape.size() || !std::equal(mask.shape().begin(), mask.shape().end(), shape.begin())) {
    throw std::invalid_argument("[index] A mask of shape " + to_string(mask.shape()) +
                                " does not match the leading axes of an array of shape " + to_string(shape) + ".");
  }
  const std::size_t trailing = shape.size() - lead;
  while (value.shape().size() > trailing && value.shape()[0] == 1) value = squeeze(value, 0, s);
  if (value.shape().size() <= trailing) {
    Shape spread = mask.shape();
    spread.resize(shape.size(), 1);
    return where(reshape(mask, spread, s), combine(update, a, broadcast_to(value, shape, s), s), a, s);
  }
  // One value for each true element: where they are decides the shapes, so the mask is needed now.
  const array positions = positions_of(mask, s);
  const ShapeElem count = positions.shape()[0];
  if (value.shape()[0] < count) {
    throw std::invalid_argument("[index] " + std::to_string(value.shape()[0]) + " values are too few for a mask with " +
                                std::to_string(count) + " true elements.");
  }
  Shape flat{static_cast<ShapeElem>(mask.size())}, updates{count};
  for (std::size_t i = lead; i < shape.size(); ++i) {
    flat.push_back(shape[i]);
    updates.push_back(shape[i]);
  }
  Shape first = value.shape();
  first[0] = count;
  value = broadcast_to(slice(value, Shape(value.shape().size(), 0), first, s), updates, s);
  if (count == 0) return a;
  const array rows = reshape(a, flat, s);
  if (update != Update::Assign) value = combine(update, take(rows, positions, 0, s), value, s);
  updates.insert(updates.begin() + 1, 1);
  return reshape(scatter(rows, positions, reshape(value, updates, s), 0, s), shape, s);
}

}  // namespace

array updated(const array& a, nb::handle key, nb::handle value, Update update, const StreamOrDevice& s) {
  const Index index(key, a.shape());
  const array v = update_value(a, value, s);
  if (index.mask()) return updated_where(a, *index.mask(), v, update, s);
  const array updates = index.scatter_updates(v, s);
  if (index.is_empty()) return a;
  array region = index.region(a);
  if (index.has_arrays()) {
    region = scatter_combine(update, region, index, updates, s);
  } else {
    region = combine(update, region, updates, s);
    // All of it: dense, so that no broadcast or transposed value becomes the layout of `a`.
    if (index.is_whole()) return contiguous(region, false, s);
  }
  return index.replace_region(a, region, s);
}

}  // namespace anabranch::python
