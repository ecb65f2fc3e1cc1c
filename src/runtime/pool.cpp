#include "runtime/pool.h"

#include <algorithm>
#include <exception>
#include <new>

#include "runtime/machine.h"
#include "runtime/parking.h"

namespace anabranch::runtime {
namespace {

constexpr std::int64_t spin_ns = 30'000;      // about what waking a sleeping thread costs
constexpr std::int64_t slice_ns = 1'000'000;  // then other strands have a turn
constexpr double any_length = 1e18;

}  // namespace

// Never destroyed: workers may outlive main().
Pool& Pool::get() {
  static Pool& pool = *new Pool;
  return pool;
}

Pool::Pool() : size_(processor_count()) {}

void Pool::push(Ref<StreamState> strand, std::size_t hands) {
  int start = 0, wake = 0;
  {
    Lock lock(mutex_);
    StreamState& s = *strand;
    if (s.hands == 0) (s.priority < 0 ? urgent_ : usual_).push(std::move(strand));
    const std::size_t before = s.hands;
    s.hands = std::max(before, std::min(before + hands, static_cast<std::size_t>(size_)));
    const std::size_t offered = offered_.load(std::memory_order_relaxed) + s.hands - before;
    offered_.store(offered, std::memory_order_release);
    if (stopped()) return;
    int needed = static_cast<int>(offered) - spinning_;
    wake = std::clamp(needed, 0, sleeping_);
    start = std::clamp(needed - wake, 0, size_ - started_);
    started_ += start;
  }
  for (int i = 0; i < wake; ++i) wake_.notify_one();
  for (int i = 0; i < start; ++i) {
    try {
      Thread([this] { run(); }).detach();
    } catch (const std::exception&) {  // no thread to be had: the workers there are, and waiting threads, run it
      Lock lock(mutex_);
      --started_;
    }
  }
}

Ref<StreamState> Pool::pop() {
  Lock lock(mutex_);
  bool spun = false;
  while (!stopped()) {
    if (!queue().empty()) {
      const Ref<StreamState>& strand = queue().front();
      if (strand->hands == 1) return take_first();
      --strand->hands;
      offered_.store(offered_.load(std::memory_order_relaxed) - 1, std::memory_order_release);
      return strand;
    }
    if (!spun && 2 * spinning_ < size_) {
      spun = true;
      ++spinning_;
      lock.unlock();
      const std::int64_t end = Clock::now() + spin_ns;
      while (offered_.load(std::memory_order_acquire) == 0 && !stopped() && Clock::now() < end)
        for (int i = 0; i < 16; ++i) relax();
      lock.lock();
      --spinning_;
      continue;
    }
    ++sleeping_;
    wake_.wait(lock);
    --sleeping_;
    spun = false;
  }
  return {};
}

// Takes it out of the queue. Under the lock.
Ref<StreamState> Pool::take_first() {
  Ref<StreamState> strand = queue().pop();
  const std::size_t hands = std::exchange(strand->hands, 0);
  offered_.store(offered_.load(std::memory_order_relaxed) - hands, std::memory_order_release);
  return strand;
}

void Pool::run() {
  const NewMayFail here;
  while (Ref<StreamState> strand = pop()) serve(std::move(strand));
  Lock lock(mutex_);
  if (--started_ == 0) gone_.notify_all();
}

void Pool::serve(Ref<StreamState> strand) {
  using Outcome = StreamState::Outcome;
  const std::int64_t end = Clock::now() + slice_ns;
  Runner runner(any_length);
  Outcome outcome = strand->try_claim() ? Outcome::Ran : strand->participate(runner);
  while (outcome == Outcome::Ran) {
    // What this unblocked goes to others while there is more to do here; else one of them is run here, below.
    if (stopped() || (offered_.load(std::memory_order_relaxed) != 0 && Clock::now() > end)) {
      strand->release_token();
      return;
    }
    outcome = strand->run_next(runner);
    if (outcome == Outcome::Blocked) strand->schedule_cause();
    const std::size_t kept = outcome == Outcome::Ran && strand->has_ready_work() ? 0 : 1;
    while (runner.unblocked.size() > kept) {
      push(std::move(runner.unblocked.back()), 1);
      runner.unblocked.pop_back();
    }
    if (outcome != Outcome::Ran && !runner.unblocked.empty()) {
      strand = std::move(runner.unblocked.back());
      runner.unblocked.pop_back();
      outcome = strand->try_claim() ? Outcome::Ran : Outcome::Empty;
    }
  }
}

bool Pool::has_workers() {
  Lock lock(mutex_);
  return started_ > 0 && !stopped();
}

void Pool::stop() {
  {
    Lock lock(mutex_);
    stopped_.store(true);
    wake_.notify_all();
    gone_.wait_for(lock, std::chrono::seconds(1), [this] { return started_ == 0; });
  }
  reconsider_parked();
}

void Pool::clear() {
  Lock lock(mutex_);
  while (!queue().empty()) {
    Ref<StreamState> dropped = take_first();
    lock.unlock();  // the end of a stream takes other locks
    dropped = {};
    lock.lock();
  }
}

void Pool::reopen(int workers) {
  clear();
  Lock lock(mutex_);
  size_ = workers;
  stopped_.store(false);
}

void Pool::forget_workers() {
  for (CondVar* old : {&wake_, &gone_}) new (old) CondVar;  // they know of threads that do not exist here
  started_ = sleeping_ = spinning_ = 0;
  while (!queue().empty()) take_first();
}

}  // namespace anabranch::runtime
