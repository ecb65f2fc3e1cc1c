#include "eval/plan.h"
#include "runtime/stream_state.h"

namespace anabranch::evaluation {

using graph::Operation;

void place(Step& step) {
  for (const auto& node : step.inputs) {
    const Operation* base = graph::base_of(node.get());
    // A stream's own order implies what was submitted to it before.
    if (!base->stream || base->stream == step.stream || base->stream->completed() >= base->done_at) continue;
    bool known = false;
    for (Event& wait : step.waits) {
      if (wait.stream() != base->stream) continue;
      known = true;
      if (wait.value() < base->done_at) wait = Event(base->stream, base->done_at);
    }
    if (!known) step.waits.emplace_back(base->stream, base->done_at);
  }
}

}  // namespace anabranch::evaluation
