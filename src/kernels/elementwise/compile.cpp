#include "kernels/elementwise/compile.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

#include "kernels/elementwise/registers.h"

namespace anabranch::kernels {

namespace {

using graph::Lane;
using graph::Op;
using graph::Program;

struct Value {
  Dtype dtype = float32;
  std::uint16_t root = 0;  // the value whose register holds this one
  std::uint16_t slot = 0;
  std::uint16_t reg = 0;  // to be freed after the last use; 0 (an input's or output's slot) for none
  std::int32_t last_use = -1;
  std::uint16_t home = 0;  // 1 + the output that is computed in place
  bool uniform = false;
  bool located = false;
  bool widened = false;  // an output holds this 16-bit float as float32
};

class Compiler {
 public:
  void run(const Program& program, const Placement& placement, Compiled& result) {
    p_ = &program;
    place_ = &placement;
    c_ = &result;
    table_ = &lane_table();
    start();
    find_last_uses();
    if (emit_direct()) return;
    for (std::size_t k = 0; k < p_->instructions.size(); ++k) emit(k);
    for (std::size_t o = 0; o < p_->outputs.size(); ++o) {
      if (!stored_[o]) emit_store(o);
    }
  }

 private:
  void start() {
    c_->prologue.clear();
    c_->body.clear();
    c_->homes.clear();
    c_->constants.clear();
    c_->inputs = static_cast<std::uint16_t>(p_->inputs.size());
    c_->outputs = static_cast<std::uint16_t>(p_->outputs.size());
    c_->registers = 0;
    c_->element_size = 1;
    c_->ns = 0;
    free_.clear();
    group_ = 1;
    stored_.assign(p_->outputs.size(), 0);
    constant_slots_.fill(0);
    first_constant_ = p_->inputs.size();
    first_result_ = first_constant_ + p_->constants.size();
    values_.assign(first_result_ + p_->instructions.size(), Value{});
    for (std::size_t i = 0; i < first_result_; ++i) {
      Value& v = values_[i];
      const bool is_input = i < first_constant_;
      v.root = static_cast<std::uint16_t>(i);
      v.dtype = is_input ? p_->inputs[i] : p_->constants[i - first_constant_].dtype;
      v.uniform = !is_input || place_->uniform[i];
    }
  }

  void find_last_uses() {
    // Forward: which value stands for which, and what is uniform.
    for (std::size_t k = 0; k < p_->instructions.size(); ++k) {
      const auto& instruction = p_->instructions[k];
      Value& v = values_[first_result_ + k];
      v.dtype = instruction.to;
      v.root = static_cast<std::uint16_t>(first_result_ + k);
      v.uniform = true;
      for (int j = 0; j < instruction.operands; ++j) v.uniform &= values_[instruction.operand[j]].uniform;
      if (is_conversion(instruction.op) && keeps_register(instruction.from, instruction.to))
        v.root = values_[instruction.operand[0]].root;
    }
    // Outputs: the first one of a computed value is its home, the others are copied at the end.
    const auto end = static_cast<std::int32_t>(p_->instructions.size());
    for (std::size_t o = 0; o < p_->outputs.size(); ++o) {
      Value& v = root(p_->outputs[o].value);
      v.widened |= is_half(v.dtype) && !is_half(p_->outputs[o].dtype);
      const bool computed = v.root >= first_result_ && !v.uniform;
      if (computed && !v.home) {
        v.home = static_cast<std::uint16_t>(1 + o);
        v.last_use = std::max(v.last_use, 0);
      } else {
        v.last_use = end;
      }
    }
    for (std::int32_t k = end - 1; k >= 0; --k) {
      const Value& v = values_[first_result_ + k];
      if (v.root != first_result_ + k || v.last_use < 0) continue;
      const auto& instruction = p_->instructions[k];
      for (int j = 0; j < instruction.operands; ++j) {
        Value& operand = root(instruction.operand[j]);
        operand.last_use = std::max(operand.last_use, k);
      }
    }
  }

