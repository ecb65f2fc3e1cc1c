// Arrays from nested lists and tuples: one pass finds shape and dtype, one writes the elements.
#include <cstring>

#include "anabranch/ops.h"
#include "array/object.h"
#include "graph/attributes.h"

namespace anabranch::python {
namespace {

bool is_sequence(PyObject* o) { return PyList_Check(o) || PyTuple_Check(o); }
Py_ssize_t length(PyObject* s) { return PySequence_Fast_GET_SIZE(s); }
PyObject* item(PyObject* s, Py_ssize_t i) { return PySequence_Fast_GET_ITEM(s, i); }

// What the leaves have in common, from the narrowest kind up.
enum class Leaf : std::uint8_t { Bool, Int, Float, Complex, Other };

[[noreturn]] void refuse_ragged() {
  throw std::invalid_argument(
      "[array] The nested sequences have different lengths: an array needs rows of one length.");
}

struct Survey {
  Shape shape;
  Leaf kind = Leaf::Bool;
  bool wide = false;  // an int leaves int32
  bool any = false;   // there is a leaf

  // Goes down the first elements.
  explicit Survey(PyObject* sequence) {
    for (PyObject* s = sequence; is_sequence(s); s = item(s, 0)) {
      shape.push_back(length(s));
      if (length(s) == 0) break;
      if (shape.size() > 64) throw std::invalid_argument("[array] The sequences are nested more than 64 deep.");
    }
  }

  void widen(Leaf k) { kind = std::max(kind, k); }

  // Looks at all leaves; false where one is no Python scalar.
  bool scan(PyObject* s, std::size_t depth) {
    if (!is_sequence(s) || length(s) != shape[depth]) {
      if (!is_sequence(s) && !is_python_scalar(s)) return false;
      refuse_ragged();
    }
    const Py_ssize_t n = length(s);
    if (depth + 1 < shape.size()) {
      for (Py_ssize_t i = 0; i < n; ++i) {
        if (!scan(item(s, i), depth + 1)) return false;
      }
      return true;
    }
    any |= n > 0;
    for (Py_ssize_t i = 0; i < n; ++i) {
      PyObject* o = item(s, i);
      if (PyFloat_Check(o)) {
        widen(Leaf::Float);
      } else if (PyBool_Check(o)) {
        widen(Leaf::Bool);
      } else if (PyLong_Check(o)) {
        widen(Leaf::Int);
        int overflow = 0;
        const std::int64_t v = PyLong_AsLongLongAndOverflow(o, &overflow);
        wide |= overflow != 0 || v != static_cast<std::int32_t>(v);
      } else if (PyComplex_Check(o)) {
        widen(Leaf::Complex);
      } else if (is_sequence(o)) {
        refuse_ragged();
      } else {
        return false;
      }
    }
    return true;
  }

  Dtype dtype() const {
    if (!any) return float32;
    switch (kind) {
      case Leaf::Bool: return bool_;
      case Leaf::Int: return wide ? int64 : int32;
      case Leaf::Float: return float32;
      default: return complex64;
    }
  }
};

double real_of(PyObject* o) {
  if (PyFloat_Check(o)) return PyFloat_AS_DOUBLE(o);
  const double v = PyLong_AsDouble(o);
  if (v == -1.0 && PyErr_Occurred()) throw nb::python_error();
  return v;
}

// Writes leaves as elements of `dtype`, converted as astype converts.
class Writer {
 public:
  Writer(const Shape& shape, Dtype dtype, void* to) : shape_(shape), dtype_(dtype), to_(static_cast<char*>(to)) {}

  void write(PyObject* s, std::size_t depth) {
    // No Python code runs between survey and here, but for numbers' own; their lengths are checked again all the same.
    if (!is_sequence(s) || length(s) != shape_[depth]) refuse_ragged();
    const Py_ssize_t n = length(s);
    if (depth + 1 < shape_.size()) {
      for (Py_ssize_t i = 0; i < n; ++i) write(item(s, i), depth + 1);
    } else if (dtype_ == float32) {
      for (Py_ssize_t i = 0; i < n; ++i) put_as<float>(item(s, i));
    } else if (dtype_ == float64) {
      for (Py_ssize_t i = 0; i < n; ++i) put_as<double>(item(s, i));
    } else {
      for (Py_ssize_t i = 0; i < n; ++i) put(item(s, i));
    }
  }

 private:
  template <typename T>
  void put_as(PyObject* o) {
    const T v = static_cast<T>(PyComplex_Check(o) ? PyComplex_RealAsDouble(o) : real_of(o));
    std::memcpy(to_, &v, sizeof v);
    to_ += sizeof v;
  }
  void put(PyObject* o) {
    scalar(o).store(to_);
    to_ += dtype_.size();
  }
  graph::Scalar scalar(PyObject* o) const {
    if (PyFloat_Check(o)) return graph::Scalar::of_float(PyFloat_AS_DOUBLE(o), dtype_);
    if (PyComplex_Check(o)) {
      const Py_complex c = PyComplex_AsCComplex(o);
      return graph::Scalar::of_complex({static_cast<float>(c.real), static_cast<float>(c.imag)}, dtype_);
    }
    if (issubdtype(dtype_, inexact)) return graph::Scalar::of_float(real_of(o), dtype_);
    int overflow = 0;
    const std::int64_t v = PyLong_AsLongLongAndOverflow(o, &overflow);
    if (overflow > 0 && dtype_ == uint64) {
      const std::uint64_t u = PyLong_AsUnsignedLongLong(o);
      if (!PyErr_Occurred()) return graph::Scalar::of_uint(u, dtype_);
      PyErr_Clear();
    }
    if (overflow) throw std::overflow_error("[array] A Python int among the elements does not fit int64.");
    return graph::Scalar::of_int(v, dtype_);
  }

  const Shape& shape_;
  const Dtype dtype_;
  char* to_;
};

// Sequences with arrays or NumPy scalars among the elements: each element by itself, then stacked.
array stack_elements(PyObject* sequence, std::optional<Dtype> dtype) {
  std::vector<array> parts;
  parts.reserve(static_cast<std::size_t>(length(sequence)));
  for (Py_ssize_t i = 0; i < length(sequence); ++i) {
    const nb::object o = nb::borrow(item(sequence, i));
    if (o.is_none()) throw std::invalid_argument("[array] Cannot make an array from an element that is None.");
    parts.push_back(make_array(o, dtype));
    if (parts.back().shape() != parts.front().shape()) refuse_ragged();
  }
  return stack(parts, 0, current_stream());
}

}  // namespace

array sequence_to_array(PyObject* sequence, std::optional<Dtype> dtype) {
  Survey survey(sequence);
  if (!survey.scan(sequence, 0)) return stack_elements(sequence, dtype);
  Fresh fresh(survey.shape, dtype.value_or(survey.dtype()));
  if (survey.any) Writer(survey.shape, fresh.value.dtype(), fresh.data).write(sequence, 0);
  return fresh.value;
}

}  // namespace anabranch::python
