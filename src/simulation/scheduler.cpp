#include "simulation/scheduler.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "simulation/sync.h"

namespace anabranch::simulation {
namespace {

constexpr std::uint64_t longest_row = 20'000;  // operations of one fiber while others could go on

constexpr const char* delay_reason = "time to pass";

Mutation the_mutation;

std::string describe(const Fiber& f) {
  std::string text = "  fiber " + std::to_string(f.number) + ": ";
  switch (f.state) {
    case Fiber::State::Done: return text + "done\n";
    case Fiber::State::Ready: text += "could go on"; break;
    case Fiber::State::Waiting:
      text += std::string("waits for ") + f.reason;
      if (f.deadline != Fiber::never) text += " (until " + std::to_string(f.deadline) + " ns)";
      break;
  }
  return text + " at " + to_string(f.place) + "\n";
}

}  // namespace

bool mutating = false;

void set_mutation(Mutation mutation) {
  the_mutation = std::move(mutation);
  mutating = true;
}

bool is_mutated(const Place& place) {
  return place.line() == the_mutation.line && std::string_view(place.file_name()).ends_with(the_mutation.file);
}

Fiber& this_fiber() {
  static Fiber& outside = *new Fiber;
  return Scheduler::current() ? Scheduler::current()->running() : outside;
}

Settings Settings::from_seed(std::uint64_t seed) {
  Random random(seed ^ 0x5c4ed01e);
  Settings s;
  s.seed = seed;
  s.strategy = random.pick(Strategy::Random, Strategy::Priorities);
  s.switch_one_in = random.pick(1, 1, 3, 10, 50);
  s.changes = random.below(6);
  s.span = random.pick(100, 400, 1500, 6000);
  s.step_ns = random.pick(10, 100, 1000, 20'000);
  s.relax_ns = random.pick(200, 1000, 10'000);
  s.impatience = random.pick(0, 0, 20, 200);
  return s;
}

Scheduler::Scheduler(const Settings& settings) : settings_(settings), random_(settings.seed ^ 0x7e57ed) {
  if (settings_.strategy == Strategy::Priorities) {
    for (std::uint32_t i = 0; i < settings_.changes; ++i) changes_.push_back(1 + random_.below(settings_.span));
    std::sort(changes_.rbegin(), changes_.rend());
  }
}

Outcome Scheduler::run(std::function<void()> body) {
  current_ = this;
  start(std::move(body), Place::current());
  running_ = next_ = fibers_.front().get();
  while (next_) {
    running_ = next_;
    next_ = nullptr;
    running_->context->enter();
  }
  current_ = nullptr;
  outcome_.now = now_;
  return outcome_;
}

Fiber* Scheduler::start(std::function<void()> body, const Place& place) {
  Fiber* fiber = nullptr;
  auto again = std::find_if(fibers_.begin(), fibers_.end(),
                            [](const auto& f) { return f->state == Fiber::State::Done && f->joined; });
  std::uint32_t epoch = 1;
  auto fresh = std::make_unique<Fiber>();
  if (again != fibers_.end() && fibers_.size() >= VectorClock::width) {
    fresh->slot = (*again)->slot;
    epoch = (*again)->clock[fresh->slot] + 1;
    fiber = fresh.get();
    *again = std::move(fresh);
  } else {
    if (fibers_.size() >= VectorClock::width) fail("more fibers at once than the scheduler has room for");
    fresh->slot = fibers_.size();
    fiber = fresh.get();
    fibers_.push_back(std::move(fresh));
  }
  static_cast<void>(place);
  fiber->number = started_++;
  fiber->priority = random_.below(1'000'000);
  if (running_) {
    fiber->clock = running_->clock;
    ++running_->clock[running_->slot];
  }
  fiber->clock[fiber->slot] = epoch;
  fiber->place = place;
  fiber->context = std::make_unique<Context>([this, body = std::move(body)]() mutable {
    try {
      body();
      body = nullptr;
      running_->locals.clear();
    } catch (const std::exception& e) {
      fail(std::string("an exception left a thread: ") + e.what());
    } catch (...) {
      fail("an exception left a thread");
    }
    finish_running();
  });
  until_decision_ = 1;
  return fiber;
}

void Scheduler::finish_running() {
  running_->state = Fiber::State::Done;
  wake_all(running_);
  if (live() == 0) return;  // next_ stays null: the schedule is over
  Fiber* next = choose();
  next_ = next;
}

std::size_t Scheduler::live() const {
  return static_cast<std::size_t>(
      std::count_if(fibers_.begin(), fibers_.end(), [](const auto& f) { return f->state != Fiber::State::Done; }));
}

void Scheduler::point(const Place& place) {
  running_->place = place;
  now_ += settings_.step_ns;
  ++outcome_.steps;
  if (trace_on_) {
    const NewMayFail no(false);
    std::fprintf(stderr, "%llu %lld ns: fiber %d at %s\n", static_cast<unsigned long long>(outcome_.steps),
                 static_cast<long long>(now_), running_->number, to_string(place).c_str());
  }
  if (outcome_.steps >= settings_.most_steps) fail("it goes on and on: a livelock");
  if (now_ >= next_deadline_) expire();
  if (--until_decision_ == 0) decide();
}

void Scheduler::give_way(std::int64_t ns, const Place& place) {
  now_ += ns;
  if (settings_.strategy == Strategy::Priorities) running_->priority = --lowest_priority_;
  until_decision_ = 1;
  point(place);
}

void Scheduler::decide() {
  if (settings_.impatience && next_deadline_ != Fiber::never && random_.one_in(settings_.impatience)) {
    now_ = std::max(now_, next_deadline_);
    expire();
  }
  if (settings_.strategy == Strategy::Priorities) {
    while (!changes_.empty() && changes_.back() <= outcome_.steps) {
      changes_.pop_back();
      running_->priority = --lowest_priority_;
    }
    if (outcome_.steps - running_->since > longest_row) running_->priority = --lowest_priority_;
  }
  Fiber* next = choose();
  if (next != running_) switch_to(next);
}

// The one that goes on: time jumps where all wait.
Fiber* Scheduler::choose() {
  Fiber* ready[VectorClock::width];
  std::uint32_t n = 0;
  while (true) {
    for (const auto& f : fibers_)
      if (f->state == Fiber::State::Ready) ready[n++] = f.get();
    if (n) break;
    jump();
  }
  Fiber* next = ready[0];
  if (settings_.strategy == Strategy::Random) {
    if (n > 1) next = ready[random_.below(n)];
    until_decision_ = settings_.switch_one_in == 1 ? 1 : 1 + random_.below(2 * settings_.switch_one_in - 1);
  } else {
    for (std::uint32_t i = 1; i < n; ++i)
      if (ready[i]->priority > next->priority) next = ready[i];
    until_decision_ = longest_row;
    if (!changes_.empty()) {
      until_decision_ = changes_.back() > outcome_.steps ? changes_.back() - outcome_.steps : 1;
    }
    if (settings_.impatience) until_decision_ = std::min<std::uint64_t>(until_decision_, settings_.impatience);
  }
  outcome_.trace = (outcome_.trace ^ (outcome_.steps * 64 + static_cast<std::uint64_t>(next->number))) * 0x100000001b3;
  return next;
}

void Scheduler::switch_to(Fiber* next) {
  Fiber* self = running_;
  next->since = outcome_.steps;
  ++outcome_.switches;
  next_ = next;
  self->context->leave();
}

void Scheduler::expire() {
  next_deadline_ = Fiber::never;
  for (const auto& f : fibers_) {
    if (f->state != Fiber::State::Waiting) continue;
    if (f->deadline <= now_) {
      f->timed_out = true;
      wake(*f);
    } else {
      next_deadline_ = std::min(next_deadline_, f->deadline);
    }
  }
}

void Scheduler::jump() {
  if (next_deadline_ == Fiber::never) fail("all threads wait for each other: a deadlock");
  ++outcome_.steps;
  if (outcome_.steps >= settings_.most_steps) fail("it goes on and on: a livelock");
  // Nobody is left to end the waits that end now, but those who wait: a wakeup was lost, and only polling goes on.
  const bool delays = std::any_of(fibers_.begin(), fibers_.end(), [](const auto& f) {
    return f->state == Fiber::State::Waiting && f->reason == delay_reason;
  });
  if (!settings_.lonely && timeouts_expected_ == 0 && !delays) fail("all threads wait: a wakeup was lost");
  now_ = std::max(now_, next_deadline_);
  expire();
}

void Scheduler::delay(std::int64_t ns, const Place& place) {
  point(place);
  if (ns > 0) wait(delay_reason, nullptr, now_ + ns, place);
}

void Scheduler::wake(Fiber& fiber) {
  fiber.state = Fiber::State::Ready;
  fiber.deadline = Fiber::never;
  if (settings_.strategy == Strategy::Priorities) until_decision_ = 1;
}

bool Scheduler::wait(const char* reason, const void* object, std::int64_t deadline, const Place& place) {
  Fiber& self = *running_;
  self.place = place;
  self.reason = reason;
  self.object = object;
  self.deadline = deadline;
  self.timed_out = false;
  self.state = Fiber::State::Waiting;
  next_deadline_ = std::min(next_deadline_, deadline);
  if (now_ >= next_deadline_) expire();
  Fiber* next = choose();
  if (next != &self) switch_to(next);
  return !self.timed_out;
}

void Scheduler::wake_all(const void* object) {
  for (const auto& f : fibers_)
    if (f->state == Fiber::State::Waiting && f->object == object) wake(*f);
}

void Scheduler::wake_one(const void* object) {
  Fiber* waiting[VectorClock::width];
  std::uint32_t n = 0;
  for (const auto& f : fibers_)
    if (f->state == Fiber::State::Waiting && f->object == object) waiting[n++] = f.get();
  if (n) wake(*waiting[random_.below(n)]);
}

bool Scheduler::injected(Fault fault) {
  const auto i = static_cast<std::size_t>(fault);
  const Settings::Failures& f = settings_.faults[i];
  if (f.first == 0) return false;
  const std::uint32_t n = ++fault_counts_[i];
  if (n < f.first || n >= f.first + f.count) return false;
  ++outcome_.faults;
  return true;
}

void Scheduler::fail(const std::string& what) {
  const NewMayFail no(false);
  std::fflush(stdout);
  std::string text = "\nSIMULATION FAILED: " + what + "\n  after " + std::to_string(outcome_.steps) + " steps, at " +
                     std::to_string(now_) + " ns, seed " + std::to_string(settings_.seed) + "\n  " + settings_.about +
                     "\n";
  for (const auto& f : fibers_) text += (f.get() == running_ ? "> " : "  ") + describe(*f);
  current_ = nullptr;
  if (inspector_) text += inspector_();
  if (!replay_.empty()) text += "  again: " + replay_ + "\n";
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
  _exit(1);
}

}  // namespace anabranch::simulation
