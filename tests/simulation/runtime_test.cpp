// The runtime under the scheduler: that mistakes in it would be found, and mistakes that were.
#include <fstream>

#include "anabranch/array.h"
#include "anabranch/error.h"
#include "anabranch/ops.h"
#include "backends/sim/machine.h"
#include "directed.h"
#include "runtime/wait.h"

namespace anabranch::simulation {
namespace {

using runtime::testing::launch;

const auto failed = ::testing::ExitedWithCode(1);

// The line of a source file that contains `text`.
Mutation weakened(const std::string& file, const std::string& text) {
  std::ifstream in(ANABRANCH_SOURCE_DIR "/" + file);
  std::uint32_t number = 1;
  for (std::string line; std::getline(in, line); ++number)
    if (line.find(text) != std::string::npos) return {file, number};
  ADD_FAILURE() << file << " has no line with " << text;
  return {};
}

TEST_F(Simulated, EqualSeedsGiveEqualSchedules) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const Outcome once = run_schedule(seed), again = run_schedule(seed);
    ASSERT_EQ(once.trace, again.trace) << "seed " << seed;
    ASSERT_EQ(once.steps, again.steps) << "seed " << seed;
  }
}

TEST_F(Simulated, AWeakerOrderOfTheTimelineIsFound) {
  const Mutation mutation = weakened("src/runtime/stream_state.cpp",
                                     "completed_.load(std::memory_order_relaxed) + 1, std::memory_order_release");
  EXPECT_EXIT(
      {
        set_mutation(mutation);
        for (std::uint64_t seed = 0; seed < 3000; ++seed) run_schedule(seed);
      },
      failed, "a race");
}

TEST_F(Simulated, AWeakerCountOfReferencesIsFound) {
  const Mutation mutation = weakened("src/graph/node.cpp", "references.fetch_sub(1, std::memory_order_acq_rel)");
  EXPECT_EXIT(
      {
        set_mutation(mutation);
        for (std::uint64_t seed = 0; seed < 3000; ++seed) run_schedule(seed);
      },
      failed, "no order");
}

TEST_F(Simulated, WorkThatNobodyRunsIsFound) {
  EXPECT_EXIT(run_many([] { runtime::testing::submit(new_stream(Device::cpu), [](runtime::Launch&) {}); }), failed,
              "streams are left");
}

// A strand that had waited for an event which came just then kept that event: two streams that wait for each other kept
// each other for good.
TEST_F(Simulated, StreamsThatWaitForEachOtherEnd) {
  run_many([] {
    const Stream a = new_stream(Device::cpu), b = new_stream(Device::cpu);
    auto wait_back_and_forth = [](Stream x, Stream y) {
      for (int i = 0; i < 3; ++i) x.wait(y.record());
    };
    Thread first([&] { wait_back_and_forth(a, b); }), second([&] { wait_back_and_forth(b, a); });
    first.join();
    second.join();
  });
}

// A thread that slept, because a worker ran the strand that it waited for, was not woken when that strand came to wait
// for another one, which nobody else knew of.
TEST_F(Simulated, AWorkerThatIsBlockedSeesToTheCause) {
  run_many([] {
    const Stream told = new_stream(Device::cpu), untold = new_stream(Device::cpu);
    launch(told, [](runtime::Launch&) {});
    const Event cause = runtime::testing::submit(untold, [](runtime::Launch&) {});
    runtime::testing::submit(told, [](runtime::Launch&) {}, {cause}).wait();
  });
}

// A signal that no engine could be started for was a submission that never ended.
TEST_F(Simulated, ADeviceWhoseEnginesCannotBeStartedIsLost) {
  run_many(
      [](Circumstances& c) {
        c.settings.lonely = true;
        c.settings.faults[static_cast<std::size_t>(Fault::ThreadStart)] = {2, 1'000'000};
      },
      [] {
        const array x = add(array(1.0f), array(2.0f), new_stream(Device::gpu));
        bool lost = false;
        try {
          array(x).eval();
        } catch (const DeviceLost&) {
          lost = true;
        }
        backends::sim::Machine::get().repair(0);
        require(lost, "a device without engines was not lost");
      });
}

// A wait that can be interrupted left a long chunk to a pool that could start no worker.
TEST_F(Simulated, ALongChunkIsRunWhereNoWorkerCanBeStarted) {
  run_many(
      [](Circumstances& c) {
        c.interrupts = c.settings.lonely = true;
        c.settings.faults[static_cast<std::size_t>(Fault::ThreadStart)] = {2, 1'000'000};
      },
      [] {
        const Event e = launch(new_stream(Device::cpu), [](runtime::Launch& l) { l.then(1e9, [](std::size_t) {}); });
        while (true) {
          try {
            return e.wait();
          } catch (const runtime::Interrupted&) {
          }
        }
      });
}

// An await was one for ever.
TEST_F(Simulated, ACallOnCompletionComesWhereNoWorkerCanBeStarted) {
  run_many(
      [](Circumstances& c) {
        c.settings.lonely = true;
        c.settings.faults[static_cast<std::size_t>(Fault::ThreadStart)] = {2, 1'000'000};
      },
      [] {
        bool called = false;
        runtime::on_complete(launch(new_stream(Device::cpu), [](runtime::Launch&) {}), [&called] { called = true; });
        require(called, "nobody made the call");
      });
}

}  // namespace
}  // namespace anabranch::simulation
