// The methods of `array` that are functions of the module too.
#include <algorithm>
#include <climits>

#include "anabranch/ops.h"
#include "array/object.h"
#include "functions/function.h"

namespace anabranch::python {
namespace {

// A method that parses the arguments of a call and gives them to Body, a captureless lambda of (const array&, Args&).
template <auto Body>
struct Method {
  static inline const Signature* signature;
  static inline PyMethodDef method;

  static PyObject* call(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* names) noexcept {
    return guarded(static_cast<PyObject*>(nullptr), [&]() -> PyObject* {
      Args a(*signature, args, nargs, names);
      return result(Body(array_of(self), a));
    });
  }
};

template <auto Body>
void def(ArrayClass& c, const char* text, const char* summary) {
  using M = Method<Body>;
  M::signature = new Signature(text, summary);  // lives as long as the module: for ever
  M::method = {M::signature->name().c_str(), reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&M::call)),
               METH_FASTCALL | METH_KEYWORDS, M::signature->doc().c_str()};
  PyObject* descriptor = PyDescr_NewMethod(array_type, &M::method);
  if (!descriptor) throw nb::python_error();
  c.attr(M::signature->name().c_str()) = nb::steal(descriptor);
}

#define STREAM "stream: StreamOrDevice = None) -> array"

template <array (*op)(const array&, const StreamOrDevice&)>
void def_unary(ArrayClass& c, const char* text, const char* summary) {
  def<[](const array& x, Args& a) { return op(x, a.stream(0)); }>(c, text, summary);
}

void add_elementwise(ArrayClass& c) {
  def_unary<abs>(c, "abs(*, " STREAM, "See abs().");
  def_unary<conjugate>(c, "conj(*, " STREAM, "See conj().");
  def_unary<cos>(c, "cos(*, " STREAM, "See cos().");
  def_unary<exp>(c, "exp(*, " STREAM, "See exp().");
  def_unary<log>(c, "log(*, " STREAM, "See log().");
  def_unary<log10>(c, "log10(*, " STREAM, "See log10().");
  def_unary<log1p>(c, "log1p(*, " STREAM, "See log1p().");
  def_unary<log2>(c, "log2(*, " STREAM, "See log2().");
  def_unary<reciprocal>(c, "reciprocal(*, " STREAM, "See reciprocal().");
  def_unary<rsqrt>(c, "rsqrt(*, " STREAM, "See rsqrt().");
  def_unary<sin>(c, "sin(*, " STREAM, "See sin().");
  def_unary<sqrt>(c, "sqrt(*, " STREAM, "See sqrt().");
  def_unary<square>(c, "square(*, " STREAM, "See square().");
  def<[](const array& x, Args& a) { return round(x, a.integer(0, 0), a.stream(1)); }>(
      c, "round(decimals: int = 0, *, " STREAM, "See round().");
  def<[](const array& x, Args& a) {
    const std::optional<Dtype> dtype = a.maybe_dtype(0);
    if (!dtype) a.wrong(0, "a Dtype such as mx.float32");
    return astype(x, *dtype, a.stream(1));
  }>(c, "astype(dtype: Dtype, stream: StreamOrDevice = None) -> array", "The elements converted to another dtype.");
}

using Reduction = array (*)(const array&, const std::vector<int>&, bool, const StreamOrDevice&);
using ArgReduction = array (*)(const array&, int, bool, const StreamOrDevice&);
using FlatArgReduction = array (*)(const array&, bool, const StreamOrDevice&);
using Moment = array (*)(const array&, const std::vector<int>&, bool, int, const StreamOrDevice&);

std::vector<int> axes_or_all(const array& x, const Args& a) { return a.given(0) ? a.axes(0) : Axes{}.of(x.ndim()); }

template <Reduction op>
void def_reduction(ArrayClass& c, const char* text, const char* summary) {
  def<[](const array& x, Args& a) { return op(x, axes_or_all(x, a), a.flag(1, false), a.stream(2)); }>(c, text,
                                                                                                       summary);
}

template <ArgReduction along, FlatArgReduction flat>
void def_arg_reduction(ArrayClass& c, const char* text, const char* summary) {
  def<[](const array& x, Args& a) {
    const bool keepdims = a.flag(1, false);
    return a.given(0) ? along(x, a.integer(0), keepdims, a.stream(2)) : flat(x, keepdims, a.stream(2));
  }>(c, text, summary);
}

template <Moment op>
void def_moment(ArrayClass& c, const char* text, const char* summary) {
  def<[](const array& x, Args& a) {
    const int ddof = a.given(3) ? a.integer(3) : a.integer(2, 0);
    return op(x, axes_or_all(x, a), a.flag(1, false), ddof, a.stream(4));
  }>(c, text, summary);
}

#define REDUCED "(axis: None | int | Sequence[int] = None, keepdims: bool = False, *, " STREAM
#define ARG_REDUCED "(axis: None | int = None, keepdims: bool = False, *, " STREAM
#define MOMENT \
  "(axis: None | int | Sequence[int] = None, keepdims: bool = False, ddof: int = 0, *, correction: None | int = None, " \
  STREAM

