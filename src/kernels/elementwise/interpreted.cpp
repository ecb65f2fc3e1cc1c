#include "kernels/elementwise/interpreted.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

#include "kernels/elementwise/lane_table.h"
#include "kernels/elementwise/registers.h"

namespace anabranch::kernels {

using graph::Lane;
using graph::Op;
using graph::Program;

bool accepts(Op op, Lane lane) {
#define ANABRANCH_LANES(Opcode, function, rule, lanes, ...) *#lanes,
  // In the order of the enumeration, from Select on.
  static constexpr char table[] = {'a', ANABRANCH_UNARY_OPS(ANABRANCH_LANES) ANABRANCH_BINARY_OPS(ANABRANCH_LANES)};
#undef ANABRANCH_LANES
  static_assert(sizeof(table) == static_cast<int>(Op::Copy) - static_cast<int>(Op::Select));
  if (op < Op::Select) return true;
  const bool complex = lane == Lane::c64, boolean = lane == Lane::b8, real = lane == Lane::f32 || lane == Lane::f64;
  switch (table[static_cast<int>(op) - static_cast<int>(Op::Select)]) {
    case 'a': return true;
    case 'n': return !boolean;
    case 'r': return !complex;
    case 'i': return !complex && !real;
    case 'f': return real;
    default: return real || complex;
  }
}

void check_lanes(const Program& program) {
  for (const auto& instruction : program.instructions) {
    if (accepts(instruction.op, graph::lane_of(instruction.from))) continue;
    throw std::invalid_argument(std::string("[") + graph::op_name(instruction.op) + "] Not supported for " +
                                std::string(dtype_name(instruction.from)) + ".");
  }
}

namespace {

using Kind = InterpretedStep::Kind;

class Encoder {
 public:
  Encoder(const Program& program, const Layout& layout, std::vector<std::uint64_t>& words)
      : p_(program), layout_(layout), words_(words) {}

  void run() {
    number();
    // All of an element's inputs are read before any of its outputs is written: an output may take an input's place.
    for (std::size_t i = 0; i < first_constant_; ++i) {
      Value& v = values_[i];
      if (v.last_use < 0) continue;
      v.operand = take_slot();
      add({Kind::load, type_of(p_.inputs[i]), 0, 0, v.operand, {static_cast<std::uint16_t>(i), 0, 0}});
      widen(p_.inputs[i]);
    }
    for (std::size_t c = 0; c < p_.constants.size(); ++c)
      values_[first_constant_ + c].operand = static_cast<std::uint16_t>(interpreted_constant | c);
    store_ready(0, first_result_);
    for (std::size_t k = 0; k < p_.instructions.size(); ++k) compute(k);
    write_words();
  }

 private:
  struct Value {
    std::uint16_t root = 0;  // the value whose slot holds this one
    std::uint16_t operand = 0;
    std::int32_t last_use = -1;
  };

  static std::uint8_t type_of(Dtype d) { return static_cast<std::uint8_t>(d.val); }
  static std::uint8_t type_of(Lane lane) { return static_cast<std::uint8_t>(lane); }

  // Which value stands for which, and where each is used for the last time: what is used nowhere is not computed.
  void number() {
    first_constant_ = p_.inputs.size();
    first_result_ = first_constant_ + p_.constants.size();
    values_.resize(first_result_ + p_.instructions.size());
    for (std::size_t i = 0; i < values_.size(); ++i) values_[i].root = static_cast<std::uint16_t>(i);
    for (std::size_t k = 0; k < p_.instructions.size(); ++k) {
      const auto& instruction = p_.instructions[k];
      if (is_conversion(instruction.op) && keeps_register(instruction.from, instruction.to))
        values_[first_result_ + k].root = values_[instruction.operand[0]].root;
    }
    for (const auto& output : p_.outputs) root(output.value).last_use = 0;
    for (std::size_t k = p_.instructions.size(); k-- > 0;) {
      const Value& v = values_[first_result_ + k];
      if (v.root != first_result_ + k || v.last_use < 0) continue;
      const auto& instruction = p_.instructions[k];
      for (int j = 0; j < instruction.operands; ++j) {
        Value& operand = root(instruction.operand[j]);
        operand.last_use = std::max(operand.last_use, static_cast<std::int32_t>(k));
      }
    }
  }

  Value& root(std::size_t value) { return values_[values_[value].root]; }

  std::uint16_t take_slot() {
    if (free_.empty()) return slots_++;
    const std::uint16_t slot = free_.back();
    free_.pop_back();
    return slot;
  }

  void add(const InterpretedStep& step) { steps_.push_back(step); }
  void widen(Dtype d) { wide_ |= lane_size(graph::lane_of(d)) == 8; }

