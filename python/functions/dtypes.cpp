// Dtype, DtypeCategory, what is known about them, and constants.
#include "anabranch/dtype.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "functions/bind.h"
#include "functions/function.h"

namespace anabranch::python {

namespace {

constexpr Dtype all_dtypes[] = {bool_, uint8, uint16,  uint32,  uint64,  int8,     int16,
                                int32, int64, float16, float32, float64, bfloat16, complex64};

std::string name_of(Dtype d) { return std::string(dtype_name(d)); }

// Its name in the module.
std::string attribute_of(Dtype d) { return d == bool_ ? "bool_" : name_of(d); }

// Machine limits of a float dtype (of its parts, for complex64).
struct FloatInfo {
  Dtype dtype;
  int digits, max_exponent, bits;  // precision in bits; max < 2^max_exponent

  explicit FloatInfo(Dtype d) : dtype(d) {
    switch (d.val) {
      case Dtype::Val::float16: digits = 11, max_exponent = 16, bits = 16; break;
      case Dtype::Val::bfloat16: digits = 8, max_exponent = 128, bits = 16; break;
      case Dtype::Val::float32:
      case Dtype::Val::complex64: digits = 24, max_exponent = 128, bits = 32; break;
      case Dtype::Val::float64: digits = 53, max_exponent = 1024, bits = 64; break;
      default: throw std::invalid_argument("[finfo] the dtype " + name_of(d) + " is not a float or complex one");
    }
  }
  double eps() const { return std::ldexp(1.0, 1 - digits); }
  double max() const { return std::ldexp(2.0 - eps(), max_exponent - 1); }
  double smallest_normal() const { return std::ldexp(1.0, 2 - max_exponent); }
};

struct IntInfo {
  Dtype dtype;
  std::int64_t min = 0;
  std::uint64_t max = 0;

