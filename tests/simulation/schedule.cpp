#include "schedule.h"

#include <cstdlib>
#include <optional>

#include "anabranch/linalg.h"
#include "anabranch/memory.h"
#include "backends/sim/machine.h"
#include "program.h"
#include "runtime/parking.h"
#include "runtime/process.h"
#include "runtime/registry.h"
#include "runtime/stream_state.h"
#include "runtime/wait.h"
#include "simulation/sync.h"

namespace anabranch::simulation {
namespace {

// Before anything asks for a device.
constexpr int gpus = 2;
const bool simulated = setenv("ANABRANCH_SIM_GPU", "2", 1) == 0;

// Of a schedule in which waits are interrupted.
Random interrupts(0);

// Starts a thread for `body`, as soon as none is refused any more, and waits for its end.
void in_thread(const std::function<void()>& body) {
  std::optional<Thread> thread;
  while (!thread) {
    try {
      thread.emplace(body);
    } catch (const std::system_error&) {  // refused by the simulation
    }
  }
  thread->join();
}

bool is_idle() {
  for (const auto& s : runtime::open_streams(runtime::Listing::All))
    if (s->index >= 0 || s->completed() < s->submitted()) return false;
  return true;
}

std::string inspect_streams() {
  std::string text;
  for (const Ref<runtime::StreamState>& s : runtime::open_streams(runtime::Listing::All)) {
    runtime::StreamState& state = *s;
    text += "  " + to_string(Stream(s)) + ": " + std::to_string(state.completed()) + " of " +
            std::to_string(state.submitted()) + " done";
    if (const Event e = state.blocked_on().event; e.stream())
      text += ", waits for " + std::to_string(e.value()) + " of " + to_string(Stream(e.stream()));
    if (state.has_ready_work()) text += ", the next could begin";
    if (state.try_claim()) text += ", nobody runs it";
    text += "\n";
  }
  return text;
}

}  // namespace

void warm_up() {
  runtime::parking_mutex();
  Scheduler::set_inspector(inspect_streams);
  set_default_device(Device::cpu);
  const array x = eye(3, float32, Device::cpu);
  const array y = add(linalg::cholesky(x, false, Device::cpu), x, new_stream(Device::cpu));
  const array z = slice_update(concatenate({y, sum(y, 0, true)}, 0), x, Shape{0, 0}, Shape{3, 3});
  eval(z, multiply(subtract(y, x), minimum(y, maximum(x, astype(astype(x, uint32), float32)))));
  for (int i = 0; i < gpus; ++i) new_stream(Device(Device::gpu, i));
  new_thread_local_stream(Device::cpu);
  synchronize();
  runtime::shutdown();
  this_fiber().locals.clear();
}

void finish_copies() {
  for (const auto& s : runtime::open_streams(runtime::Listing::All)) {
    try {
      runtime::wait(Event(s, s->submitted()));
    } catch (const runtime::Interrupted&) {
      return finish_copies();
    } catch (const std::bad_alloc&) {
      return finish_copies();
    }
  }
}

bool weaken(const std::string& place) {
  const std::size_t colon = place.rfind(':');
  if (colon == std::string::npos) return false;
  set_mutation({place.substr(0, colon), static_cast<std::uint32_t>(std::atoi(&place[colon + 1]))});
  return true;
}

Outcome run_program(const Circumstances& circumstances, const std::function<void()>& program) {
  for (int i = 0; i < gpus; ++i) backends::sim::Machine::get().repair(i);
  set_default_device(circumstances.gpus ? Device::gpu : Device::cpu);
  runtime::restart(circumstances.workers);
  interrupts = Random(circumstances.settings.seed);
  runtime::set_interrupt_check(circumstances.interrupts ? +[] { return interrupts.one_in(4); } : nullptr);
  clear_cache();
  const std::int64_t before = Synchronizer::alive();

  Scheduler scheduler(circumstances.settings);
  return scheduler.run([&] {
    in_thread(program);
    // The pool finishes what nobody waits for. Where there is none, the runtime's own streams have been left to us.
    for (int i = 0; i < 1000 && !is_idle(); ++i) delay(1'000'000);
    if (circumstances.settings.lonely) finish_copies();
    runtime::let_go();
    clear_cache();  // cached blocks know the streams that used them
    scheduler.expect_timeouts(+1);
    do {
      runtime::shutdown();
      runtime::let_go();
    } while (scheduler.live() > 1);
    runtime::restart(1);
    require(get_streams().empty(), "streams are left that nobody holds");
    require(get_active_memory() == 0, "memory is in use that nobody holds");
    clear_cache();
    if (Synchronizer::alive() != before)
      scheduler.fail("objects are left that nobody holds: " + std::to_string(Synchronizer::alive() - before));
  });
}

Outcome run_schedule(std::uint64_t seed) {
  const Plan plan = Plan::from_seed(seed);
  Circumstances c{Settings::from_seed(seed), plan.workers, plan.gpus, plan.interrupts};
  c.settings.about = plan.text();
  c.settings.lonely = plan.exits || plan.faults || plan.losses;
  Random random(seed ^ 0xfa17);
  if (plan.faults)
    for (auto& f : c.settings.faults) f = {1 + random.below(random.pick(3, 20, 100)), random.pick(1u, 1u, 3u, 1000u)};
  if (auto& f = c.settings.faults[static_cast<std::size_t>(Fault::New)]; f.first != 0)
    f = {1 + random.below(random.pick(20, 100, 1000)), random.pick(1u, 3u, 30u)};  // else nothing gets beyond planning
  return run_program(c, [&] { Program(plan, seed ^ 0x9409).run(); });
}

}  // namespace anabranch::simulation
