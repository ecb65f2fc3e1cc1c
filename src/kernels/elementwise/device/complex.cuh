// Functions of complex numbers. Computed in float64, in which the squares and products of float32 are exact and do not
// overflow; special values as in C's Annex G.
#pragma once

#include "lanes.cuh"

namespace anabranch::kernels::device {

struct Wide {
  f64 re, im;
};
ANABRANCH_DEVICE Wide wide(c64 z) { return {z.re, z.im}; }
ANABRANCH_DEVICE c64 narrow(Wide z) { return {static_cast<f32>(z.re), static_cast<f32>(z.im)}; }
ANABRANCH_DEVICE Wide operator+(Wide a, Wide b) { return {a.re + b.re, a.im + b.im}; }
ANABRANCH_DEVICE Wide operator*(Wide a, Wide b) { return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}; }
// i z and -i z.
ANABRANCH_DEVICE Wide turned(Wide z) { return {-z.im, z.re}; }
ANABRANCH_DEVICE Wide turned_back(Wide z) { return {z.im, -z.re}; }

ANABRANCH_DEVICE f64 magnitude(Wide z) {
  if (is_infinite(z.re) || is_infinite(z.im)) return infinity_of<f64>();
  return sqrt(z.re * z.re + z.im * z.im);
}
ANABRANCH_DEVICE f32 magnitude(c64 z) { return static_cast<f32>(magnitude(wide(z))); }

// What is left of a quotient that is NaN: infinite or 0, where an operand says so.
ANABRANCH_CALL Wide special_quotient(Wide x, Wide y) {
  const f64 inf = infinity_of<f64>();
  const auto unit = [](f64 part) { return copysign(is_infinite(part) ? 1.0 : 0.0, part); };
  if (y.re == 0 && y.im == 0 && (!is_nan(x.re) || !is_nan(x.im))) {
    return {copysign(inf, y.re) * x.re, copysign(inf, y.re) * x.im};
  }
  if ((is_infinite(x.re) || is_infinite(x.im)) && is_finite(y.re) && is_finite(y.im)) {
    const f64 a = unit(x.re), b = unit(x.im);
    return {inf * (a * y.re + b * y.im), inf * (b * y.re - a * y.im)};
  }
  if ((is_infinite(y.re) || is_infinite(y.im)) && is_finite(x.re) && is_finite(x.im)) {
    const f64 c = unit(y.re), d = unit(y.im);
    return {0.0 * (x.re * c + x.im * d), 0.0 * (x.im * c - x.re * d)};
  }
  return {nan_of<f64>(), nan_of<f64>()};
}

ANABRANCH_DEVICE c64 quotient(c64 x, c64 y) {
  const f64 a = x.re, b = x.im, c = y.re, d = y.im;
  const f64 size = c * c + d * d;
  const Wide q{(a * c + b * d) / size, (b * c - a * d) / size};
  if (is_nan(q.re) && is_nan(q.im)) return narrow(special_quotient(wide(x), wide(y)));
  return narrow(q);
}

ANABRANCH_CALL Wide wide_sqrt(Wide z) {
  if (is_infinite(z.im)) return {infinity_of<f64>(), z.im};
  if (z.re == 0 && z.im == 0) return {0.0, z.im};
  if (is_infinite(z.re)) {
    const f64 other = is_nan(z.im) ? z.im : 0.0;
    if (z.re > 0) return {z.re, is_nan(z.im) ? z.im : copysign(0.0, z.im)};
    return {other, is_nan(z.im) ? z.im : copysign(infinity_of<f64>(), z.im)};
  }
  const f64 t = sqrt((magnitude(z) + fabs(z.re)) / 2);
  if (z.re >= 0) return {t, z.im / (2 * t)};
  return {fabs(z.im) / (2 * t), copysign(t, z.im)};
}
ANABRANCH_DEVICE c64 square_root(c64 z) { return narrow(wide_sqrt(wide(z))); }

ANABRANCH_CALL Wide wide_exp(Wide z) {
  const f64 size = exp(z.re);
  if (z.im == 0) return {size, z.im};
  if (size == 0 && !is_finite(z.im)) return {0.0, 0.0};
  if (is_infinite(z.re) && !is_finite(z.im)) return {z.re, nan_of<f64>()};
  f64 sine, cosine;
  sincos(z.im, &sine, &cosine);
  return {size * cosine, size * sine};
}
ANABRANCH_DEVICE c64 complex_exp(c64 z) { return narrow(wide_exp(wide(z))); }

