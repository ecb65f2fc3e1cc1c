#include "eval/plan.h"
#include "runtime/stream_state.h"

namespace anabranch::evaluation {

using graph::Operation;
using runtime::Lock;

namespace {

// Operations in a batch: enough to amortise its cost, few enough that the streams begin early.
constexpr std::size_t batch_size = 4096;

struct PlanLock {
  runtime::Mutex mutex;
  runtime::Atomic<int> waiting{0};
  std::uint64_t taken = 0;  // under mutex
};

PlanLock& plan_lock() {
  static PlanLock& lock = *new PlanLock;
  return lock;
}

// A thread that plans a large graph lets others in between two batches.
class Planning {
 public:
  Planning() { take(); }
  ~Planning() { plan_lock().mutex.unlock(); }
  // Whether somebody else has planned meanwhile.
  bool give_way() {
    PlanLock& lock = plan_lock();
    if (lock.waiting.load(std::memory_order_relaxed) == 0) return false;
    const std::uint64_t before = lock.taken;
    lock.mutex.unlock();
    runtime::yield();
    take();
    return lock.taken != before + 1;
  }

 private:
  void take() {
    PlanLock& lock = plan_lock();
    lock.waiting.fetch_add(1, std::memory_order_relaxed);
    lock.mutex.lock();
    lock.waiting.fetch_sub(1, std::memory_order_relaxed);
    ++lock.taken;
  }
};

}  // namespace

runtime::Mutex& plan_mutex() { return plan_lock().mutex; }

void Submitted::note(const Step& step) {
  bool known = false;
  for (const auto& s : streams) known |= s == step.stream;
  if (!known) streams.push_back(step.stream);
  ++steps;
  ns += step.ns;
}

void submit(std::unique_ptr<Step> step) noexcept {
  runtime::StreamState& stream = *step->stream;
  stream.submit(step.release());
}

Submitted plan(const std::vector<Operation*>& roots) {
  const runtime::NewMayFail here;
  Planning planning;
  Submitted submitted;
  try {
    Collector::Batch batch;
    Collector collector(roots);
    while (collector.next(batch_size, batch)) {
      Fuser fuser(submitted);
      for (Operation* op : batch) fuser.add(op);
      fuser.finish();
      if (batch.size() < batch_size) break;
      // Big graphs run while the rest of them is still being planned.
      for (const auto& s : submitted.streams) s->schedule();
      if (planning.give_way()) collector = Collector(roots);
    }
  } catch (...) {  // what is not submitted is lazy still; what is must not wait for somebody to ask for it
    for (const auto& s : submitted.streams) s->schedule();
    throw;
  }
  return submitted;
}

void Step::accepted(std::uint64_t value) noexcept {
  done_at_ = value;
  for (const auto& op : outputs) {
    op->planning.write();
    op->done_at = value;
    op->state.store(Operation::State::Scheduled, std::memory_order_release);
  }
}

}  // namespace anabranch::evaluation
