#include "functions/function.h"

#include <climits>
#include <cstring>

namespace anabranch::python {

namespace {

std::string_view trim(std::string_view s) {
  while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
  while (!s.empty() && s.back() == ' ') s.remove_suffix(1);
  return s;
}

// Where the first `stop` outside brackets and quotes is, from `from`; npos where there is none.
std::size_t find_outside(std::string_view s, std::string_view stops, std::size_t from) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = from; i < s.size(); ++i) {
    const char c = s[i];
    if (c == '\'') quoted = !quoted;
    if (quoted) continue;
    if (depth == 0 && stops.find(c) != s.npos) return i;
    if (c == '(' || c == '[') ++depth;
    if (c == ')' || c == ']') --depth;
  }
  return s.npos;
}

std::string python_type(nb::handle o) { return Py_TYPE(o.ptr())->tp_name; }

constexpr const char* device_hint =
    "'device' is no argument of operations. Say where it runs in one of these ways: the stream= argument, which takes "
    "a Stream or a Device (stream=mx.cpu); a scope, `with mx.default_device(d):` or `with mx.stream(s):`; or, for all "
    "that follows, mx.set_default_device(d)";

}  // namespace

Signature::Signature(const char* text, const char* summary) : text_(text) {
  const std::string_view all(text);
  const std::size_t open = all.find('(');
  name_ = all.substr(0, open);
  const std::size_t close = find_outside(all, ")", open + 1);
  std::string plain;  // without types, as inspect wants it
  bool keyword_only = false;
  for (std::size_t at = open + 1; at < close;) {
    const std::size_t end = std::min(find_outside(all, ",", at), close);
    const std::string_view parameter = trim(all.substr(at, end - at));
    at = end + 1;
    if (!plain.empty()) plain += ", ";
    if (parameter == "/") {
      for (Parameter& p : parameters_) p.keyword = false;
      plain += "/";
    } else if (parameter == "*") {
      keyword_only = true;
      plain += "*";
    } else if (parameter.starts_with("*")) {
      variadic_ = keyword_only = true;
      plain += parameter.substr(0, parameter.find(':'));
    } else {
      add(parameter, keyword_only);
      plain += parameter.substr(0, std::min(parameter.find(':'), parameter.find(' ')));
      if (const std::size_t equals = find_outside(parameter, "=", 0); equals != parameter.npos) {
        const std::string_view value = trim(parameter.substr(equals + 1));
        // A name such as float32 means nothing where inspect evaluates it.
        const bool literal = value.find_first_not_of("0123456789.-e'[]") == value.npos || value.front() == '\'' ||
                             value == "None" || value == "True" || value == "False";
        plain += "=" + (literal ? std::string(value) : "'" + std::string(value) + "'");
      }
    }
  }
  doc_ = name_ + "(" + plain + ")\n--\n\n" + text_ + "\n\n" + summary;
}

void Signature::add(std::string_view parameter, bool keyword_only) {
  const std::string_view name = parameter.substr(0, parameter.find_first_of(": ="));
  PyObject* s = PyUnicode_FromStringAndSize(name.data(), static_cast<Py_ssize_t>(name.size()));
  if (!s) throw nb::python_error();
  PyUnicode_InternInPlace(&s);
  parameters_.push_back({s, find_outside(parameter, "=", 0) == parameter.npos, !keyword_only, true});
  if (parameters_.size() > max_parameters) throw std::logic_error("too many parameters: " + name_);
  if (!keyword_only) ++positional_;
}

void Signature::fail(const std::string& what) const {
  throw TypeError(name_ + "(): " + what + ".\nSignature: " + text_);
}

