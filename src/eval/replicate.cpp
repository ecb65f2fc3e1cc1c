// Values in more than one memory: arrays are immutable, so a copy of one is as good as the original, made once and kept
// with it.
#include "eval/plan.h"
#include "runtime/arena.h"
#include "runtime/registry.h"

namespace anabranch::evaluation {

using graph::Operation;
using runtime::Arena;

namespace {

// Transfers between the host and a device, each way, have a stream of their own, so that they overlap with each other
// and with what the device computes. Between two devices it is the receiver's.
Ref<runtime::StreamState> stream_of_transfer(const Operation* op, Arena& arena) {
  if (const auto device = runtime::device_of(arena)) return runtime::copy_stream(*device, runtime::Transfer::In);
  return runtime::copy_stream(*runtime::device_of(graph::home_of(op)), runtime::Transfer::Out);
}

}  // namespace

Ref<Operation> replicate(Operation* op, Arena& arena, Submitted& to) {
  const bool pinned = op->pinned.load(std::memory_order_relaxed);
  if (op->replicas && !pinned)
    for (const auto& replica : *op->replicas)
      if (&graph::home_of(replica.get()) == &arena) return replica;
  const auto stream = stream_of_transfer(op, arena);
  const auto replica = Ref<Operation>::adopt(
      new Operation(graph::Op::Transfer, op->dtype, op->shape, stream,
                    std::make_unique<graph::AttributesOf<graph::TransferAttrs>>(graph::TransferAttrs{&arena})));
  auto step = std::make_unique<Step>(stream);
  step->inputs.push_back(graph::NodeRef(op));
  step->outputs.push_back(replica);
  step->domain = op->shape;
  step->ns = 2000;
  place(*step, to);
  if (!pinned) {
    if (!op->replicas) op->replicas = std::make_unique<std::vector<Ref<Operation>>>();
    op->replicas->push_back(replica);
  }
  submit(std::move(step), to);
  return replica;
}

Operation* replica_of(Operation* op, Arena& arena) {
  Submitted submitted;
  Operation* replica;
  {
    const runtime::Lock lock(plan_mutex());
    replica = replicate(op, arena, submitted).get();
  }
  for (const auto& s : submitted.streams) s->schedule();
  return replica;
}

}  // namespace anabranch::evaluation
