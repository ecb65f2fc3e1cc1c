#include "array/index.h"

#include <algorithm>

#include "anabranch/ops.h"
#include "array/object.h"
#include "graph/node.h"

namespace anabranch::python {
namespace {

[[noreturn]] void refuse(nb::handle o) {
  throw std::invalid_argument(
      "[index] An array is indexed by ints, slices, None, ... and integer arrays, not by an "
      "object of type " +
      std::string(Py_TYPE(o.ptr())->tp_name) + ".");
}

bool is_slice_like(PyObject* o) { return PySlice_Check(o) || o == Py_None || o == Py_Ellipsis; }

// An integer or boolean array from what may stand for one in an index; nothing for ints.
std::optional<array> array_index(nb::handle o) {
  PyObject* p = o.ptr();
  if (is_array(p)) return array_of(p);
  if (PyBool_Check(p)) return scalar_to_array(p, std::nullopt, current_stream());
  if (PyLong_Check(p) || is_index_like(p)) return std::nullopt;
  std::optional<array> a;
  if (PyList_Check(p)) {
    a = sequence_to_array(p, std::nullopt);
    if (a->size() == 0) a = sequence_to_array(p, int32);
  } else if (!PyFloat_Check(p) && !PyUnicode_Check(p) && !PyBytes_Check(p) && !PyMemoryView_Check(p)) {
    a = foreign_to_array(p, std::nullopt);
  }
  if (!a) refuse(o);
  return a;
}

// How many axes of the source an item stands for.
std::size_t axes_of(nb::handle o) { return o.is_none() || o.is(nb::handle(Py_Ellipsis)) ? 0 : 1; }

}  // namespace

Index::Index(nb::handle key, const Shape& shape) {
  read(key, shape);
  if (!mask_) finish(shape);
}

void Index::read(nb::handle key, const Shape& shape) {
  const bool tuple = PyTuple_Check(key.ptr());
  const std::size_t n = tuple ? static_cast<std::size_t>(PyTuple_GET_SIZE(key.ptr())) : 1;
  const auto item = [&](std::size_t i) { return tuple ? nb::handle(PyTuple_GET_ITEM(key.ptr(), i)) : key; };
  std::size_t given = 0, ellipses = 0;
  for (std::size_t i = 0; i < n; ++i) {
    given += axes_of(item(i));
    ellipses += item(i).is(nb::handle(Py_Ellipsis));
  }
  if (ellipses > 1) throw std::invalid_argument("[index] An index can have only one ellipsis (...).");
  if (n == 1 && given == 1 && !is_slice_like(item(0).ptr())) {
    std::optional<array> a = array_index(item(0));
    if (a && a->dtype() == bool_) {
      mask_ = std::move(a);
      return;
    }
  }
  if (given > shape.size()) {
    throw std::invalid_argument("[index] " + std::to_string(given) + " indices are too many for an array with " +
                                std::to_string(shape.size()) + " dimensions.");
  }
  const std::size_t rest = shape.size() - given;
  for (std::size_t i = 0; i < n; ++i) {
    const nb::handle o = item(i);
    if (o.is_none()) {
      add_new();
    } else if (o.is(nb::handle(Py_Ellipsis))) {
      add_rest(rest, shape);
    } else if (PySlice_Check(o.ptr())) {
      add_slice(o, shape);
    } else if (std::optional<array> a = array_index(o)) {
      add_array(std::move(*a));
    } else {
      const Py_ssize_t element = PyNumber_AsSsize_t(o.ptr(), PyExc_IndexError);
      if (element == -1 && PyErr_Occurred()) throw nb::python_error();
      add_element(element, shape);
    }
  }
  if (!ellipses) add_rest(rest, shape);
}

void Index::stand(bool among_arrays) {
  if (among_arrays && arrays_at_ >= 0 && !last_among_arrays_) together_ = false;
  if (among_arrays && arrays_at_ < 0) arrays_at_ = static_cast<int>(dimensions_.size());
  last_among_arrays_ = among_arrays;
}

void Index::add_element(ShapeElem i, const Shape& shape) {
  const std::size_t axis = picks_.size();
  const ShapeElem extent = shape[axis];
  if (i < -extent || i >= extent) {
    throw std::out_of_range("[index] Index " + std::to_string(i) + " is out of bounds for axis " +
                            std::to_string(axis) + " of extent " + std::to_string(extent) + ".");
  }
  stand(true);
  picks_.push_back({i < 0 ? i + extent : i, 1, 1, true, false});
  whole_ = false;
}

void Index::add_slice(nb::handle slice, const Shape& shape) {
  Py_ssize_t start, stop, step;
  if (PySlice_Unpack(slice.ptr(), &start, &stop, &step) < 0) throw nb::python_error();
  const ShapeElem extent = shape[picks_.size()];
  const Py_ssize_t count = PySlice_AdjustIndices(extent, &start, &stop, step);
  stand(false);
  dimensions_.push_back({Dimension::Kind::Region, static_cast<int>(region_shape_.size())});
  region_shape_.push_back(count);
  picks_.push_back({start, step, count});
  whole_ &= start == 0 && step == 1 && count == extent;
}

void Index::add_rest(std::size_t axes, const Shape& shape) {
  stand(false);
  for (; axes > 0; --axes) {
    const ShapeElem extent = shape[picks_.size()];
    dimensions_.push_back({Dimension::Kind::Region, static_cast<int>(region_shape_.size())});
    region_shape_.push_back(extent);
    picks_.push_back({0, 1, extent});
  }
}

void Index::add_array(array a) {
  if (a.dtype() == bool_) {
    throw std::invalid_argument("[index] A boolean array must be the only index, not one among others.");
  }
  if (!issubdtype(a.dtype(), integer)) {
    throw std::invalid_argument("[index] Arrays that index must be of an integer dtype, not " +
                                std::string(dtype_name(a.dtype())) + ".");
  }
  stand(true);
  arrays_.push_back(std::move(a));
  array_axes_.push_back(static_cast<int>(region_shape_.size()));
  region_shape_.push_back(1);  // the extent that a gather's slice has here; see finish()
  picks_.push_back({0, 1, 0, false, true});
}

void Index::add_new() {
  stand(false);
  dimensions_.push_back({Dimension::Kind::New, 0});
}

void Index::finish(const Shape& shape) {
  for (std::size_t i = 0; i < picks_.size(); ++i) {
    if (picks_[i].chosen) picks_[i].count = shape[i];
  }
  if (arrays_.empty()) return;
  for (const array& a : arrays_) arrays_shape_ = broadcast_shapes(arrays_shape_, a.shape(), "index");
  SmallVector<Dimension, 6> all;
  const std::size_t at = together_ ? static_cast<std::size_t>(arrays_at_) : 0;
  for (std::size_t i = 0; i <= dimensions_.size(); ++i) {
    if (i == at) {
      for (std::size_t k = 0; k < arrays_shape_.size(); ++k)
        all.push_back({Dimension::Kind::Arrays, static_cast<int>(k)});
    }
    if (i < dimensions_.size()) all.push_back(dimensions_[i]);
  }
  dimensions_ = std::move(all);
}

bool Index::is_empty() const {
  const auto zero = [](ShapeElem e) { return e == 0; };
  return std::any_of(region_shape_.begin(), region_shape_.end(), zero) ||
         std::any_of(arrays_shape_.begin(), arrays_shape_.end(), zero);
}

Shape Index::result_shape() const {
  Shape out;
  for (const Dimension& d : dimensions_) {
    out.push_back(d.kind == Dimension::Kind::New      ? 1
                  : d.kind == Dimension::Kind::Arrays ? arrays_shape_[static_cast<std::size_t>(d.axis)]
                                                      : region_shape_[static_cast<std::size_t>(d.axis)]);
  }
  return out;
}

Strides Index::region_strides(const array& a, std::int64_t& offset) const {
  const Strides strides = a.strides();
  Strides steps;
  offset = 0;
  for (std::size_t i = 0; i < picks_.size(); ++i) {
    const Pick& p = picks_[i];
    if (p.count > 0) offset += p.start * strides[i];
    if (!p.dropped) steps.push_back(strides[i] * p.step);
  }
  return steps;
}

Shape Index::region_shape() const {
  Shape shape;
  for (const Pick& p : picks_) {
    if (!p.dropped) shape.push_back(p.count);
  }
  return shape;
}

array Index::region(const array& a) const {
  std::int64_t offset;
  const Strides strides = region_strides(a, offset);
  return graph::view(a, region_shape(), strides, offset);
}

array Index::get(const array& a) const {
  std::int64_t offset = 0;
  const array picked = arrays_.empty() ? a : gather(region(a), arrays_, array_axes_, region_shape_, current_stream());
  const Strides strides = arrays_.empty() ? region_strides(a, offset) : picked.strides();
  Strides steps;
  for (const Dimension& d : dimensions_) {
    const std::size_t axis = static_cast<std::size_t>(d.axis);
    steps.push_back(d.kind == Dimension::Kind::New      ? 0
                    : d.kind == Dimension::Kind::Arrays ? strides[axis]
                                                        : strides[arrays_shape_.size() + axis]);
  }
  return graph::view(picked, result_shape(), steps, offset);
}

array Index::scatter_updates(const array& value, const StreamOrDevice& s) const {
  array v = value;
  const Shape result = result_shape();
  while (v.ndim() > static_cast<int>(result.size()) && v.shape()[0] == 1) v = squeeze(v, 0, s);
  v = broadcast_to(v, result, s);
  const Strides strides = v.strides();
  const std::size_t lead = arrays_shape_.size();
  Shape shape = arrays_shape_;
  for (ShapeElem e : region_shape_) shape.push_back(e);
  Strides steps(shape.size(), 0);
  for (std::size_t i = 0; i < dimensions_.size(); ++i) {
    const std::size_t axis = static_cast<std::size_t>(dimensions_[i].axis);
    if (dimensions_[i].kind == Dimension::Kind::Arrays) steps[axis] = strides[i];
    if (dimensions_[i].kind == Dimension::Kind::Region) steps[lead + axis] = strides[i];
  }
  return graph::view(v, shape, steps);
}

array Index::replace_region(const array& a, const array& region, const StreamOrDevice& s) const {
  if (whole_) return region;
  const Strides strides = region.strides();
  Shape shape, start, stop, step;
  Strides steps;
  std::int64_t offset = 0;
  std::size_t kept = 0;
  for (const Pick& p : picks_) {
    const std::int64_t stride = p.dropped ? 0 : strides[kept++];
    const bool backward = p.step < 0;
    const ShapeElem last = p.start + (p.count - 1) * p.step;
    shape.push_back(p.count);
    steps.push_back(backward ? -stride : stride);
    if (backward) offset += (p.count - 1) * stride;
    start.push_back(backward ? last : p.start);
    stop.push_back((backward ? p.start : last) + 1);
    step.push_back(backward ? -p.step : p.step);
  }
  return slice_update(a, graph::view(region, shape, steps, offset), start, stop, step, s);
}

}  // namespace anabranch::python
