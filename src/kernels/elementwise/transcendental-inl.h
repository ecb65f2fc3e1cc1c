// Functors of transcendental functions: our own for vectors of float32, and of some for float64, where there is fused
// multiply-add; complex64 and all else element by element through the C++ library.
#if defined(ANABRANCH_TRANSCENDENTAL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ANABRANCH_TRANSCENDENTAL_INL_H
#undef ANABRANCH_TRANSCENDENTAL_INL_H
#else
#define ANABRANCH_TRANSCENDENTAL_INL_H
#endif

#include "kernels/elementwise/arithmetic-inl.h"
#include "kernels/elementwise/error_function-inl.h"
#include "kernels/elementwise/exponential-inl.h"
#include "kernels/elementwise/exponential64-inl.h"
#include "kernels/elementwise/library.h"
#include "kernels/elementwise/power-inl.h"
#include "kernels/elementwise/targets.h"
#include "kernels/elementwise/trigonometric-inl.h"

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels::HWY_NAMESPACE {

template <class D>
concept FastFloat32 = (HWY_NATIVE_FMA != 0) && std::is_same_v<hn::TFromD<D>, float>;
template <class D>
concept FastFloat64 = (HWY_NATIVE_FMA != 0) && std::is_same_v<hn::TFromD<D>, double>;

#define ANABRANCH_REAL(function)                     \
  static constexpr float ns = 10, ns_lanes = 0.6f;   \
  template <FastFloat32 D>                           \
  static HWY_INLINE hn::Vec<D> lanes(D d, hn::Vec<D> a) { return f32::function(d, a); } \
  template <RealLane T>                              \
  static T one(T a) { return library::function(a); }
#define ANABRANCH_FLOAT64(function)                  \
  template <FastFloat64 D>                           \
  static HWY_INLINE hn::Vec<D> lanes(D d, hn::Vec<D> a) { return f64::function(d, a); }
#define ANABRANCH_REAL_AND_COMPLEX(Name, function, ...) \
  struct Name {                                      \
    ANABRANCH_REAL(function)                         \
    __VA_ARGS__                                      \
    template <ComplexLane T>                         \
    static T one(T a) { return library::function(a); } \
  };
ANABRANCH_REAL_AND_COMPLEX(Exp, exp, ANABRANCH_FLOAT64(exp))
ANABRANCH_REAL_AND_COMPLEX(Log, log, ANABRANCH_FLOAT64(log))
ANABRANCH_REAL_AND_COMPLEX(Log2, log2, ANABRANCH_FLOAT64(log2))
ANABRANCH_REAL_AND_COMPLEX(Log10, log10, ANABRANCH_FLOAT64(log10))
ANABRANCH_REAL_AND_COMPLEX(Log1p, log1p, ANABRANCH_FLOAT64(log1p))
ANABRANCH_REAL_AND_COMPLEX(Sin, sin)
ANABRANCH_REAL_AND_COMPLEX(Cos, cos)
ANABRANCH_REAL_AND_COMPLEX(Tan, tan)
ANABRANCH_REAL_AND_COMPLEX(Arcsin, asin)
ANABRANCH_REAL_AND_COMPLEX(Arccos, acos)
ANABRANCH_REAL_AND_COMPLEX(Arctan, atan)
ANABRANCH_REAL_AND_COMPLEX(Sinh, sinh, ANABRANCH_FLOAT64(sinh))
ANABRANCH_REAL_AND_COMPLEX(Cosh, cosh, ANABRANCH_FLOAT64(cosh))
ANABRANCH_REAL_AND_COMPLEX(Tanh, tanh, ANABRANCH_FLOAT64(tanh))
ANABRANCH_REAL_AND_COMPLEX(Arcsinh, asinh)
ANABRANCH_REAL_AND_COMPLEX(Arccosh, acosh)
ANABRANCH_REAL_AND_COMPLEX(Arctanh, atanh)
#undef ANABRANCH_REAL_AND_COMPLEX

struct Expm1 {
  ANABRANCH_REAL(expm1)
  ANABRANCH_FLOAT64(expm1)
};
struct Sigmoid {
  ANABRANCH_REAL(sigmoid)
  ANABRANCH_FLOAT64(sigmoid)
};
struct Erf {
  ANABRANCH_REAL(erf)
};
struct Erfinv {
  ANABRANCH_REAL(erfinv)
};
#undef ANABRANCH_REAL
#undef ANABRANCH_FLOAT64

struct Arctan2 {
  static constexpr float ns = 15, ns_lanes = 1.5f;
  template <FastFloat32 D>
  static HWY_INLINE hn::Vec<D> lanes(D d, hn::Vec<D> a, hn::Vec<D> b) {
    return f32::atan2(d, a, b);
  }
  template <RealLane T>
  static T one(T a, T b) {
    return library::atan2(a, b);
  }
};

struct LogAddExp {
  static constexpr float ns = 25, ns_lanes = 1.5f;
  template <FastFloat32 D>
  static HWY_INLINE hn::Vec<D> lanes(D d, hn::Vec<D> a, hn::Vec<D> b) {
    return f32::logaddexp(d, a, b);
  }
  template <RealLane T>
  static T one(T a, T b) {
    return library::logaddexp(a, b);
  }
  template <ComplexLane T>
  static T one(T a, T b) {
    return library::logaddexp(a, b);
  }
};

// Integers wrap, and to a negative power are 0, as in MLX.
struct Power {
  static constexpr float ns = 15, ns_lanes = 1.5f;
  template <FastFloat32 D>
  static HWY_INLINE hn::Vec<D> lanes(D d, hn::Vec<D> a, hn::Vec<D> b) {
    return f32::pow(d, a, b);
  }
  template <RealLane T>
  static T one(T a, T b) {
    return library::pow(a, b);
  }
  template <ComplexLane T>
  static T one(T a, T b) {
    return library::pow(a, b);
  }
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
  static T one(T a, T b) {
    return a | !b;
  }
};

}  // namespace anabranch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
