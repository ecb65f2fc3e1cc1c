// Elementwise functions: the rows of the table, and those made of several rows.
#include <string_view>

#include "anabranch/ops.h"
#include "functions/bind.h"
#include "functions/function.h"

namespace anabranch::python {

namespace {

template <array (*F)(const array&, const StreamOrDevice&)>
constexpr auto unary = [](Args& a) {
  const StreamOrDevice s = a.stream(1);
  return F(a.value(0, s), s);
};

template <array (*F)(const array&, const array&, const StreamOrDevice&)>
constexpr auto binary = [](Args& a) {
  const StreamOrDevice s = a.stream(2);
  const auto [x, y] = a.values(0, 1, s);
  return F(x, y, s);
};

// `mx.round` takes decimals, so its row has no function of its own in Python.
constexpr bool in_python(std::string_view function) { return function != "round_even"; }

void bind_rows(nb::module_& m) {
#define ANABRANCH_BIND(Opcode, function, rule, lanes, rounding, summary)                                             \
  if constexpr (in_python(#function)) {                                                                              \
    def<unary<&anabranch::function>>(m, #function "(a: scalar | array, stream: StreamOrDevice = None) -> array",     \
                                     summary);                                                                       \
  }
  ANABRANCH_UNARY_OPS(ANABRANCH_BIND)
#undef ANABRANCH_BIND
#define ANABRANCH_BIND(Opcode, function, rule, lanes, rounding, summary)                                             \
  def<binary<&anabranch::function>>(                                                                                 \
      m, #function "(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array", summary);
  ANABRANCH_BINARY_OPS(ANABRANCH_BIND)
#undef ANABRANCH_BIND
}

void bind_aliases(nb::module_& m) {
  for (const auto& [other, name] : {std::pair{"acos", "arccos"},
                                    {"acosh", "arccosh"},
                                    {"asin", "arcsin"},
                                    {"asinh", "arcsinh"},
                                    {"atan", "arctan"},
                                    {"atanh", "arctanh"},
                                    {"atan2", "arctan2"},
                                    {"pow", "power"},
                                    {"conj", "conjugate"},
                                    {"bitwise_left_shift", "left_shift"},
                                    {"bitwise_right_shift", "right_shift"}}) {
    alias(m, other, name);
  }
}

}  // namespace

void bind_elementwise(nb::module_& m) {
  bind_rows(m);
  bind_aliases(m);

  def<unary<&positive>>(m, "positive(a: scalar | array, stream: StreamOrDevice = None) -> array", "The value itself.");
  def<unary<&degrees>>(m, "degrees(a: scalar | array, stream: StreamOrDevice = None) -> array", "Radians to degrees.");
  def<unary<&radians>>(m, "radians(a: scalar | array, stream: StreamOrDevice = None) -> array", "Degrees to radians.");
  def<unary<&isposinf>>(m, "isposinf(a: scalar | array, stream: StreamOrDevice = None) -> array",
                        "True where positive infinity.");
  def<unary<&isneginf>>(m, "isneginf(a: scalar | array, stream: StreamOrDevice = None) -> array",
                        "True where negative infinity.");
  def<unary<&stop_gradient>>(m, "stop_gradient(a: scalar | array, stream: StreamOrDevice = None) -> array",
                             "The value itself; gradients end here.");
  def<binary<&logical_xor>>(m,
                            "logical_xor(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array",
                            "True where exactly one is not zero.");

  def<[](Args& a) {
    const StreamOrDevice s = a.stream(2);
    const auto [x, y] = a.values(0, 1, s);
    return list_of(divmod(x, y, s));
  }>(m, "divmod(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> list[array]",
     "[floor_divide(a, b), remainder(a, b)]");
  def<[](Args& a) {
    if (!nb::isinstance<Dtype>(a[1])) a.wrong(1, "a Dtype such as mx.float32");
    return astype(a.operand(0), *nb::inst_ptr<Dtype>(a[1]), a.stream(2));
  }>(m, "astype(a: array, dtype: Dtype, /, *, stream: StreamOrDevice = None) -> array",
     "The elements converted. Floats to integers truncate.");
  def<[](Args& a) {
    const StreamOrDevice s = a.stream(3);
    const array& condition = a.value(0, s);
    const auto [x, y] = a.values(1, 2, s);
    return where(condition, x, y, s);
  }>(m,
     "where(condition: scalar | array, x: scalar | array, y: scalar | array, /, *, stream: StreamOrDevice = None) "
     "-> array",
     "x where the condition is true, else y.");
  def<[](Args& a) {
    const StreamOrDevice s = a.stream(2);
    return round(a.value(0, s), a.integer(1, 0), s);
  }>(m, "round(a: scalar | array, /, decimals: int = 0, stream: StreamOrDevice = None) -> array",
     "Rounded to `decimals` places, ties to even.");
  def<[](Args& a) {
    const StreamOrDevice s = a.stream(3);
    const array& x = a.operand(0);
    if (!a.given(1) && !a.given(2)) throw std::invalid_argument("[clip] at most one of a_min and a_max may be None");
    std::optional<array> low, high;
    if (a.given(1)) low = a.value(1, s, x.dtype());
    if (a.given(2)) high = a.value(2, s, x.dtype());
    return clip(x, low, high, s);
  }>(m,
     "clip(a: array, /, a_min: scalar | array | None, a_max: scalar | array | None, *, stream: StreamOrDevice = None) "
     "-> array",
     "Limited to [a_min, a_max]; None is no limit.");
  def<[](Args& a) {
    const StreamOrDevice s = a.stream(4);
    const auto maybe = [&](std::size_t i) {
      return a.given(i) ? std::optional(static_cast<float>(a.number(i))) : std::nullopt;
    };
    return nan_to_num(a.value(0, s), static_cast<float>(a.number(1, 0)), maybe(2), maybe(3), s);
  }>(m,
     "nan_to_num(a: scalar | array, nan: float = 0, posinf: float | None = None, neginf: float | None = None, *, "
     "stream: StreamOrDevice = None) -> array",
     "NaN and the infinities replaced; the latter, without a value, by the dtype's largest and smallest number.");
  def<[](Args& a) {
    const StreamOrDevice s = a.stream(5);
    const auto [x, y] = a.values(0, 1, s);
    return isclose(x, y, a.number(2, 1e-5), a.number(3, 1e-8), a.flag(4, false), s);
  }>(m,
     "isclose(a: scalar | array, b: scalar | array, /, rtol: float = 1e-05, atol: float = 1e-08, *, "
     "equal_nan: bool = False, stream: StreamOrDevice = None) -> array",
     "True where |a - b| <= atol + rtol * |b|.");
  def<[](Args& a) {
    const StreamOrDevice s = a.stream(5);
    const auto [x, y] = a.values(0, 1, s);
    return allclose(x, y, a.number(2, 1e-5), a.number(3, 1e-8), a.flag(4, false), s);
  }>(m,
     "allclose(a: scalar | array, b: scalar | array, /, rtol: float = 1e-05, atol: float = 1e-08, *, "
     "equal_nan: bool = False, stream: StreamOrDevice = None) -> array",
     "Whether isclose() holds for all elements.");
  def<[](Args& a) {
    const StreamOrDevice s = a.stream(3);
    const auto [x, y] = a.values(0, 1, s);
    return array_equal(x, y, a.flag(2, false), s);
  }>(m,
     "array_equal(a: scalar | array, b: scalar | array, equal_nan: bool = False, stream: StreamOrDevice = None) "
     "-> array",
     "Whether shapes and all elements are equal.");
}

}  // namespace anabranch::python
