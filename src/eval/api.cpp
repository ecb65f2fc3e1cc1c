// eval and async_eval, as the public header has them.
#include <pthread.h>

#include "anabranch/array.h"
#include "eval/plan.h"
#include "eval/values.h"
#include "runtime/arena.h"
#include "runtime/interop.h"
#include "runtime/pool.h"
#include "runtime/process.h"
#include "runtime/stream_state.h"
#include "runtime/wait.h"

namespace anabranch {
namespace {

using graph::Node;
using graph::Operation;

// On one stream, before async_eval waits: about 64 MiB of descriptions.
constexpr std::uint64_t most_queued = 1 << 16;

void check_result(Operation* op) {
  op->result.read();
  if (const Ref<runtime::Failure> failure = op->failure.get()) {
    failure->seen.store(true, std::memory_order_relaxed);
    std::rethrow_exception(failure->cause);
  }
  if (!op->buffer) std::rethrow_exception(evaluation::lost_in_fork(*op));
}

// Waits for a scheduled operation and raises its failure.
void settle(Operation* op) {
  if (op->state.load(std::memory_order_acquire) == Operation::State::Ready) return;
  op->planning.read();
  if (op->stream->completed() < op->done_at) runtime::wait(Event(op->stream, op->done_at));
  check_result(op);
}

// Says nothing of what it would be read for: settle() does.
bool is_lazy(const Operation* op) { return op->state.load(std::memory_order_relaxed) == Operation::State::Lazy; }

std::vector<Operation*> lazy_operations(const std::vector<array>& arrays) {
  std::vector<Operation*> out;
  out.reserve(arrays.size());
  for (const array& a : arrays)
    if (Operation* op = graph::base_of(a.node().get()); is_lazy(op)) out.push_back(op);
  return out;
}

void schedule(const evaluation::Submitted& submitted) {
  for (const auto& s : submitted.streams) s->schedule();
}

void eval_operations(const std::vector<Operation*>& lazy) {
  const evaluation::Submitted submitted = evaluation::plan(lazy);
  // What is small runs right here, stream after stream; what is not, side by side.
  if (submitted.streams.size() > 1 && submitted.ns > runtime::Pool::worth_waking_ns) {
    for (const auto& s : submitted.streams)
      if (s != lazy.front()->stream) s->schedule();
  }
  try {
    for (Operation* op : lazy) runtime::wait(Event(op->stream, op->done_at));
  } catch (...) {
    schedule(submitted);
    throw;
  }
}

// The copy on the host of a device's value, evaluated: the device is waited for once, at its end.
Ref<Operation> copied_to_host(Operation* op) {
  evaluation::Submitted submitted;
  if (is_lazy(op)) submitted = evaluation::plan({op});
  Ref<Operation> replica;
  try {
    replica = evaluation::replica_of(op, runtime::host_arena());
    runtime::wait(Event(replica->stream, replica->done_at));
  } catch (...) {
    schedule(submitted);
    throw;
  }
  settle(op);  // its failure rather than that of the copy
  settle(replica.get());
  return replica;
}

// At load: the plan lock comes before the runtime's locks, so its fork handlers run around the runtime's (prepare
// handlers run last registered first).
const bool fork_handlers = [] {
  runtime::install_fork_handlers();
  auto unlock = [] { evaluation::plan_mutex().unlock(); };
  return pthread_atfork([] { evaluation::plan_mutex().lock(); }, unlock, unlock) == 0;
}();

}  // namespace

void array::eval() const {
  Operation* op = graph::base_of(node_.get());
  if (is_lazy(op)) eval_operations({op});
  settle(op);
}

const void* array::data_ptr() const {
  const array here = evaluation::on_host(*this);
  const Node* node = here.node().get();
  const Operation* op = graph::base_of(node);
  op->buffer->contents.read();
  return static_cast<const char*>(op->buffer->data) + graph::offset_of(node) * static_cast<std::int64_t>(itemsize());
}

array evaluation::on_host(const array& a) {
  const Node* node = a.node().get();
  Operation* op = graph::base_of(node);
  if (&graph::home_of(op) == &runtime::host_arena()) {
    a.eval();
    return a;
  }
  Ref<Operation> replica = copied_to_host(op);
  if (!node->is_view) return array(graph::NodeRef(replica.get()));
  return array(graph::NodeRef::adopt(
      new graph::View(std::move(replica), node->shape, graph::strides_of(node), graph::offset_of(node))));
}

void evaluation::issue(const array& a) {
  const std::vector<array> wanted{a};
  async_eval(wanted);
  Operation* op = graph::base_of(a.node().get());
  if (op->state.load(std::memory_order_acquire) == Operation::State::Ready) return;
  op->planning.read();
  runtime::wait_issued(Event(op->stream, op->done_at));
  check_result(op);
}

void eval(const std::vector<array>& arrays) {
  if (const auto lazy = lazy_operations(arrays); !lazy.empty()) eval_operations(lazy);
  for (const array& a : arrays) settle(graph::base_of(a.node().get()));
}

void async_eval(const std::vector<array>& arrays) {
  const auto lazy = lazy_operations(arrays);
  if (lazy.empty()) return;
  const evaluation::Submitted submitted = evaluation::plan(lazy);
  schedule(submitted);
  for (const auto& s : submitted.streams) runtime::keep_order(s);
  // Results take memory when they are computed, within its limit; what is queued takes some for what it is to do. A
  // loop that queues faster than a stream works waits for that stream.
  const std::uint64_t backlog = most_queued + submitted.steps;
  for (const auto& s : submitted.streams)
    if (const std::uint64_t n = s->submitted(); n > backlog) runtime::wait(Event(s, n - backlog));
}

}  // namespace anabranch
