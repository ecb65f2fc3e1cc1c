// Functors of arithmetic, rounding and the parts of complex numbers. A functor has `lanes` for vectors of floats, `one`
// for single elements that the compiler vectorises, or both: then `lanes` is used where it applies.
#if defined(ANABRANCH_ARITHMETIC_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ANABRANCH_ARITHMETIC_INL_H
#undef ANABRANCH_ARITHMETIC_INL_H
#else
#define ANABRANCH_ARITHMETIC_INL_H
#endif

#include "kernels/elementwise/library.h"
#include "kernels/elementwise/targets.h"

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

struct Abs {
  template <class D>
  static HWY_INLINE hn::Vec<D> lanes(D, hn::Vec<D> a) {
    return hn::Abs(a);
  }
  template <IntegerLane T>
  static T one(T a) {
    if constexpr (std::is_signed_v<T>) return a < 0 ? static_cast<T>(Wrapping<T>{0} - static_cast<Wrapping<T>>(a)) : a;
    return a;
  }
  template <BoolLane T>
  static T one(T a) {
    return a;
  }
  template <ComplexLane T>
  static float one(T a) {
    return std::abs(a);
  }
};

struct Negative {
  template <class D>
  static HWY_INLINE hn::Vec<D> lanes(D, hn::Vec<D> a) {
    return hn::Neg(a);
  }
  template <IntegerLane T>
  static T one(T a) {
    return static_cast<T>(Wrapping<T>{0} - static_cast<Wrapping<T>>(a));
  }
  template <ComplexLane T>
  static T one(T a) {
    return {-a.real(), -a.imag()};
  }
};

// NaN has sign 0, as in MLX.
struct Sign {
  template <class D>
  static HWY_INLINE hn::Vec<D> lanes(D d, hn::Vec<D> a) {
    const auto zero = hn::Zero(d), unit = hn::Set(d, 1);
    return hn::Sub(hn::IfThenElseZero(hn::Gt(a, zero), unit), hn::IfThenElseZero(hn::Lt(a, zero), unit));
  }
  template <IntegerLane T>
  static T one(T a) {
    return static_cast<T>((a > 0) - (a < 0));
  }
  template <BoolLane T>
  static T one(T a) {
    return a;
  }
  template <ComplexLane T>
  static T one(T a) {
    if (a == complex64_t(0)) return a;
    const float r = std::abs(a);
    return {a.real() / r, a.imag() / r};
  }
};

struct Add {
  template <class D>
  static HWY_INLINE hn::Vec<D> lanes(D, hn::Vec<D> a, hn::Vec<D> b) {
    return hn::Add(a, b);
  }
  template <IntegerLane T>
  static T one(T a, T b) {
    return static_cast<T>(static_cast<Wrapping<T>>(a) + static_cast<Wrapping<T>>(b));
  }
  template <BoolLane T>
  static T one(T a, T b) {
    return a | b;
  }
  template <ComplexLane T>
  static T one(T a, T b) {
    return {a.real() + b.real(), a.imag() + b.imag()};
  }
};

struct Subtract {
  template <class D>
  static HWY_INLINE hn::Vec<D> lanes(D, hn::Vec<D> a, hn::Vec<D> b) {
    return hn::Sub(a, b);
  }
  template <IntegerLane T>
  static T one(T a, T b) {
    return static_cast<T>(static_cast<Wrapping<T>>(a) - static_cast<Wrapping<T>>(b));
  }
  template <BoolLane T>
  static T one(T a, T b) {
    return a ^ b;
  }
  template <ComplexLane T>
  static T one(T a, T b) {
    return {a.real() - b.real(), a.imag() - b.imag()};
  }
};

struct Multiply {
  template <class D>
  static HWY_INLINE hn::Vec<D> lanes(D, hn::Vec<D> a, hn::Vec<D> b) {
    return hn::Mul(a, b);
  }
  template <IntegerLane T>
  static T one(T a, T b) {
    return static_cast<T>(static_cast<Wrapping<T>>(a) * static_cast<Wrapping<T>>(b));
  }
  template <BoolLane T>
  static T one(T a, T b) {
    return a & b;
  }
  template <ComplexLane T>
  static T one(T a, T b) {
    return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
  }
};

struct Square {
  template <class D>
  static HWY_INLINE hn::Vec<D> lanes(D, hn::Vec<D> a) {
    return hn::Mul(a, a);
  }
  template <typename T>
  static T one(T a) {
    return Multiply::one(a, a);
  }
};

// In double nothing overflows; what is NaN then is left to C's rules for infinities.
HWY_INLINE complex64_t quotient(complex64_t x, complex64_t y) {
  const double a = x.real(), b = x.imag(), c = y.real(), d = y.imag();
  const double size = c * c + d * d;
  const double re = (a * c + b * d) / size, im = (b * c - a * d) / size;
  if (HWY_UNLIKELY(re != re && im != im)) return library::divide(x, y);
  return {static_cast<float>(re), static_cast<float>(im)};
}

