// The scheduler and the checker must find what they are for: small programs with known mistakes.
#include <gtest/gtest.h>

#include <set>

#include "runtime/sync.h"
#include "simulation/scheduler.h"

namespace anabranch::simulation {
namespace {

using Body = std::function<void()>;

Outcome run(std::uint64_t seed, const Body& body) {
  Scheduler scheduler(Settings::from_seed(seed));
  return scheduler.run(body);
}

// Runs `body` under many seeds. In a death test: the first failure ends the process with status 1.
void run_many(const Body& body, std::uint64_t seeds = 500) {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) run(seed, body);
}

void side_by_side(const Body& first, const Body& second) {
  Thread a(first), b(second);
  a.join();
  b.join();
}

const auto failed = ::testing::ExitedWithCode(1);

TEST(Scheduler, EqualSeedsGiveEqualSchedules) {
  std::set<std::uint64_t> traces;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    auto program = [] {
      Atomic<int> n{0};
      side_by_side(
          [&] {
            for (int i = 0; i < 20; ++i) ++n;
          },
          [&] {
            for (int i = 0; i < 20; ++i) ++n;
          });
      EXPECT_EQ(n.load(), 40);
    };
    const Outcome once = run(seed, program), again = run(seed, program);
    EXPECT_EQ(once.trace, again.trace);
    EXPECT_EQ(once.steps, again.steps);
    EXPECT_EQ(once.now, again.now);
    traces.insert(once.trace);
  }
  EXPECT_GT(traces.size(), 25u);
}

TEST(Scheduler, FindsALostUpdate) {
  EXPECT_EXIT(run_many([] {
                Atomic<int> n{0};
                auto increment = [&] { n.store(n.load() + 1); };
                side_by_side(increment, increment);
                require(n.load() == 2, "an update was lost");
              }),
              failed, "an update was lost");
}

TEST(Scheduler, FindsADeadlock) {
  EXPECT_EXIT(run_many([] {
                Mutex a, b;
                auto both = [](Mutex& x, Mutex& y) {
                  Lock first(x);
                  Lock second(y);
                };
                side_by_side([&] { both(a, b); }, [&] { both(b, a); });
              }),
              failed, "a deadlock");
}

TEST(Scheduler, FindsALostNotification) {
  EXPECT_EXIT(run_many([] {
                Mutex mutex;
                CondVar there;
                Atomic<bool> ready{false};
                side_by_side(
                    [&] {
                      Lock lock(mutex);
                      while (!ready.load()) there.wait(lock);
                    },
                    [&] {  // without the lock: the notification may come between the look and the wait
                      ready.store(true);
                      there.notify_one();
                    });
              }),
              failed, "a deadlock");
}

TEST(Scheduler, FindsALivelock) {
  EXPECT_EXIT(run_many([] {
                Atomic<bool> never{false};
                side_by_side(
                    [&] {
                      while (!never.load()) relax();
                    },
                    [] {});
              }),
              failed, "a livelock");
}

TEST(Scheduler, ASpinThatSomebodyEndsIsNoLivelock) {
  run_many([] {
    Atomic<bool> go{false};
    side_by_side(
        [&] {
          while (!go.load()) relax();
        },
        [&] { go.store(true); });
  });
}

