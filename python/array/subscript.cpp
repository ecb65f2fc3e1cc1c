#include "array/index.h"
#include "array/object.h"
#include "array/update.h"
#include "graph/node.h"

namespace anabranch::python {
namespace {

// x[i], the commonest index.
array element(const array& a, Py_ssize_t i) {
  const Shape& shape = a.shape();
  const ShapeElem extent = shape[0];
  if (i < -extent || i >= extent) {
    throw std::out_of_range("[index] Index " + std::to_string(i) + " is out of bounds for axis 0 of extent " +
                            std::to_string(extent) + ".");
  }
  const Strides strides = a.strides();
  return graph::view(a, Shape(shape.begin() + 1, shape.end()), Strides(strides.begin() + 1, strides.end()),
                     strides[0] * (i < 0 ? i + extent : i));
}

PyObject* get(PyObject* self, PyObject* key) noexcept {
  return guarded(static_cast<PyObject*>(nullptr), [&] {
    const array a = array_of(self);
    if (PyLong_CheckExact(key) && a.ndim() > 0) {
      const Py_ssize_t i = PyLong_AsSsize_t(key);
      if (i != -1 || !PyErr_Occurred()) return wrap(element(a, i));
      PyErr_Clear();  // beyond any extent; said below
    }
    const Index index(key, a.shape());
    if (index.mask()) {
      throw std::invalid_argument(
          "[index] Reading by a boolean array is not supported: its result's shape would "
          "depend on values. Use where(), or assign to x[mask].");
    }
    return wrap(index.get(a));
  });
}

int set(PyObject* self, PyObject* key, PyObject* value) noexcept {
  return guarded(-1, [&] {
    if (!value) throw TypeError("[index] The elements of an array cannot be deleted.");
    const array a = array_of(self);
    array result = updated(a, key, value, Update::Assign, current_stream());
    array_of(self) = std::move(result);
    return 0;
  });
}

}  // namespace

PyType_Slot indexing_slots[] = {
    {Py_mp_subscript, reinterpret_cast<void*>(get)},
    {Py_mp_ass_subscript, reinterpret_cast<void*>(set)},
    {0, nullptr},
};

}  // namespace anabranch::python
