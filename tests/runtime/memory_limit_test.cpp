// At the memory limit: who waits, who is told, and that the rest goes on.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "anabranch/anabranch.h"
#include "anabranch/error.h"
#include "anabranch/memory.h"
#include "call.h"
#include "runtime/arena.h"

namespace anabranch::runtime {
namespace {

constexpr std::size_t block = 1 << 20;

class MemoryLimit : public ::testing::Test {
 protected:
  MemoryLimit() {
    synchronize();
    clear_cache();
  }
  ~MemoryLimit() override { set_memory_limit(previous_); }
  // So many blocks may be in use beyond what is now.
  void allow(std::size_t blocks) { set_memory_limit(get_active_memory() + blocks * block); }

 private:
  const std::size_t previous_ = get_memory_limit();
};

Stream cpu_stream() { return new_stream(Device::cpu); }

TEST_F(MemoryLimit, RefusesWithTheFiguresWhereNothingIsInFlight) {
  allow(2);
  const BufferRef held = allocate(block);
  try {
    allocate_or_wait(2 * block);
    FAIL() << "was not refused";
  } catch (const MemoryError& e) {
    const std::string what = e.what();
    EXPECT_NE(what.find("Unable to allocate " + std::to_string(2 * block) + " bytes"), std::string::npos) << what;
    EXPECT_NE(what.find("limit " + std::to_string(get_memory_limit())), std::string::npos) << what;
  }
}

TEST_F(MemoryLimit, ASubmissionWaitsForWhatAnotherStreamWillFree) {
  allow(1);
  const Stream a = cpu_stream(), b = cpu_stream();
  std::atomic<bool> go{false};
  BufferRef held;
  const Event first = testing::launch(a, [&](Launch& launch) {
    held = launch.allocate(block);
    launch.then(1e6, [&](std::size_t) {
      while (!go) std::this_thread::yield();
      held = {};
    });
  });
  while (get_active_memory() + block <= get_memory_limit()) std::this_thread::yield();
  std::exception_ptr failure;
  const Event second = testing::submit(
      b, [](Launch& launch) { launch.scratch(block); }, {}, [&](std::exception_ptr f) { failure = std::move(f); });
  b.state()->schedule();
  EXPECT_FALSE(second.wait_for(0.05));  // parked
  go = true;
  second.wait();
  first.wait();
  EXPECT_FALSE(failure);
}

TEST_F(MemoryLimit, TheOldestParkedFailsWhenNothingMoves) {
  allow(1);
  const Stream a = cpu_stream(), b = cpu_stream();
  const BufferRef held = allocate(block);
  for (int i = 0; i < 100; ++i) {
    std::atomic<int> failed{0};
    auto count = [&](std::exception_ptr f) { failed += f != nullptr; };
    const Event x = testing::submit(a, [](Launch& launch) { launch.scratch(block); }, {}, count);
    const Event y = testing::submit(b, [](Launch& launch) { launch.scratch(block); }, {}, count);
    const Event after = testing::submit(a, [](Launch&) {});
    a.state()->schedule();
    b.state()->schedule();
    after.wait();
    y.wait();
    x.wait();
    EXPECT_EQ(failed, 2);
  }
}

TEST_F(MemoryLimit, TwoThatNeedTheSameRoomTakeTurns) {
  allow(3);
  for (int i = 0; i < 200; ++i) {
    const Stream a = cpu_stream(), b = cpu_stream();
    std::atomic<int> failed{0};
    auto count = [&](std::exception_ptr f) { failed += f != nullptr; };
    auto two = [](Launch& launch) {
      launch.scratch(block);
      launch.scratch(block);
      launch.then(1e6, [](std::size_t) {});
    };
    const Event x = testing::submit(a, two, {}, count), y = testing::submit(b, two, {}, count);
    a.state()->schedule();
    b.state()->schedule();
    x.wait();
    y.wait();
    EXPECT_EQ(failed, 0);
  }
}

TEST_F(MemoryLimit, AnErrorNamesTheStreamAndTheRestGoesOn) {
  allow(8);
  const Stream s = cpu_stream();
  const array big = full({64 << 20}, array(1.0f), s), small = full({16}, array(1.0f), s);
  async_eval({big, small});
  try {
    array(big).eval();
    FAIL() << "was not refused";
  } catch (const MemoryError& e) {
    EXPECT_NE(std::string(e.what()).find(to_string(s)), std::string::npos) << e.what();
  }
  EXPECT_EQ(small.data<float>()[0], 1.0f);
}

}  // namespace
}  // namespace anabranch::runtime