  explicit IntInfo(Dtype d) : dtype(d) {
    if (!issubdtype(d, integer)) {
      throw std::invalid_argument("[iinfo] the dtype " + name_of(d) + " is not an integer one");
    }
    const int bits = 8 * d.size();
    const bool is_signed = issubdtype(d, signedinteger);
    max = std::numeric_limits<std::uint64_t>::max() >> (64 - bits + (is_signed ? 1 : 0));
    if (is_signed) min = -static_cast<std::int64_t>(max) - 1;
  }
};

std::optional<Dtype> dtype_in(nb::handle o) {
  if (nb::isinstance<Dtype>(o)) return *nb::inst_ptr<Dtype>(o);
  if (is_array(o.ptr())) return array_of(o.ptr()).dtype();
  return std::nullopt;
}

bool is_kind(Dtype d, std::string_view kind) {
  if (kind == "bool") return d == bool_;
  if (kind == "signed integer") return issubdtype(d, signedinteger);
  if (kind == "unsigned integer") return issubdtype(d, unsignedinteger);
  if (kind == "integral") return issubdtype(d, integer);
  if (kind == "real floating") return issubdtype(d, floating);
  if (kind == "complex floating") return issubdtype(d, complexfloating);
  if (kind == "numeric") return issubdtype(d, number);
  throw std::invalid_argument("[isdtype] unknown kind of dtype: '" + std::string(kind) + "'");
}

bool is_kind(Dtype d, nb::handle kind) {
  if (nb::isinstance<Dtype>(kind)) return d == *nb::inst_ptr<Dtype>(kind);
  if (PyUnicode_Check(kind.ptr())) return is_kind(d, std::string_view(nb::cast<std::string>(kind)));
  if (!PyTuple_Check(kind.ptr())) {
    throw std::invalid_argument("[isdtype] the kind must be a Dtype, a str or a tuple of those");
  }
  bool any = false;
  for (nb::handle k : nb::borrow<nb::tuple>(kind)) any |= is_kind(d, k);
  return any;
}

bool issubdtype_of(Args& a) {
  using Category = Dtype::Category;
  const auto check = [&](std::size_t i) {
    if (nb::isinstance<Dtype>(a[i])) return true;
    if (!nb::isinstance<Category>(a[i])) {
      throw std::invalid_argument("[issubdtype] the " + std::string(i ? "second" : "first") +
                                  " argument must be a Dtype or a DtypeCategory");
    }
    return false;
  };
  const bool first = check(0), second = check(1);
  if (first && second) return issubdtype(*nb::inst_ptr<Dtype>(a[0]), *nb::inst_ptr<Dtype>(a[1]));
  if (first) return issubdtype(*nb::inst_ptr<Dtype>(a[0]), nb::cast<Category>(a[1]));
  if (second) return false;
  return issubdtype(nb::cast<Category>(a[0]), nb::cast<Category>(a[1]));
}

void bind_constants(nb::module_& m) {
  m.attr("pi") = std::numbers::pi;
  m.attr("e") = std::numbers::e;
  m.attr("euler_gamma") = std::numbers::egamma;
  m.attr("inf") = std::numeric_limits<double>::infinity();
  m.attr("nan") = std::numeric_limits<double>::quiet_NaN();
  m.attr("newaxis") = nb::none();
}

void bind_dtype_functions(nb::module_& m) {
  def<[](Args& a) {
    const std::string name = a.text(0, "");
    for (Dtype d : all_dtypes) {
      if (attribute_of(d) == name) return nb::object(nb::cast(d));
    }
    throw std::invalid_argument("[dtype] there is no dtype '" + name + "'");
  }>(m, "_dtype(name: str) -> Dtype", "The dtype of that name, for pickle.");
  def<&issubdtype_of>(m, "issubdtype(arg1: Dtype | DtypeCategory, arg2: Dtype | DtypeCategory) -> bool",
                      "Whether the first dtype or category is the second or belongs to it.");
  def<[](Args& a) {
    if (!nb::isinstance<Dtype>(a[0])) a.wrong(0, "a Dtype");
    return is_kind(*nb::inst_ptr<Dtype>(a[0]), a[1]);
  }>(m, "isdtype(dtype: Dtype, kind: Dtype | str | tuple[Dtype | str, ...]) -> bool",
     "Whether a dtype is of a kind, or of any of several: a Dtype, 'bool', 'signed integer', 'unsigned integer', "
     "'integral', 'real floating', 'complex floating' or 'numeric'.");
  def<[](Args& a) {
    const std::optional<Dtype> from = dtype_in(a[0]);
    if (!from) throw std::invalid_argument("[can_cast] `from_` must be an array or a Dtype");
    if (!nb::isinstance<Dtype>(a[1])) a.wrong(1, "a Dtype");
    const Dtype to = *nb::inst_ptr<Dtype>(a[1]);
    return promote_types(*from, to) == to;
  }>(m, "can_cast(from_: array | Dtype, to: Dtype) -> bool", "Whether promoting the two together gives `to`.");
  def<[](Args& a) {
    std::optional<Dtype> type;
    for (PyObject* o : a.rest()) {
      const std::optional<Dtype> d = dtype_in(o);
      if (!d) throw std::invalid_argument("[result_type] the arguments must be arrays or Dtypes");
      type = type ? promote_types(*type, *d) : *d;
    }
    if (!type) throw std::invalid_argument("[result_type] at least one array or Dtype is required");
    return nb::object(nb::cast(*type));
  }>(m, "result_type(*arrays_and_dtypes: array | Dtype) -> Dtype", "The dtype that all of them promote to.");
}

}  // namespace

void bind_dtypes(nb::module_& m) {
  using Category = Dtype::Category;
  nb::enum_<Category>(m, "DtypeCategory", "Kinds of dtypes, as issubdtype() orders them.")
      .value("complexfloating", complexfloating)
      .value("floating", floating)
      .value("inexact", inexact)
      .value("signedinteger", signedinteger)
      .value("unsignedinteger", unsignedinteger)
      .value("integer", integer)
      .value("number", number)
      .value("generic", generic)
      .export_values();

  nb::class_<Dtype>(m, "Dtype", "The type of an array's elements.")
      .def_prop_ro(
          "size", [](Dtype d) { return static_cast<int>(d.size()); }, "Bytes of one element.")
      .def("__eq__",
           [](Dtype d, nb::handle other) { return nb::isinstance<Dtype>(other) && d == *nb::inst_ptr<Dtype>(other); })
      .def("__hash__", [](Dtype d) { return static_cast<int>(d.val); })
      .def(
          "__reduce__", [m](Dtype d) { return nb::make_tuple(m.attr("_dtype"), nb::make_tuple(attribute_of(d))); },
          nb::sig("def __reduce__(self) -> tuple[Any, ...]"))
      .def("__repr__", [](Dtype d) { return "mlx.core." + name_of(d); });
  for (Dtype d : all_dtypes) m.attr(attribute_of(d).c_str()) = nb::cast(d);

  nb::class_<FloatInfo>(m, "finfo", "The limits of a float dtype (complex64: of its parts).")
      .def(nb::init<Dtype>(), nb::arg("dtype"))
      .def_ro("dtype", &FloatInfo::dtype)
      .def_ro("bits", &FloatInfo::bits, "Bits of one number.")
      .def_prop_ro(
          "min", [](const FloatInfo& f) { return -f.max(); }, "The lowest finite number.")
      .def_prop_ro("max", &FloatInfo::max, "The largest finite number.")
      .def_prop_ro("eps", &FloatInfo::eps, "The distance from 1 to the next larger number.")
      .def_prop_ro("smallest_normal", &FloatInfo::smallest_normal, "The smallest number of full precision.")
      .def("__repr__", [](const FloatInfo& f) {
        char text[96];
        std::snprintf(text, sizeof text, "finfo(min=%g, max=%g, dtype=", -f.max(), f.max());
        return text + name_of(f.dtype) + ")";
      });
  nb::class_<IntInfo>(m, "iinfo", "The limits of an integer dtype.")
      .def(nb::init<Dtype>(), nb::arg("dtype"))
      .def_ro("dtype", &IntInfo::dtype)
      .def_ro("min", &IntInfo::min)
      .def_ro("max", &IntInfo::max)
      .def("__repr__", [](const IntInfo& i) {
        return "iinfo(min=" + std::to_string(i.min) + ", max=" + std::to_string(i.max) + ", dtype=" + name_of(i.dtype) +
               ")";
      });

  bind_constants(m);
  bind_dtype_functions(m);
}

}  // namespace anabranch::python
