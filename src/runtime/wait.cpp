#include "runtime/wait.h"

#include <limits>
#include <stdexcept>

#include "runtime/backend.h"
#include "runtime/parking.h"
#include "runtime/pool.h"
#include "runtime/stream_state.h"

namespace anabranch::runtime {
namespace {

Atomic<bool (*)()> interrupt_check{nullptr};

constexpr std::int64_t check_ns = 50'000'000;  // between two looks for an interrupt
constexpr std::int64_t spin_ns = 20'000;
constexpr double any_length = 1e18;
constexpr double longest_chunk_ns = 2'000'000;
constexpr std::int64_t forever = std::numeric_limits<std::int64_t>::max();

// Sleeps until the timeline is there.
class Sleeper final : public Waiter {
 public:
  void reached() noexcept override {
    Lock lock(mutex_);
    there_ = true;
    awake_.notify_one();
  }
  void sleep(std::int64_t ns) {
    Lock lock(mutex_);
    awake_.wait_for(lock, std::chrono::nanoseconds(ns), [this] { return there_; });
  }

 private:
  Mutex mutex_;
  CondVar awake_;
  bool there_ = false;
};

// Others do what is needed: spins a little, then sleeps, until that has come or `until` has passed.
void idle(const StreamState::Need& need, std::int64_t until) {
  const std::int64_t start = Clock::now();
  StreamState& stream = *need.event.stream();
  if (stream.queue()) stream.queue()->flush();
  const std::int64_t spin = stream.queue() ? stream.queue()->spin_ns() : spin_ns;
  std::int64_t now = start;
  while (now - start < spin) {
    stream.progressed();
    if (need.satisfied()) return;
    for (int i = 0; i < 32; ++i) relax();
    now = Clock::now();
  }
  if (now >= until) return;
  Sleeper sleeper;
  sleeper.value = need.event.value();
  sleeper.at_issue = need.at_issue;
  if (!stream.add_waiter(&sleeper)) return;
  sleeper.sleep(until - now);
  stream.remove_waiter(&sleeper);
}

// A thread's help with one event: claims the strands that the event needs and runs them.
class Helper {
 public:
  Helper(const StreamState::Need& target, std::int64_t deadline) : deadline_(deadline), runner_(longest()) {
    needed_.push_back(target);
  }

  // What this thread has not come to is for others, who may know of it only by waiting for what comes after it.
  ~Helper() {
    // This thread has given back each token that it held: what it left unclaimed, a strand that is blocked waits for.
    for (const auto& need : needed_) need.event.stream()->schedule_cause();
    if (!needed_.empty()) reconsider_parked();
  }

  bool help() {
    schedule_check(Clock::now());
    while (true) {
      while (!needed_.empty() && needed_.back().satisfied()) needed_.pop_back();
      if (needed_.empty()) return true;
      if (out_of_time()) return false;
      step();
    }
  }

 private:
  using Outcome = StreamState::Outcome;

  // A chunk that can't be left for long is for a worker, so that this thread can be interrupted; where nothing
  // interrupts it, or there are no workers any more, it is for this thread.
  static double longest() {
    return interrupt_check.load(std::memory_order_relaxed) && !Pool::get().stopped() ? longest_chunk_ns : any_length;
  }

  void schedule_check(std::int64_t now) {
    next_check_ = now + check_ns;
    runner_.pause_at = std::min(next_check_, deadline_);
  }

  bool out_of_time() {
    if (++steps_ % 16 != 0 && !slow_) return false;
    const std::int64_t now = Clock::now();
    if (now >= deadline_) return slow_ = true;  // whoever asks next is to know, too
    if (now >= next_check_) {
      schedule_check(now);
      auto check = interrupt_check.load(std::memory_order_relaxed);
      if (check && check()) throw Interrupted();
    }
    return false;
  }

  void step() {
    const StreamState::Need target = needed_.back();
    StreamState& stream = *target.event.stream();
    slow_ = false;
    if (stream.issued() < target.event.value() && stream.try_claim()) {
      forget_unblocked(target.event.stream());
      run(stream, target.event.value());
    } else if (auto other = stream.blocked_on(); !other.satisfied() && other.event.stream() != target.event.stream()) {
      needed_.push_back(std::move(other));
    } else if (const Outcome o = stream.participate(runner_); o == Outcome::Ran) {
      keep_needed();
      run(stream, target.event.value());
    } else if (o == Outcome::Paused) {
      slow_ = true;
    } else if (o == Outcome::Long && !Pool::get().has_workers()) {
      runner_.longest_chunk_ns = any_length;
    } else {
      runner_.flush();
      idle(target, std::min(deadline_, next_check_));
      slow_ = true;
    }
  }

  // Runs the strand, whose token this thread holds, until its `last` submission is done, or with the device, or it
  // can't go on.
  void run(StreamState& stream, std::uint64_t last) {
    Outcome outcome = Outcome::Ran;
    while (outcome == Outcome::Ran && stream.issued() < last) {
      bool stop = true;
      try {
        stop = out_of_time();
      } catch (...) {
        stream.release_token();
        throw;
      }
      if (stop) break;
      outcome = stream.run_next(runner_);
      keep_needed();
    }
    if (outcome == Outcome::Ran) stream.release_token();
    if (outcome == Outcome::Paused) slow_ = true;
  }

  void forget_unblocked(const Ref<StreamState>& claimed) {
    for (std::size_t i = runner_.unblocked.size(); i-- > 0;)
      if (runner_.unblocked[i] == claimed) runner_.unblocked.erase(&runner_.unblocked[i]);
  }

  // Of the strands just unblocked, those that this thread needs stay for it; the pool gets the others.
  void keep_needed() {
    for (std::size_t i = 0; i < runner_.unblocked.size();) {
      Ref<StreamState>& strand = runner_.unblocked[i];
      bool needed = false;
      for (const auto& need : needed_) needed |= need.event.stream() == strand;
      if (needed) {  // claimed in step()
        ++i;
      } else {
        Pool::get().push(std::move(strand), 1);
        runner_.unblocked.erase(&strand);
      }
    }
  }

  std::int64_t deadline_, next_check_ = 0;
  std::uint32_t steps_ = 0;
  bool slow_ = false;                         // the last step took long: look at the clock
  SmallVector<StreamState::Need, 4> needed_;  // each needs the one behind it
  Runner runner_;
};

}  // namespace

void set_interrupt_check(bool (*check)()) { interrupt_check.store(check); }

void wait(const Event& event) { wait_until(event, forever); }

bool wait_until(const Event& event, std::int64_t deadline) {
  const NewMayFail here;
  if (event.query()) return true;
  return Helper({event, false}, deadline).help();
}

void wait_issued(const Event& event) {
  const StreamState::Need need{event, true};
  if (!need.satisfied()) Helper(need, forever).help();
}

void on_complete(const Event& event, std::function<void()> f) {
  struct Call final : Waiter {
    std::function<void()> f;
    void reached() noexcept override {
      f();
      delete this;
    }
  };
  if (!event.stream()) return f();
  auto* call = new Call;
  call->f = std::move(f);
  call->value = event.value();
  if (!event.stream()->add_waiter(call)) return call->reached();
  event.stream()->schedule();
  if (Pool::get().has_workers()) return;
  Pool::get().push(event.stream(), 1);          // somebody else runs it, or no thread was to be had
  if (!Pool::get().has_workers()) wait(event);  // or nobody might
}

}  // namespace anabranch::runtime
