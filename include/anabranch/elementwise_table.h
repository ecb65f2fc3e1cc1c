// The rows of the regular operations. A row yields the opcode, the public C++ function, the Python binding, the CPU
// dispatch, fusibility, and the reference test; what an operation computes is a functor of the same name in
// kernels/elementwise/.
//
//   X(Opcode, function, rule, lanes, rounding, summary)
//
// rule (result dtype)   same: that of the operands; boolean: bool; real: the real part's dtype (complex64 -> float32);
//                       inexact: integers and bool become float32 first
// lanes (accepted)      a: all; n: all but bool; r: all but complex; i: bool and integers; f: real floats after the
//                       rule's conversion; x: floats and complex after it
// rounding              exact: a result from 16-bit floats is one already; rounds: it must be rounded back
#pragma once

#define ANABRANCH_UNARY_OPS(X)                                                                    \
  X(Abs, abs, real, a, exact, "Absolute value.")                                                  \
  X(Negative, negative, same, n, exact, "Negation.")                                              \
  X(Sign, sign, same, a, exact, "Sign: -1, 0 or 1 (x / |x| for complex).")                        \
  X(Square, square, same, a, rounds, "Square.")                                                   \
  X(Floor, floor, same, r, exact, "Largest integer not above.")                                   \
  X(Ceil, ceil, same, r, exact, "Smallest integer not below.")                                    \
  X(Trunc, trunc, same, r, exact, "Integer part, rounded toward zero.")                           \
  X(RoundEven, round, same, a, exact, "Nearest integer, ties to even.")                           \
  X(LogicalNot, logical_not, boolean, a, exact, "True where zero.")                               \
  X(BitwiseInvert, bitwise_invert, same, i, exact, "Bitwise complement (logical for bool).")      \
  X(IsNan, isnan, boolean, a, exact, "True where not a number.")                                  \
  X(IsInf, isinf, boolean, a, exact, "True where infinite.")                                      \
  X(IsFinite, isfinite, boolean, a, exact, "True where finite.")                                  \
  X(Real, real, real, a, exact, "Real part.")                                                     \
  X(Imag, imag, real, a, exact, "Imaginary part.")                                                \
  X(Conjugate, conjugate, same, a, exact, "Complex conjugate.")                                   \
  X(Sqrt, sqrt, inexact, x, rounds, "Square root.")                                               \
  X(Rsqrt, rsqrt, inexact, x, rounds, "Reciprocal square root.")                                  \
  X(Reciprocal, reciprocal, inexact, x, rounds, "Reciprocal.")                                    \
  X(Exp, exp, inexact, x, rounds, "Exponential.")                                                 \
  X(Expm1, expm1, inexact, f, rounds, "exp(x) - 1, exact near 0.")                                \
  X(Log, log, inexact, x, rounds, "Natural logarithm.")                                           \
  X(Log2, log2, inexact, x, rounds, "Logarithm to base 2.")                                       \
  X(Log10, log10, inexact, x, rounds, "Logarithm to base 10.")                                    \
  X(Log1p, log1p, inexact, x, rounds, "log(1 + x), exact near 0.")                                \
  X(Sin, sin, inexact, x, rounds, "Sine (radians).")                                              \
  X(Cos, cos, inexact, x, rounds, "Cosine (radians).")                                            \
  X(Tan, tan, inexact, x, rounds, "Tangent (radians).")                                           \
  X(Arcsin, arcsin, inexact, x, rounds, "Inverse sine (radians).")                                \
  X(Arccos, arccos, inexact, x, rounds, "Inverse cosine (radians).")                              \
  X(Arctan, arctan, inexact, x, rounds, "Inverse tangent (radians).")                             \
  X(Sinh, sinh, inexact, x, rounds, "Hyperbolic sine.")                                           \
  X(Cosh, cosh, inexact, x, rounds, "Hyperbolic cosine.")                                         \
  X(Tanh, tanh, inexact, x, rounds, "Hyperbolic tangent.")                                        \
  X(Arcsinh, arcsinh, inexact, x, rounds, "Inverse hyperbolic sine.")                             \
  X(Arccosh, arccosh, inexact, x, rounds, "Inverse hyperbolic cosine.")                           \
  X(Arctanh, arctanh, inexact, x, rounds, "Inverse hyperbolic tangent.")                          \
  X(Sigmoid, sigmoid, inexact, f, rounds, "Logistic function 1 / (1 + exp(-x)).")                 \
  X(Erf, erf, inexact, f, rounds, "Error function.")                                              \
  X(Erfinv, erfinv, inexact, f, rounds, "Inverse of the error function.")

#define ANABRANCH_BINARY_OPS(X)                                                                   \
  X(Add, add, same, a, rounds, "Sum (logical or for bool).")                                      \
  X(Subtract, subtract, same, a, rounds, "Difference.")                                           \
  X(Multiply, multiply, same, a, rounds, "Product (logical and for bool).")                       \
  X(Divide, divide, inexact, x, rounds, "Quotient; integers divide as float32.")                  \
  X(FloorDivide, floor_divide, same, a, rounds, "Quotient, rounded as MLX rounds it.")            \
  X(Remainder, remainder, same, r, rounds, "Remainder with the sign of the divisor.")             \
  X(Power, power, same, a, rounds, "a to the power of b.")                                        \
  X(Maximum, maximum, same, a, exact, "The larger; NaN if either is.")                            \
  X(Minimum, minimum, same, a, exact, "The smaller; NaN if either is.")                           \
  X(Arctan2, arctan2, inexact, f, rounds, "Angle of the point (b, a) (radians).")                 \
  X(LogAddExp, logaddexp, inexact, x, rounds, "log(exp(a) + exp(b)), without overflow.")          \
  X(BitwiseAnd, bitwise_and, same, i, exact, "Bitwise and.")                                      \
  X(BitwiseOr, bitwise_or, same, i, exact, "Bitwise or.")                                         \
  X(BitwiseXor, bitwise_xor, same, i, exact, "Bitwise exclusive or.")                             \
  X(LeftShift, left_shift, same, i, exact, "Shift left.")                                         \
  X(RightShift, right_shift, same, i, exact, "Shift right (arithmetic for signed integers).")     \
  X(LogicalAnd, logical_and, boolean, a, exact, "True where both are not zero.")                  \
  X(LogicalOr, logical_or, boolean, a, exact, "True where either is not zero.")                   \
  X(Equal, equal, boolean, a, exact, "a == b.")                                                   \
  X(NotEqual, not_equal, boolean, a, exact, "a != b.")                                            \
  X(Less, less, boolean, a, exact, "a < b.")                                                      \
  X(LessEqual, less_equal, boolean, a, exact, "a <= b.")                                          \
  X(Greater, greater, boolean, a, exact, "a > b.")                                                \
  X(GreaterEqual, greater_equal, boolean, a, exact, "a >= b.")