struct Divide {
  template <class D>
  static HWY_INLINE hn::Vec<D> lanes(D, hn::Vec<D> a, hn::Vec<D> b) {
    return hn::Div(a, b);
  }
  template <ComplexLane T>
  static T one(T a, T b) {
    return quotient(a, b);
  }
};

struct Reciprocal {
  template <class D>
  static HWY_INLINE hn::Vec<D> lanes(D d, hn::Vec<D> a) {
    return hn::Div(hn::Set(d, 1), a);
  }
  template <ComplexLane T>
  static T one(T a) {
    return quotient(1.0f, a);
  }
};

// The square root, rounded correctly as the processor's. AVX-512's instruction takes twice as long as Newton's steps
// from its estimate: s = g + h (x - g g) with g near sqrt(x) and h near 1 / (2 sqrt(x)), in fused arithmetic
// (Markstein, 1990). That holds where no step overflows or loses bits; elsewhere, as for zeros, the instruction serves.
template <class D>
HWY_INLINE hn::Vec<D> square_root(D d, hn::Vec<D> x) {
#if HWY_TARGET <= HWY_AVX3
  if constexpr (std::is_same_v<hn::TFromD<D>, float> && hn::MaxLanes(D()) == 16) {
    const hn::RebindToUnsigned<D> du;
    constexpr std::uint32_t first = 0x0d000000, end = 0x7e800000;  // 2^-101 and 2^126
    const auto inside = hn::Lt(hn::Sub(hn::BitCast(du, x), hn::Set(du, first)), hn::Set(du, end - first));
    if (HWY_UNLIKELY(!hn::AllTrue(du, inside))) return hn::Sqrt(x);
    const auto half = hn::Set(d, 0.5f), estimate = hn::ApproximateReciprocalSqrt(x);
    auto g = hn::Mul(x, estimate), h = hn::Mul(half, estimate);
    const auto miss = hn::NegMulAdd(g, h, half);
    g = hn::MulAdd(g, miss, g);
    h = hn::MulAdd(h, miss, h);
    return hn::MulAdd(hn::NegMulAdd(g, g, x), h, g);
  }
#endif
  static_cast<void>(d);
  return hn::Sqrt(x);
}

struct Sqrt {
  template <class D>
  static HWY_INLINE hn::Vec<D> lanes(D d, hn::Vec<D> a) {
    return square_root(d, a);
  }
  template <ComplexLane T>
  static T one(T a) {
    return library::sqrt(a);
  }
};

struct Rsqrt {
  template <class D>
  static HWY_INLINE hn::Vec<D> lanes(D d, hn::Vec<D> a) {
    return hn::Div(hn::Set(d, 1), square_root(d, a));
  }
  template <ComplexLane T>
  static T one(T a) {
    return quotient(1.0f, library::sqrt(a));
  }
};

// Integers: x / 0 is 0 and the smallest value / -1 is itself; nothing traps.
struct FloorDivide {
  static constexpr float ns = 2;
  template <class D>
  static HWY_INLINE hn::Vec<D> lanes(D, hn::Vec<D> a, hn::Vec<D> b) {
    return hn::Floor(hn::Div(a, b));
  }
  template <IntegerLane T>
  static T one(T a, T b) {
    if (b == 0) return 0;
    if constexpr (std::is_signed_v<T>) {
      if (b == T(-1)) return Negative::one(a);
      const T q = static_cast<T>(a / b), r = static_cast<T>(a % b);
      return static_cast<T>(q - (r != 0 && (r < 0) != (b < 0)));
    }
    return static_cast<T>(a / b);
  }
  template <BoolLane T>
  static T one(T a, T b) {
    return a & b;
  }
  template <ComplexLane T>
  static T one(T a, T b) {
    return quotient(a, b);
  }
};

