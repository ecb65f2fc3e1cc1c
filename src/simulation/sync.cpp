#include "simulation/sync.h"

namespace anabranch::simulation {

Synchronizer::~Synchronizer() {
  --alive_;
  if (Scheduler* s = Scheduler::current(); s && generation_ == s->generation()) uses_.end(what_, place_);
  // Read back by use(): a volatile store is not removed as one to a dead object.
  *const_cast<volatile std::uint32_t*>(&mark_) = dead_mark;
}

void Synchronizer::use(Scheduler& s, const Place& place) const {
  s.point(place);
  if (*const_cast<const volatile std::uint32_t*>(&mark_) != alive_mark)
    s.fail(std::string(what_) + " is used after its end, at " + to_string(place));
  if (generation_ != s.generation()) {
    generation_ = s.generation();
    clock_ = {};
    uses_.reset();
  }
  uses_.note(s.running());
  place_ = place;
}

void Synchronizer::release(bool beside) const {
  if (!Scheduler::current()) return;
  Fiber& self = this_fiber();
  if (beside) clock_.join(self.clock);
  else clock_ = self.clock;
  ++self.clock[self.slot];
}

void Mutex::lock(Place place) {
  sync_.point(place);
  take(place);
}

void Mutex::take(const Place& place) {
  if (Scheduler* s = Scheduler::current()) {
    if (owner_ == &s->running()) s->fail("a mutex is locked again by its owner, at " + to_string(place));
    while (owner_) s->wait("a mutex", this, Fiber::never, place);
  }
  owner_ = &this_fiber();
  sync_.acquire();
}

void Mutex::unlock(Place place) {
  sync_.point(place);
  Scheduler* s = Scheduler::current();
  if (s && owner_ != &s->running()) s->fail("a mutex is unlocked by who has not locked it, at " + to_string(place));
  sync_.release(false);
  owner_ = nullptr;
  if (s) s->wake_all(this);
}

std::int64_t CondVar::after(std::chrono::nanoseconds time) {
  Scheduler* s = Scheduler::current();
  if (!s) return 0;
  return time.count() > Fiber::never - s->now() ? Fiber::never : s->now() + time.count();
}

bool CondVar::wait_until(Lock& lock, std::int64_t deadline, const Place& place) {
  Scheduler* s = Scheduler::current();
  if (!s) return false;  // one thread alone: nobody will notify
  sync_.point(place);
  Mutex& mutex = *lock.mutex();
  mutex.sync_.release(false);
  mutex.owner_ = nullptr;
  s->wake_all(&mutex);
  bool in_time = true;
  if (!s->one_in(64)) in_time = s->wait("a notification", this, deadline, place);  // or a spurious wakeup
  mutex.lock(place);
  return in_time;
}

void CondVar::notify_one(Place place) {
  sync_.point(place);
  if (Scheduler* s = Scheduler::current()) s->wake_one(this);
}

void CondVar::notify_all(Place place) {
  sync_.point(place);
  if (Scheduler* s = Scheduler::current()) s->wake_all(this);
}

Fiber* Thread::begin(std::function<void()> body, const Place& place) {
  Scheduler* s = Scheduler::current();
  if (!s) throw std::system_error(std::make_error_code(std::errc::operation_not_permitted), "no schedule is running");
  s->point(place);
  const NewMayFail no(false);
  if (s->injected(Fault::ThreadStart))
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again), "injected");
  return s->start(std::move(body), place);
}

Thread& Thread::operator=(Thread&& other) noexcept {
  if (fiber_) Scheduler::current()->fail("a thread that can be joined is overwritten");
  fiber_ = std::exchange(other.fiber_, nullptr);
  return *this;
}

Thread::~Thread() {
  if (fiber_) Scheduler::current()->fail("a thread that can be joined is destroyed");
}

void Thread::join(Place place) {
  Scheduler& s = *Scheduler::current();
  s.point(place);
  while (fiber_->state != Fiber::State::Done) s.wait("a thread's end", fiber_, Fiber::never, place);
  s.running().clock.join(fiber_->clock);
  fiber_->joined = true;
  fiber_ = nullptr;
}

void Thread::detach() {
  fiber_->joined = true;
  fiber_ = nullptr;
}

std::int64_t Clock::now(Place place) {
  Scheduler* s = Scheduler::current();
  if (!s) return 0;
  s->point(place);
  return s->now();
}

void yield(Place place) {
  if (Scheduler* s = Scheduler::current()) s->give_way(0, place);
}

void relax(Place place) {
  if (Scheduler* s = Scheduler::current()) s->spin(place);
}

void delay(std::int64_t ns, Place place) {
  if (Scheduler* s = Scheduler::current()) s->delay(ns, place);
}

}  // namespace anabranch::simulation
