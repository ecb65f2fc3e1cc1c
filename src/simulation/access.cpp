#include "simulation/access.h"

#include "simulation/sync.h"

namespace anabranch::simulation {

void AccessCheck::begin() const {
  const std::uint32_t generation = Scheduler::current()->generation();
  if (generation_ == generation) return;
  generation_ = generation;
  written_ = {};
  reads_.clear();
}

void AccessCheck::must_follow(const Access& earlier, const char* did, const char* does, const Place& place) const {
  const Fiber& self = Scheduler::current()->running();
  if (earlier.epoch <= self.clock[earlier.fiber]) return;
  Scheduler::current()->fail(std::string("a race over ") + what_ + ": " + does + " at " + to_string(place) +
                             ", with no order to where it was " + did + ", at " + to_string(earlier.place));
}

void AccessCheck::read(Place place) const {
  if (!Scheduler::current()) return;
  begin();
  if (written_.epoch) must_follow(written_, "written", "read", place);
  const Fiber& self = Scheduler::current()->running();
  const Access now{self.slot, self.clock[self.slot], place};
  for (Access& r : reads_) {
    if (r.fiber == self.slot) {
      r = now;
      return;
    }
  }
  const NewMayFail no(false);
  reads_.push_back(now);
}

void AccessCheck::write(Place place) const {
  if (!Scheduler::current()) return;
  begin();
  if (written_.epoch) must_follow(written_, "written", "written", place);
  for (const Access& r : reads_) must_follow(r, "read", "written", place);
  reads_.clear();
  const Fiber& self = Scheduler::current()->running();
  written_ = {self.slot, self.clock[self.slot], place};
}

AccessCheck::~AccessCheck() {
  if (!Scheduler::current() || generation_ != Scheduler::current()->generation()) return;
  if (written_.epoch) must_follow(written_, "written", "destroyed", Scheduler::current()->running().place);
  for (const Access& r : reads_) must_follow(r, "read", "destroyed", Scheduler::current()->running().place);
}

void Uses::end(const char* what, const Place& used) const {
  Scheduler& scheduler = *Scheduler::current();
  const Fiber& self = scheduler.running();
  for (std::size_t i = 0; i < VectorClock::width; ++i) {
    if (last_[i] <= self.clock[i]) continue;
    scheduler.fail(std::string(what) + " is destroyed after " + to_string(self.place) +
                   ", with no order to its use by another thread; last used at " + to_string(used));
  }
}

}  // namespace anabranch::simulation