// The sign is the divisor's; of integers x % 0 is x.
struct Remainder {
  static constexpr float ns = 10, ns_lanes = 0.5f;
  // With a fused multiply-add a - trunc(a / b) b is exact for quotients that fit; other elements are computed one by
  // one.
  template <class D>
    requires(HWY_NATIVE_FMA != 0 && std::is_same_v<hn::TFromD<D>, float>)
  static HWY_INLINE hn::Vec<D> lanes(D d, hn::Vec<D> a, hn::Vec<D> b) {
    const auto zero = hn::Zero(d), size = hn::Abs(b);
    const auto quotient = hn::Div(a, b);
    auto r = hn::NegMulAdd(hn::Trunc(quotient), b, a);
    // The quotient may have been rounded up to a whole number.
    r = hn::IfThenElse(hn::Lt(hn::CopySign(r, hn::Xor(r, a)), zero), hn::Add(r, hn::CopySign(size, a)), r);
    r = hn::IfThenElse(hn::Eq(r, zero), hn::CopySign(zero, a), r);
    const auto opposite = hn::Lt(hn::CopySign(r, hn::Xor(r, b)), zero);
    r = hn::IfThenElse(opposite, hn::Add(r, b), r);
    const auto fits = hn::And(hn::Lt(hn::Abs(quotient), hn::Set(d, 0x1p22f)),
                              hn::Lt(size, hn::Set(d, std::numeric_limits<float>::infinity())));
    if (HWY_LIKELY(hn::AllTrue(d, fits))) return r;
    HWY_ALIGN float as[hn::MaxLanes(d)], bs[hn::MaxLanes(d)];
    hn::Store(a, d, as);
    hn::Store(b, d, bs);
    for (std::size_t i = 0; i < hn::Lanes(d); ++i) as[i] = one(as[i], bs[i]);
    return hn::IfThenElse(fits, r, hn::Load(d, as));
  }
  template <RealLane T>
  static T one(T a, T b) {
    const T r = std::fmod(a, b);
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
  }
  template <IntegerLane T>
  static T one(T a, T b) {
    if (b == 0) return a;
    if constexpr (std::is_signed_v<T>) {
      if (b == T(-1)) return 0;
      const T r = static_cast<T>(a % b);
      return static_cast<T>(r != 0 && (r < 0) != (b < 0) ? r + b : r);
    }
    return static_cast<T>(a % b);
  }
  template <BoolLane T>
  static T one(T a, T b) {
    return a & !b;
  }
};

// The first operand where that is NaN; of equal values (0 and -0) the second.
struct Maximum {
  template <class D>
  static HWY_INLINE hn::Vec<D> lanes(D, hn::Vec<D> a, hn::Vec<D> b) {
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
    return hn::IfThenElse(hn::IsNaN(a), a, hn::Max(a, b));  // the instruction gives b of equal values, or with a NaN
#else
    return hn::IfThenElse(hn::Or(hn::Gt(a, b), hn::IsNaN(a)), a, b);
#endif
  }
  template <IntegerLane T>
  static T one(T a, T b) {
    return a > b ? a : b;
  }
  template <BoolLane T>
  static T one(T a, T b) {
    return a | b;
  }
  template <ComplexLane T>
  static T one(T a, T b) {
    const bool nan = a != a;
    const bool greater = a.real() > b.real() || (a.real() == b.real() && a.imag() > b.imag());
    return nan || greater ? a : b;
  }
};

struct Minimum {
  template <class D>
  static HWY_INLINE hn::Vec<D> lanes(D, hn::Vec<D> a, hn::Vec<D> b) {
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
    return hn::IfThenElse(hn::IsNaN(a), a, hn::Min(a, b));  // the instruction gives b of equal values, or with a NaN
#else
    return hn::IfThenElse(hn::Or(hn::Lt(a, b), hn::IsNaN(a)), a, b);
#endif
  }
  template <IntegerLane T>
  static T one(T a, T b) {
    return a < b ? a : b;
  }
  template <BoolLane T>
  static T one(T a, T b) {
    return a & b;
  }
  template <ComplexLane T>
  static T one(T a, T b) {
    const bool nan = a != a;
    const bool less = a.real() < b.real() || (a.real() == b.real() && a.imag() < b.imag());
    return nan || less ? a : b;
  }
};

// Integers are whole already.
struct Whole {
  template <IntegerLane T>
  static T one(T a) {
    return a;
  }
  template <BoolLane T>
  static T one(T a) {
    return a;
  }
};

struct Floor : Whole {
  template <class D>
  static HWY_INLINE hn::Vec<D> lanes(D, hn::Vec<D> a) {
    return hn::Floor(a);
  }
};

struct Ceil : Whole {
  template <class D>
  static HWY_INLINE hn::Vec<D> lanes(D, hn::Vec<D> a) {
    return hn::Ceil(a);
  }
};

struct Trunc : Whole {
  template <class D>
  static HWY_INLINE hn::Vec<D> lanes(D, hn::Vec<D> a) {
    return hn::Trunc(a);
  }
};

struct RoundEven : Whole {
  using Whole::one;
  template <class D>
  static HWY_INLINE hn::Vec<D> lanes(D, hn::Vec<D> a) {
    return hn::Round(a);
  }
  template <ComplexLane T>
  static T one(T a) {
    return {std::nearbyint(a.real()), std::nearbyint(a.imag())};
  }
};

// Real numbers are their own real part and conjugate.
struct Same {
  template <typename T>
    requires(!ComplexLane<T>)
  static T one(T a) {
    return a;
  }
};

struct Real : Same {
  using Same::one;
  template <ComplexLane T>
  static float one(T a) {
    return a.real();
  }
};

struct Imag {
  template <typename T>
    requires(!ComplexLane<T>)
  static T one(T) {
    return T(0);
  }
  template <ComplexLane T>
  static float one(T a) {
    return a.imag();
  }
};

struct Conjugate : Same {
  using Same::one;
  template <ComplexLane T>
  static T one(T a) {
    return {a.real(), -a.imag()};
  }
};

}  // namespace anabranch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
