// What the bindings share. Every python/<folder>/<file>.cpp has one theme and one function `void
// bind_<file>(nb::module_&)` that module.cpp calls.
//
// Conventions:
//  - An operation takes its operands as nb::handle and converts them with to_array / to_arrays / to_array_list (arrays,
//    Python scalars, lists, anything array-like), or as `const array&` where MLX takes arrays alone.
//  - `stream` is a StreamOrDevice parameter after nb::kw_only(), declared nb::arg("stream") = nb::none(). None is the
//  - Whatever may wait goes through evaluate(), or a GilRelease.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "anabranch/array.h"
#include "anabranch/dtype.h"
#include "anabranch/error.h"
#include "anabranch/shape.h"
#include "anabranch/stream.h"

namespace anabranch::python {

namespace nb = nanobind;

// --- Arrays as Python objects (array/object.cpp)

// The type object of `array`, once bind_array has run.
extern PyTypeObject* array_type;

inline bool is_array(PyObject* o) { return Py_TYPE(o) == array_type || PyType_IsSubtype(Py_TYPE(o), array_type); }
[[noreturn]] void refuse_uninitialized();
// The handle inside an object for which is_array holds. Throws TypeError for one that __new__ made and nobody
// initialised.
inline array& array_of(PyObject* o) {
  const nb::handle h(o);
  if (!nb::inst_ready(h)) refuse_uninitialized();
  return *nb::inst_ptr<array>(h);
}
// A new Python object; null with a Python error set where memory is short.
PyObject* wrap(array&& a) noexcept;

// --- Conversions in (array/convert.cpp)

// The array that `value` means: an array, a Python scalar, nested lists of those, or anything with the buffer protocol,
// __array_interface__, DLPack or __array__. A Python scalar takes the dtype that it has beside an operand of dtype
// `beside` (MLX's weak scalars: an int beside floats is a float ...), or its own default where none is given. Throws
// TypeError.
array to_array(nb::handle value, std::optional<Dtype> beside = std::nullopt, const StreamOrDevice& stream = {});
// Both operands of a binary operation; a Python scalar among them takes its dtype beside the other one.
std::pair<array, array> to_arrays(nb::handle a, nb::handle b, const StreamOrDevice& stream = {});
// The elements of a list or tuple, each by to_array.
std::vector<array> to_array_list(nb::handle sequence, const StreamOrDevice& stream = {});
// Whether `o` is a Python bool, int, float or complex (or subclass).
bool is_python_scalar(PyObject* o);
// Whether `o` is a number without a length that says it is an integer (such as NumPy's integer scalars).
bool is_index_like(PyObject* o);
// What `mx.array(value, dtype)` is.
array make_array(nb::handle value, std::optional<Dtype> dtype);

// Extents from an int or a sequence of ints (anything with __index__). False, with no Python error, for other objects.
bool to_shape(nb::handle value, Shape& out) noexcept;

// The `stream` argument: None (the scope's stream), Stream, ThreadLocalStream, Device or DeviceType. Throws TypeError.
// (functions/stream_argument.cpp)
StreamOrDevice stream_argument(nb::handle value);

// An `axis` argument: nothing, one axis or several.
struct Axes {
  std::optional<std::vector<int>> given;

  // All axes of an array of `ndim` dimensions where none is given.
  std::vector<int> of(int ndim) const {
    if (given) return *given;
    std::vector<int> all(static_cast<std::size_t>(ndim));
    for (int i = 0; i < ndim; ++i) all[static_cast<std::size_t>(i)] = i;
    return all;
  }
};

// --- Waiting (array/evaluate.cpp; see also functions/wait.h)

// Computes the arrays and waits, with the GIL released, giving way to Ctrl-C. Call with the GIL held. Throws the
// failure of what they depend on, or nb::python_error for KeyboardInterrupt.
void evaluate(std::span<const array> arrays);
inline void evaluate(const array& a) { evaluate(std::span<const array>(&a, 1)); }
// evaluate(), then the array in host memory: itself, or a copy of what lies on a device, which may not be written to.
array on_host(const array& a);
// Whether the array's own memory is the host's.
bool lies_on_host(const array& a);
// To be called when somebody else gets to write to the array's memory: no copy of it on a device serves twice then.
void pin(const array& a);

// While it lives, the thread is without the GIL. As the process ends, threads don't come back from here: the
// interpreter would end them inside our frames, which takes the process down. (functions/wait.cpp)
class GilRelease {
 public:
  GilRelease() noexcept;
  ~GilRelease();
  GilRelease(const GilRelease&) = delete;
  GilRelease& operator=(const GilRelease&) = delete;

 private:
  PyThreadState* state_;
};

// --- Foreign memory (array/release_queue.cpp)

// A reference that any thread may drop, with or without the GIL.
std::shared_ptr<void> kept(nb::object owner);
// Drops those that were let go of without the GIL. With the GIL held.
void drain_released() noexcept;

// --- Errors (array/errors.cpp)

// Sets the Python error for the exception being handled, as nanobind does for bound functions. For type slots.
void set_python_error() noexcept;
// Runs f() in a type slot: `failed` with the Python error set where it throws.
template <typename F, typename R = std::invoke_result_t<F>>
R guarded(R failed, F&& f) noexcept {
  try {
    return f();
  } catch (...) {
    set_python_error();
    return failed;
  }
}

}  // namespace anabranch::python

NAMESPACE_BEGIN(NB_NAMESPACE)
NAMESPACE_BEGIN(detail)

template <>
struct type_caster<anabranch::Shape> {
  NB_TYPE_CASTER(anabranch::Shape, const_name("int | collections.abc.Sequence[int]"))
  bool from_python(handle src, uint8_t, cleanup_list*) noexcept { return anabranch::python::to_shape(src, value); }
  static handle from_cpp(const anabranch::Shape& shape, rv_policy, cleanup_list*) noexcept {
    PyObject* t = PyTuple_New(static_cast<Py_ssize_t>(shape.size()));
    if (!t) return nullptr;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      PyObject* item = PyLong_FromLongLong(shape[i]);
      if (!item) {
        Py_DECREF(t);
        return nullptr;
      }
      PyTuple_SET_ITEM(t, static_cast<Py_ssize_t>(i), item);
    }
    return t;
  }
};

template <>
struct type_caster<anabranch::StreamOrDevice> {
  NB_TYPE_CASTER(anabranch::StreamOrDevice, const_name("Stream | ThreadLocalStream | Device | DeviceType | None"))
  bool from_python(handle src, uint8_t, cleanup_list*) noexcept {
    try {
      value = anabranch::python::stream_argument(src);
      return true;
    } catch (...) {
      PyErr_Clear();
      return false;
    }
  }
};

template <>
struct type_caster<anabranch::python::Axes> {
  NB_TYPE_CASTER(anabranch::python::Axes, const_name("int | collections.abc.Sequence[int] | None"))
  bool from_python(handle src, uint8_t, cleanup_list*) noexcept {
    value.given.reset();
    if (src.is_none()) return true;
    anabranch::Shape axes;
    if (!anabranch::python::to_shape(src, axes)) return false;
    value.given.emplace();
    for (anabranch::ShapeElem a : axes) {
      if (a != static_cast<int>(a)) return false;
      value.given->push_back(static_cast<int>(a));
    }
    return true;
  }
};

NAMESPACE_END(detail)
NAMESPACE_END(NB_NAMESPACE)
