// Module functions without the cost of a general binding: plain C functions that take their arguments as the
// interpreter has them, described by the signature that Python shows.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "common.h"

namespace anabranch::python {

// What a signature such as "sum(a: array, /, axis: None | int = None, *, stream: StreamOrDevice = None) -> array" says.
class Signature {
 public:
  static constexpr std::size_t max_parameters = 12;
  struct Parameter {
    PyObject* name;  // interned
    bool required;
    bool positional, keyword;  // how it may be given
  };

  // `text` and `summary` live for ever.
  Signature(const char* text, const char* summary);

  const std::string& name() const { return name_; }
  // For __doc__: "name(a, /, ...)\n--\n\n", the line that inspect.signature reads, then the text and the summary.
  const std::string& doc() const { return doc_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  // How many may be given by position; the last of them may be "*args", which takes the rest.
  std::size_t positional() const { return positional_; }
  bool variadic() const { return variadic_; }
  // A TypeError: "sum(): <what>", then the signature.
  [[noreturn]] void fail(const std::string& what) const;

 private:
  void add(std::string_view parameter, bool keyword_only);

  const char* text_;
  std::string name_, doc_;
  std::vector<Parameter> parameters_;  // without "*args"
  std::size_t positional_ = 0;
  bool variadic_ = false;
};

// The arguments of one call, in the order of the signature's parameters ("*args" not counted).
class Args {
 public:
  Args(const Signature& signature, PyObject* const* args, Py_ssize_t nargs, PyObject* names);

  // Whether parameter i was given, and not as None.
  bool given(std::size_t i) const { return values_[i] && values_[i] != Py_None; }
  // Whether it was given at all.
  bool has(std::size_t i) const { return values_[i]; }
  nb::handle operator[](std::size_t i) const { return values_[i] ? values_[i] : Py_None; }
  // What "*args" holds.
  std::span<PyObject* const> rest() const { return rest_; }

  // `stream: StreamOrDevice = None`, looked up once for all the nodes that a function makes: a Stream.
  StreamOrDevice stream(std::size_t i) const;
  // These references are good for the call.
  // `a: array`: an array, or somebody else's (NumPy's ...). Scalars and lists are TypeErrors.
  const array& operand(std::size_t i);
  // `a: scalar | array`: whatever to_array takes; a Python scalar as beside an operand of `beside`.
  const array& value(std::size_t i, const StreamOrDevice& s, std::optional<Dtype> beside = std::nullopt);
  // Two of those, scalars as beside the other one.
  std::pair<const array&, const array&> values(std::size_t i, std::size_t j, const StreamOrDevice& s);
  // `a: array | None`.
  std::optional<array> maybe_operand(std::size_t i) { return given(i) ? std::optional(operand(i)) : std::nullopt; }
  // `arrays: list[array]`: any iterable of arrays.
  std::vector<array> arrays(std::size_t i) const;
  std::vector<array> rest_arrays() const;

  int integer(std::size_t i) const;  // required, or given
  int integer(std::size_t i, int otherwise) const { return values_[i] ? integer(i) : otherwise; }
  std::int64_t long_integer(std::size_t i) const;
  std::optional<int> maybe_integer(std::size_t i) const { return given(i) ? std::optional(integer(i)) : std::nullopt; }
  bool flag(std::size_t i, bool otherwise) const;
  double number(std::size_t i) const;
  double number(std::size_t i, double otherwise) const { return values_[i] ? number(i) : otherwise; }
  std::string text(std::size_t i, const char* otherwise) const;
  // `dtype: Dtype | None`.
  std::optional<Dtype> maybe_dtype(std::size_t i) const;
  Dtype dtype(std::size_t i, Dtype otherwise) const { return maybe_dtype(i).value_or(otherwise); }
  // `shape: Sequence[int]`; `int_too` where one extent may be given as an int.
  Shape shape(std::size_t i, bool int_too = false) const;
  std::vector<int> integers(std::size_t i, bool int_too = false) const;
  // `axis: None | int | Sequence[int]`, where given.
  std::vector<int> axes(std::size_t i) const { return integers(i, true); }
  bool is_integer(std::size_t i) const { return is_index_like((*this)[i].ptr()); }

  // A TypeError about parameter i.
  [[noreturn]] void wrong(std::size_t i, const char* expected) const;
  const Signature& signature() const { return signature_; }

 private:
  const Signature& signature_;
  std::array<PyObject*, Signature::max_parameters> values_{};  // borrowed; null where not given
  std::span<PyObject* const> rest_;
  const array& keep(array&& a);

  std::array<std::optional<array>, 4> converted_;
  std::size_t kept_ = 0;
};

// --- Results

inline PyObject* result(array&& a) { return wrap(std::move(a)); }
inline PyObject* result(PyObject* o) { return o; }
inline PyObject* result(nb::object&& o) { return o.release().ptr(); }
inline PyObject* result(bool b) { return PyBool_FromLong(b); }
// Lists and tuples, as MLX gives them.
PyObject* list_of(std::vector<array>&& arrays);
PyObject* tuple_of(std::vector<array>&& arrays);

// --- Registration

// A Python function that parses the arguments of a call and gives them to Body, a captureless lambda of (Args&).
template <auto Body>
struct Function {
  static inline const Signature* signature;
  static inline PyMethodDef method;

  static PyObject* call(PyObject*, PyObject* const* args, Py_ssize_t nargs, PyObject* names) noexcept {
    return guarded(static_cast<PyObject*>(nullptr), [&]() -> PyObject* {
      Args a(*signature, args, nargs, names);
      return result(Body(a));
    });
  }
};

// Adds `method`, which is filled in here, to `m` under the signature's name.
void add_function(nb::module_& m, PyMethodDef& method, const Signature& signature, PyCFunction call);

template <auto Body>
void def(nb::module_& m, const char* text, const char* summary) {
  using F = Function<Body>;
  F::signature = new Signature(text, summary);  // lives as long as the module: for ever
  add_function(m, F::method, *F::signature, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&F::call)));
}

// Another name for what `m` has as `name`.
void alias(nb::module_& m, const char* other, const char* name);

}  // namespace anabranch::python
