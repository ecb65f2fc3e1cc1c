#include "array/object.h"

#include "anabranch/ops.h"
#include "graph/node.h"

namespace anabranch::python {
namespace {

[[noreturn]] void refuse(PyObject* o) {
  const std::string type = Py_TYPE(o)->tp_name;
  if (o == Py_None) throw TypeError("[array] Cannot make an array from None.");
  throw std::invalid_argument("[array] Cannot make an array from an object of type " + type +
                              ": expected a scalar, nested lists of scalars, an array, or memory to copy (buffer "
                              "protocol, DLPack, __array__).");
}

bool is_integral(Dtype d) { return d.val >= Dtype::Val::uint8 && d.val <= Dtype::Val::int64; }
bool is_inexact(Dtype d) { return d.val >= Dtype::Val::float16; }

bool fits(std::int64_t v, Dtype d) {
  if (d == uint64) return v >= 0;
  const int bits = 8 * d.size();
  if (bits == 64) return true;
  if (d.val <= Dtype::Val::uint64) return v >= 0 && v < (std::int64_t{1} << bits);
  return v >= -(std::int64_t{1} << (bits - 1)) && v < (std::int64_t{1} << (bits - 1));
}

std::string text_of(PyObject* o) {
  nb::object s = nb::steal(PyObject_Str(o));
  if (!s.is_valid()) throw nb::python_error();
  return nb::cast<std::string>(s);
}

bool beyond_int64(PyObject* o) {
  if (!PyLong_Check(o)) return false;
  int overflow = 0;
  PyLong_AsLongLongAndOverflow(o, &overflow);
  return overflow > 0;
}

graph::Scalar scalar_of_long(PyObject* o, std::optional<Dtype> beside) {
  int overflow = 0;
  const std::int64_t v = PyLong_AsLongLongAndOverflow(o, &overflow);
  if (v == -1 && !overflow && PyErr_Occurred()) throw nb::python_error();
  if (overflow == 0) {
    Dtype d = beside.value_or(bool_);
    if (d == bool_) d = fits(v, int32) ? int32 : int64;
    if (is_integral(d) && !fits(v, d)) {
      throw std::invalid_argument("[convert] " + std::to_string(v) + " does not fit the other operand's dtype " +
                                  std::string(dtype_name(d)) + ".");
    }
    return graph::Scalar::of_int(v, d);
  }
  if (beside && *beside == uint64 && overflow > 0) {
    const std::uint64_t u = PyLong_AsUnsignedLongLong(o);
    if (!PyErr_Occurred()) return graph::Scalar::of_uint(u, uint64);
    PyErr_Clear();
  }
  if (beside && is_inexact(*beside)) {
    const double f = PyLong_AsDouble(o);
    if (PyErr_Occurred()) throw nb::python_error();
    return graph::Scalar::of_float(f, *beside);
  }
  throw std::overflow_error("[convert] " + text_of(o) + " does not fit " +
                            (beside && is_integral(*beside) ? std::string(dtype_name(*beside)) : "int64") + ".");
}

graph::Scalar scalar_of(PyObject* o, std::optional<Dtype> beside) {
  if (PyBool_Check(o)) return graph::Scalar::of_int(o == Py_True, beside.value_or(bool_));
  if (PyLong_Check(o)) return scalar_of_long(o, beside);
  if (PyFloat_Check(o)) {
    const Dtype d = beside && is_inexact(*beside) ? *beside : float32;
    return graph::Scalar::of_float(PyFloat_AS_DOUBLE(o), d);
  }
  const Py_complex c = PyComplex_AsCComplex(o);
  return graph::Scalar::of_complex({static_cast<float>(c.real), static_cast<float>(c.imag)}, complex64);
}

}  // namespace

bool is_python_scalar(PyObject* o) {
  return PyLong_Check(o) || PyFloat_Check(o) || PyComplex_Check(o);  // bool is an int
}

bool is_index_like(PyObject* o) {
  const PyTypeObject* t = Py_TYPE(o);
  return t->tp_as_number && t->tp_as_number->nb_index && !(t->tp_as_sequence && t->tp_as_sequence->sq_length) &&
         !(t->tp_as_mapping && t->tp_as_mapping->mp_length);
}

array scalar_to_array(PyObject* o, std::optional<Dtype> beside, const StreamOrDevice& stream) {
  return graph::full(Shape{}, scalar_of(o, beside), to_stream(stream));
}

std::optional<array> to_operand(PyObject* o, Dtype beside, const StreamOrDevice& stream) {
  if (is_python_scalar(o)) return scalar_to_array(o, beside, stream);
  if (is_array(o)) return array_of(o);
  if (o == Py_None || PyUnicode_Check(o) || PyList_Check(o) || PyTuple_Check(o) || PyDict_Check(o)) return std::nullopt;
  if (is_index_like(o)) {
    nb::object number = nb::steal(PyNumber_Index(o));
    if (!number.is_valid()) throw nb::python_error();
    return scalar_to_array(number.ptr(), beside, stream);
  }
  return foreign_to_array(o, std::nullopt);
}

array to_array(nb::handle value, std::optional<Dtype> beside, const StreamOrDevice& stream) {
  PyObject* o = value.ptr();
  if (is_array(o)) return array_of(o);
  if (is_python_scalar(o)) return scalar_to_array(o, beside, stream);
  if (PyList_Check(o) || PyTuple_Check(o)) return sequence_to_array(o, std::nullopt);
  if (beside) {
    if (std::optional<array> a = to_operand(o, *beside, stream)) return *a;
  } else if (std::optional<array> a = foreign_to_array(o, std::nullopt)) {
    return *a;
  }
  refuse(o);
}

std::pair<array, array> to_arrays(nb::handle a, nb::handle b, const StreamOrDevice& stream) {
  const bool scalar_a = is_python_scalar(a.ptr()), scalar_b = is_python_scalar(b.ptr());
  if (scalar_a && !scalar_b) {
    array second = to_array(b, std::nullopt, stream);
    array first = to_array(a, second.dtype(), stream);
    return {std::move(first), std::move(second)};
  }
  array first = to_array(a, std::nullopt, stream);
  std::optional<Dtype> beside;
  if (!scalar_a) beside = first.dtype();
  array second = to_array(b, beside, stream);
  return {std::move(first), std::move(second)};
}

std::vector<array> to_array_list(nb::handle sequence, const StreamOrDevice& stream) {
  PyObject* o = sequence.ptr();
  if (!PyList_Check(o) && !PyTuple_Check(o)) {
    throw TypeError("[array] Expected a list or tuple of arrays, not " + std::string(Py_TYPE(o)->tp_name) + ".");
  }
  std::vector<array> out;
  out.reserve(static_cast<std::size_t>(PySequence_Fast_GET_SIZE(o)));
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(o); ++i) {
    nb::object item = nb::borrow(PySequence_Fast_GET_ITEM(o, i));
    out.push_back(to_array(item, std::nullopt, stream));
  }
  return out;
}

