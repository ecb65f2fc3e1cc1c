// Values in more than one memory: arrays are immutable, so a copy of one is as good as the original, made once and kept
// with it.
#include <algorithm>

#include "eval/plan.h"
#include "runtime/arena.h"
#include "runtime/registry.h"

namespace anabranch::evaluation {

using graph::Node;
using graph::Operation;
using runtime::Arena;

namespace {

// Transfers between the host and a device, each way, have a stream of their own, so that they overlap with each other
// and with what the device computes. Between two devices it is the receiver's. A small result that nothing follows goes
// to the host on the stream that computes it: one stream that waits for another costs the device more than the copy.
Ref<runtime::StreamState> stream_of_transfer(const Node* node, Arena& arena) {
  constexpr std::int64_t small = 64 << 10;  // bytes
  const Operation* op = graph::base_of(node);
  if (const auto device = runtime::device_of(arena)) return runtime::copy_stream(*device, runtime::Transfer::In);
  const bool is_last = op->stream->submitted() == op->done_at;
  if (is_last && element_count(node->shape) * static_cast<std::int64_t>(node->dtype.size()) <= small) return op->stream;
  return runtime::copy_stream(*runtime::device_of(graph::home_of(op)), runtime::Transfer::Out);
}

Ref<Operation> submit_single(graph::Op op, const Node* input, const Ref<runtime::StreamState>& stream,
                             std::unique_ptr<const graph::Attributes> attributes, Submitted& to) {
  const auto made = Ref<Operation>::adopt(new Operation(op, input->dtype, input->shape, stream, std::move(attributes)));
  auto step = std::make_unique<Step>(stream);
  step->inputs.push_back(graph::NodeRef(const_cast<Node*>(input)));
  step->outputs.push_back(made);
  step->domain = input->shape;
  step->ns = 2000;
  place(*step, to);
  to.note(*step);
  submit(std::move(step));
  return made;
}

// `node` is dense.
Ref<Operation> transfer(const Node* node, Arena& arena, Submitted& to) {
  auto attributes = std::make_unique<graph::AttributesOf<graph::TransferAttrs>>(graph::TransferAttrs{&arena});
  return submit_single(graph::Op::Transfer, node, stream_of_transfer(node, arena), std::move(attributes), to);
}

Ref<Operation> find_replica(const Operation* op, const Arena& arena) {
  op->copied.read();
  if (op->replicas && !op->pinned.load(std::memory_order_relaxed))
    for (const auto& replica : *op->replicas)
      if (&graph::home_of(replica.get()) == &arena) return replica;
  return {};
}

// What is far smaller than its base: a batch of a data set.
bool goes_alone(const Node* node) {
  return node->is_view && 2 * element_count(node->shape) <= element_count(graph::base_of(node)->shape);
}

}  // namespace

Ref<Operation> replicate(Operation* op, Arena& arena, Submitted& to) {
  if (auto known = find_replica(op, arena)) return known;
  const bool kept = !op->pinned.load(std::memory_order_relaxed);
  if (kept) {  // room for it first: once it is submitted, nothing may throw
    if (!op->replicas) op->replicas = std::make_unique<std::vector<Ref<Operation>>>();
    op->replicas->reserve(op->replicas->size() + 1);
  }
  op->copied.write();
  auto replica = transfer(op, arena, to);
  if (kept) op->replicas->push_back(replica);
  return replica;
}

void forget_replica(Operation* op, const Operation* replica) noexcept {
  Ref<Operation> dropped;  // beyond the lock
  const runtime::Lock lock(plan_mutex());
  op->copied.write();
  if (!op->replicas) return;
  auto& all = *op->replicas;
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& r) { return r.get() == replica; });
  if (found == all.end()) return;
  dropped = std::move(*found);
  all.erase(found);
}

graph::NodeRef brought(const Node* node, Arena& arena, Submitted& to) {
  Operation* base = graph::base_of(node);
  Ref<Operation> replica = find_replica(base, arena);
  if (!replica && goes_alone(node)) {
    if (is_row_contiguous(node->shape, graph::strides_of(node))) return graph::NodeRef(transfer(node, arena, to).get());
    const auto device = runtime::device_of(graph::home_of(base));
    const auto packer = runtime::copy_stream(device.value_or(Device::cpu), runtime::Transfer::Out);
    const Ref<Operation> dense = submit_single(graph::Op::Copy, node, packer, nullptr, to);
    return graph::NodeRef(transfer(dense.get(), arena, to).get());
  }
  if (!replica) replica = replicate(base, arena, to);
  if (!node->is_view) return graph::NodeRef(replica.get());
  return graph::NodeRef::adopt(
      new graph::View(std::move(replica), node->shape, graph::strides_of(node), graph::offset_of(node)));
}

Ref<Operation> replica_of(Operation* op, Arena& arena) {
  const runtime::NewMayFail here;
  Submitted submitted;
  std::unique_ptr<std::vector<Ref<Operation>>> old;  // let go of outside the lock
  const runtime::Lock lock(plan_mutex());
  Ref<Operation> replica = replicate(op, arena, submitted);
  if (op->pinned.load(std::memory_order_relaxed)) {  // for whoever has its address: until the next one
    old = std::move(op->replicas);
    op->replicas = std::make_unique<std::vector<Ref<Operation>>>(1, replica);
  }
  return replica;
}

}  // namespace anabranch::evaluation
