// Transcendental functions of one element, on the C++ library's: what it lacks, and what MLX defines otherwise.
// Compiled once, for the baseline, so that no file that is compiled per instruction set instantiates the library's
// templates.
#pragma once

#include "anabranch/half.h"

namespace anabranch::kernels::library {

// A float is computed as a double, which is right to half a place.
#define ANABRANCH_UNARY(name) \
  double name(double x);      \
  inline float name(float x) { return static_cast<float>(name(static_cast<double>(x))); }
#define ANABRANCH_BINARY(name)       \
  double name(double x, double y);   \
  inline float name(float x, float y) { return static_cast<float>(name(static_cast<double>(x), static_cast<double>(y))); }
#define ANABRANCH_UNARY_COMPLEX(name) \
  ANABRANCH_UNARY(name)               \
  complex64_t name(complex64_t x);

ANABRANCH_UNARY_COMPLEX(exp)
ANABRANCH_UNARY_COMPLEX(log)
ANABRANCH_UNARY_COMPLEX(log2)
ANABRANCH_UNARY_COMPLEX(log10)
ANABRANCH_UNARY_COMPLEX(log1p)
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
ANABRANCH_UNARY(sigmoid)
ANABRANCH_UNARY(erf)
ANABRANCH_UNARY(erfinv)
#undef ANABRANCH_UNARY
#undef ANABRANCH_UNARY_COMPLEX

ANABRANCH_BINARY(atan2)  // (y, x)
ANABRANCH_BINARY(pow)
ANABRANCH_BINARY(logaddexp)
#undef ANABRANCH_BINARY

complex64_t pow(complex64_t x, complex64_t y);
complex64_t logaddexp(complex64_t x, complex64_t y);
complex64_t sqrt(complex64_t x);
complex64_t divide(complex64_t x, complex64_t y);

}  // namespace anabranch::kernels::library