  Value& root(std::size_t value) { return values_[values_[value].root]; }

  std::uint16_t fresh_register() {
    const std::size_t slot = std::size_t{c_->inputs} + c_->outputs + c_->registers++;
    if (slot > UINT16_MAX) throw std::invalid_argument("[eval] A fused program has too many values.");
    return static_cast<std::uint16_t>(slot);
  }

  std::uint16_t take_register() {
    if (free_.empty()) return fresh_register();
    const std::uint16_t slot = free_.back();
    free_.pop_back();
    return slot;
  }

  void add(bool prologue, Step::Kind kind, LaneFn fn, float ns, std::size_t size, std::uint16_t out, std::uint16_t a,
           std::uint16_t b = 0, std::uint16_t c = 0) {
    (prologue ? c_->prologue : c_->body).push_back({fn, {a, b, c}, out, kind, static_cast<std::uint8_t>(size)});
    c_->ns += prologue ? 0 : ns;
  }

  void grow(Lane lane) { c_->element_size = std::max(c_->element_size, static_cast<std::uint8_t>(lane_size(lane))); }

  // Makes sure that the value is in a slot.
  std::uint16_t locate(Value& v) {
    if (v.located) return v.slot;
    v.located = true;
    const std::size_t number = v.root;
    const Lane lane = graph::lane_of(v.dtype);
    grow(lane);
    if (number >= first_constant_) {
      v.slot = constant(number - first_constant_, lane);
    } else if (v.uniform) {
      v.slot = fresh_register();
      const LaneKernel kernel = load_kernel(v.dtype);
      add(true, Step::Kind::uniform, kernel.fn, 0, lane_size(lane), v.slot, static_cast<std::uint16_t>(number));
    } else if (place_->along_rows[number]) {
      v.slot = fresh_register();
      const LaneKernel kernel = load_kernel(v.dtype);
      add(false, Step::Kind::repeat, kernel.fn, 0, lane_size(lane), v.slot, static_cast<std::uint16_t>(number));
    } else {
      v.slot = static_cast<std::uint16_t>(number);
      v.reg = take_register();
      const LaneKernel kernel = load_kernel(v.dtype);
      add(false, Step::Kind::load, kernel.fn, kernel.ns + 0.06f * v.dtype.size(), lane_size(lane), v.slot,
          static_cast<std::uint16_t>(number), v.reg);
    }
    return v.slot;
  }

  // Equal constants share a register; the small table may forget one, which costs a register and no more.
  std::uint16_t constant(std::size_t number, Lane lane) {
    const std::uint64_t bits = register_bits(p_->constants[number]);
    const std::size_t size = lane_size(lane);
    const std::size_t hash = (bits ^ size) * 0x9e3779b97f4a7c15u >> 58;
    if (constant_slots_[hash] && constant_bits_[hash] == bits && constant_sizes_[hash] == size) {
      return constant_slots_[hash];
    }
    const std::uint16_t slot = fresh_register();
    add(true, Step::Kind::constant, nullptr, 0, size, slot, static_cast<std::uint16_t>(c_->constants.size()));
    c_->constants.push_back(bits);
    constant_slots_[hash] = slot;
    constant_bits_[hash] = bits;
    constant_sizes_[hash] = size;
    return slot;
  }

  LaneKernel load_kernel(Dtype d) const {
    if (d == float16) return table_->load_f16;
    return d == bfloat16 ? table_->load_bf16 : LaneKernel{};
  }
  LaneKernel store_kernel(Dtype d) const {
    if (d == float16) return table_->store_f16;
    return d == bfloat16 ? table_->store_bf16 : LaneKernel{};
  }
  LaneKernel round_kernel(Dtype d) const { return d == float16 ? table_->round_f16 : table_->round_bf16; }

