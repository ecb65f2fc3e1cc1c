// Every operation of the tables on every dtype that it accepts, against scalar references of its own.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <limits>
#include <numbers>
#include <string>

#include "kernels/elementwise_support.h"

namespace anabranch {
namespace {

using namespace testing;
using Complex = std::complex<double>;

template <typename T>
constexpr bool is_float = std::is_floating_point_v<T> || std::is_same_v<T, float16_t> || std::is_same_v<T, bfloat16_t>;

template <typename T>
bool accepts(char lanes) {
  const bool complex = std::is_same_v<T, complex64_t>, boolean = std::is_same_v<T, bool>;
  switch (lanes) {
    case 'a': return true;
    case 'n': return !boolean;
    case 'r': return !complex;
    case 'i': return std::is_integral_v<T>;
    case 'f': return is_float<T>;
    default: return is_float<T> || complex;
  }
}

double erfinv_reference(double x) {
  if (!(std::abs(x) < 1)) return std::abs(x) == 1 ? std::copysign(INFINITY, x) : NAN;
  if (std::abs(x) < 1e-9) return x * std::sqrt(std::numbers::pi) / 2;
  double low = 0, high = 6;
  for (int i = 0; i < 80; ++i) {
    const double middle = (low + high) / 2;
    const bool below = std::abs(x) < 0.5 ? std::erf(middle) < std::abs(x) : std::erfc(middle) > 1 - std::abs(x);
    (below ? low : high) = middle;
  }
  return std::copysign(high, x);
}

// The functions in the tables' order of meaning, in a type wider than the one under test.
template <typename W>
W unary_reference(Op op, W x) {
  switch (op) {
    case Op::Abs: return std::abs(x);
    case Op::Negative: return -x;
    case Op::Sign: return W((x > 0) - (x < 0));
    case Op::Square: return x * x;
    case Op::Floor: return std::floor(x);
    case Op::Ceil: return std::ceil(x);
    case Op::Trunc: return std::trunc(x);
    case Op::RoundEven: return std::nearbyint(x);
    case Op::LogicalNot: return x == 0;
    case Op::IsNan: return std::isnan(x);
    case Op::IsInf: return std::isinf(x);
    case Op::IsFinite: return std::isfinite(x);
    case Op::Real:
    case Op::Conjugate: return x;
    case Op::Imag: return 0;
    case Op::Sqrt: return std::sqrt(x);
    case Op::Rsqrt: return 1 / std::sqrt(x);
    case Op::Reciprocal: return 1 / x;
    case Op::Exp: return std::exp(x);
    case Op::Expm1: return std::expm1(x);
    case Op::Log: return std::log(x);
    case Op::Log2: return std::log2(x);
    case Op::Log10: return std::log10(x);
    case Op::Log1p: return std::log1p(x);
    case Op::Sin: return std::sin(x);
    case Op::Cos: return std::cos(x);
    case Op::Tan: return std::tan(x);
    case Op::Arcsin: return std::asin(x);
    case Op::Arccos: return std::acos(x);
    case Op::Arctan: return std::atan(x);
    case Op::Sinh: return std::sinh(x);
    case Op::Cosh: return std::cosh(x);
    case Op::Tanh: return std::tanh(x);
    case Op::Arcsinh: return std::asinh(x);
    case Op::Arccosh: return std::acosh(x);
    case Op::Arctanh: return std::atanh(x);
    case Op::Sigmoid: return 1 / (1 + std::exp(-x));
    case Op::Erf: return std::erf(x);
    case Op::Erfinv: return erfinv_reference(static_cast<double>(x));
    default: ADD_FAILURE() << "no reference for " << graph::op_name(op); return 0;
  }
}

template <typename W>
W binary_reference(Op op, W a, W b) {
  switch (op) {
    case Op::Add: return a + b;
    case Op::Subtract: return a - b;
    case Op::Multiply: return a * b;
    case Op::Divide: return a / b;
    case Op::FloorDivide: return std::floor(a / b);
    case Op::Remainder: {
      const W r = std::fmod(a, b);
      return r != 0 && (r < 0) != (b < 0) ? r + b : r;
    }
    case Op::Power: return std::pow(a, b);
    case Op::Maximum: return std::isnan(a) ? a : std::isnan(b) ? b : std::max(a, b);
    case Op::Minimum: return std::isnan(a) ? a : std::isnan(b) ? b : std::min(a, b);
    case Op::Arctan2: return std::atan2(a, b);
    case Op::LogAddExp:
      if (std::isnan(a) || std::isnan(b)) return NAN;
      if (a == b) return a + std::numbers::ln2_v<W>;
      return std::max(a, b) + std::log1p(std::exp(-std::abs(a - b)));
    case Op::LogicalAnd: return a != 0 && b != 0;
    case Op::LogicalOr: return a != 0 || b != 0;
    case Op::Equal: return a == b;
    case Op::NotEqual: return a != b;
    case Op::Less: return a < b;
    case Op::LessEqual: return a <= b;
    case Op::Greater: return a > b;
    case Op::GreaterEqual: return a >= b;
    default: ADD_FAILURE() << "no reference for " << graph::op_name(op); return 0;
  }
}

// The value modulo 2^bits, as T.
template <typename T>
T wrapped(__int128 x) {
  if constexpr (std::is_same_v<T, bool>) return x != 0;
  else return static_cast<T>(static_cast<std::make_unsigned_t<T>>(x));
}

__int128 product(__int128 x, __int128 y) {
  return static_cast<__int128>(static_cast<unsigned __int128>(x) * static_cast<unsigned __int128>(y));
}

template <typename T>
T integer_unary(Op op, T a) {
  const __int128 x = a;
  switch (op) {
    case Op::Abs: return wrapped<T>(x < 0 ? -x : x);
    case Op::Negative: return wrapped<T>(-x);
    case Op::Sign: return wrapped<T>((x > 0) - (x < 0));
    case Op::Square: return wrapped<T>(product(x, x));
    case Op::BitwiseInvert: return std::is_same_v<T, bool> ? wrapped<T>(!a) : wrapped<T>(~x);
    case Op::Imag:
    case Op::IsNan:
    case Op::IsInf: return 0;
    case Op::LogicalNot: return wrapped<T>(x == 0);
    case Op::IsFinite: return wrapped<T>(1);
    default: return a;  // rounding, real, conjugate
  }
}

template <typename T>
T integer_binary(Op op, T a, T b) {
  const __int128 x = a, y = b;
  constexpr int mask = sizeof(T) == 8 ? 63 : 31;
  switch (op) {
    case Op::Add: return wrapped<T>(x + y);
    case Op::Subtract: return std::is_same_v<T, bool> ? wrapped<T>(x != y) : wrapped<T>(x - y);
    case Op::Multiply: return wrapped<T>(product(x, y));
    case Op::FloorDivide: {
      if (y == 0) return 0;
      __int128 q = x / y;
      if (x % y != 0 && (x < 0) != (y < 0)) --q;
      return wrapped<T>(q);
    }
    case Op::Remainder: {
      if (y == 0) return a;
      __int128 r = x % y;
      if (r != 0 && (r < 0) != (y < 0)) r += y;
      return wrapped<T>(r);
    }
    case Op::Power: {
      if (y < 0) return 0;
      T result = 1;
      for (__int128 i = 0; i < (y > 300 ? 300 + y % 2 : y); ++i) result = wrapped<T>(product(result, x));
      return result;
    }
    case Op::Maximum: return std::max(a, b);
    case Op::Minimum: return std::min(a, b);
    case Op::BitwiseAnd: return wrapped<T>(x & y);
    case Op::BitwiseOr: return wrapped<T>(x | y);
    case Op::BitwiseXor: return wrapped<T>(x ^ y);
    case Op::LeftShift:
      if constexpr (std::is_same_v<T, bool>) return a;
      else return wrapped<T>(static_cast<__int128>(static_cast<unsigned __int128>(x) << (b & mask)));
    case Op::RightShift: return wrapped<T>(x >> (b & mask));
    default: return wrapped<T>(static_cast<__int128>(binary_reference<long double>(op, a, b)));
  }
}

Complex complex_unary(Op op, Complex x) {
  switch (op) {
    case Op::Abs: return std::abs(x);
    case Op::Negative: return -x;
    case Op::Sign: return x == 0.0 ? x : x / std::abs(x);
    case Op::Square: return x * x;
    case Op::RoundEven: return {std::nearbyint(x.real()), std::nearbyint(x.imag())};
    case Op::LogicalNot: return x == 0.0;
    case Op::IsNan: return std::isnan(x.real()) || std::isnan(x.imag());
    case Op::IsInf: return std::isinf(x.real()) || std::isinf(x.imag());
    case Op::IsFinite: return std::isfinite(x.real()) && std::isfinite(x.imag());
    case Op::Real: return x.real();
    case Op::Imag: return x.imag();
    case Op::Conjugate: return std::conj(x);
    case Op::Sqrt: return std::sqrt(x);
    case Op::Rsqrt: return 1.0 / std::sqrt(x);
    case Op::Reciprocal: return 1.0 / x;
    case Op::Exp: return std::exp(x);
    case Op::Log: return std::log(x);
    case Op::Log2: return std::log(x) / std::numbers::ln2;
    case Op::Log10: return std::log(x) / std::numbers::ln10;
    case Op::Log1p: return std::log(1.0 + x);
    case Op::Sin: return std::sin(x);
    case Op::Cos: return std::cos(x);
    case Op::Tan: return std::tan(x);
    case Op::Arcsin: return std::asin(x);
    case Op::Arccos: return std::acos(x);
    case Op::Arctan: return std::atan(x);
    case Op::Sinh: return std::sinh(x);
    case Op::Cosh: return std::cosh(x);
    case Op::Tanh: return std::tanh(x);
    case Op::Arcsinh: return std::asinh(x);
    case Op::Arccosh: return std::acosh(x);
    case Op::Arctanh: return std::atanh(x);
    default: ADD_FAILURE() << "no reference for " << graph::op_name(op); return 0;
  }
}

Complex complex_binary(Op op, Complex a, Complex b) {
  const bool less = a.real() < b.real() || (a.real() == b.real() && a.imag() < b.imag());
  switch (op) {
    case Op::Add: return a + b;
    case Op::Subtract: return a - b;
    case Op::Multiply: return a * b;
    case Op::Divide:
    case Op::FloorDivide: return a / b;
    case Op::Power: return std::pow(a, b);
    case Op::Maximum: return less ? b : a;
    case Op::Minimum: return less ? a : b;
    case Op::LogAddExp: return std::log(std::exp(a) + std::exp(b));
    case Op::LogicalAnd: return a != 0.0 && b != 0.0;
    case Op::LogicalOr: return a != 0.0 || b != 0.0;
    case Op::Equal: return a == b;
    case Op::NotEqual: return a != b;
    case Op::Less: return less;
    case Op::LessEqual: return less || a == b;
    case Op::Greater: return !less && a != b;
    case Op::GreaterEqual: return !less;
    default: ADD_FAILURE() << "no reference for " << graph::op_name(op); return 0;
  }
}

// In units of T's last place at the expected value; 0 for two NaNs.
template <typename T, typename W>
double ulps(T got, W expected) {
  using Limits = std::numeric_limits<T>;
  const W value = static_cast<W>(got);
  if (std::isnan(expected) || std::isnan(value)) return std::isnan(expected) && std::isnan(value) ? 0 : INFINITY;
  if (value == expected || value == static_cast<W>(static_cast<T>(expected))) return 0;
  if (std::isinf(value)) return INFINITY;
  int exponent;
  std::frexp(expected, &exponent);
  exponent = std::max(exponent - Limits::digits, Limits::min_exponent - Limits::digits);
  return static_cast<double>(std::abs(value - expected) / std::ldexp(W(1), exponent));
}

template <typename T>
std::vector<T> samples() {
  std::vector<T> values;
  if constexpr (std::is_same_v<T, bool>) {
    values = {false, true, true, false, true};
  } else if constexpr (std::is_integral_v<T>) {
    using Limits = std::numeric_limits<T>;
    for (int i = -9; i <= 70; ++i) values.push_back(static_cast<T>(i));
    for (const T extreme : {Limits::min(), static_cast<T>(Limits::min() + 1), Limits::max()}) values.push_back(extreme);
  } else if constexpr (std::is_same_v<T, complex64_t>) {
    for (float re = -2.25f; re < 2.5f; re += 0.75f) {
      for (float im = -2.0f; im < 2.5f; im += 0.8f) values.emplace_back(re, im);
    }
  } else {
    for (const double special :
         {0.0,    -0.0,    1.0,  -1.0,  0.5,    1.5,  2.5, -2.5, HUGE_VAL, -HUGE_VAL, double(NAN), 1e-40,
          -1e-40, 65504.0, 88.5, -87.5, -103.0, 3e38, 1e5, -1e5, 1e10,     1e22,      0.9999,      -0.9999}) {
      values.push_back(T(static_cast<float>(special)));
    }
    std::uint64_t state = 1;
    for (int i = 0; i < 900; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      const double uniform = static_cast<double>(state >> 11) * 0x1p-53 * 2 - 1;
      values.push_back(T(static_cast<float>(uniform * std::pow(10.0, i % 6 - 3))));
    }
  }
  return values;
}

// Runs one instruction over `a` (and `b`), by itself.
template <typename T>
Buffer apply(Op op, Dtype to, std::vector<T> a, std::vector<T> b) {
  std::unique_ptr<T[]> raw(new T[a.size()]);
  const auto buffer = [&](const std::vector<T>& v) {
    std::copy(v.begin(), v.end(), raw.get());
    return Buffer::of<T>({raw.get(), v.size()});
  };
  const Dtype from = TypeToDtype<T>::value;
  const Shape shape{static_cast<ShapeElem>(a.size())};
  Buffer x = buffer(a), y = buffer(b), z(to, a.size());
  if (graph::is_binary(op)) {
    Builder p({from, from});
    p.output(p.add(op, from, to, {0, 1}), to);
    execute(p.p, shape, {x.view(shape), y.view(shape)}, {z.view(shape)});
  } else {
    Builder p({from});
    p.output(p.add(op, from, to, {0}), to);
    execute(p.p, shape, {x.view(shape)}, {z.view(shape)});
  }
  EXPECT_TRUE(z.intact());
  return z;
}

// What float32 and float64 may be off by; 16-bit floats are float32 results, rounded.
double tolerance(Op op, bool is_double) {
  switch (op) {
    case Op::Sqrt:
    case Op::Add:
    case Op::Subtract:
    case Op::Multiply:
    case Op::Divide:
    case Op::Square:
    case Op::Reciprocal: return 0.501;
    case Op::Exp:
    case Op::Log:
    case Op::Sin:
    case Op::Cos: return is_double ? 2 : 1.5;
    case Op::FloorDivide: return 0;
    default: return is_double ? 4 : 4;
  }
}

template <typename T>
void check_float(Op op, bool boolean) {
  using W = std::conditional_t<std::is_same_v<T, double>, long double, double>;
  using Register = std::conditional_t<std::is_same_v<T, double>, double, float>;
  const std::vector<T> base = samples<T>();
  std::vector<T> a, b;
  for (std::size_t i = 0; i < base.size(); ++i) {
    for (std::size_t j = 0; j < (graph::is_binary(op) ? 40 : 1); ++j) {
      a.push_back(base[i]);
      b.push_back(base[j < 24 ? j : (i * 7 + j * 13) % base.size()]);
    }
  }
  const Buffer got = apply<T>(op, boolean ? bool_ : TypeToDtype<T>::value, a, b);
  double worst = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const W x = static_cast<W>(a[i]), y = static_cast<W>(b[i]);
    W expected = graph::is_binary(op) ? binary_reference<W>(op, x, y) : unary_reference<W>(op, x);
    // The quotient that is rounded down is one of T's format, or float32's.
    if (op == Op::FloorDivide) expected = std::floor(static_cast<Register>(x) / static_cast<Register>(y));
    // A sum of logarithms near 0 has lost what its terms have in common.
    const W lost = op == Op::LogAddExp ? (std::abs(x) + std::abs(y)) * std::numeric_limits<Register>::epsilon() : 0;
    double off;
    if (boolean) {
      off = got.at<std::uint8_t>(i) != static_cast<std::uint8_t>(expected);
    } else if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>) {
      off = std::abs(got.at<T>(i) - expected) <= lost ? 0 : ulps<T, W>(got.at<T>(i), expected);
    } else {
      // One place of the format, where the float32 result lies next to the middle between two.
      const float value = got.at<T>(i), near = T(static_cast<float>(expected));
      off = (std::isnan(value) && std::isnan(near)) || value == near ? 0 : 1;
      T up = T(near), down = up;
      ++up.bits, --down.bits;
      if (value == float(up) || value == float(down)) off = 0.5;
      if (graph::is_exact(op) && off != 0) off = 9;
    }
    if (off > worst) worst = off, at = i;
  }
  const double bound = boolean || graph::is_exact(op) ? 0 : tolerance(op, std::is_same_v<T, double>);
  EXPECT_LE(worst, bound) << graph::op_name(op) << " " << dtype_name(TypeToDtype<T>::value) << " of "
                          << static_cast<double>(a[at]) << ", " << static_cast<double>(b[at]);
}

