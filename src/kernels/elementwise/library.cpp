#include "kernels/elementwise/library.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace anabranch::kernels::library {

#define ANABRANCH_UNARY(name) \
  double name(double x) { return std::name(x); }
#define ANABRANCH_UNARY_COMPLEX(name) \
  ANABRANCH_UNARY(name)               \
  complex64_t name(complex64_t x) { return std::name(x); }

ANABRANCH_UNARY_COMPLEX(exp)
ANABRANCH_UNARY_COMPLEX(log)
ANABRANCH_UNARY(log2)
ANABRANCH_UNARY(log10)
ANABRANCH_UNARY(log1p)
ANABRANCH_UNARY_COMPLEX(sin)
ANABRANCH_UNARY_COMPLEX(cos)
ANABRANCH_UNARY_COMPLEX(tan)
ANABRANCH_UNARY_COMPLEX(asin)
ANABRANCH_UNARY_COMPLEX(acos)
ANABRANCH_UNARY_COMPLEX(atan)
ANABRANCH_UNARY_COMPLEX(sinh)
ANABRANCH_UNARY_COMPLEX(cosh)
ANABRANCH_UNARY_COMPLEX(tanh)
ANABRANCH_UNARY_COMPLEX(asinh)
ANABRANCH_UNARY_COMPLEX(acosh)
ANABRANCH_UNARY_COMPLEX(atanh)
ANABRANCH_UNARY(expm1)
ANABRANCH_UNARY(erf)
#undef ANABRANCH_UNARY
#undef ANABRANCH_UNARY_COMPLEX

complex64_t log2(complex64_t x) {
  const std::complex<double> y = std::log(std::complex<double>(x)) * std::numbers::log2e;
  return complex64_t(y);
}

complex64_t log10(complex64_t x) {
  const std::complex<double> y = std::log(std::complex<double>(x)) * std::numbers::log10e;
  return complex64_t(y);
}

// |1 + x|^2 - 1 = re (2 + re) + im^2, in double so that it stays exact near 0.
complex64_t log1p(complex64_t x) {
  const double re = x.real(), im = x.imag();
  const double excess = re * (2 + re) + im * im;
  return {static_cast<float>(0.5 * std::log1p(excess)), static_cast<float>(std::atan2(im, 1 + re))};
}

double sigmoid(double x) {
  const double e = std::exp(-std::abs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

// Winitzki's closed form is good to 2e-3; three steps of Halley's method on erf, or erfc where erf is flat, do the
// rest.
double erfinv(double x) {
  const double a = std::abs(x);
  if (!(a < 1)) return a == 1 ? std::copysign(std::numeric_limits<double>::infinity(), x) : std::nan("");
  if (a < 1e-9) return x * (std::sqrt(std::numbers::pi) / 2);
  const double w = std::log1p(-a * a);
  const double c = 2 / (std::numbers::pi * 0.147) + w / 2;
  double y = std::sqrt(std::sqrt(c * c - w / 0.147) - c);
  for (int i = 0; i < 3; ++i) {
    const double miss = a < 0.5 ? std::erf(y) - a : (1 - a) - std::erfc(y);
    const double step = miss / (2 * std::numbers::inv_sqrtpi * std::exp(-y * y));
    y -= step / (1 + y * step);
  }
  return std::copysign(y, x);
}

double atan2(double y, double x) { return std::atan2(y, x); }
double pow(double x, double y) { return y == 2 ? x * x : std::pow(x, y); }
complex64_t pow(complex64_t x, complex64_t y) { return std::pow(x, y); }

double logaddexp(double x, double y) {
  if (std::isnan(x) || std::isnan(y)) return x + y;
  const double high = std::max(x, y), low = std::min(x, y);
  return high == low ? high + std::numbers::ln2 : high + std::log1p(std::exp(low - high));
}

complex64_t logaddexp(complex64_t x, complex64_t y) {
  const complex64_t nan(std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::quiet_NaN());
  if (x != x || y != y) return nan;
  const bool x_is_lower = x.real() < y.real() || (x.real() == y.real() && x.imag() < y.imag());
  const complex64_t high = x_is_lower ? y : x, low = x_is_lower ? x : y;
  if (std::isinf(high.real()) && (high.real() < 0 || low.real() == high.real())) return high;
  return high + log1p(std::exp(low - high));
}

complex64_t sqrt(complex64_t x) { return std::sqrt(x); }
complex64_t divide(complex64_t x, complex64_t y) { return x / y; }

}  // namespace anabranch::kernels::library
