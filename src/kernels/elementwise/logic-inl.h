// Functors of comparisons, logic, classification and bits.
#if defined(ANABRANCH_LOGIC_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ANABRANCH_LOGIC_INL_H
#undef ANABRANCH_LOGIC_INL_H
#else
#define ANABRANCH_LOGIC_INL_H
#endif

#include "kernels/elementwise/targets.h"

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels::HWY_NAMESPACE {

// Complex numbers are ordered by their real, then their imaginary parts.
struct Less {
  template <typename T>
  static bool one(T a, T b) {
    return a < b;
  }
  template <ComplexLane T>
  static bool one(T a, T b) {
    return (a.real() < b.real()) | ((a.real() == b.real()) & (a.imag() < b.imag()));
  }
};

struct Equal {
  template <typename T>
  static bool one(T a, T b) {
    return a == b;
  }
  template <ComplexLane T>
  static bool one(T a, T b) {
    return (a.real() == b.real()) & (a.imag() == b.imag());
  }
};

struct NotEqual {
  template <typename T>
  static bool one(T a, T b) {
    return !Equal::one(a, b);
  }
};

struct LessEqual {
  template <typename T>
  static bool one(T a, T b) {
    return a <= b;
  }
  template <ComplexLane T>
  static bool one(T a, T b) {
    return Less::one(a, b) | Equal::one(a, b);
  }
};

struct Greater {
  template <typename T>
  static bool one(T a, T b) {
    return Less::one(b, a);
  }
};

struct GreaterEqual {
  template <typename T>
  static bool one(T a, T b) {
    return LessEqual::one(b, a);
  }
};

struct LogicalNot {
  template <typename T>
  static bool one(T a) {
    return Equal::one(a, T(0));
  }
};

struct LogicalAnd {
  template <typename T>
  static bool one(T a, T b) {
    return !(LogicalNot::one(a) | LogicalNot::one(b));
  }
};

struct LogicalOr {
  template <typename T>
  static bool one(T a, T b) {
    return !(LogicalNot::one(a) & LogicalNot::one(b));
  }
};

struct IsNan {
  template <typename T>
  static bool one(T a) {
    return !Equal::one(a, a);
  }
};

struct IsInf {
  template <typename T>
  static bool one(T) {
    return false;
  }
  template <RealLane T>
  static bool one(T a) {
    return std::abs(a) == std::numeric_limits<T>::infinity();
  }
  template <ComplexLane T>
  static bool one(T a) {
    return one(a.real()) | one(a.imag());
  }
};

struct IsFinite {
  template <typename T>
  static bool one(T) {
    return true;
  }
  template <RealLane T>
  static bool one(T a) {
    return std::abs(a) < std::numeric_limits<T>::infinity();
  }
  template <ComplexLane T>
  static bool one(T a) {
    return one(a.real()) & one(a.imag());
  }
};

struct BitwiseInvert {
  template <IntegerLane T>
  static T one(T a) {
    return static_cast<T>(~a);
  }
  template <BoolLane T>
  static T one(T a) {
    return !a;
  }
};

struct BitwiseAnd {
  template <std::integral T>
  static T one(T a, T b) {
    return static_cast<T>(a & b);
  }
};

struct BitwiseOr {
  template <std::integral T>
  static T one(T a, T b) {
    return static_cast<T>(a | b);
  }
};

struct BitwiseXor {
  template <std::integral T>
  static T one(T a, T b) {
    return static_cast<T>(a ^ b);
  }
};

// Shifts count modulo 32, or 64 for 64-bit integers; narrower ones are shifted as 32-bit integers.
template <IntegerLane T>
constexpr Wrapping<T> shift_count(T b) {
  return static_cast<Wrapping<T>>(b) & (sizeof(T) <= 4 ? 31 : 63);
}

struct LeftShift {
  template <IntegerLane T>
  static T one(T a, T b) {
    return static_cast<T>(static_cast<Wrapping<T>>(a) << shift_count(b));
  }
  template <BoolLane T>
  static T one(T a, T) {
    return a;
  }
};

struct RightShift {
  template <IntegerLane T>
  static T one(T a, T b) {
    return static_cast<T>(a >> shift_count(b));
  }
  template <BoolLane T>
  static T one(T a, T b) {
    return a & !b;
  }
};

}  // namespace anabranch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