// Near |z| = 1 by way of |z|^2 - 1, which is rounded once where z was a float32.
ANABRANCH_CALL Wide wide_log(Wide z) {
  const f64 x = fmax(fabs(z.re), fabs(z.im)), y = fmin(fabs(z.re), fabs(z.im));
  const f64 square = x * x + y * y;
  f64 size;
  if (is_infinite(z.re) || is_infinite(z.im)) size = infinity_of<f64>();
  else if (square > 0.5 && square < 2) size = log1p((x - 1) * (x + 1) + y * y) / 2;
  else size = log(square) / 2;
  if (is_nan(z.re) || is_nan(z.im)) return {is_infinite(size) ? size : nan_of<f64>(), nan_of<f64>()};
  return {size, atan2(z.im, z.re)};
}
ANABRANCH_DEVICE c64 complex_log(c64 z) { return narrow(wide_log(wide(z))); }
ANABRANCH_DEVICE c64 complex_log2(c64 z) {
  const Wide y = wide_log(wide(z));
  return narrow({y.re * 1.4426950408889634, y.im * 1.4426950408889634});
}
ANABRANCH_DEVICE c64 complex_log10(c64 z) {
  const Wide y = wide_log(wide(z));
  return narrow({y.re * 0.4342944819032518, y.im * 0.4342944819032518});
}

// |1 + z|^2 - 1 = re (2 + re) + im^2.
ANABRANCH_CALL Wide wide_log1p(Wide z) { return {0.5 * log1p(z.re * (2 + z.re) + z.im * z.im), atan2(z.im, 1 + z.re)}; }
ANABRANCH_DEVICE c64 complex_log1p(c64 z) { return narrow(wide_log1p(wide(z))); }

ANABRANCH_CALL Wide wide_sinh(Wide z) {
  const f64 sine_part = sinh(z.re), cosine_part = cosh(z.re);
  if (z.im == 0) return {sine_part, z.im};
  if (!is_finite(z.im)) return {z.re == 0 || is_infinite(z.re) ? z.re : nan_of<f64>(), nan_of<f64>()};
  f64 sine, cosine;
  sincos(z.im, &sine, &cosine);
  return {z.re == 0 ? z.re : sine_part * cosine, cosine_part * sine};
}
ANABRANCH_CALL Wide wide_cosh(Wide z) {
  const f64 sine_part = sinh(z.re), cosine_part = cosh(z.re);
  if (z.im == 0) return {cosine_part, z.re == 0 ? z.re * z.im : is_nan(z.re) ? z.im : copysign(0.0, z.re) * z.im};
  if (!is_finite(z.im)) {
    return {is_infinite(z.re) ? infinity_of<f64>() : nan_of<f64>(), z.re == 0 ? 0.0 : nan_of<f64>()};
  }
  f64 sine, cosine;
  sincos(z.im, &sine, &cosine);
  return {cosine_part * cosine, z.re == 0 ? copysign(0.0, z.re) * sine : sine_part * sine};
}
// After Kahan, "Branch cuts for complex elementary functions", 1987.
ANABRANCH_CALL Wide wide_tanh(Wide z) {
  if (fabs(z.re) > 22) {
    const f64 turn = is_finite(z.im) ? sin(2 * z.im) : 0.0;
    return {copysign(1.0, z.re), copysign(2 * exp(-2 * fabs(z.re)), turn) * fabs(turn)};
  }
  if (z.re == 0 && !is_finite(z.im)) return {z.re, nan_of<f64>()};
  if (z.im == 0) return {tanh(z.re), z.im};
  const f64 t = tan(z.im), s = sinh(z.re), beta = 1 + t * t, rho = sqrt(1 + s * s);
  const f64 below = 1 + beta * s * s;
  return {beta * rho * s / below, t / below};
}
ANABRANCH_DEVICE c64 complex_sinh(c64 z) { return narrow(wide_sinh(wide(z))); }
ANABRANCH_DEVICE c64 complex_cosh(c64 z) { return narrow(wide_cosh(wide(z))); }
ANABRANCH_DEVICE c64 complex_tanh(c64 z) { return narrow(wide_tanh(wide(z))); }
ANABRANCH_DEVICE c64 complex_sin(c64 z) { return narrow(turned_back(wide_sinh(turned(wide(z))))); }
ANABRANCH_DEVICE c64 complex_cos(c64 z) { return narrow(wide_cosh(turned(wide(z)))); }
ANABRANCH_DEVICE c64 complex_tan(c64 z) { return narrow(turned_back(wide_tanh(turned(wide(z))))); }