  LaneKernel kernel_of(const Program::Instruction& instruction) const {
    const Lane from = graph::lane_of(instruction.from), to = graph::lane_of(instruction.to);
    if (instruction.op == Op::Select) return table_->select[lane_size(from)];
    if (is_conversion(instruction.op)) {
      return from == to ? round_kernel(instruction.to) : table_->convert[static_cast<int>(from)][static_cast<int>(to)];
    }
    return table_->ops[static_cast<int>(instruction.op)][static_cast<int>(from)];
  }

  // Whether the value of instruction k is an operand, once, of instruction k + 1 and of nothing else.
  bool only_for_next(std::size_t k) const {
    if (k + 1 >= p_->instructions.size()) return false;
    const auto& next = p_->instructions[k + 1];
    const Value &v = values_[first_result_ + k], &following = values_[first_result_ + k + 1];
    if (v.home || v.uniform || v.last_use != static_cast<std::int32_t>(k + 1) || following.last_use < 0) return false;
    return next.operands == 2 && (values_[next.operand[0]].root == v.root) != (values_[next.operand[1]].root == v.root);
  }

  // Whether instructions k and k + 1 can be one pass.
  bool pairs_with_next(std::size_t k) const {
    if (!only_for_next(k)) return false;
    const auto &first = p_->instructions[k], &second = p_->instructions[k + 1];
    if (pair_index(first.op) < 0 || pair_index(second.op) < 0) return false;
    return first.from == second.from && (first.from == float32 || first.from == bfloat16);
  }

  // Whether the pair of instructions k + 1 and k + 2 can begin with instruction k.
  bool leads_pair(std::size_t k) const {
    const auto& lead = p_->instructions[k];
    const int index = lead_index(lead.op);
    if (index < 0 || !only_for_next(k) || !pairs_with_next(k + 1)) return false;
    const auto& first = p_->instructions[k + 1];
    const bool right = values_[first.operand[1]].root == first_result_ + k;
    return lead.from == first.from && led_pairs(lead).fn[0][0][0] && !(right && first.op == Op::Subtract);
  }

  const Pairs& led_pairs(const Program::Instruction& lead) const {
    return (lead.from == bfloat16 ? table_->led_bf16_pairs : table_->led_pairs)[lead_index(lead.op)];
  }

  // How many instructions from k on are one pass.
  std::size_t group_size(std::size_t k) const { return leads_pair(k) ? 3 : pairs_with_next(k) ? 2 : 1; }

  // The operands of the group of `size` instructions that ends with k, and the kernel that computes it.
  LaneFn pair_of(std::size_t k, std::size_t size, std::uint16_t (&operands)[3], bool direct) const {
    const auto &first = p_->instructions[k - 1], &second = p_->instructions[k];
    const bool swapped = values_[second.operand[1]].root == first_result_ + k - 1;
    operands[0] = first.operand[0];
    operands[1] = first.operand[1];
    operands[2] = second.operand[swapped ? 0 : 1];
    const Pairs* pairs = first.from == float32 ? &table_->pairs
                         : direct              ? &table_->direct_bf16_pairs
                                               : &table_->bf16_pairs;
    if (size == 3) {
      const auto& lead = p_->instructions[k - 2];
      if (values_[operands[1]].root == first_result_ + k - 2) std::swap(operands[0], operands[1]);
      operands[0] = lead.operand[0];
      pairs = &led_pairs(lead);
    }
    return pairs->fn[pair_index(first.op)][pair_index(second.op)][swapped];
  }

  // Instructions up to k in one pass.
  void emit_group(std::size_t k) {
    std::uint16_t operands[3], in[3];
    const LaneFn fn = pair_of(k, group_, operands, false);
    for (int j = 0; j < 3; ++j) in[j] = locate(root(operands[j]));
    for (const std::uint16_t operand : operands) {
      for (std::size_t i = k + 1 - group_; i <= k; ++i) release(operand, i, 0);
    }
    Value& v = values_[first_result_ + k];
    grow(Lane::f32);
    place(v, k);
    const float lead_ns = group_ == 3 ? kernel_of(p_->instructions[k - 2]).ns : 0;
    add(false, Step::Kind::compute, fn, lead_ns + 0.1f, 4, v.slot, in[0], in[1], in[2]);
    finish(v, k);
  }

