// The regular operations: one rule each, from the table.
#include "ops/common.h"

namespace anabranch {
namespace ops {
namespace {

enum class Result : std::uint8_t { same, boolean, real, inexact };
enum class Lanes : std::uint8_t { a, n, r, i, f, x };
struct Rule {
  Result result;
  Lanes lanes;
};

constexpr Rule rules[] = {
#define ANABRANCH_RULE(Opcode, function, result, lanes, ...) {Result::result, Lanes::lanes},
    ANABRANCH_UNARY_OPS(ANABRANCH_RULE) ANABRANCH_BINARY_OPS(ANABRANCH_RULE)
#undef ANABRANCH_RULE
};

const Rule& rule_of(Op op) { return rules[static_cast<int>(op) - static_cast<int>(Op::Abs)]; }

[[noreturn]] void refuse_dtype(Op op, Dtype d) {
  const char* function = graph::op_name(op);
  if (op == Op::Negative) refuse(function, "Not supported for bool, use logical_not instead.");
  if (rule_of(op).lanes == Lanes::i) {
    const std::string text = "Only integer and boolean types are supported, got " + name(d) + ".";
    // MLX's types: ValueError for the unary one, RuntimeError for the binary ones.
    if (graph::is_binary(op)) throw std::runtime_error(message(function, text));
    refuse(function, text);
  }
  refuse(function, "Not supported for " + name(d) + ".");
}

// The dtype in which `op` computes on operands that promote to `d`.
inline Dtype operand_dtype(Op op, const Rule& rule, Dtype d) {
  switch (rule.lanes) {
    case Lanes::a: break;
    case Lanes::n:
      if (d == bool_) refuse_dtype(op, d);
      break;
    case Lanes::r:
      if (d == complex64) refuse_dtype(op, d);
      break;
    case Lanes::i:
      if (is_inexact(d)) refuse_dtype(op, d);
      if (d == bool_ && (op == Op::LeftShift || op == Op::RightShift)) return uint8;
      break;
    case Lanes::f:
      if (d == complex64) refuse_dtype(op, d);
      break;
    case Lanes::x: break;
  }
  return rule.result == Result::inexact ? at_least_float(d) : d;
}

inline Dtype result_dtype(const Rule& rule, Dtype d) {
  if (rule.result == Result::boolean) return bool_;
  return rule.result == Result::real && d == complex64 ? float32 : d;
}

// Whether `op` leaves every value of `d` as it is.
bool is_identity(Op op, Dtype d) {
  switch (op) {
    case Op::Floor:
    case Op::Ceil:
    case Op::Trunc:
    case Op::RoundEven: return !is_inexact(d);
    case Op::Real:
    case Op::Conjugate: return d != complex64;
    default: return false;
  }
}

array unary(Op op, const array& a, const StreamOrDevice& s) {
  const Rule& rule = rule_of(op);
  const Dtype d = operand_dtype(op, rule, a.dtype());
  if (is_identity(op, d)) return a;
  const Dtype to = result_dtype(rule, d);
  if (a.dtype() == d) return graph::elementwise(op, a.shape(), to, {&a}, to_stream(s));
  const array operand = astype(a, d, s);
  return graph::elementwise(op, a.shape(), to, {&operand}, to_stream(s));
}

array binary_mixed(Op op, const array& a, const array& b, Dtype d, Dtype to, const StreamOrDevice& s) {
  const Shape shape = broadcast_shapes(a.shape(), b.shape(), graph::op_name(op));
  element_count(shape);
  const array x = astype(a, d, s), y = astype(b, d, s);
  return graph::elementwise(op, shape, to, {&x, &y}, to_stream(s));
}

array binary(Op op, const array& a, const array& b, const StreamOrDevice& s) {
  const Rule& rule = rule_of(op);
  const Dtype from_a = a.dtype(), from_b = b.dtype();
  const Dtype d = operand_dtype(op, rule, from_a == from_b ? from_a : promote_types(from_a, from_b));
  const Dtype to = result_dtype(rule, d);
  if (from_a == d && from_b == d) {
    const Shape &x = a.shape(), &y = b.shape();
    if (x == y || y.empty()) return graph::elementwise(op, x, to, {&a, &b}, to_stream(s));
    if (x.empty()) return graph::elementwise(op, y, to, {&a, &b}, to_stream(s));
  }
  return binary_mixed(op, a, b, d, to, s);
}

}  // namespace
}  // namespace ops

#define ANABRANCH_DEFINE(Opcode, function, ...) \
  array function(const array& a, const StreamOrDevice& s) { return ops::unary(graph::Op::Opcode, a, s); }
ANABRANCH_UNARY_OPS(ANABRANCH_DEFINE)
#undef ANABRANCH_DEFINE
#define ANABRANCH_DEFINE(Opcode, function, ...)                                    \
  array function(const array& a, const array& b, const StreamOrDevice& s) {        \
    return ops::binary(graph::Op::Opcode, a, b, s);                                \
  }
ANABRANCH_BINARY_OPS(ANABRANCH_DEFINE)
#undef ANABRANCH_DEFINE

array astype(const array& a, Dtype dtype, const StreamOrDevice& s) {
  if (a.dtype() == dtype) return a;
  if (const auto value = ops::known_value(a, dtype)) return graph::full(a.shape(), *value, to_stream(s));
  return graph::elementwise(graph::Op::AsType, a.shape(), dtype, {&a}, to_stream(s));
}

array where(const array& condition, const array& x, const array& y, const StreamOrDevice& s) {
  const Dtype d = promote_types(x.dtype(), y.dtype());
  const Shape shape = broadcast_shapes(condition.shape(), broadcast_shapes(x.shape(), y.shape(), "where"), "where");
  element_count(shape);
  const array c = astype(condition, bool_, s), from_x = astype(x, d, s), from_y = astype(y, d, s);
  return graph::elementwise(graph::Op::Select, shape, d, {&c, &from_x, &from_y}, to_stream(s));
}

}  // namespace anabranch
