// Tests of closeness, equality and infinity: compositions of regular operations.
#include <limits>

#include "ops/common.h"

namespace anabranch {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

array equals_constant(const array& a, double value, const StreamOrDevice& s) {
  if (!ops::is_inexact(a.dtype())) return full(a.shape(), false, s);
  return equal(a, ops::constant(value, a.dtype(), s), s);
}

}  // namespace

array logical_xor(const array& a, const array& b, const StreamOrDevice& s) {
  return not_equal(astype(a, bool_, s), astype(b, bool_, s), s);
}

array isposinf(const array& a, const StreamOrDevice& s) { return equals_constant(a, infinity, s); }
array isneginf(const array& a, const StreamOrDevice& s) { return equals_constant(a, -infinity, s); }

array isclose(const array& a, const array& b, double rtol, double atol, bool equal_nan, const StreamOrDevice& s) {
  const StreamOrDevice on = to_stream(s);
  // The tolerances need more than 16 bits.
  const Dtype d = promote_types(promote_types(a.dtype(), b.dtype()), float32);
  const array x = astype(a, d, on), y = astype(b, d, on);
  const array magnitude = abs(y, on);
  const Dtype real = magnitude.dtype();
  const array bound = add(ops::constant(atol, real, on), multiply(ops::constant(rtol, real, on), magnitude, on), on);
  const array near = less_equal(abs(subtract(x, y, on), on), bound, on);
  // Infinities are close to themselves alone: their difference and the bound are NaN or infinite.
  const array finite = logical_and(isfinite(x, on), isfinite(y, on), on);
  const array close = where(finite, near, equal(x, y, on), on);
  return equal_nan ? logical_or(close, logical_and(isnan(x, on), isnan(y, on), on), on) : close;
}

array allclose(const array& a, const array& b, double rtol, double atol, bool equal_nan, const StreamOrDevice& s) {
  const StreamOrDevice on = to_stream(s);
  return all(isclose(a, b, rtol, atol, equal_nan, on), on);
}

array array_equal(const array& a, const array& b, bool equal_nan, const StreamOrDevice& s) {
  const StreamOrDevice on = to_stream(s);
  if (a.shape() != b.shape()) return full(Shape{}, false, on);
  const array same = equal(a, b, on);
  if (!equal_nan || !ops::is_inexact(a.dtype()) || !ops::is_inexact(b.dtype())) return all(same, on);
  return all(logical_or(same, logical_and(isnan(a, on), isnan(b, on), on), on), on);
}

}  // namespace anabranch