TEST(Scheduler, TimeJumpsWhereAllWait) {
  run_many([] {
    Mutex mutex;
    CondVar never;
    Scheduler::current()->expect_timeouts(+1);
    const std::int64_t begin = Clock::now();
    side_by_side(
        [&] {
          Lock lock(mutex);
          require(!never.wait_for(lock, std::chrono::hours(1), [] { return false; }), "nobody came");
          require(Clock::now() - begin >= 3'600'000'000'000, "the wait ended early");
        },
        [] { delay(5'000'000'000); });
  });
}

TEST(Scheduler, EachFiberHasItsOwnVariables) {
  run(1, [] {
    auto count = [] {
      ANABRANCH_THREAD_LOCAL(int, n, 5);
      yield();
      return ++n;
    };
    auto twice = [&] {
      require(count() == 6, "a new thread's variable is new");
      require(count() == 7, "and keeps its value");
    };
    side_by_side(twice, twice);
  });
}

TEST(Scheduler, ThreadsAreRefusedWhereTheSettingsSaySo) {
  Settings settings = Settings::from_seed(1);
  settings.faults[static_cast<std::size_t>(Fault::ThreadStart)] = {2, 1};
  Scheduler scheduler(settings);
  const Outcome outcome = scheduler.run([] {
    Thread(+[] {}).join();
    EXPECT_THROW(Thread(+[] {}), std::system_error);
    Thread(+[] {}).join();
  });
  EXPECT_EQ(outcome.faults, 1u);
}

TEST(Scheduler, ExceptionsInFlightStayWithTheirFiber) {
  run_many([] {
    auto nested = [](const char* what) {
      try {
        throw std::runtime_error(what);
      } catch (const std::runtime_error&) {
        yield();
        try {
          std::rethrow_exception(std::current_exception());
        } catch (const std::runtime_error& e) {
          require(std::string(e.what()) == what, "another fiber's exception");
        }
      }
    };
    side_by_side([&] { nested("one"); }, [&] { nested("two"); });
  });
}

// --- The happens-before checker.

void hand_over(std::memory_order store, std::memory_order load) {
  AccessCheck data{"the data"};
  Atomic<bool> there{false};
  side_by_side(
      [&] {
        data.write();
        there.store(true, store);
      },
      [&] {
        if (there.load(load)) data.read();
      });
}

TEST(Checker, ReleaseAndAcquireHandOver) {
  run_many([] { hand_over(std::memory_order_release, std::memory_order_acquire); });
}
TEST(Checker, ARelaxedStoreDoesNot) {
  EXPECT_EXIT(run_many([] { hand_over(std::memory_order_relaxed, std::memory_order_acquire); }), failed,
              "a race over the data: read at .*hand_over.* written, at .*hand_over");
}
TEST(Checker, ARelaxedLoadDoesNot) {
  EXPECT_EXIT(run_many([] { hand_over(std::memory_order_release, std::memory_order_relaxed); }), failed, "a race");
}

TEST(Checker, AMutexAndTheEndOfAThreadHandOver) {
  run_many([] {
    Mutex mutex;
    AccessCheck data{"the data"};
    auto access = [&] {
      Lock lock(mutex);
      data.write();
    };
    side_by_side(access, access);
    data.read();
  });
}

TEST(Checker, ReadsMayBeAtOnceAndWritesMayNot) {
  run_many([] {
    AccessCheck data{"the data"};
    data.write();
    side_by_side([&] { data.read(); }, [&] { data.read(); });
  });
  EXPECT_EXIT(run_many([] {
                AccessCheck data{"the data"};
                side_by_side([&] { data.read(); }, [&] { data.write(); });
              }),
              failed, "a race over the data");
}

// What relaxed counts of references would do: who deletes knows nothing of the others' uses.
void count_down(std::memory_order order) {
  struct Counted {
    Atomic<int> references{2};
  };
  auto* object = new Counted;
  auto drop = [&] {
    if (object->references.fetch_sub(1, order) == 1) delete object;
  };
  side_by_side(drop, drop);
}

TEST(Checker, TheEndOfAnObjectComesAfterItsUses) {
  run_many([] { count_down(std::memory_order_acq_rel); });
  EXPECT_EXIT(run_many([] { count_down(std::memory_order_relaxed); }), failed, "is destroyed");
}

TEST(Checker, AReleaseSequenceGoesOnThroughReadModifyWrites) {
  run_many([] {
    AccessCheck data{"the data"};
    Atomic<int> n{0};
    side_by_side(
        [&] {
          data.write();
          n.fetch_add(1, std::memory_order_release);
          n.fetch_add(1, std::memory_order_relaxed);
        },
        [&] {
          if (n.load(std::memory_order_acquire) == 2) data.read();
        });
  });
}

}  // namespace
}  // namespace anabranch::simulation
