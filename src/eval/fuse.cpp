#include <algorithm>
#include <cstring>

#include "eval/plan.h"
#include "runtime/backend.h"
#include "runtime/stream_state.h"

namespace anabranch::evaluation {

using graph::Node;
using graph::Op;
using graph::Operation;
using graph::Program;
using graph::Scalar;

namespace {

// While a program grows, a value's number says what it is; renumber() puts them in Program's order.
constexpr std::uint16_t constant_tag = 0x4000, instruction_tag = 0x8000, tags = constant_tag | instruction_tag;

constexpr std::size_t most_instructions = 256, most_inputs = 16, most_constants = 64, most_open = 8;

bool is_lazy(const Operation* op) { return op->state.load(std::memory_order_relaxed) == Operation::State::Lazy; }
bool is_constant(const Operation* op) { return op->op == Op::Full && is_lazy(op); }

// Whether a program can generate the value where it would read it.
bool can_be_generated(const Operation* op) {
  if (op->op != Op::RandomBits || op->dtype != uint32 || op->inputs.front()->shape.size() != 1) return false;
  return runtime::backend_for(op->stream->device, "eval", "run on gpu device").generates(op->op);
}
// Of what has been added: whatever else is irregular is lazy no longer.
bool awaits_readers(const Operation* op) { return op->op == Op::RandomBits && is_lazy(op); }

std::uint16_t constant(Program& program, const Scalar& value) {
  for (std::size_t i = 0; i < program.constants.size(); ++i) {
    const Scalar& c = program.constants[i];
    if (c.dtype == value.dtype && c.u == value.u) return static_cast<std::uint16_t>(constant_tag | i);
  }
  program.constants.push_back(value);
  return static_cast<std::uint16_t>(constant_tag | (program.constants.size() - 1));
}

std::uint16_t input(Step& step, Node* node) {
  for (std::size_t i = 0; i < step.inputs.size(); ++i)
    if (step.inputs[i].get() == node) return static_cast<std::uint16_t>(i);
  step.inputs.push_back(graph::NodeRef(node));
  step.program.inputs.push_back(node->dtype);
  return static_cast<std::uint16_t>(step.inputs.size() - 1);
}

void renumber(Program& program) {
  const std::size_t inputs = program.inputs.size(), constants = program.constants.size();
  auto number = [&](std::uint16_t& value) {
    if (value & instruction_tag) value = static_cast<std::uint16_t>((value & ~tags) + inputs + constants);
    else if (value & constant_tag) value = static_cast<std::uint16_t>((value & ~tags) + inputs);
  };
  for (auto& instruction : program.instructions)
    for (int i = 0; i < instruction.operands; ++i) number(instruction.operand[i]);
  for (auto& output : program.outputs) number(output.value);
}

}  // namespace

void Fuser::add(Operation* op) {
  if (graph::is_elementwise(op->op)) add_elementwise(op);
  else if (can_be_generated(op)) await_readers(op);
  else add_irregular(op);
}

void Fuser::finish() {
  while (!open_.empty()) close(0);
  for (Operation* op : awaiting_) submit_irregular(op);
  awaiting_.clear();
}

// Submits the open groups with a value that `op` can't take from a register, or generate: it is irregular, or in
// another group, or reads the value in another layout.
void Fuser::close_groups_read_otherwise(const Operation* op) {
  const bool fuses = graph::is_elementwise(op->op);
  for (const auto& node : op->inputs) {
    Operation* base = graph::base_of(node.get());
    if (!is_lazy(base) || (fuses && base->op == Op::Full)) continue;
    if (awaits_readers(base)) {
      const bool joins = fuses && !node->is_view && base->stream == op->stream && base->shape == op->shape;
      if (!joins) submit_awaiting(base);
      continue;
    }
    for (std::size_t i = 0; i < open_.size(); ++i) {
      const Group& g = open_[i];
      if (base->mark != g.mark) continue;
      if (!fuses || node->is_view || g.step->stream != op->stream || !(g.step->domain == op->shape)) close(i);
      break;
    }
  }
}

Fuser::Group& Fuser::group_for(const Operation* op) {
  for (std::size_t i = 0; i < open_.size(); ++i) {
    Group& g = open_[i];
    if (g.step->stream != op->stream || !(g.step->domain == op->shape)) continue;
    const Program& p = g.step->program;
    if (g.ops.size() < most_instructions && p.inputs.size() + op->inputs.size() <= most_inputs &&
        p.constants.size() + op->inputs.size() <= most_constants)
      return g;
    close(i);
    break;
  }
  if (open_.size() == most_open) close(0);
  Group& g = open_.emplace_back();
  g.step = std::make_unique<Step>(op->stream);
  g.step->fused = true;
  g.step->domain = op->shape;
  g.mark = next_mark();
  return g;
}

void Fuser::add_elementwise(Operation* op) {
  close_groups_read_otherwise(op);
  Group& g = group_for(op);
  // Making room for op may have submitted a group that it reads from; its value is an input then.
  Program& program = g.step->program;
  op->uses = 0;
  if (op->op == Op::Full) {
    op->value = constant(program, op->scalar);
  } else {
    Program::Instruction instruction{.op = op->op,
                                     .from = op->inputs.back()->dtype,
                                     .to = op->dtype,
                                     .operands = static_cast<std::uint8_t>(op->inputs.size()),
                                     .operand = {}};
    for (std::size_t i = 0; i < op->inputs.size(); ++i) {
      Node* node = op->inputs[i].get();
      Operation* base = graph::base_of(node);
      if (is_constant(base)) {
        instruction.operand[i] = constant(program, base->scalar);
        if (base->mark == g.mark && !node->is_view) ++base->uses;
      } else if (is_lazy(base) && !awaits_readers(base)) {
        instruction.operand[i] = base->value;
        ++base->uses;
      } else {
        instruction.operand[i] = input(*g.step, node);
        if (awaits_readers(base)) ++base->uses;
      }
    }
    op->value = static_cast<std::uint16_t>(instruction_tag | program.instructions.size());
    program.instructions.push_back(instruction);
  }
  op->mark = g.mark;
  g.ops.push_back(op);
}

void Fuser::close(std::size_t index) {
  Group g = std::move(open_[index]);
  open_.erase(&open_[index]);
  Step& step = *g.step;
  generate_inputs(step);
  for (Operation* op : g.ops) {
    // Nobody but the operations of this group knows of the others: those values stay in registers. No new reference can
    // come to them, since there is no handle to take it from. The count alone says so: what is written of them here, is
    // read under the plan lock.
    if (op->references.load(std::memory_order_relaxed) == op->uses) continue;
    step.outputs.push_back(Ref<Operation>(op));
    step.program.outputs.push_back({op->value, op->dtype});
  }
  renumber(step.program);
  step.ns = 200 + 0.3 * static_cast<double>(element_count(step.domain)) * static_cast<double>(g.ops.size());
  place(step, submitted_);
  submitted_.note(step);  // from here on nothing throws: until here the operations keep what they need
  // In dependency order: an operation that only this group knows goes when its last reader gives it up.
  for (Operation* op : g.ops) op->inputs.clear();
  submit(std::move(g.step));
}

void Fuser::add_irregular(Operation* op) {
  close_groups_read_otherwise(op);
  submit_irregular(op);
}

void Fuser::await_readers(Operation* op) {
  close_groups_read_otherwise(op);
  op->uses = 0;
  awaiting_.push_back(op);
}

void Fuser::submit_awaiting(Operation* op) {
  std::erase(awaiting_, op);
  submit_irregular(op);
}

// The inputs that nobody but the step and its operations knows are generated: their keys take their places.
void Fuser::generate_inputs(Step& step) {
  for (std::size_t i = 0; i < step.inputs.size(); ++i) {
    Operation* base = graph::base_of(step.inputs[i].get());
    if (!is_lazy(base)) continue;
    if (base->references.load(std::memory_order_relaxed) != base->uses + 1) {
      submit_awaiting(base);
      continue;
    }
    std::erase(awaiting_, base);
    step.program.generated |= 1u << i;
    step.inputs[i] = base->inputs.front();
  }
}

void Fuser::submit_irregular(Operation* op) {
  auto step = std::make_unique<Step>(op->stream);
  step->outputs.push_back(Ref<Operation>(op));
  step->inputs.reserve(op->inputs.size());
  for (auto& input : op->inputs) step->inputs.push_back(std::move(input));
  step->domain = op->shape;
  step->ns = 500 + static_cast<double>(element_count(op->shape));
  for (const auto& input : step->inputs) step->ns += static_cast<double>(element_count(input->shape));
  if (op->op == Op::Matmul)
    step->ns +=
        0.03 * static_cast<double>(element_count(op->shape)) * static_cast<double>(step->inputs[0]->shape.back());
  try {
    place(*step, submitted_);
    submitted_.note(*step);
  } catch (...) {  // the operation stays as it was
    std::move(step->inputs.begin(), step->inputs.end(), op->inputs.begin());
    throw;
  }
  op->inputs.clear();
  submit(std::move(step));
}

}  // namespace anabranch::evaluation