// The inverse functions after Kahan, too. An infinite part is large enough as 2^200: the angles are the same, and the
// size is put right after it.
ANABRANCH_DEVICE f64 bounded(f64 x) { return is_infinite(x) ? copysign(1.6069380442589903e60, x) : x; }
ANABRANCH_DEVICE Wide bounded(Wide z) { return {bounded(z.re), bounded(z.im)}; }
ANABRANCH_DEVICE bool has_infinity(Wide z) { return is_infinite(z.re) || is_infinite(z.im); }

ANABRANCH_CALL Wide wide_asin(Wide z) {
  const Wide b = bounded(z);
  const Wide p = wide_sqrt({1 - b.re, -b.im}), q = wide_sqrt({1 + b.re, b.im});
  const f64 size = asinh(p.re * q.im - p.im * q.re);
  return {atan2(b.re, p.re * q.re - p.im * q.im), has_infinity(z) ? copysign(infinity_of<f64>(), b.im) : size};
}
ANABRANCH_CALL Wide wide_acos(Wide z) {
  const Wide b = bounded(z);
  const Wide p = wide_sqrt({1 - b.re, -b.im}), q = wide_sqrt({1 + b.re, b.im});
  const f64 size = asinh(q.re * p.im - q.im * p.re);
  return {2 * atan2(p.re, q.re), has_infinity(z) ? copysign(infinity_of<f64>(), -b.im) : size};
}
ANABRANCH_CALL Wide wide_acosh(Wide z) {
  const Wide b = bounded(z);
  const Wide p = wide_sqrt({b.re - 1, b.im}), q = wide_sqrt({b.re + 1, b.im});
  const f64 size = asinh(p.re * q.re + p.im * q.im);
  return {has_infinity(z) ? infinity_of<f64>() : size, 2 * atan2(p.im, q.re)};
}
ANABRANCH_CALL Wide wide_atanh(Wide z) {
  if (has_infinity(z)) {
    return {copysign(0.0, z.re), copysign(1.5707963267948966, z.im)};
  }
  const f64 a = fabs(z.re), gap = 1 - a;
  return {copysign(0.25 * log1p(4 * a / (gap * gap + z.im * z.im)), z.re),
          0.5 * atan2(2 * z.im, gap * (1 + a) - z.im * z.im)};
}
ANABRANCH_DEVICE c64 complex_asin(c64 z) { return narrow(wide_asin(wide(z))); }
ANABRANCH_DEVICE c64 complex_acos(c64 z) { return narrow(wide_acos(wide(z))); }
ANABRANCH_DEVICE c64 complex_acosh(c64 z) { return narrow(wide_acosh(wide(z))); }
ANABRANCH_DEVICE c64 complex_atanh(c64 z) { return narrow(wide_atanh(wide(z))); }
ANABRANCH_DEVICE c64 complex_asinh(c64 z) { return narrow(turned_back(wide_asin(turned(wide(z))))); }
ANABRANCH_DEVICE c64 complex_atan(c64 z) { return narrow(turned_back(wide_atanh(turned(wide(z))))); }

ANABRANCH_CALL c64 complex_power(c64 x, c64 y) {
  const Wide l = wide_log(wide(x));
  if (x.re == 0 && x.im == 0) {
    const bool vanishes = y.re > 0;
    return vanishes ? c64{0, 0} : c64{nan_of<f32>(), nan_of<f32>()};
  }
  return narrow(wide_exp(wide(y) * l));
}

ANABRANCH_CALL c64 complex_logaddexp(c64 x, c64 y) {
  if (is_nan(x.re) || is_nan(x.im) || is_nan(y.re) || is_nan(y.im)) return {nan_of<f32>(), nan_of<f32>()};
  const bool x_is_lower = (x.re < y.re) | ((x.re == y.re) & (x.im < y.im));
  const c64 high = x_is_lower ? y : x, low = x_is_lower ? x : y;
  if (is_infinite(high.re) && (high.re < 0 || low.re == high.re)) return high;
  const Wide gap{static_cast<f64>(low.re) - high.re, static_cast<f64>(low.im) - high.im};
  return narrow(wide(high) + wide_log1p(wide_exp(gap)));
}

}  // namespace anabranch::kernels::device
