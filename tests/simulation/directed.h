// Programs written for one purpose, run under many schedules.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>

#include "../runtime/call.h"
#include "schedule.h"
#include "simulation/sync.h"

namespace anabranch::simulation {

class Simulated : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    GTEST_FLAG_SET(death_test_style, "threadsafe");  // the simulated devices do not survive a fork
    warm_up();
    if (const char* place = std::getenv("ANABRANCH_WEAKEN")) weaken(place);  // by ./dev mutants
  }
  static void TearDownTestSuite() { GTEST_FLAG_SET(death_test_style, "fast"); }
};

inline void run_many(const std::function<void(Circumstances&)>& vary, const std::function<void()>& program,
                     std::uint64_t schedules = 300) {
  for (std::uint64_t seed = 0; seed < schedules; ++seed) {
    Circumstances c{Settings::from_seed(seed)};
    c.workers = 1 + static_cast<int>(seed % 3);
    vary(c);
    run_program(c, program);
  }
}
inline void run_many(const std::function<void()>& program) {
  run_many([](Circumstances&) {}, program);
}

// For programs in which it is time that counts: it does not jump to a deadline while somebody could go on.
inline void unhurried(Circumstances& c) { c.settings.impatience = 0; }
inline auto unhurried_with(int workers) {
  return [workers](Circumstances& c) {
    c.workers = workers;
    unhurried(c);
  };
}

// Waits as one who does not help, and looks every so often.
inline void watch(const std::function<bool()>& done, std::int64_t every_ns = 1000) {
  while (!done()) delay(every_ns);
}
inline void watch(const Event& event, std::int64_t every_ns = 1000) {
  watch([&] { return event.query(); }, every_ns);
}

}  // namespace anabranch::simulation
