// The happens-before checker. Each fiber has a vector clock; what synchronises (sync.h) passes clocks on, as far as its
// memory order says so; and an access that conflicts with an earlier one of which the fiber's clock knows nothing is an
// error, whatever the schedule made of it.
#pragma once

#include <vector>

#include "simulation/scheduler.h"

namespace anabranch::simulation {

// The accesses to some memory or fields: reads may be at once, all others must be one after the other. What is
// destroyed is written.
class AccessCheck {
 public:
  explicit AccessCheck(const char* what) : what_(what) {}
  AccessCheck(const AccessCheck&) = delete;
  ~AccessCheck();
  void read(Place place = Place::current()) const;
  void write(Place place = Place::current()) const;

 private:
  struct Access {
    std::size_t fiber = 0;
    std::uint32_t epoch = 0;
    Place place;
  };
  void begin() const;
  void must_follow(const Access& earlier, const char* did, const char* does, const Place& place) const;

  const char* what_;
  mutable std::uint32_t generation_ = 0;
  mutable Access written_;
  mutable std::vector<Access> reads_;  // since then; one a fiber
};

// How far each fiber has used an object, for its destruction, which must come after.
class Uses {
 public:
  void note(const Fiber& fiber) { last_[fiber.slot] = fiber.clock[fiber.slot]; }
  void reset() { last_ = {}; }
  // Fails unless the running fiber knows of all uses.
  void end(const char* what, const Place& made) const;

 private:
  VectorClock last_;
};

}  // namespace anabranch::simulation
