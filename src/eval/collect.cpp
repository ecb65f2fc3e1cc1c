#include "eval/plan.h"

namespace anabranch::evaluation {

using graph::Operation;

std::uint32_t next_mark() {
  static std::uint32_t mark = 0;  // plan lock
  return ++mark;
}

namespace {

bool is_lazy(const Operation* op) { return op->state.load(std::memory_order_relaxed) == Operation::State::Lazy; }

// Fused programs take the value of a constant as it is; only irregular operations need it in memory.
bool reads_as_constant(const Operation* consumer, const Operation* input) {
  return input->op == graph::Op::Full && graph::is_elementwise(consumer->op);
}

}  // namespace

Collector::Collector(const std::vector<Operation*>& roots) : roots_(roots.rbegin(), roots.rend()), pass_(next_mark()) {}

bool Collector::next(std::size_t most, Batch& batch) {
  batch.clear();
  while (batch.size() < most) {
    if (stack_.empty()) {
      if (roots_.empty()) break;
      Operation* root = roots_.back();
      roots_.pop_back();
      root->planning.read();
      if (!is_lazy(root) || root->mark == pass_) continue;
      root->mark = pass_;
      stack_.push_back({root, 0});
    }
    Visit& top = stack_.back();
    if (top.next_input < top.op->inputs.size()) {
      Operation* input = graph::base_of(top.op->inputs[top.next_input++].get());
      if (!is_lazy(input) || input->mark == pass_ || reads_as_constant(top.op, input)) continue;
      input->mark = pass_;
      stack_.push_back({input, 0});
    } else {
      top.op->planning.write();
      batch.push_back(top.op);
      stack_.pop_back();
    }
  }
  return !batch.empty();
}

}  // namespace anabranch::evaluation
