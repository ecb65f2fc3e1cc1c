// Submissions that are with a device: how they get there, and what happens when it has done them.
#include <limits>

#include "runtime/backend.h"
#include "runtime/parking.h"
#include "runtime/stream_state.h"

namespace anabranch::runtime {

// The caller holds the token and has added the commands of `work`, or failed to.
void StreamState::issue(Work* work, std::exception_ptr failure, Runner& runner) {
  const std::uint64_t n = issued_.load(std::memory_order_relaxed) + 1;
  // Before memory says that this uses it: who is given that memory has its device wait for the signal.
  try {
    queue_->signal(n, Ref<StreamState>(this));
  } catch (...) {  // the device is lost: retire() finds that nothing more is reached, and says why
  }
  launch_.note_uses(Event(Ref<StreamState>(this), n));
  launch_.clear();
  work->issued(failure);
  work->failure = std::move(failure);
  work->next = nullptr;
  work->waits_met = 0;
  Reached reached;
  bool is_last;  // for all that is known: nothing follows at once, or somebody waits
  {
    Lock lock(mutex_);
    is_last = !head_ || !head_->waits.empty() || waiters_;
    current_ = nullptr;
    (last_flying_ ? last_flying_->next : flying_) = work;
    last_flying_ = work;
    issued_.store(n, std::memory_order_release);
    fire(reached);
  }
  if (is_last) queue_->flush();
  pass_on(reached, runner);
  // The device may have signalled before the submission counted as in flight, or may never do so.
  progressed();
}

void StreamState::progressed() {
  if (!queue_ || (queue_->reached() <= completed() && !queue_->lost())) return;
  const NewMayFail here;
  Runner runner(std::numeric_limits<double>::infinity());
  Reached to_go_on;
  retire(false, to_go_on, runner);
  while (const Ref<StreamState> next = std::move(to_go_on.retiring)) {
    to_go_on.retiring = std::move(next->next_retiring_);
    next->retire(true, to_go_on, runner);
  }
  sweep_arenas();
  runner.flush();
  reconsider_parked();
}

// Finishes what the device has done, in order, each submission after those of other streams that it needed, so that
// their failures have arrived. One thread at a time: who finds another at it leaves it to that one. `resumed`: this
// thread goes on for one that had to wait for another stream. Adds streams that can go on retiring now.
void StreamState::retire(bool resumed, Reached& to_go_on, Runner& runner) {
  Lock lock(mutex_);
  if (retiring_ && !resumed) return;
  retiring_ = true;
  while (flying_) {
    Work* work = flying_;
    const std::uint64_t n = completed_.load(std::memory_order_relaxed) + 1;
    const std::exception_ptr lost = queue_->lost();
    const bool reached = queue_->reached() >= n;
    if (!reached && !lost) break;
    if (work->waits_met < work->waits.size()) {
      const Event& needed = work->waits[work->waits_met++];  // stays: the work does
      if (!device_waits_for(needed)) continue;
      lock.unlock();
      retire_after_.stream = this;
      retire_after_.value = needed.value();
      if (needed.stream()->add_waiter(&retire_after_)) return;
      lock.lock();
      continue;
    }
    flying_ = work->next;
    if (!flying_) last_flying_ = nullptr;
    lock.unlock();
    std::exception_ptr failure = work->failure;
    if (reached) {
      std::exception_ptr of_device = queue_->take_failure(n);
      if (!failure) failure = std::move(of_device);
    } else if (!failure) {
      failure = lost;
    }
    work->finish(std::move(failure));
    delete work;
    lock.lock();
    completed_.store(n, std::memory_order_release);
    fire(to_go_on);
    lock.unlock();
    pass_on(to_go_on, runner);
    lock.lock();
  }
  retiring_ = false;
}

}  // namespace anabranch::runtime
