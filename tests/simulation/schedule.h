// One schedule: a random program under the deterministic scheduler, and what must be left of it, which is nothing.
#pragma once

#include "simulation/scheduler.h"

namespace anabranch::simulation {

// Makes everything that the process makes once, so that each schedule finds the same. Called first.
void warm_up();
// Runs the schedule of `seed`. A failure ends the process.
Outcome run_schedule(std::uint64_t seed);

}  // namespace anabranch::simulation
