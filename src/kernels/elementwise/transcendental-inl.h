// Functors of transcendental functions, element by element through the C++ library: float64, complex64, and float32 where
// it has no vector form of its own.
#if defined(ANABRANCH_TRANSCENDENTAL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ANABRANCH_TRANSCENDENTAL_INL_H
#undef ANABRANCH_TRANSCENDENTAL_INL_H
#else
#define ANABRANCH_TRANSCENDENTAL_INL_H
#endif

#include "kernels/elementwise/arithmetic-inl.h"
#include "kernels/elementwise/library.h"
#include "kernels/elementwise/targets.h"

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels::HWY_NAMESPACE {

#define ANABRANCH_FROM_LIBRARY(Name, function)                 \
  struct Name {                                                \
    static constexpr float ns = 10;                            \
    template <RealLane T>                                      \
    static T one(T a) { return library::function(a); }         \
    template <ComplexLane T>                                   \
    static T one(T a) { return library::function(a); }         \
  };
ANABRANCH_FROM_LIBRARY(Exp, exp)
ANABRANCH_FROM_LIBRARY(Log, log)
ANABRANCH_FROM_LIBRARY(Log2, log2)
ANABRANCH_FROM_LIBRARY(Log10, log10)
ANABRANCH_FROM_LIBRARY(Log1p, log1p)
ANABRANCH_FROM_LIBRARY(Sin, sin)
ANABRANCH_FROM_LIBRARY(Cos, cos)
ANABRANCH_FROM_LIBRARY(Tan, tan)
ANABRANCH_FROM_LIBRARY(Arcsin, asin)
ANABRANCH_FROM_LIBRARY(Arccos, acos)
ANABRANCH_FROM_LIBRARY(Arctan, atan)
ANABRANCH_FROM_LIBRARY(Sinh, sinh)
ANABRANCH_FROM_LIBRARY(Cosh, cosh)
ANABRANCH_FROM_LIBRARY(Tanh, tanh)
ANABRANCH_FROM_LIBRARY(Arcsinh, asinh)
ANABRANCH_FROM_LIBRARY(Arccosh, acosh)
ANABRANCH_FROM_LIBRARY(Arctanh, atanh)
#undef ANABRANCH_FROM_LIBRARY

#define ANABRANCH_FROM_LIBRARY(Name, function)                 \
  struct Name {                                                \
    static constexpr float ns = 10;                            \
    template <RealLane T>                                      \
    static T one(T a) { return library::function(a); }         \
  };
ANABRANCH_FROM_LIBRARY(Expm1, expm1)
ANABRANCH_FROM_LIBRARY(Sigmoid, sigmoid)
ANABRANCH_FROM_LIBRARY(Erf, erf)
ANABRANCH_FROM_LIBRARY(Erfinv, erfinv)
#undef ANABRANCH_FROM_LIBRARY

struct Arctan2 {
  static constexpr float ns = 15;
  template <RealLane T>
  static T one(T a, T b) { return library::atan2(a, b); }
};

struct LogAddExp {
  static constexpr float ns = 25;
  template <RealLane T>
  static T one(T a, T b) { return library::logaddexp(a, b); }
  template <ComplexLane T>
  static T one(T a, T b) { return library::logaddexp(a, b); }
};

// Integers wrap, and to a negative power are 0, as in MLX.
struct Power {
  static constexpr float ns = 15;
  template <RealLane T>
  static T one(T a, T b) { return library::pow(a, b); }
  template <ComplexLane T>
  static T one(T a, T b) { return library::pow(a, b); }
  template <IntegerLane T>
  static T one(T a, T b) {
    if (b < 0) return 0;
    T result = 1;
    for (auto e = static_cast<std::make_unsigned_t<T>>(b); e != 0; e >>= 1, a = Multiply::one(a, a)) {
      if (e & 1) result = Multiply::one(result, a);
    }
    return result;
  }
  template <BoolLane T>
  static T one(T a, T b) { return a | !b; }
};

}  // namespace anabranch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