  // A program that is one operation, or one pair, on bfloat16 inputs, with no other result: computed from memory to
  // memory.
  bool emit_direct() {
    const std::size_t count = p_->instructions.size();
    if (count == 0 || count > 2 || p_->outputs.size() != 1 || p_->outputs[0].dtype != bfloat16) return false;
    const auto& last = p_->instructions[count - 1];
    if (p_->outputs[0].value != first_result_ + count - 1 || last.from != bfloat16 || last.to != bfloat16) return false;
    if (pair_index(last.op) < 0 || (count == 2 && !pairs_with_next(0))) return false;
    std::uint16_t operands[3] = {last.operand[0], last.operand[1], last.operand[0]}, in[3];
    LaneFn fn = table_->direct_bf16[pair_index(last.op)];
    if (count == 2) fn = pair_of(1, 2, operands, true);
    for (const std::uint16_t operand : operands) {
      if (operand >= first_constant_ || values_[operand].uniform || place_->along_rows[operand]) return false;
    }
    c_->element_size = 2;
    for (int j = 0; j < 3; ++j) in[j] = locate_as_it_is(values_[operands[j]]);
    const std::uint16_t reg = take_register(), slot = c_->inputs;
    c_->homes.push_back({slot, reg, true});
    add(false, Step::Kind::compute, fn, count == 2 ? 0.15f : 0.1f, 2, slot, in[0], in[1], in[2]);
    add(false, Step::Kind::store, nullptr, 0.12f, 2, 0, slot);
    return true;
  }

  std::uint16_t locate_as_it_is(Value& v) {
    if (v.located) return v.slot;
    v.located = true;
    v.slot = v.root;
    add(false, Step::Kind::load, nullptr, 0.06f * v.dtype.size(), v.dtype.size(), v.slot, v.root, take_register());
    return v.slot;
  }

  // What rounds the result of instruction k to a 16-bit float, if it needs that. One that is only stored as a 16-bit
  // float is rounded by that.
  LaneKernel rounding_of(const Program::Instruction& instruction, const Value& v, std::size_t k) const {
    const bool rounded = is_conversion(instruction.op) && graph::lane_of(instruction.from) == Lane::f32;
    const bool used = v.last_use > static_cast<std::int32_t>(k) || v.uniform || v.widened;
    if (!is_half(instruction.to) || !used || rounded || graph::is_exact(instruction.op)) return {};
    return instruction.from == bfloat16 ? table_->round_bf16_result : round_kernel(instruction.to);
  }

  void emit(std::size_t k) {
    const std::size_t number = first_result_ + k;
    Value& v = values_[number];
    if (v.root != number || v.last_use < 0) return;
    if (k == group_end_ && group_ > 1) {
      emit_group(k);
      group_ = 1;
      return;
    }
    if (group_ > 1) return;
    group_ = group_size(k);
    group_end_ = k + group_ - 1;
    if (group_ > 1) return;
    const auto& instruction = p_->instructions[k];
    LaneKernel kernel = kernel_of(instruction);
    if (!kernel.fn) {
      throw std::invalid_argument(std::string("[") + graph::op_name(instruction.op) + "] Not supported for " +
                                  std::string(dtype_name(instruction.from)) + ".");
    }
    const Lane lane = graph::lane_of(instruction.to);
    const std::size_t size = lane_size(lane);
    LaneKernel round = rounding_of(instruction, v, k);
    if (round.fn && instruction.from == bfloat16) {
      const LaneKernel& rounded = table_->rounded_bf16[static_cast<int>(instruction.op)];
      if (rounded.fn) kernel = rounded, round = {};
    }
    grow(lane);
    std::uint16_t in[3] = {0, 0, 0};
    for (int j = 0; j < instruction.operands; ++j) in[j] = locate(root(instruction.operand[j]));
    // The result may take the register of an operand that ends here, if its elements are as large.
    for (int j = 0; j < instruction.operands; ++j) release(instruction.operand[j], k, size);
    place(v, k);
    for (int j = 0; j < instruction.operands; ++j) release(instruction.operand[j], k, 0);
    add(v.uniform, Step::Kind::compute, kernel.fn, kernel.ns, size, v.slot, in[0], in[1], in[2]);
    if (round.fn) add(v.uniform, Step::Kind::compute, round.fn, round.ns, size, v.slot, v.slot, v.slot, v.slot);
    finish(v, k);
  }

