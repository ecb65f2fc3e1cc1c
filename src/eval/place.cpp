#include "eval/plan.h"
#include "runtime/arena.h"
#include "runtime/stream_state.h"

namespace anabranch::evaluation {

using graph::Operation;

namespace {

void wait_for(Step& step, const Operation* base) {
  // A stream's own order implies what was submitted to it before.
  if (!base->stream || base->stream == step.stream || base->stream->completed() >= base->done_at) return;
  for (Event& wait : step.waits) {
    if (wait.stream() != base->stream) continue;
    if (wait.value() < base->done_at) wait = Event(base->stream, base->done_at);
    return;
  }
  step.waits.emplace_back(base->stream, base->done_at);
}

bool is_transfer(const Step& step) { return !step.fused && step.outputs.front()->op == graph::Op::Transfer; }

}  // namespace

void place(Step& step, Submitted& to) {
  runtime::Arena& arena = step.stream->arena();
  for (auto& node : step.inputs) {
    if (!is_transfer(step) && &graph::home_of(graph::base_of(node.get())) != &arena)
      node = brought(node.get(), arena, to);
    wait_for(step, graph::base_of(node.get()));
  }
}

}  // namespace anabranch::evaluation
