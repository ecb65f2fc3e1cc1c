// Rounding, clipping and conversions of units: compositions of regular operations.
#include <cmath>
#include <limits>
#include <numbers>

#include "ops/common.h"

namespace anabranch {
namespace {

double largest(Dtype d) {
  switch (d.val) {
    case Dtype::Val::float16: return 65504;
    case Dtype::Val::bfloat16: return 0x1.fep127;
    case Dtype::Val::float32: return std::numeric_limits<float>::max();
    default: return std::numeric_limits<double>::max();
  }
}

array scaled(const array& a, double factor, const StreamOrDevice& s) {
  const Dtype d = ops::at_least_float(a.dtype());
  return multiply(astype(a, d, s), ops::constant(factor, d, s), s);
}

}  // namespace

array round(const array& a, int decimals, const StreamOrDevice& s) {
  if (decimals == 0) return round(a, s);
  if (!ops::is_inexact(a.dtype()) && (decimals > 0 || a.dtype() == bool_)) return a;
  const StreamOrDevice on = to_stream(s);
  const double scale = std::pow(10.0, decimals);
  return astype(scaled(round(scaled(a, scale, on), on), 1 / scale, on), a.dtype(), on);
}

array positive(const array& a, const StreamOrDevice&) { return a; }
array stop_gradient(const array& a, const StreamOrDevice&) { return a; }

array degrees(const array& a, const StreamOrDevice& s) { return scaled(a, 180 / std::numbers::pi, s); }
array radians(const array& a, const StreamOrDevice& s) { return scaled(a, std::numbers::pi / 180, s); }

array clip(const array& a, const std::optional<array>& a_min, const std::optional<array>& a_max,
           const StreamOrDevice& s) {
  if (!a_min && !a_max) ops::refuse("clip", "At most one of a_min and a_max may be None.");
  const StreamOrDevice on = to_stream(s);
  const array raised = a_min ? maximum(a, *a_min, on) : a;
  return a_max ? minimum(raised, *a_max, on) : raised;
}

array nan_to_num(const array& a, float nan, std::optional<float> posinf, std::optional<float> neginf,
                 const StreamOrDevice& s) {
  const Dtype d = a.dtype();
  if (d == complex64) ops::refuse("nan_to_num", "Not supported for complex64.");
  if (!ops::is_inexact(d)) return a;
  const StreamOrDevice on = to_stream(s);
  const auto value = [&](std::optional<float> given, double otherwise) {
    return ops::constant(given ? *given : otherwise, d, on);
  };
  const array numbers = where(isnan(a, on), value(nan, 0), a, on);
  const array below = where(isposinf(a, on), value(posinf, largest(d)), numbers, on);
  return where(isneginf(a, on), value(neginf, -largest(d)), below, on);
}

std::vector<array> divmod(const array& a, const array& b, const StreamOrDevice& s) {
  if (promote_types(a.dtype(), b.dtype()) == complex64) ops::refuse("divmod", "Not supported for complex64.");
  const StreamOrDevice on = to_stream(s);
  return {floor_divide(a, b, on), remainder(a, b, on)};
}

}  // namespace anabranch