array converted(const array& a, std::optional<Dtype> dtype) {
  return dtype && *dtype != a.dtype() ? astype(a, *dtype, current_stream()) : a;
}

array make_array(nb::handle value, std::optional<Dtype> dtype) {
  PyObject* o = value.ptr();
  if (is_array(o)) return converted(array_of(o), dtype);
  if (is_python_scalar(o)) {
    // A given dtype is converted to as by astype, from int64 or float64 where the default dtype would lose something.
    if (dtype && (PyFloat_Check(o) || PyLong_Check(o)) && !PyBool_Check(o)) {
      if (is_inexact(*dtype) || (*dtype == uint64 && beyond_int64(o)))
        return scalar_to_array(o, *dtype, current_stream());
    }
    return converted(scalar_to_array(o, std::nullopt, current_stream()), dtype);
  }
  if (PyList_Check(o) || PyTuple_Check(o)) return sequence_to_array(o, dtype);
  if (std::optional<array> a = foreign_to_array(o, dtype)) return *a;
  refuse(o);
}

bool to_shape(nb::handle value, Shape& out) noexcept {
  out.clear();
  const auto add = [&](PyObject* item) {
    if (!PyIndex_Check(item) || PyBool_Check(item)) return false;
    const Py_ssize_t n = PyNumber_AsSsize_t(item, PyExc_OverflowError);
    if (n == -1 && PyErr_Occurred()) {
      PyErr_Clear();
      return false;
    }
    out.push_back(n);
    return true;
  };
  PyObject* o = value.ptr();
  if (PyList_Check(o) || PyTuple_Check(o)) {
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(o); ++i) {
      if (!add(PySequence_Fast_GET_ITEM(o, i))) return false;
    }
    return true;
  }
  if (add(o)) return true;
  if (!(is_array(o) || PySequence_Check(o)) || PyUnicode_Check(o) || PyBytes_Check(o)) return false;
  nb::object items = nb::steal(PySequence_Fast(o, ""));
  if (!items.is_valid()) {
    PyErr_Clear();
    return false;
  }
  return to_shape(items, out);
}

}  // namespace anabranch::python