template <typename T>
void check_integer(Op op, bool boolean) {
  const std::vector<T> base = samples<T>();
  std::vector<T> a, b;
  for (const T x : base) {
    for (const T y : base) a.push_back(x), b.push_back(y);
  }
  const Buffer got = apply<T>(op, boolean ? bool_ : TypeToDtype<T>::value, a, b);
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (op == Op::Power && b[i] > 300) continue;
    const T expected = graph::is_binary(op) ? integer_binary<T>(op, a[i], b[i]) : integer_unary<T>(op, a[i]);
    const bool equal =
        boolean ? got.at<std::uint8_t>(i) == static_cast<std::uint8_t>(expected) : got.at<T>(i) == expected;
    ASSERT_TRUE(equal) << graph::op_name(op) << " " << dtype_name(TypeToDtype<T>::value) << " of " << +a[i] << ", "
                       << +b[i] << ": " << (boolean ? +got.at<std::uint8_t>(i) : +got.at<T>(i));
  }
}

void check_complex(Op op, const std::string& rule) {
  const std::vector<complex64_t> base = samples<complex64_t>();
  std::vector<complex64_t> a, b;
  for (const auto x : base) {
    for (const auto y : base) a.push_back(x), b.push_back(y);
  }
  const Dtype to = rule == "boolean" ? bool_ : rule == "real" ? float32 : complex64;
  const Buffer got = apply<complex64_t>(op, to, a, b);
  for (std::size_t i = 0; i < a.size(); ++i) {
    const Complex expected =
        graph::is_binary(op) ? complex_binary(op, Complex(a[i]), Complex(b[i])) : complex_unary(op, Complex(a[i]));
    Complex value = to == bool_     ? Complex(got.at<std::uint8_t>(i))
                    : to == float32 ? Complex(got.at<float>(i))
                                    : Complex(got.at<complex64_t>(i));
    // The imaginary part of a logarithm may be a turn away.
    if (op == Op::LogAddExp)
      value.imag(value.imag() -
                 2 * std::numbers::pi * std::nearbyint((value - expected).imag() / (2 * std::numbers::pi)));
    ASSERT_LE(std::abs(value - expected), 4e-6 * std::abs(expected) + 1e-6)
        << graph::op_name(op) << " of " << a[i] << ", " << b[i] << ": " << value << ", expected " << expected;
  }
}

