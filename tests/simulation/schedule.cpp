#include "schedule.h"

#include "anabranch/linalg.h"
#include "anabranch/memory.h"
#include "program.h"
#include "runtime/parking.h"
#include "runtime/process.h"
#include "runtime/wait.h"
#include "simulation/sync.h"

namespace anabranch::simulation {

void warm_up() {
  runtime::parking_mutex();
  const array x = eye(3, float32, Device::cpu);
  const array y = add(linalg::cholesky(x, false, Device::cpu), x, new_stream(Device::cpu));
  const array z = slice_update(concatenate({y, sum(y, 0, true)}, 0), x, Shape{0, 0}, Shape{3, 3});
  eval(z, multiply(subtract(y, x), minimum(y, maximum(x, astype(astype(x, uint32), float32)))));
  new_thread_local_stream(Device::cpu);
  synchronize();
  runtime::shutdown();
  this_fiber().locals.clear();
}

Outcome run_schedule(std::uint64_t seed) {
  const Plan plan = Plan::from_seed(seed);
  Settings settings = Settings::from_seed(seed);
  settings.about = plan.text();
  Random random(seed ^ 0xfa17);
  if (plan.faults)
    for (auto& f : settings.faults) f = {1 + random.below(random.pick(3, 20, 100)), random.pick(1u, 1u, 3u, 1000u)};
  runtime::restart(plan.workers);
  clear_cache();
  const std::int64_t before = Synchronizer::alive();
  static Random interrupts(0);
  interrupts = Random(seed);
  runtime::set_interrupt_check(plan.interrupts ? +[] { return interrupts.one_in(4); } : nullptr);

  Scheduler scheduler(settings);
  const Outcome outcome = scheduler.run([&] {
    // Some thread must start, or there is no program.
    std::optional<Thread> thread;
    while (!thread) {
      try {
        thread.emplace([&] { Program(plan, seed ^ 0x9409).run(); });
      } catch (const std::system_error&) {
        require(plan.faults, "a thread was refused for no reason");
      }
    }
    thread->join();
    // The pool finishes what nobody waits for.
    for (int i = 0; i < 1000 && !get_streams().empty(); ++i) delay(1'000'000);
    scheduler.expect_timeouts(true);
    do runtime::shutdown();
    while (scheduler.live() > 1);
    runtime::restart(1);
    require(get_streams().empty(), "streams are left that nobody holds");
    require(get_active_memory() == 0, "memory is in use that nobody holds");
    clear_cache();
    if (Synchronizer::alive() != before)
      scheduler.fail("objects are left that nobody holds: " + std::to_string(Synchronizer::alive() - before));
  });
  return outcome;
}

}  // namespace anabranch::simulation