Args::Args(const Signature& signature, PyObject* const* args, Py_ssize_t nargs, PyObject* names)
    : signature_(signature) {
  const auto& parameters = signature.parameters();
  const std::size_t given = static_cast<std::size_t>(nargs);
  std::size_t taken = std::min(given, signature.positional());
  for (std::size_t i = 0; i < taken; ++i) values_[i] = args[i];
  if (given > taken) {
    if (!signature.variadic()) {
      signature.fail("takes at most " + std::to_string(signature.positional()) + " positional arguments, got " +
                     std::to_string(given));
    }
    rest_ = {args + taken, given - taken};
  }
  for (Py_ssize_t k = 0; names && k < PyTuple_GET_SIZE(names); ++k) {
    PyObject* name = PyTuple_GET_ITEM(names, k);
    std::size_t i = 0;
    while (i < parameters.size() && parameters[i].name != name) ++i;
    if (i == parameters.size()) {
      for (i = 0; i < parameters.size() && PyUnicode_Compare(parameters[i].name, name) != 0; ++i) {
      }
    }
    const std::string quoted = i == parameters.size() || !parameters[i].keyword || values_[i]
                                   ? "'" + std::string(nb::str(nb::handle(name)).c_str()) + "'"
                                   : std::string();
    if (i == parameters.size()) {
      signature.fail(quoted == "'device'" ? device_hint : "unexpected keyword argument " + quoted);
    }
    if (!parameters[i].keyword) signature.fail("the argument " + quoted + " is positional only");
    if (values_[i]) signature.fail("the argument " + quoted + " is given twice");
    values_[i] = args[nargs + k];
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (parameters[i].required && !values_[i]) {
      signature.fail("the argument '" + std::string(nb::str(nb::handle(parameters[i].name)).c_str()) + "' is missing");
    }
  }
}

void Args::wrong(std::size_t i, const char* expected) const {
  signature_.fail("the argument '" + std::string(nb::str(nb::handle(signature_.parameters()[i].name)).c_str()) +
                  "' must be " + expected + ", not " + python_type((*this)[i]));
}

StreamOrDevice Args::stream(std::size_t i) const { return to_stream(stream_argument((*this)[i])); }

const array& Args::operand(std::size_t i) {
  PyObject* o = (*this)[i].ptr();
  if (is_array(o)) return array_of(o);
  if (is_python_scalar(o) || o == Py_None || PyList_Check(o) || PyTuple_Check(o) || PyUnicode_Check(o)) {
    wrong(i, "an array");
  }
  return keep(to_array(o));
}

const array& Args::value(std::size_t i, const StreamOrDevice& s, std::optional<Dtype> beside) {
  PyObject* o = (*this)[i].ptr();
  return is_array(o) ? array_of(o) : keep(to_array(o, beside, s));
}

std::pair<const array&, const array&> Args::values(std::size_t i, std::size_t j, const StreamOrDevice& s) {
  PyObject *a = (*this)[i].ptr(), *b = (*this)[j].ptr();
  if (is_array(a)) return {array_of(a), value(j, s, array_of(a).dtype())};
  if (is_array(b)) return {value(i, s, array_of(b).dtype()), array_of(b)};
  auto [x, y] = to_arrays(a, b, s);
  const array& kept = keep(std::move(x));
  return {kept, keep(std::move(y))};
}

const array& Args::keep(array&& a) { return converted_.at(kept_++).emplace(std::move(a)); }

namespace {

std::vector<array> arrays_in(const Signature& signature, PyObject* const* items, Py_ssize_t count) {
  std::vector<array> out;
  out.reserve(static_cast<std::size_t>(count));
  for (Py_ssize_t k = 0; k < count; ++k) {
    if (is_array(items[k])) {
      out.push_back(array_of(items[k]));
    } else if (is_python_scalar(items[k]) || items[k] == Py_None || PyUnicode_Check(items[k])) {
      signature.fail("expected arrays, but number " + std::to_string(k) + " is of type " + python_type(items[k]));
    } else {
      out.push_back(to_array(items[k]));
    }
  }
  return out;
}

}  // namespace

std::vector<array> Args::arrays(std::size_t i) const {
  nb::object fast = nb::steal(PySequence_Fast((*this)[i].ptr(), ""));
  if (!fast.is_valid()) {
    PyErr_Clear();
    wrong(i, "a sequence of arrays");
  }
  return arrays_in(signature_, PySequence_Fast_ITEMS(fast.ptr()), PySequence_Fast_GET_SIZE(fast.ptr()));
}

std::vector<array> Args::rest_arrays() const {
  return arrays_in(signature_, rest_.data(), static_cast<Py_ssize_t>(rest_.size()));
}

std::int64_t Args::long_integer(std::size_t i) const {
  PyObject* o = (*this)[i].ptr();
  if (!PyIndex_Check(o)) wrong(i, "an int");
  nb::object index = nb::steal(PyNumber_Index(o));
  if (!index.is_valid()) throw nb::python_error();
  const long long v = PyLong_AsLongLong(index.ptr());
  if (v == -1 && PyErr_Occurred()) throw nb::python_error();
  return v;
}