class EveryOp : public ::testing::TestWithParam<std::tuple<Op, const char*, const char*>> {};

TEST_P(EveryOp, MatchesReference) {
  const auto [op, rule_name, lanes] = GetParam();
  const std::string rule = rule_name;
  const bool boolean = rule == "boolean", inexact = rule == "inexact";
  for (int d = 0; d < dtype_count; ++d) {
    dispatch_dtype(Dtype(static_cast<Dtype::Val>(d)), [&]<typename T>(T*) {
      if (!accepts<T>(lanes[0])) return;
      if constexpr (std::is_same_v<T, complex64_t>) {
        check_complex(op, rule);
      } else if constexpr (std::is_integral_v<T>) {
        if (!inexact) check_integer<T>(op, boolean);
      } else {
        check_float<T>(op, boolean);
      }
    });
  }
}

#define ANABRANCH_PARAM(Opcode, function, rule, lanes, ...) std::tuple{Op::Opcode, #rule, #lanes},
INSTANTIATE_TEST_SUITE_P(Elementwise, EveryOp,
                         ::testing::Values(ANABRANCH_UNARY_OPS(ANABRANCH_PARAM) ANABRANCH_BINARY_OPS(ANABRANCH_PARAM)
                                               std::tuple{Op::Add, "same", "a"}),
                         [](const auto& info) {
                           return std::string(graph::op_name(std::get<0>(info.param))) + std::to_string(info.index);
                         });

