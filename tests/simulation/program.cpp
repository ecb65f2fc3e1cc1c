#include "program.h"

#include "actor.h"
#include "runtime/process.h"

namespace anabranch::simulation {

Plan Plan::from_seed(std::uint64_t seed) {
  Random random(seed ^ 0x91a7);
  Plan p;
  p.workers = random.pick(1, 1, 2, 3);
  p.threads = 1 + static_cast<int>(random.below(4));
  p.actions = random.pick(4, 8, 16, 30);
  p.streams = 1 + static_cast<int>(random.below(4));
  p.gpus = random.pick(0, 0, 1, 2);
  p.failures = random.one_in(3);
  p.interrupts = random.one_in(6);
  p.exits = random.one_in(8);
  p.faults = random.one_in(4);
  p.losses = p.gpus > 0 && random.one_in(5);
  p.crowded = p.gpus > 0 && random.one_in(3);
  return p;
}

std::string Plan::text() const {
  return std::to_string(workers) + " workers, " + std::to_string(threads) + " threads of " + std::to_string(actions) +
         " actions, " + std::to_string(streams) + " streams, " + std::to_string(gpus) + " GPUs" +
         (crowded ? ", crowded" : "") + (failures ? ", failures" : "") + (interrupts ? ", interrupts" : "") +
         (exits ? ", exits" : "") + (faults ? ", faults" : "") + (losses ? ", losses" : "");
}

void Program::run() {
  {
    Actor first(*this, random_.next());
    for (int i = 0; i < plan_.streams; ++i) first.make_stream();
    for (int i = 0; i < 4; ++i) first.make_value();
    first.act(4);
    std::vector<Thread> threads;
    for (int t = 1; t < plan_.threads; ++t) {
      const std::uint64_t seed = random_.next();
      auto actor = std::make_shared<Actor>(first, seed);
      auto act = [this, actor]() mutable {
        actor->act(plan_.actions);
        actor.reset();
      };
      while (static_cast<int>(threads.size()) < t) {
        try {
          threads.emplace_back(act);
        } catch (const std::system_error&) {
          require(plan_.faults, "a thread was refused for no reason");
        }
      }
    }
    first.act(plan_.actions);
    for (Thread& t : threads) t.join();
    first.check_everything();
  }
  {
    Actor last(*this, random_.next());
    last.take_everything();
    last.check_everything();
    // Where there are no workers, what nobody waits for is not done.
    if (plan_.exits || plan_.faults || plan_.losses) last.finish_everything();
  }
  // A call may still be on its way when its event has happened; a lost one is never there.
  while (calls_made_.load(std::memory_order_acquire) < calls_promised_.load(std::memory_order_relaxed)) yield();
  require(calls_made_.load(std::memory_order_acquire) == calls_promised_.load(std::memory_order_relaxed),
          "a completion call was made twice");
}

}  // namespace anabranch::simulation