  void finish(Value& v, std::size_t k) {
    if (v.home && !stored_[v.home - 1] && v.last_use < static_cast<std::int32_t>(p_->instructions.size())) {
      emit_store(v.home - 1u);
      if (v.last_use <= static_cast<std::int32_t>(k)) free_register(v);
    }
  }

  // Where the result goes.
  void place(Value& v, std::size_t k) {
    v.located = true;
    if (v.uniform) {
      v.slot = fresh_register();
      return;
    }
    v.reg = take_register();
    v.slot = v.reg;
    if (!v.home) return;
    const std::size_t o = v.home - 1u;
    bool direct = !is_half(v.dtype);
    for (std::size_t i = 0; i < first_constant_; ++i) {
      // An input in whose place the output goes must not be needed any more; else the output waits for the block's end.
      if (place_->in_data[i] == place_->out_data[o] && values_[i].last_use > static_cast<std::int32_t>(k)) {
        direct = false;
        v.last_use = static_cast<std::int32_t>(p_->instructions.size());
      }
    }
    v.slot = static_cast<std::uint16_t>(c_->inputs + o);
    c_->homes.push_back({v.slot, v.reg, direct});
  }

  void emit_store(std::size_t o) {
    Value& v = root(p_->outputs[o].value);
    const LaneKernel kernel = store_kernel(p_->outputs[o].dtype);
    const std::uint16_t slot = locate(v);
    const std::size_t size = p_->outputs[o].dtype.size();
    add(false, Step::Kind::store, kernel.fn, kernel.ns + 0.06f * size, size, static_cast<std::uint16_t>(o), slot);
    stored_[o] = 1;
  }

  // Frees the operand's register if instruction k is the last to use it and (size != 0) its elements have this size.
  void release(std::size_t operand, std::size_t k, std::size_t size) {
    Value& v = root(operand);
    if (v.last_use != static_cast<std::int32_t>(k)) return;
    if (size && lane_size(graph::lane_of(v.dtype)) != size) return;
    free_register(v);
  }

  void free_register(Value& v) {
    if (v.reg) free_.push_back(v.reg);
    v.reg = 0;
  }

  const Program* p_ = nullptr;
  const Placement* place_ = nullptr;
  Compiled* c_ = nullptr;
  const LaneTable* table_ = nullptr;
  std::size_t first_constant_ = 0, first_result_ = 0;
  std::vector<Value> values_;
  std::vector<std::uint16_t> free_;
  std::vector<std::uint8_t> stored_;
  std::size_t group_ = 1, group_end_ = 0;  // instructions that become one pass, and the last of them
  std::array<std::uint16_t, 64> constant_slots_{};
  std::array<std::uint64_t, 64> constant_bits_{};
  std::array<std::size_t, 64> constant_sizes_{};
};

// Not inlined: knowing it for a thread's variable, the compiler would look its address up at each use.
[[gnu::noinline]] Compiler& compiler_of_thread() {
  static thread_local Compiler compiler;
  return compiler;
}

}  // namespace

void compile(const Program& program, const Placement& placement, Compiled& result) {
  compiler_of_thread().run(program, placement, result);
}

}  // namespace anabranch::kernels
