// One schedule: a program that uses the library, under the deterministic scheduler, and what must be left of it, which
// is nothing.
#pragma once

#include <functional>
#include <string>

#include "simulation/scheduler.h"

namespace anabranch::simulation {

// Makes everything that the process makes once, so that each schedule finds the same. Called first.
void warm_up();

// Weakens the memory order at "file:line" to relaxed; false where `place` is no such.
bool weaken(const std::string& place);

// Runs what is left on the runtime's own streams, where there may be no pool that would.
void finish_copies();

// What a program finds.
struct Circumstances {
  Settings settings;
  int workers = 2;
  int gpus = 0;             // 0: the CPU is the default device
  bool interrupts = false;  // waits are interrupted now and then
};
// Runs `program` in a thread, waits for what it leaves running, and checks that it leaves nothing else. What goes wrong
// ends the process.
Outcome run_program(const Circumstances& circumstances, const std::function<void()>& program);

// The random program of `seed` in the circumstances of `seed`.
Outcome run_schedule(std::uint64_t seed);

}  // namespace anabranch::simulation
