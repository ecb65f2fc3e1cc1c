// Transcendental functions: CUDA's own of real numbers, which are accurate, and complex.cuh's.
#pragma once

#include "arithmetic.cuh"

namespace anabranch::kernels::device {

#define ANABRANCH_REAL_BODY(function)                    \
  if constexpr (is_same<T, f32>) return function##f(a);  \
  else return function(a);
#define ANABRANCH_REAL(Opcode, function) \
  struct Opcode {                        \
    ANABRANCH_UNARY(requires is_real<T>) { ANABRANCH_REAL_BODY(function) } \
  };
#define ANABRANCH_REAL_AND_COMPLEX(Opcode, function, complex_function)    \
  struct Opcode {                                                         \
    ANABRANCH_UNARY(requires(is_real<T> || is_complex<T>)) {              \
      if constexpr (is_complex<T>) return complex_function(a);            \
      else ANABRANCH_REAL_BODY(function)                                  \
    }                                                                     \
  };
ANABRANCH_REAL(Expm1, expm1)
ANABRANCH_REAL(Erf, erf)
ANABRANCH_REAL(Erfinv, erfinv)
ANABRANCH_REAL_AND_COMPLEX(Exp, exp, complex_exp)
ANABRANCH_REAL_AND_COMPLEX(Log, log, complex_log)
ANABRANCH_REAL_AND_COMPLEX(Log2, log2, complex_log2)
ANABRANCH_REAL_AND_COMPLEX(Log10, log10, complex_log10)
ANABRANCH_REAL_AND_COMPLEX(Log1p, log1p, complex_log1p)
ANABRANCH_REAL_AND_COMPLEX(Sin, sin, complex_sin)
ANABRANCH_REAL_AND_COMPLEX(Cos, cos, complex_cos)
ANABRANCH_REAL_AND_COMPLEX(Tan, tan, complex_tan)
ANABRANCH_REAL_AND_COMPLEX(Arcsin, asin, complex_asin)
ANABRANCH_REAL_AND_COMPLEX(Arccos, acos, complex_acos)
ANABRANCH_REAL_AND_COMPLEX(Arctan, atan, complex_atan)
ANABRANCH_REAL_AND_COMPLEX(Sinh, sinh, complex_sinh)
ANABRANCH_REAL_AND_COMPLEX(Cosh, cosh, complex_cosh)
ANABRANCH_REAL_AND_COMPLEX(Tanh, tanh, complex_tanh)
ANABRANCH_REAL_AND_COMPLEX(Arcsinh, asinh, complex_asinh)
ANABRANCH_REAL_AND_COMPLEX(Arccosh, acosh, complex_acosh)
ANABRANCH_REAL_AND_COMPLEX(Arctanh, atanh, complex_atanh)
#undef ANABRANCH_REAL_BODY
#undef ANABRANCH_REAL
#undef ANABRANCH_REAL_AND_COMPLEX

struct Sigmoid {
  ANABRANCH_UNARY(requires is_real<T>) {
    const T e = Exp::of(-Abs::of(a));
    return (a < 0 ? e : T(1)) / (T(1) + e);
  }
};

struct Arctan2 {
  ANABRANCH_BINARY(requires is_real<T>) {
    if constexpr (is_same<T, f32>) return atan2f(a, b);
    else return atan2(a, b);
  }
};

struct LogAddExp {
  ANABRANCH_BINARY(requires(is_real<T> || is_complex<T>)) {
    if constexpr (is_complex<T>) {
      return complex_logaddexp(a, b);
    } else {
      if (is_nan(a) || is_nan(b)) return a + b;
      const T high = a < b ? b : a, low = a < b ? a : b;
      const T gap = a == b ? T(0) : low - high;  // infinities have none
      return high + Log1p::of(Exp::of(gap));
    }
  }
};

// Integers wrap, and to a negative power are 0, as in MLX. Squares are frequent, and exact to half a place as products.
struct Power {
  ANABRANCH_BINARY() {
    if constexpr (is_complex<T>) {
      return complex_power(a, b);
    } else if constexpr (is_same<T, f32>) {
      return b == 2 ? a * a : powf(a, b);
    } else if constexpr (is_real<T>) {
      return b == 2 ? a * a : pow(a, b);
    } else if constexpr (is_bool<T>) {
      return a || !b;
    } else {
      if constexpr (is_signed<T>) {
        if (b < 0) return T(0);
      }
      T result = 1;
      for (auto e = static_cast<Unsigned<T>>(b); e != 0; e >>= 1, a = Multiply::of(a, a)) {
        if (e & 1) result = Multiply::of(result, a);
      }
      return result;
    }
  }
};

// For a function of which a kernel has many copies: they call it.
template <typename F>
struct Called {
  template <typename... T>
  ANABRANCH_CALL static auto of(T... a) {
    return F::of(a...);
  }
};

#undef ANABRANCH_UNARY
#undef ANABRANCH_BINARY

}  // namespace anabranch::kernels::device