bool is_nan(std::uint64_t bits, Dtype d) {
  switch (d.val) {
    case Dtype::Val::float16: return (bits & 0x7fff) > 0x7c00;
    case Dtype::Val::bfloat16: return (bits & 0x7fff) > 0x7f80;
    case Dtype::Val::float32: return (bits & 0x7fffffff) > 0x7f800000;
    case Dtype::Val::float64: return (bits & ~std::uint64_t{0} >> 1) > std::uint64_t{0x7ff} << 52;
    default: return false;
  }
}

template <typename T>
Scalar scalar_of(T value, Dtype d) {
  if constexpr (std::is_same_v<T, complex64_t>) return Scalar::of_complex(value, d);
  else if constexpr (std::is_same_v<T, std::uint64_t>) return Scalar::of_uint(value, d);
  else if constexpr (std::is_integral_v<T>) return Scalar::of_int(value, d);
  else return Scalar::of_float(static_cast<double>(value), d);
}

// A register and a Scalar convert alike; of floats beyond the range of an integer it is only promised that nothing
// traps.
TEST(AsType, EveryPair) {
  for (int f = 0; f < dtype_count; ++f) {
    for (int t = 0; t < dtype_count; ++t) {
      const Dtype from(static_cast<Dtype::Val>(f)), to(static_cast<Dtype::Val>(t));
      dispatch_dtype(from, [&]<typename From>(From*) {
        const std::vector<From> values = samples<From>();
        const Buffer got = apply<From>(Op::AsType, to, values, values);
        for (std::size_t i = 0; i < values.size(); ++i) {
          if constexpr (is_float<From>) {
            if (issubdtype(to, integer) && !(std::abs(static_cast<double>(values[i])) < 2e9)) continue;
          }
          std::uint64_t expected = 0, value = 0;
          scalar_of(values[i], to).store(&expected);
          dispatch_dtype(to, [&]<typename To>(To*) {
            const auto stored = got.at<std::conditional_t<std::is_same_v<To, bool>, std::uint8_t, To>>(i);
            std::memcpy(&value, &stored, sizeof(stored));
          });
          if (is_nan(value, to) && is_nan(expected, to)) continue;
          ASSERT_EQ(value, expected) << dtype_name(from) << " to " << dtype_name(to) << ", sample " << i;
        }
      });
    }
  }
}

}  // namespace
}  // namespace anabranch
