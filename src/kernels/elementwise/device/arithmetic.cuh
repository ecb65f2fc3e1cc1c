// Arithmetic, rounding, comparisons, logic and bits. A functor has the opcode's name; it lacks the lanes that the
// operation does not accept.
#pragma once

#include "complex.cuh"

namespace anabranch::kernels::device {

#define ANABRANCH_UNARY(...)               \
  template <typename T>                    \
  __VA_ARGS__ static ANABRANCH_DEVICE auto of(T a)
#define ANABRANCH_BINARY(...)              \
  template <typename T>                    \
  __VA_ARGS__ static ANABRANCH_DEVICE auto of(T a, T b)

struct Abs {
  ANABRANCH_UNARY() {
    if constexpr (is_complex<T>) return magnitude(a);
    else if constexpr (is_real<T>) return static_cast<T>(fabs(a));
    else if constexpr (is_signed<T>) return a < 0 ? static_cast<T>(Wrapping<T>(0) - static_cast<Wrapping<T>>(a)) : a;
    else return a;
  }
};

struct Negative {
  ANABRANCH_UNARY(requires(!is_bool<T>)) {
    if constexpr (is_complex<T>) return T{-a.re, -a.im};
    else if constexpr (is_real<T>) return -a;
    else return static_cast<T>(Wrapping<T>(0) - static_cast<Wrapping<T>>(a));
  }
};

// NaN has sign 0, as in MLX.
struct Sign {
  ANABRANCH_UNARY() {
    if constexpr (is_complex<T>) {
      if (a.re == 0 && a.im == 0) return a;
      const f32 r = magnitude(a);
      return T{a.re / r, a.im / r};
    } else if constexpr (is_bool<T>) {
      return a;
    } else {
      return static_cast<T>((a > T(0)) - (a < T(0)));
    }
  }
};

struct Add {
  ANABRANCH_BINARY() {
    if constexpr (is_complex<T>) return T{a.re + b.re, a.im + b.im};
    else if constexpr (is_real<T>) return a + b;
    else if constexpr (is_bool<T>) return a || b;
    else return static_cast<T>(static_cast<Wrapping<T>>(a) + static_cast<Wrapping<T>>(b));
  }
};

struct Subtract {
  ANABRANCH_BINARY() {
    if constexpr (is_complex<T>) return T{a.re - b.re, a.im - b.im};
    else if constexpr (is_real<T>) return a - b;
    else if constexpr (is_bool<T>) return a != b;
    else return static_cast<T>(static_cast<Wrapping<T>>(a) - static_cast<Wrapping<T>>(b));
  }
};

struct Multiply {
  ANABRANCH_BINARY() {
    if constexpr (is_complex<T>) return T{a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
    else if constexpr (is_real<T>) return a * b;
    else if constexpr (is_bool<T>) return a && b;
    else return static_cast<T>(static_cast<Wrapping<T>>(a) * static_cast<Wrapping<T>>(b));
  }
};

struct Square {
  ANABRANCH_UNARY() { return Multiply::of(a, a); }
};

struct Divide {
  ANABRANCH_BINARY(requires(is_real<T> || is_complex<T>)) {
    if constexpr (is_complex<T>) return quotient(a, b);
    else return a / b;
  }
};

struct Reciprocal {
  ANABRANCH_UNARY(requires(is_real<T> || is_complex<T>)) {
    if constexpr (is_complex<T>) return quotient(T{1, 0}, a);
    else return T(1) / a;
  }
};

struct Sqrt {
  ANABRANCH_UNARY(requires(is_real<T> || is_complex<T>)) {
    if constexpr (is_complex<T>) return square_root(a);
    else if constexpr (is_same<T, f32>) return sqrtf(a);
    else return sqrt(a);
  }
};

// As a quotient, so that the bits are the CPU's.
struct Rsqrt {
  ANABRANCH_UNARY(requires(is_real<T> || is_complex<T>)) { return Reciprocal::of(Sqrt::of(a)); }
};

// Integers: x / 0 is 0 and the smallest value / -1 is itself.
struct FloorDivide {
  ANABRANCH_BINARY() {
    if constexpr (is_complex<T>) {
      return quotient(a, b);
    } else if constexpr (is_real<T>) {
      return static_cast<T>(floor(a / b));
    } else if constexpr (is_bool<T>) {
      return a && b;
    } else {
      if (b == 0) return T(0);
      if constexpr (is_signed<T>) {
        if (b == T(-1)) return Negative::of(a);
        const T q = static_cast<T>(a / b), r = static_cast<T>(a % b);
        return static_cast<T>(q - (r != 0 && (r < 0) != (b < 0)));
      } else {
        return static_cast<T>(a / b);
      }
    }
  }
};

// The sign is the divisor's; of integers x % 0 is x.
struct Remainder {
  ANABRANCH_BINARY(requires(!is_complex<T>)) {
    if constexpr (is_real<T>) {
      T r;
      if constexpr (is_same<T, f32>) r = fmodf(a, b);
      else r = fmod(a, b);
      return r != 0 && (r < 0) != (b < 0) ? r + b : r;
    } else if constexpr (is_bool<T>) {
      return a && !b;
    } else {
      if (b == 0) return a;
      if constexpr (is_signed<T>) {
        if (b == T(-1)) return T(0);
        const T r = static_cast<T>(a % b);
        return static_cast<T>(r != 0 && (r < 0) != (b < 0) ? r + b : r);
      } else {
        return static_cast<T>(a % b);
      }
    }
  }
};

// Complex numbers are ordered by their real, then their imaginary parts.
struct Less {
  ANABRANCH_BINARY() {
    if constexpr (is_complex<T>) return (a.re < b.re) | ((a.re == b.re) & (a.im < b.im));
    else return a < b;
  }
};
struct Equal {
  ANABRANCH_BINARY() {
    if constexpr (is_complex<T>) return (a.re == b.re) & (a.im == b.im);
    else return a == b;
  }
};
struct NotEqual {
  ANABRANCH_BINARY() { return !Equal::of(a, b); }
};
struct LessEqual {
  ANABRANCH_BINARY() {
    if constexpr (is_complex<T>) return Less::of(a, b) | Equal::of(a, b);
    else return a <= b;
  }
};
struct Greater {
  ANABRANCH_BINARY() { return Less::of(b, a); }
};
struct GreaterEqual {
  ANABRANCH_BINARY() { return LessEqual::of(b, a); }
};

// The first operand where that is NaN; of equal values (0 and -0) the second.
struct Maximum {
  ANABRANCH_BINARY() {
    if constexpr (is_real<T> || is_complex<T>) return Greater::of(a, b) || NotEqual::of(a, a) ? a : b;
    else return a > b ? a : b;
  }
};
struct Minimum {
  ANABRANCH_BINARY() {
    if constexpr (is_real<T> || is_complex<T>) return Less::of(a, b) || NotEqual::of(a, a) ? a : b;
    else return a < b ? a : b;
  }
};

// Integers are whole already.
#define ANABRANCH_WHOLE(Opcode, function)                              \
  struct Opcode {                                                      \
    ANABRANCH_UNARY(requires(!is_complex<T>)) {                        \
      if constexpr (is_real<T>) return static_cast<T>(function(a));    \
      else return a;                                                   \
    }                                                                  \
  };
ANABRANCH_WHOLE(Floor, floor)
ANABRANCH_WHOLE(Ceil, ceil)
ANABRANCH_WHOLE(Trunc, trunc)
#undef ANABRANCH_WHOLE

struct RoundEven {
  ANABRANCH_UNARY() {
    if constexpr (is_complex<T>) return T{rintf(a.re), rintf(a.im)};
    else if constexpr (is_real<T>) return static_cast<T>(rint(a));
    else return a;
  }
};

// Real numbers are their own real part and conjugate.
struct Real {
  ANABRANCH_UNARY() {
    if constexpr (is_complex<T>) return a.re;
    else return a;
  }
};
struct Imag {
  ANABRANCH_UNARY() {
    if constexpr (is_complex<T>) return a.im;
    else return T(0);
  }
};
struct Conjugate {
  ANABRANCH_UNARY() {
    if constexpr (is_complex<T>) return T{a.re, -a.im};
    else return a;
  }
};

struct LogicalNot {
  ANABRANCH_UNARY() {
    if constexpr (is_complex<T>) return a.re == 0 && a.im == 0;
    else return a == T(0);
  }
};
struct LogicalAnd {
  ANABRANCH_BINARY() { return !LogicalNot::of(a) && !LogicalNot::of(b); }
};
struct LogicalOr {
  ANABRANCH_BINARY() { return !LogicalNot::of(a) || !LogicalNot::of(b); }
};

struct IsNan {
  ANABRANCH_UNARY() { return NotEqual::of(a, a); }
};
struct IsInf {
  ANABRANCH_UNARY() {
    if constexpr (is_complex<T>) return is_infinite(a.re) || is_infinite(a.im);
    else if constexpr (is_real<T>) return is_infinite(a);
    else return false;
  }
};
struct IsFinite {
  ANABRANCH_UNARY() {
    if constexpr (is_complex<T>) return is_finite(a.re) && is_finite(a.im);
    else if constexpr (is_real<T>) return is_finite(a);
    else return true;
  }
};

struct BitwiseInvert {
  ANABRANCH_UNARY(requires(is_integer<T> || is_bool<T>)) {
    if constexpr (is_bool<T>) return !a;
    else return static_cast<T>(~a);
  }
};
struct BitwiseAnd {
  ANABRANCH_BINARY(requires(is_integer<T> || is_bool<T>)) { return static_cast<T>(a & b); }
};
struct BitwiseOr {
  ANABRANCH_BINARY(requires(is_integer<T> || is_bool<T>)) { return static_cast<T>(a | b); }
};
struct BitwiseXor {
  ANABRANCH_BINARY(requires(is_integer<T> || is_bool<T>)) { return static_cast<T>(a ^ b); }
};

// Shifts count modulo 32, or 64 for 64-bit integers; narrower ones are shifted as 32-bit integers.
template <typename T>
ANABRANCH_DEVICE Wrapping<T> shift_count(T b) {
  return static_cast<Wrapping<T>>(b) & (sizeof(T) <= 4 ? 31 : 63);
}
struct LeftShift {
  ANABRANCH_BINARY(requires(is_integer<T> || is_bool<T>)) {
    if constexpr (is_bool<T>) return a;
    else return static_cast<T>(static_cast<Wrapping<T>>(a) << shift_count(b));
  }
};
struct RightShift {
  ANABRANCH_BINARY(requires(is_integer<T> || is_bool<T>)) {
    if constexpr (is_bool<T>) return a && !b;
    else return static_cast<T>(a >> shift_count(b));
  }
};

template <typename T>
ANABRANCH_DEVICE T selected(bool condition, T a, T b) {
  return condition ? a : b;
}

}  // namespace anabranch::kernels::device