int Args::integer(std::size_t i) const {
  const std::int64_t v = long_integer(i);
  if (v < INT_MIN || v > INT_MAX) {
    throw std::overflow_error("[" + signature_.name() + "] the int " + std::to_string(v) + " is out of range");
  }
  return static_cast<int>(v);
}

bool Args::flag(std::size_t i, bool otherwise) const {
  if (!values_[i]) return otherwise;
  if (!PyBool_Check(values_[i])) wrong(i, "a bool");
  return values_[i] == Py_True;
}

double Args::number(std::size_t i) const {
  PyObject* o = (*this)[i].ptr();
  if (!PyFloat_Check(o) && !PyIndex_Check(o) && !(Py_TYPE(o)->tp_as_number && Py_TYPE(o)->tp_as_number->nb_float)) {
    wrong(i, "a float");
  }
  const double v = PyFloat_AsDouble(o);
  if (v == -1.0 && PyErr_Occurred()) throw nb::python_error();
  return v;
}

std::string Args::text(std::size_t i, const char* otherwise) const {
  if (!values_[i]) return otherwise;
  if (!PyUnicode_Check(values_[i])) wrong(i, "a str");
  return nb::cast<std::string>(nb::handle(values_[i]));
}

std::optional<Dtype> Args::maybe_dtype(std::size_t i) const {
  if (!given(i)) return std::nullopt;
  if (!nb::isinstance<Dtype>((*this)[i])) wrong(i, "a Dtype such as mx.float32");
  return *nb::inst_ptr<Dtype>((*this)[i]);
}

Shape Args::shape(std::size_t i, bool int_too) const {
  Shape out;
  PyObject* o = (*this)[i].ptr();
  if ((!int_too && is_index_like(o)) || !to_shape(o, out)) {
    wrong(i, int_too ? "an int or a sequence of ints" : "a sequence of ints");
  }
  return out;
}

std::vector<int> Args::integers(std::size_t i, bool int_too) const {
  std::vector<int> out;
  for (ShapeElem v : shape(i, int_too)) {
    if (v < INT_MIN || v > INT_MAX) {
      throw std::overflow_error("[" + signature_.name() + "] the int " + std::to_string(v) + " is out of range");
    }
    out.push_back(static_cast<int>(v));
  }
  return out;
}

namespace {

template <PyObject* (*New)(Py_ssize_t)>
PyObject* sequence_of(std::vector<array>&& arrays, bool tuple) {
  nb::object out = nb::steal(New(static_cast<Py_ssize_t>(arrays.size())));
  if (!out.is_valid()) throw nb::python_error();
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    PyObject* o = wrap(std::move(arrays[i]));
    if (!o) throw nb::python_error();
    if (tuple) {
      PyTuple_SET_ITEM(out.ptr(), static_cast<Py_ssize_t>(i), o);
    } else {
      PyList_SET_ITEM(out.ptr(), static_cast<Py_ssize_t>(i), o);
    }
  }
  return out.release().ptr();
}

}  // namespace

PyObject* list_of(std::vector<array>&& arrays) { return sequence_of<PyList_New>(std::move(arrays), false); }
PyObject* tuple_of(std::vector<array>&& arrays) { return sequence_of<PyTuple_New>(std::move(arrays), true); }

void add_function(nb::module_& m, PyMethodDef& method, const Signature& signature, PyCFunction call) {
  method = {signature.name().c_str(), call, METH_FASTCALL | METH_KEYWORDS, signature.doc().c_str()};
  // Where pickle finds it: the package has what is public here.
  nb::object module_name = m.attr("__name__");
  if (signature.name().front() == '_') {
    module_name = nb::str("anabranch._core");
  } else if (module_name.equal(nb::str("anabranch._core"))) {
    module_name = nb::str("anabranch");
  }
  PyObject* function = PyCFunction_NewEx(&method, nullptr, module_name.ptr());
  if (!function) throw nb::python_error();
  m.attr(signature.name().c_str()) = nb::steal(function);
}

void alias(nb::module_& m, const char* other, const char* name) { m.attr(other) = m.attr(name); }

}  // namespace anabranch::python