void add_reductions(ArrayClass& c) {
  def_reduction<all>(c, "all" REDUCED, "See all().");
  def_reduction<any>(c, "any" REDUCED, "See any().");
  def_reduction<logsumexp>(c, "logsumexp" REDUCED, "See logsumexp().");
  def_reduction<max>(c, "max" REDUCED, "See max().");
  def_reduction<mean>(c, "mean" REDUCED, "See mean().");
  def_reduction<min>(c, "min" REDUCED, "See min().");
  def_reduction<prod>(c, "prod" REDUCED, "See prod().");
  def_reduction<sum>(c, "sum" REDUCED, "See sum().");
  def_arg_reduction<argmax, argmax>(c, "argmax" ARG_REDUCED, "See argmax().");
  def_arg_reduction<argmin, argmin>(c, "argmin" ARG_REDUCED, "See argmin().");
#define ANABRANCH_METHOD(function, summary)                                                                  \
  def<[](const array& x, Args& a) {                                                                          \
    const bool reverse = a.flag(1, false), inclusive = a.flag(2, true);                                      \
    return a.given(0) ? anabranch::function(x, a.integer(0), reverse, inclusive, a.stream(3))                \
                      : anabranch::function(x, reverse, inclusive, a.stream(3));                             \
  }>(c, #function "(axis: None | int = None, *, reverse: bool = False, inclusive: bool = True, " STREAM,     \
     "See " #function "().");
  ANABRANCH_SCANS(ANABRANCH_METHOD)
#undef ANABRANCH_METHOD
  def_moment<std>(c, "std" MOMENT, "See std(); `correction` is another name for `ddof`.");
  def_moment<var>(c, "var" MOMENT, "See var(); `correction` is another name for `ddof`.");
}

// The ints of f(1, 2, 3), f((1, 2, 3)) or f([1, 2, 3]).
Shape ints_of(const Args& a, const char* what) {
  Shape out;
  const std::span<PyObject* const> rest = a.rest();
  if (rest.size() == 1 && to_shape(rest[0], out)) return out;
  out.clear();
  for (PyObject* o : rest) {
    Shape one;
    if (!PyIndex_Check(o) || !to_shape(o, one)) a.signature().fail(std::string("the ") + what + " must be ints");
    out.push_back(one[0]);
  }
  return out;
}

void add_shapes(ArrayClass& c) {
  def<[](const array& x, Args& a) { return reshape(x, ints_of(a, "extents"), a.stream(0)); }>(
      c, "reshape(*shape: int | Sequence[int], " STREAM, "See reshape(); the extents may be given one by one.");
  def<[](const array& x, Args& a) {
    if (a.rest().empty()) return transpose(x, a.stream(0));
    std::vector<int> axes;
    // What no int holds is out of bounds as well.
    for (ShapeElem i : ints_of(a, "axes")) axes.push_back(static_cast<int>(std::clamp<ShapeElem>(i, INT_MIN, INT_MAX)));
    return transpose(x, axes, a.stream(0));
  }>(c, "transpose(*axes: int | Sequence[int], " STREAM, "See transpose(); the axes may be given one by one.");
  def<[](const array& x, Args& a) { return flatten(x, a.integer(0, 0), a.integer(1, -1), a.stream(2)); }>(
      c, "flatten(start_axis: int = 0, end_axis: int = -1, *, " STREAM, "See flatten().");
  def<[](const array& x, Args& a) {
    return a.given(0) ? squeeze(x, a.axes(0), a.stream(1)) : squeeze(x, a.stream(1));
  }>(c, "squeeze(axis: None | int | Sequence[int] = None, *, " STREAM, "See squeeze().");
  def<[](const array& x, Args& a) { return swapaxes(x, a.integer(0), a.integer(1), a.stream(2)); }>(
      c, "swapaxes(axis1: int, axis2: int, *, " STREAM, "See swapaxes().");
  def<[](const array& x, Args& a) { return moveaxis(x, a.integer(0), a.integer(1), a.stream(2)); }>(
      c, "moveaxis(source: int, destination: int, *, " STREAM, "See moveaxis().");
  def<[](const array& x, Args& a) {
    const int axis = a.integer(1, 0);
    return list_of(a.is_integer(0) ? split(x, a.integer(0), axis, a.stream(2))
                                   : split(x, a.shape(0), axis, a.stream(2)));
  }>(c,
     "split(indices_or_sections: int | Sequence[int], axis: int = 0, *, stream: StreamOrDevice = None) -> list[array]",
     "See split().");
  def<[](const array& x, Args& a) { return diag(x, a.integer(0, 0), a.stream(1)); }>(c, "diag(k: int = 0, *, " STREAM,
                                                                                     "See diag().");
  def<[](const array& x, Args& a) {
    return diagonal(x, a.integer(0, 0), a.integer(1, 0), a.integer(2, 1), a.stream(3));
  }>(c, "diagonal(offset: int = 0, axis1: int = 0, axis2: int = 1, " STREAM, "See diagonal().");
}

}  // namespace

void add_methods(ArrayClass& c) {
  add_elementwise(c);
  add_reductions(c);
  add_shapes(c);
  c.def_prop_ro("T", [](const array& x) { return transpose(x, current_stream()); }, "The axes reversed.");
  c.def_prop_ro(
      "mT", [](const array& x) { return matrix_transpose(x, current_stream()); }, "The last two axes swapped.");
  c.def_prop_ro("real", [](const array& x) { return real(x, current_stream()); }, "The real parts.");
  c.def_prop_ro("imag", [](const array& x) { return imag(x, current_stream()); }, "The imaginary parts.");
}

}  // namespace anabranch::python
