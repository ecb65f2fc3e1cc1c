// Memory that is short, under the scheduler: what could have its memory in time is never refused, and what is parked
// never waits for nothing.
#include <gtest/gtest.h>

#include "../runtime/call.h"
#include "anabranch/error.h"
#include "anabranch/memory.h"
#include "runtime/arena.h"
#include "runtime/wait.h"
#include "schedule.h"
#include "simulation/random.h"
#include "simulation/sync.h"

namespace anabranch::simulation {
namespace {

using runtime::BufferRef;
using runtime::Launch;
using runtime::testing::submit;

constexpr std::size_t block = 4096;

class ShortMemory : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { warm_up(); }
  ~ShortMemory() override { set_memory_limit(unlimited_); }

  // Runs the program in many schedules; there is room for so many blocks.
  template <typename F>
  static void run_many(std::size_t blocks, F program) {
    set_memory_limit(blocks * block);
    for (std::uint64_t seed = 0; seed < 3000; ++seed) {
      Circumstances c{Settings::from_seed(seed)};
      c.workers = 1 + static_cast<int>(seed % 3);
      run_program(c, [&] { program(seed); });
    }
  }

 private:
  const std::size_t unlimited_ = get_memory_limit();
};

void must_succeed(const std::exception_ptr& failure) { require(!failure, "memory was refused that was to come"); }

// Takes `blocks` one after the other, and some time.
void take(Launch& launch, std::uint32_t blocks, std::uint32_t chunks) {
  for (std::uint32_t i = 0; i < blocks; ++i) launch.scratch(block);
  launch.parallel(chunks, 1e5, [](std::size_t) { runtime::relax(); });
}

// Nobody holds memory but submissions that run, and each of them alone has room.
TEST_F(ShortMemory, SubmissionsTakeTurns) {
  run_many(3, [](std::uint64_t seed) {
    Random random(seed);
    std::vector<Stream> streams;
    for (std::uint32_t i = 0, n = 2 + random.below(3); i < n; ++i) streams.push_back(new_stream(Device::cpu));
    auto act = [&streams](std::uint64_t my_seed) {
      Random mine(my_seed);
      std::vector<Event> events;
      for (std::uint32_t i = 0, n = 3 + mine.below(6); i < n; ++i) {
        const Stream& s = streams[mine.below(static_cast<std::uint32_t>(streams.size()))];
        const std::uint32_t blocks = mine.below(4), chunks = mine.below(3);
        std::initializer_list<Event> none;
        auto start = [blocks, chunks](Launch& launch) { take(launch, blocks, chunks); };
        events.push_back(
            events.empty() || mine.one_in(2)
                ? submit(s, start, none, must_succeed)
                : submit(s, start, {events[mine.below(static_cast<std::uint32_t>(events.size()))]}, must_succeed));
        if (mine.one_in(2)) s.state()->schedule();
        if (mine.one_in(4)) events[mine.below(static_cast<std::uint32_t>(events.size()))].wait();
      }
      for (const Event& e : events) e.wait();
    };
    std::vector<Thread> threads;
    for (std::uint32_t i = 0, n = random.below(3); i < n; ++i)
      threads.emplace_back([&act, my_seed = random.next()] { act(my_seed); });
    act(random.next());
    for (Thread& t : threads) t.join();
  });
}

// Of two that can't both have what they want, while somebody holds the rest for good, each fails, and nothing else.
TEST_F(ShortMemory, WhatNothingCanHelpFails) {
  run_many(3, [](std::uint64_t) {
    const BufferRef held = runtime::allocate(block);
    const Stream a = new_stream(Device::cpu), b = new_stream(Device::cpu);
    Atomic<int> refused{0};
    auto count = [&](const std::exception_ptr& failure) { refused.fetch_add(failure ? 1 : 0); };
    auto start = [](std::uint32_t blocks) { return [blocks](Launch& launch) { take(launch, blocks, 1); }; };
    const Event too_much = submit(a, start(3), {}, count), enough = submit(a, start(2), {}, must_succeed);
    const Event too_much_again = submit(b, start(3), {too_much}, count), last = submit(b, start(1), {}, must_succeed);
    b.state()->schedule();
    last.wait();
    enough.wait();
    too_much_again.wait();
    require(refused.load() == 2, "memory was given that was not there");
  });
}

// What gives memory back helps what is parked.
TEST_F(ShortMemory, MemoryThatIsGivenBackIsNoticed) {
  run_many(2, [](std::uint64_t) {
    const Stream a = new_stream(Device::cpu), b = new_stream(Device::cpu);
    BufferRef held = runtime::allocate(block);
    // By work that nobody was told of.
    const Event gives_back = submit(b, [&held](Launch&) { held = {}; });
    const Event wants = submit(a, [](Launch& launch) { take(launch, 2, 1); }, {}, must_succeed);
    a.state()->schedule();
    wants.wait();
    gives_back.wait();
  });
}

// A thread has more than half of the memory now and then; each submission fits beside it.
TEST_F(ShortMemory, AThreadWaitsForSubmissions) {
  run_many(3, [](std::uint64_t seed) {
    Random random(seed);
    const Stream a = new_stream(Device::cpu), b = new_stream(Device::cpu);
    std::vector<Event> events;
    for (int i = 0; i < 8; ++i) {
      const Stream& s = random.one_in(2) ? a : b;
      events.push_back(submit(s, [](Launch& launch) { take(launch, 1, 2); }, {}, must_succeed));
      if (random.one_in(2)) s.state()->schedule();
      if (random.one_in(2)) runtime::allocate_or_wait(2 * block);
    }
    for (const Event& e : events) e.wait();
  });
}

TEST_F(ShortMemory, AHigherLimitIsNoticed) {
  run_many(1, [](std::uint64_t) {
    const Stream a = new_stream(Device::cpu), b = new_stream(Device::cpu);
    Event wants = submit(a, [](Launch& launch) { take(launch, 2, 1); }, {}, must_succeed);
    const Event raises = submit(b, [](Launch&) { set_memory_limit(2 * block); });
    a.state()->schedule();
    wants.wait();
    raises.wait();
    set_memory_limit(block);
  });
}

}  // namespace
}  // namespace anabranch::simulation
