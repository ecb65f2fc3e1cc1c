// Order, waiting, sharing of chunks: what a strand promises, whoever runs it.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "call.h"
#include "runtime/pool.h"
#include "runtime/wait.h"

namespace anabranch::runtime {
namespace {

using namespace std::chrono_literals;
using testing::launch;
using testing::submit;

Stream cpu_stream() { return new_stream(Device::cpu); }

TEST(Strand, RunsInOrder) {
  const Stream s = cpu_stream();
  std::vector<int> seen;
  Event last;
  for (int i = 0; i < 1000; ++i) last = launch(s, [&seen, i](Launch&) { seen.push_back(i); });
  last.wait();
  ASSERT_EQ(seen.size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(seen[i], i);
}

TEST(Strand, WaitingThreadRunsWhatNobodyWasToldOf) {
  const Stream s = cpu_stream();
  std::thread::id ran_by;
  const Event e = submit(s, [&](Launch&) { ran_by = std::this_thread::get_id(); });
  EXPECT_FALSE(e.query());
  e.wait();
  EXPECT_EQ(ran_by, std::this_thread::get_id());
}

TEST(Strand, WaitsForEventsOfOtherStreams) {
  const Stream a = cpu_stream(), b = cpu_stream();
  std::atomic<bool> first{false};
  const Event e = submit(a, [&](Launch&) { first = true; });
  bool seen = false;
  const Event f = submit(b, [&](Launch&) { seen = first; }, {e});
  f.wait();  // nobody was told of a either: this thread runs both
  EXPECT_TRUE(seen);
}

TEST(Strand, HandOffsBackAndForth) {
  const Stream a = cpu_stream(), b = cpu_stream();
  for (bool told : {false, true}) {
    std::vector<int> seen;
    Event last;
    for (int i = 0; i < 2000; ++i) {
      const Stream& s = i % 2 ? b : a;
      auto work = [&seen, i](Launch&) { seen.push_back(i); };
      last = told ? launch(s, work, {last}) : submit(s, work, {last});
    }
    last.wait();
    ASSERT_EQ(seen.size(), 2000u);
    for (int i = 0; i < 2000; ++i) ASSERT_EQ(seen[i], i);
  }
}

TEST(Strand, EveryChunkOfEveryPhaseRunsOnceAndPhasesAreInOrder) {
  const Stream s = cpu_stream();
  for (double ns : {10.0, 1e6}) {  // alone, and with the pool's help
    std::vector<std::atomic<int>> runs(64);
    std::atomic<bool> early{false};
    const Event e = submit(s, [&](Launch& launch) {
      launch.parallel(64, ns, [&](std::size_t i) { runs[i]++; });
      launch.then(ns, [&](std::size_t) {
        for (auto& r : runs) early = early || r != 1;
      });
      launch.parallel(64, ns, [&](std::size_t i) { runs[i]++; });
    });
    e.wait();
    EXPECT_FALSE(early);
    for (auto& r : runs) EXPECT_EQ(r, 2);
  }
}

TEST(Strand, AThrowingChunkEndsTheSubmissionAndNothingElse) {
  const Stream s = cpu_stream();
  std::exception_ptr failure;
  std::atomic<int> runs{0};
  submit(
      s,
      [&](Launch& launch) {
        launch.parallel(32, 1e5, [&](std::size_t i) {
          ++runs;
          if (i == 3) throw std::runtime_error("chunk 3");
        });
        launch.then(1, [&](std::size_t) { runs += 1000; });
      },
      {}, [&](std::exception_ptr f) { failure = f; });
  bool next = false;
  const Event e = submit(s, [&](Launch&) { next = true; });
  e.wait();
  ASSERT_TRUE(failure);
  EXPECT_THROW(std::rethrow_exception(failure), std::runtime_error);
  EXPECT_LE(runs, 32);
  EXPECT_TRUE(next);
}

TEST(Strand, TwoStreamsRunSideBySide) {
  if (Pool::get().size() < 2) GTEST_SKIP() << "one processor";
  const Stream a = cpu_stream(), b = cpu_stream();
  std::atomic<int> here{0};
  auto meet = [&](Launch&) {
    ++here;
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (here < 2 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  };
  const Event e = launch(a, meet), f = launch(b, meet);
  e.wait();
  f.wait();
  EXPECT_EQ(here, 2);
}

TEST(Strand, ManyThreadsOverManyStreams) {
  constexpr int threads = 8, streams = 5, rounds = 300;
  std::vector<Stream> ss;
  for (int i = 0; i < streams; ++i) ss.push_back(cpu_stream());
  std::vector<long> counts(streams);  // each touched only by its stream
  std::vector<std::thread> ts;
  for (int t = 0; t < threads; ++t) {
    ts.emplace_back([&, t] {
      Event last;
      for (int r = 0; r < rounds; ++r) {
        const int i = (t * 7 + r * 3) % streams;
        auto work = [&counts, i](Launch&) { ++counts[i]; };
        last = r % 2 ? launch(ss[i], work, {last}) : submit(ss[i], work, {last});
        if (r % 16 == t) last.wait();
      }
      last.wait();
    });
  }
  for (auto& t : ts) t.join();
  for (auto& s : ss) s.synchronize();
  long total = 0;
  for (long c : counts) total += c;
  EXPECT_EQ(total, threads * rounds);
}

TEST(Event, WaitForGivesUp) {
  const Stream s = cpu_stream();
  std::atomic<bool> go{false};
  const Event e = launch(s, [&](Launch&) {
    while (!go) std::this_thread::yield();
  });
  EXPECT_FALSE(e.query());
  while (s.state()->try_claim()) s.state()->release_token();  // until a worker has it: this thread must not
  EXPECT_FALSE(e.wait_for(0.01));
  go = true;
  EXPECT_TRUE(e.wait_for(60));
  EXPECT_TRUE(e.query());
}

TEST(Event, CompletionCallsComeOnce) {
  const Stream s = cpu_stream();
  std::atomic<int> calls{0};
  const Event e = submit(s, [](Launch&) {});
  on_complete(e, [&] { ++calls; });
  e.wait();
  on_complete(e, [&] { ++calls; });
  on_complete(Event(), [&] { ++calls; });
  EXPECT_EQ(calls, 3);
}

TEST(Event, ElapsedBetweenRecords) {
  const Stream s = cpu_stream();
  const Event before = s.record();
  launch(s, [](Launch&) { std::this_thread::sleep_for(20ms); });
  const Event after = s.record();
  after.wait();
  EXPECT_GE(before.elapsed(after), 0.019);
  EXPECT_THROW(before.elapsed(Event()), std::invalid_argument);
}

TEST(Event, OutlivesItsStream) {
  Event e;
  {
    const Stream s = cpu_stream();
    e = s.record();
  }
  e.wait();
  EXPECT_TRUE(e.query());
}

TEST(Interrupt, EndsAWaitAndTheWorkGoesOn) {
  static std::atomic<bool> asked{false};
  asked = false;
  set_interrupt_check([] { return asked.exchange(false); });
  const Stream s = cpu_stream();
  std::atomic<bool> go{false}, done{false};
  const Event e = submit(s, [&](Launch& launch) {
    launch.then(1e9, [&](std::size_t) {  // a long opaque call: for a worker
      while (!go) std::this_thread::yield();
      done = true;
    });
  });
  asked = true;
  EXPECT_THROW(e.wait(), Interrupted);
  EXPECT_FALSE(done);
  go = true;
  e.wait();
  EXPECT_TRUE(done);
  set_interrupt_check(nullptr);
}

}  // namespace
}  // namespace anabranch::runtime