  void compute(std::size_t k) {
    const auto& instruction = p_.instructions[k];
    Value& v = values_[first_result_ + k];
    if (v.root != first_result_ + k || v.last_use < 0) return;
    const Lane from = graph::lane_of(instruction.from), to = graph::lane_of(instruction.to);
    InterpretedStep step{Kind::compute, type_of(from), type_of(to), static_cast<std::uint8_t>(instruction.op), 0, {}};
    for (int j = 0; j < instruction.operands; ++j) step.in[j] = root(instruction.operand[j]).operand;
    // Each element is read before it is written, so the result may take an operand's slot.
    for (int j = 0; j < instruction.operands; ++j) {
      Value& operand = root(instruction.operand[j]);
      if (operand.last_use != static_cast<std::int32_t>(k) || (operand.operand & interpreted_constant)) continue;
      free_.push_back(operand.operand);
      operand.last_use = -1;
    }
    step.out = v.operand = take_slot();
    if (instruction.op == Op::Select) {
      step.kind = Kind::select;
      step.type = static_cast<std::uint8_t>(lane_size(from));
    } else if (is_conversion(instruction.op)) {
      step.kind = Kind::convert;
    }
    add(step);
    if (is_half(instruction.to) && !graph::is_exact(instruction.op)) {
      add({instruction.to == float16 ? Kind::round_f16 : Kind::round_bf16, 0, 0, 0, v.operand, {}});
    }
    widen(instruction.to);
    store_ready(first_result_ + k, first_result_ + k + 1);
    if (v.last_use == 0) free_.push_back(v.operand);  // nobody but the outputs
  }

  // Stores the outputs whose values are among the given ones.
  void store_ready(std::size_t first, std::size_t last) {
    for (std::size_t o = 0; o < p_.outputs.size(); ++o) {
      const std::uint16_t value = values_[p_.outputs[o].value].root;
      if (value < first || value >= last) continue;
      const Dtype d = p_.outputs[o].dtype;
      add({Kind::store, type_of(d), d.size(), 0, 0, {values_[value].operand, static_cast<std::uint16_t>(o), 0}});
    }
  }

  void write_words() {
    InterpretedHeader header{};
    header.count = layout_.count;
    header.steps = static_cast<std::uint16_t>(steps_.size());
    header.slots = slots_;
    header.width = wide_ ? 8 : 4;
    header.axes = static_cast<std::uint16_t>(layout_.shape.size());
    words_.assign((sizeof(InterpretedHeader) + 7) / 8, 0);
    const auto here = [&] { return static_cast<std::uint16_t>(words_.size()); };
    header.extents_at = here();
    words_.insert(words_.end(), layout_.shape.begin(), layout_.shape.end());
    header.strides_at = here();
    for (const Operand& in : layout_.in) {
      for (std::size_t a = 0; a < header.axes; ++a)
        words_.push_back(in.kind == Operand::Kind::strided ? static_cast<std::uint64_t>(in.strides[a]) : 0);
    }
    header.inputs_at = here();
    for (const Operand& in : layout_.in) {
      const auto kind = in.kind == Operand::Kind::dense     ? InterpretedInput::Kind::dense
                        : in.kind == Operand::Kind::uniform ? InterpretedInput::Kind::uniform
                                                            : InterpretedInput::Kind::strided;
      append(InterpretedInput{reinterpret_cast<std::uint64_t>(in.data), kind, in.dtype.size()});
    }
    header.outputs_at = here();
    for (const Operand& out : layout_.out) words_.push_back(reinterpret_cast<std::uint64_t>(out.data));
    header.constants_at = here();
    for (const graph::Scalar& c : p_.constants) words_.push_back(register_bits(c));
    header.steps_at = here();
    words_.resize(words_.size() + (steps_.size() * sizeof(InterpretedStep) + 7) / 8);
    std::memcpy(words_.data() + header.steps_at, steps_.data(), steps_.size() * sizeof(InterpretedStep));
    header.words = here();
    if (words_.size() > interpreted_words)
      throw std::invalid_argument("[eval] A fused program is too large for a GPU.");
    std::memcpy(words_.data(), &header, sizeof(header));
  }

  template <typename T>
  void append(const T& value) {
    static_assert(sizeof(T) % 8 == 0);
    words_.resize(words_.size() + sizeof(T) / 8);
    std::memcpy(words_.data() + words_.size() - sizeof(T) / 8, &value, sizeof(T));
  }

  const Program& p_;
  const Layout& layout_;
  std::vector<std::uint64_t>& words_;
  std::size_t first_constant_ = 0, first_result_ = 0;
  std::vector<Value> values_;
  std::vector<std::uint16_t> free_;
  std::vector<InterpretedStep> steps_;
  std::uint16_t slots_ = 0;
  bool wide_ = false;
};

}  // namespace

void encode(const Program& program, const Layout& layout, std::vector<std::uint64_t>& words) {
  check_lanes(program);
  Encoder(program, layout, words).run();
}

}  // namespace anabranch::kernels
