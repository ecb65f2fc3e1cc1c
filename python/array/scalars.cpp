// Arrays as Python values: item, tolist, conversions to numbers, length, iteration.
#include "anabranch/ops.h"
#include "array/object.h"
#include "graph/node.h"

namespace anabranch::python {
namespace {

template <typename T>
PyObject* to_python(const T& v) {
  if constexpr (std::is_same_v<T, bool>) {
    return PyBool_FromLong(v);
  } else if constexpr (std::is_same_v<T, std::uint64_t>) {
    return PyLong_FromUnsignedLongLong(v);
  } else if constexpr (std::is_integral_v<T>) {
    return PyLong_FromLongLong(v);
  } else if constexpr (std::is_same_v<T, complex64_t>) {
    return PyComplex_FromDoubles(v.real(), v.imag());
  } else {
    return PyFloat_FromDouble(static_cast<double>(v));
  }
}

template <typename T>
PyObject* to_list(const T* at, const Shape& shape, const Strides& strides, std::size_t axis) {
  if (axis == shape.size()) return to_python(*at);
  PyObject* list = PyList_New(shape[axis]);
  for (ShapeElem i = 0; list && i < shape[axis]; ++i) {
    PyObject* item = to_list(at + i * strides[axis], shape, strides, axis + 1);
    if (!item) Py_CLEAR(list);
    if (item) PyList_SET_ITEM(list, i, item);
  }
  return list;
}

nb::object checked(PyObject* o) {
  if (!o) throw nb::python_error();
  return nb::steal(o);
}

nb::object tolist(const array& self) {
  const array a = on_host(array(self));  // while it is evaluated, another thread may rebind the object
  const void* data = a.data_ptr();
  return dispatch_dtype(a.dtype(), [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    return checked(to_list(static_cast<const T*>(data), a.shape(), a.strides(), 0));
  });
}

nb::object item(const array& self) {
  if (self.size() != 1) {
    throw std::invalid_argument("[convert] Only arrays of one element are Python scalars, not one of shape " +
                                to_string(self.shape()) + ".");
  }
  const array a = on_host(array(self));
  const void* data = a.data_ptr();
  return dispatch_dtype(a.dtype(), [&](auto* type) {
    return checked(to_python(*static_cast<const std::remove_pointer_t<decltype(type)>*>(data)));
  });
}

template <PyObject* (*convert)(PyObject*)>
PyObject* number(PyObject* self) noexcept {
  return guarded(static_cast<PyObject*>(nullptr), [&] { return convert(item(array_of(self)).ptr()); });
}

int truth(PyObject* self) noexcept {
  return guarded(-1, [&] { return PyObject_IsTrue(item(array_of(self)).ptr()); });
}

PyObject* index(PyObject* self) noexcept {
  return guarded(static_cast<PyObject*>(nullptr), [&] {
    const array& a = array_of(self);
    if (a.ndim() != 0 || !issubdtype(a.dtype(), integer)) {
      throw TypeError("[convert] Only integer arrays without dimensions are indices.");
    }
    return item(a).release().ptr();
  });
}

ShapeElem checked_length(const array& a, const char* function) {
  if (a.ndim() == 0) throw TypeError("[" + std::string(function) + "] The array has no dimensions.");
  return a.shape()[0];
}

Py_ssize_t length(PyObject* self) noexcept {
  return guarded(Py_ssize_t{-1}, [&] { return Py_ssize_t{checked_length(array_of(self), "len")}; });
}

int contains(PyObject* self, PyObject* value) noexcept {
  return guarded(-1, [&] {
    const StreamOrDevice s = current_stream();
    const array a = array_of(self);
    const std::optional<array> v = to_operand(value, a.dtype(), s);
    if (!v) return 0;
    return PyObject_IsTrue(item(any(equal(a, *v, s), s)).ptr());
  });
}

// The elements along the first axis: views, made as they are asked for.
struct Iterator {
  array value;
  ShapeElem next = 0;

  array advance() {
    const Shape& shape = value.shape();
    if (next == shape[0]) throw nb::stop_iteration();
    const Strides strides = value.strides();
    return graph::view(value, Shape(shape.begin() + 1, shape.end()), Strides(strides.begin() + 1, strides.end()),
                       strides[0] * next++);
  }
};

PyObject* iterate(PyObject* self) noexcept {
  return guarded(static_cast<PyObject*>(nullptr), [&] {
    const array& a = array_of(self);
    checked_length(a, "iter");
    return nb::cast(Iterator{a}).release().ptr();
  });
}

nb::object format(nb::handle self, const nb::object& spec) {
  const array& a = array_of(self.ptr());
  if (a.ndim() == 0) return checked(PyObject_Format(item(a).ptr(), spec.ptr()));
  if (nb::len(spec) == 0) return nb::str(self);
  throw TypeError("[format] Only arrays without dimensions take a format specification.");
}

nb::bytes to_bytes(const array& self) {
  const array a = on_host(contiguous(self, false, current_stream()));
  return nb::bytes(a.data_ptr(), a.nbytes());
}

}  // namespace

PyType_Slot scalar_slots[] = {
    {Py_nb_bool, reinterpret_cast<void*>(truth)},
    {Py_nb_int, reinterpret_cast<void*>(number<PyNumber_Long>)},
    {Py_nb_float, reinterpret_cast<void*>(number<PyNumber_Float>)},
    {Py_nb_index, reinterpret_cast<void*>(index)},
    {Py_mp_length, reinterpret_cast<void*>(length)},
    {Py_sq_length, reinterpret_cast<void*>(length)},
    {Py_sq_contains, reinterpret_cast<void*>(contains)},
    {Py_tp_iter, reinterpret_cast<void*>(iterate)},
    {0, nullptr},
};

void add_scalars(nb::module_& m, ArrayClass& c) {
  auto iterator = nb::class_<Iterator>(m, "ArrayIterator");
  in_package(iterator);
  iterator
      .def(
          "__iter__", [](nb::handle self) { return nb::borrow(self); }, nb::sig("def __iter__(self) -> ArrayIterator"))
      .def("__next__", &Iterator::advance);
  c.def("item", item, nb::sig("def item(self) -> Any"), "The only element as a Python scalar. Evaluates.");
  c.def("tolist", tolist, nb::sig("def tolist(self) -> Any"),
        "The elements as nested lists of Python scalars (a scalar where there are no dimensions). Evaluates.");
  c.def(
      "__complex__",
      [](const array& a) { return nb::steal(PyComplex_FromCComplex(PyComplex_AsCComplex(item(a).ptr()))); },
      nb::sig("def __complex__(self) -> complex"));
  c.def("__format__", format, nb::sig("def __format__(self, spec: str, /) -> str"));
  c.def("__bytes__", to_bytes, nb::sig("def __bytes__(self) -> bytes"));
}

}  // namespace anabranch::python
