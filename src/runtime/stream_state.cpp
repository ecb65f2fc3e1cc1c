#include "runtime/stream_state.h"

#include <algorithm>

#include "runtime/backend.h"
#include "runtime/parking.h"
#include "runtime/pool.h"

namespace anabranch::runtime {
namespace {

// Strands reached by the step of the timeline that this thread is in, and streams of devices that may have more to
// retire: their own locks must not be taken under the lock of the stream that makes the step.
StreamState::Reached*& reached_now() {
  ANABRANCH_THREAD_LOCAL(StreamState::Reached*, reached);
  return reached;
}

}  // namespace

StreamState::StreamState(int i, Device d, int p, Arena& arena, std::unique_ptr<Queue> queue)
    : index(i), device(d), priority(p), arena_(arena), queue_(std::move(queue)), launch_(this) {
  undescribed_failure();  // made while there is memory
}

StreamState::~StreamState() = default;

bool StreamState::has_come(const Event& event, bool at_issue) {
  const StreamState* s = event.stream().get();
  return !s || (at_issue ? s->issued() : s->completed()) >= event.value();
}

std::uint64_t StreamState::submit(Work* work) {
  Lock lock(mutex_);
  const std::uint64_t n = submitted_.load(std::memory_order_relaxed) + 1;
  work->accepted(n);
  (tail_ ? tail_->next : head_) = work;
  tail_ = work;
  submitted_.store(n, std::memory_order_relaxed);
  return n;
}

void StreamState::schedule() {
  if (enqueue()) schedule_cause();
}

void StreamState::schedule_cause() {
  Ref<StreamState> cause = blocked_on().event.stream();
  while (cause && cause->enqueue()) cause = cause->blocked_on().event.stream();
}

// Gives an idle strand that has work to the pool, unless it is blocked: whether it is now.
bool StreamState::enqueue() {
  {
    Lock lock(mutex_);
    if (strand_ != Strand::Idle || !head_) return false;
    strand_ = Strand::Running;
    if (!wait_for_others(*head_, lock)) return true;
    strand_ = Strand::Queued;
  }
  Pool::get().push(Ref<StreamState>(this), 1);
  return false;
}

bool StreamState::has_ready_work() {
  Lock lock(mutex_);
  return head_ && std::all_of(head_->waits.begin(), head_->waits.end(),
                              [this](const Event& e) { return has_come(e, device_waits_for(e)); });
}

bool StreamState::is_moving(bool pool_has_workers) {
  Lock lock(mutex_);
  const bool running = (strand_ == Strand::Running && !paused_) || unparking_.load();
  const bool with_device = flying_ || retiring_;
  const bool left = strand_ == Strand::Queued || (strand_ == Strand::Idle && head_) || paused_;
  return running || with_device || (left && pool_has_workers);
}

bool StreamState::add_waiter(Waiter* waiter) {
  if (queue_) queue_->flush();
  Lock lock(mutex_);
  if ((waiter->at_issue ? issued() : completed()) >= waiter->value) return false;
  guarded_.write();
  waiter->next = nullptr;
  *last_waiter_ = waiter;
  last_waiter_ = &waiter->next;
  return true;
}

bool StreamState::remove_waiter(Waiter* waiter) {
  Lock lock(mutex_);
  for (Waiter** w = &waiters_; *w; w = &(*w)->next) {
    if (*w != waiter) continue;
    unlink(w);
    return true;
  }
  return false;
}

void StreamState::unlink(Waiter** waiter) {
  Waiter* gone = *waiter;
  *waiter = gone->next;
  if (last_waiter_ == &gone->next) last_waiter_ = waiter;
}

bool StreamState::try_claim() {
  Lock lock(mutex_);
  guarded_.write();
  if (!head_ || (strand_ != Strand::Idle && strand_ != Strand::Queued)) return false;
  strand_ = Strand::Running;
  return true;
}

StreamState::Need StreamState::blocked_on() {
  Lock lock(mutex_);
  return strand_ == Strand::Blocked ? blocked_on_ : Need();
}

void StreamState::release_token() {
  if (queue_) queue_->flush();
  bool left;
  {
    Lock lock(mutex_);
    left = head_ != nullptr;
    strand_ = left ? Strand::Queued : Strand::Idle;
  }
  if (left) Pool::get().push(Ref<StreamState>(this), 1);
  reconsider_parked();  // also then: without workers nobody need go on with what is left
}

void StreamState::unpark(bool last_try) {
  {
    Lock lock(mutex_);
    last_try_ = last_try;
    tries_before_ = refused_tries.load();
    strand_ = Strand::Queued;
    unparking_.store(false);
  }
  Pool::get().push(Ref<StreamState>(this), 1);
}

void StreamState::StrandWaiter::reached() noexcept {
  strand->next_strand_ = std::exchange(reached_now()->strands, Ref<StreamState>(strand));
}
void StreamState::RetireWaiter::reached() noexcept {
  stream->next_retiring_ = std::exchange(reached_now()->retiring, Ref<StreamState>(stream));
}

// Whether this stream's device waits for the event by itself.
bool StreamState::device_waits_for(const Event& event) const {
  const StreamState* other = event.stream().get();
  return queue_ && other && other->queue_ && device.type == other->device.type;
}

// Gives the token back until `event`; false where that has come already, with the token and the lock.
bool StreamState::block(const Event& event, bool at_issue, Lock& lock) {
  blocked_on_ = {event, at_issue};
  strand_ = Strand::Blocked;
  unblock_.strand = this;
  unblock_.value = event.value();
  unblock_.at_issue = at_issue;
  lock.unlock();
  // From here on the other stream may queue this one at any moment.
  if (event.stream()->add_waiter(&unblock_)) {
    reconsider_parked();
    return true;
  }
  lock.lock();
  strand_ = Strand::Running;
  blocked_on_ = {};
  return false;
}

// Whether `work` may begin; where not, the strand is blocked and the token given back.
bool StreamState::wait_for_others(Work& work, Lock& lock) {
  while (work.waits_met < work.waits.size()) {
    const Event event = work.waits[work.waits_met];  // the work may be gone when block() returns
    const bool at_issue = device_waits_for(event);
    if (!Need{event, at_issue}.satisfied() && block(event, at_issue, lock)) return false;
    ++work.waits_met;
  }
  const std::uint64_t issued = issued_.load(std::memory_order_relaxed);
  return issued < completed() + most_in_flight ||
         !block(Event(Ref<StreamState>(this), issued - most_in_flight / 2), false, lock);
}

StreamState::Outcome StreamState::run_next(Runner& runner) {
  Work* work;
  bool last_try;
  {
    Lock lock(mutex_);
    work = head_;
    if (!work) {
      strand_ = Strand::Idle;
      lock.unlock();
      reconsider_parked();
      return Outcome::Empty;
    }
    if ((queue_ || !work->waits.empty()) && !wait_for_others(*work, lock)) return Outcome::Blocked;
    head_ = work->next;
    if (!head_) tail_ = nullptr;
    current_ = work;
    last_try = std::exchange(last_try_, false);
  }
  std::exception_ptr failure;
  phases_.write();
  try {
    for (const Event& e : work->waits)
      if (device_waits_for(e)) queue_->wait(*e.stream()->queue_, e.value());
    work->start(launch_);
  } catch (const OutOfMemory& refusal) {
    if (refused(work, refusal, last_try)) return Outcome::Blocked;
    failure = std::current_exception();
  } catch (...) {
    failure = std::current_exception();
  }
  if (queue_) {
    issue(work, std::move(failure), runner);
    return Outcome::Ran;
  }
  if (failure || launch_.phases().empty()) {
    complete(work, std::move(failure), runner);
    return Outcome::Ran;
  }
  {
    Lock lock(mutex_);
    region_ = true;
    asked_ = false;
    phase_ = next_chunk_ = done_chunks_ = 0;
  }
  return participate(runner);
}

// Whether `work` will be tried again: it is parked then, and the token given back.
bool StreamState::refused(Work* work, const OutOfMemory& refusal, bool last_try) {
  launch_.undo();
  if (queue_) queue_->flush();  // what has been issued may free memory
  refused_tries.fetch_add(1);
  // In this order: another one that has ceased to move has counted its try.
  if (last_try && !may_be_helped(*this, refusal) && refused_tries.load() == tries_before_ + 1) return false;
  {
    Lock lock(mutex_);
    work->next = head_;
    head_ = work;
    if (!tail_) tail_ = work;
    current_ = nullptr;
    strand_ = Strand::Parked;
  }
  park(Ref<StreamState>(this), refusal);
  return true;
}

StreamState::Outcome StreamState::participate(Runner& runner) {
  Lock lock(mutex_);
  while (region_) {
    const Launch::Phase& phase = launch_.phases()[phase_];
    const std::size_t left = phase.chunks - next_chunk_;
    if (left == 0) return Outcome::Shared;
    const bool too_long = phase.ns_per_chunk > runner.longest_chunk_ns;
    if (!asked_ && (too_long || (left > 1 && phase.ns_per_chunk * static_cast<double>(left) > Pool::worth_waking_ns))) {
      asked_ = true;
      lock.unlock();
      Pool::get().push(Ref<StreamState>(this), too_long ? left : left - 1);
      lock.lock();
      continue;
    }
    if (too_long) {
      paused_ = done_chunks_ == next_chunk_;
      return Outcome::Long;
    }
    const std::size_t chunk = next_chunk_++;
    paused_ = false;
    lock.unlock();
    std::exception_ptr failure;
    phases_.read();
    try {
      const NewMayFail not_in_kernels(false);
      phase.run(chunk);
    } catch (...) {
      failure = std::current_exception();
    }
    phases_.read();
    lock.lock();
    ++done_chunks_;
    if (failure) {  // the chunks that nobody has begun are not run
      if (!region_failure_) region_failure_ = std::move(failure);
      done_chunks_ += phase.chunks - next_chunk_;
      next_chunk_ = phase.chunks;
    }
    if (done_chunks_ < phase.chunks) {
      if (next_chunk_ == phase.chunks || runner.pause_at == Runner::never || Clock::now() < runner.pause_at) continue;
      paused_ = done_chunks_ == next_chunk_;
      if (!asked_) {
        asked_ = true;
        lock.unlock();
        Pool::get().push(Ref<StreamState>(this), 1);
      }
      return Outcome::Paused;
    }
    if (!region_failure_ && ++phase_ < launch_.phases().size()) {
      next_chunk_ = done_chunks_ = 0;
      asked_ = false;
      continue;
    }
    region_ = false;
    Work* work = current_;
    failure = std::exchange(region_failure_, nullptr);
    lock.unlock();
    complete(work, std::move(failure), runner);
    return Outcome::Ran;
  }
  return Outcome::Shared;
}

// The caller holds the token, or has just finished the region.
void StreamState::complete(Work* work, std::exception_ptr failure, Runner& runner) {
  phases_.write();
  launch_.clear();
  work->finish(std::move(failure));
  delete work;
  Reached reached;
  {
    Lock lock(mutex_);
    current_ = nullptr;
    completed_.store(completed_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    if (!waiters_) return;
    fire(reached);
  }
  pass_on(reached, runner);
}

// Tells the waiters that the timeline has reached. Under the lock.
void StreamState::fire(Reached& reached) {
  reached_now() = &reached;
  for (Waiter** next = &waiters_; *next;) {
    Waiter* w = *next;
    if ((w->at_issue ? issued() : completed()) < w->value) {
      next = &w->next;
    } else {
      unlink(next);
      w->reached();
    }
  }
}

void StreamState::pass_on(Reached& reached, Runner& runner) {
  while (Ref<StreamState> strand = std::move(reached.strands)) {
    reached.strands = std::move(strand->next_strand_);
    {
      Lock lock(strand->mutex_);
      strand->strand_ = Strand::Queued;
      strand->blocked_on_ = {};
    }
    try {
      runner.unblocked.reserve(runner.unblocked.size() + 1);
    } catch (const std::bad_alloc&) {  // no room to keep it
      Pool::get().push(std::move(strand), 1);
      continue;
    }
    runner.unblocked.push_back(std::move(strand));
  }
}

void Runner::flush() {
  for (auto& strand : unblocked) Pool::get().push(std::move(strand), 1);
  unblocked.clear();
}

void StreamState::remember_failure(Ref<Failure> failure) {
  Lock lock(mutex_);
  guarded_.write();
  failures_.add(std::move(failure));
}

Ref<Failure> StreamState::untold_failure() {
  Lock lock(mutex_);
  return failures_.oldest();
}

void StreamState::abandon_in_flight() {
  // Whoever ran the strand does not exist here. The submissions are left as they are: finishing them could need locks
  // or memory in any state. Their arrays find neither a value nor a failure, and say so.
  head_ = tail_ = current_ = flying_ = last_flying_ = nullptr;
  region_ = retiring_ = false;
  region_failure_ = nullptr;
  new (&launch_) Launch(this);  // the old one may have been in the middle of a change: it is left
  strand_ = Strand::Idle;
  unparking_.store(false);
  for (Ref<StreamState>* link : {&next_strand_, &next_retiring_, &next_parked}) link->detach();  // as above
  waiters_ = nullptr;
  last_waiter_ = &waiters_;
  blocked_on_ = {};
  issued_.store(submitted_.load());
  completed_.store(submitted_.load());
}

void retain(StreamState* s) noexcept { s->references.fetch_add(1, std::memory_order_relaxed); }

}  // namespace anabranch::runtime
