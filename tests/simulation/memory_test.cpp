// Memory that is short, under the scheduler: what could have its memory in time is never refused, and what is parked
// never waits for nothing.
#include "anabranch/memory.h"
#include "anabranch/error.h"
#include "directed.h"
#include "runtime/arena.h"
#include "runtime/backend.h"
#include "runtime/parking.h"
#include "runtime/process.h"
#include "runtime/wait.h"
#include "simulation/random.h"

namespace anabranch::simulation {
namespace {

using runtime::BufferRef;
using runtime::Launch;
using runtime::testing::launch;
using runtime::testing::submit;

constexpr std::size_t block = 4096;

class ShortMemory : public Simulated {
 protected:
  ~ShortMemory() override { set_memory_limit(unlimited_); }

  // Runs the program in many schedules; there is room for so many blocks.
  template <typename F>
  static void run_short(std::size_t blocks, F program, const std::function<void(Circumstances&)>& vary = nullptr) {
    set_memory_limit(blocks * block);
    std::uint64_t seed = 0;
    run_many(
        [&](Circumstances& c) {
          seed = c.settings.seed;
          if (vary) vary(c);
        },
        [&] { program(seed); }, 3000);
  }

 private:
  const std::size_t unlimited_ = get_memory_limit();
};

void must_succeed(const std::exception_ptr& failure) { require(!failure, "memory was refused that was to come"); }
void must_fail(const std::exception_ptr& failure) { require(failure != nullptr, "memory was given that is not there"); }

// Streams whose work the pool may not get to: waits for it may end by polling.
void lonely(Circumstances& c) { c.settings.lonely = true; }

// Takes `blocks` one after the other, and some time.
void take(Launch& launch, std::uint32_t blocks, std::uint32_t chunks) {
  for (std::uint32_t i = 0; i < blocks; ++i) launch.scratch(block);
  launch.parallel(chunks, 1e5, [](std::size_t) { runtime::relax(); });
}

// Nobody holds memory but submissions that run, and each of them alone has room.
TEST_F(ShortMemory, SubmissionsTakeTurns) {
  run_short(3, [](std::uint64_t seed) {
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
  run_short(3, [](std::uint64_t) {
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
  run_short(2, [](std::uint64_t) {
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
  run_short(3, [](std::uint64_t seed) {
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

TEST_F(ShortMemory, AThreadNoticesWhatHasJustEnded) {
  run_short(2, [](std::uint64_t) {
    const Event e = launch(new_stream(Device::cpu), [](Launch& launch) { take(launch, 2, 1); });
    runtime::allocate_or_wait(block);
    e.wait();
  });
}

TEST_F(ShortMemory, AHigherLimitIsNoticed) {
  run_short(1, [](std::uint64_t) {
    const Stream a = new_stream(Device::cpu), b = new_stream(Device::cpu);
    Event wants = submit(a, [](Launch& launch) { take(launch, 2, 1); }, {}, must_succeed);
    const Event raises = submit(b, [](Launch&) { set_memory_limit(2 * block); });
    a.state()->schedule();
    wants.wait();
    raises.wait();
    set_memory_limit(block);
  });
}

// What a device is at may free memory.
TEST_F(ShortMemory, WorkWithADeviceIsWaitedFor) {
  run_short(2, [](std::uint64_t) {
    const Stream device = new_stream(Device::gpu), s = new_stream(Device::cpu);
    BufferRef held = runtime::allocate(block);
    static std::vector<char> from(1 << 20), to(1 << 20);
    auto copy = [](Launch& launch) { launch.queue().copy(to.data(), from.data(), from.size()); };
    const Event gives_back = submit(device, copy, {}, [&held](const std::exception_ptr&) { held = {}; });
    device.state()->schedule();
    const Event wants = submit(s, [](Launch& launch) { take(launch, 2, 1); }, {}, must_succeed);
    wants.wait();
    gives_back.wait();
  });
}

// Memory is freed while a submission is refused it: it is not left waiting for what takes long and frees nothing.
TEST_F(ShortMemory, WhatIsFreedJustThenIsNoticed) {
  run_short(
      2,
      [](std::uint64_t) {
        const Stream s = new_stream(Device::cpu), busy = new_stream(Device::cpu);
        const Event longer = launch(busy, [](Launch&) { delay(1'000'000'000); });
        BufferRef held = runtime::allocate(block);
        const Event wants = submit(s, [](Launch& launch) { take(launch, 2, 0); }, {}, must_succeed);
        s.state()->schedule();
        held = {};
        watch(wants);
        require(!longer.query(), "a submission waited although there was memory");
        longer.wait();
      },
      [](Circumstances& c) {
        c.workers = 2;
        c.settings.impatience = 0;  // it is time that counts here
      });
}

// So it is with a higher limit.
TEST_F(ShortMemory, AHigherLimitIsNoticedWhileSomethingMoves) {
  run_short(
      1,
      [](std::uint64_t) {
        const Stream s = new_stream(Device::cpu), busy = new_stream(Device::cpu);
        Atomic<bool> begun{false};
        const Event longer = launch(busy, [&begun](Launch&) {
          begun.store(true);
          delay(1'000'000'000);
        });
        watch([&begun] { return begun.load(); });
        const Event wants = submit(s, [](Launch& launch) { take(launch, 2, 0); }, {}, must_succeed);
        s.state()->schedule();
        watch([] { return runtime::parked_strands.load() == 1; });
        set_memory_limit(2 * block);
        watch(wants);
        require(!longer.query(), "a submission waited although there was memory");
        set_memory_limit(block);
        longer.wait();
      },
      [](Circumstances& c) {
        c.workers = 2;
        c.settings.impatience = 0;  // it is time that counts here
      });
}

// As long as something moves, what is parked is tried only when memory has come back.
TEST_F(ShortMemory, NothingIsTriedInVain) {
  run_short(
      2,
      [](std::uint64_t) {
        const Stream s = new_stream(Device::cpu), busy = new_stream(Device::cpu);
        BufferRef held = runtime::allocate(block);
        const Event frees = launch(busy, [&held](Launch&) {
          delay(10'000'000);
          held = {};
        });
        int tries = 0;
        const Event wants = submit(
            s,
            [&tries](Launch& launch) {
              ++tries;
              take(launch, 2, 0);
            },
            {}, must_succeed);
        s.state()->schedule();
        watch(wants);
        require(tries <= 4, "a submission is tried again and again");
        watch(frees);
      },
      [](Circumstances& c) { c.workers = 2; });
}

// A strand that had all but blocked was taken for blocked, and what it was about to free was not waited for.
TEST_F(ShortMemory, AStrandThatNeedNotWaitAfterAllMoves) {
  run_short(3, [](std::uint64_t) {
    const Stream a = new_stream(Device::cpu), b = new_stream(Device::cpu), c = new_stream(Device::cpu);
    const Event before = launch(a, [](Launch&) {});
    const Event first = submit(b, [](Launch& launch) { take(launch, 2, 3); }, {before}, must_succeed);
    b.state()->schedule();
    submit(c, [](Launch& launch) { take(launch, 2, 1); }, {}, must_succeed);
    c.state()->schedule();
    Event last;
    for (int i = 0; i < 2; ++i) last = submit(c, [](Launch& launch) { take(launch, 2, 1); }, {}, must_succeed);
    last.wait();
    first.wait();
  });
}

// Memory was refused for a moment, and there was some at the last try: what comes next on the stream waits like others,
// here for the oldest one to fail.
TEST_F(ShortMemory, TheLastTryIsThatOfOneSubmission) {
  run_short(
      3,
      [](std::uint64_t) {
        const Stream a = new_stream(Device::cpu), b = new_stream(Device::cpu), busy = new_stream(Device::cpu);
        BufferRef kept = runtime::allocate(block), taken;
        launch(busy, [](Launch&) { watch([] { return runtime::parked_strands.load() == 2; }); });
        submit(a, [&taken](Launch& launch) { taken = launch.allocate(block); }, {}, must_succeed);
        const Event last = submit(a, [](Launch& launch) { take(launch, 2, 1); }, {}, must_succeed);
        a.state()->schedule();
        watch([] { return runtime::parked_strands.load() == 1; });
        const Event fails = submit(
            b, [](Launch& launch) { take(launch, 3, 1); }, {},
            [&kept](const std::exception_ptr& failure) {
              must_fail(failure);
              kept = {};
            });
        b.state()->schedule();
        watch(last);
        watch(fails);
      },
      [](Circumstances& c) {
        c.workers = 3;
        c.settings.faults[static_cast<std::size_t>(Fault::Allocation)] = {2, 1};
      });
}

// Memory was refused for a moment; at the last try somebody stood in the way who was refused, too.
TEST_F(ShortMemory, ALastTryThatOthersStoodInTheWayOfIsNotTheLast) {
  run_short(
      3,
      [](std::uint64_t) {
        const Stream a = new_stream(Device::cpu), b = new_stream(Device::cpu);
        for (const Stream& s : {a, b}) {
          submit(s, [](Launch& launch) { take(launch, 3, 0); }, {}, must_succeed);
          s.state()->schedule();
        }
        for (const Stream& s : {a, b}) watch(Event(s.state(), 1));
      },
      [](Circumstances& c) {
        c.workers = 2;
        c.settings.faults[static_cast<std::size_t>(Fault::Allocation)] = {1, 1};
      });
}

// So it is where the other one has parked already when this one looks who moves.
TEST_F(ShortMemory, WhoHasStoodInTheWayAndParkedIsCounted) {
  run_short(
      3,
      [](std::uint64_t) {
        const Stream a = new_stream(Device::cpu), b = new_stream(Device::cpu);
        Atomic<bool> last_try{false}, a_holds{false}, b_holds{false};
        int tries = 0, tries_of_other = 0;
        const Event wants = submit(
            a,
            [&](Launch& launch) {
              if (++tries != 2) return take(launch, 3, 0);
              last_try.store(true);
              launch.scratch(block);
              a_holds.store(true);
              watch([&] { return b_holds.load(); });
              try {
                launch.scratch(block);
              } catch (const MemoryError&) {
                watch([] { return runtime::parked_strands.load() == 1; });
                throw;
              }
            },
            {}, must_succeed);
        a.state()->schedule();
        watch([&] { return last_try.load(); });
        const Event other = submit(
            b,
            [&](Launch& launch) {
              if (++tries_of_other != 1) return take(launch, 3, 0);
              watch([&] { return a_holds.load(); });
              launch.scratch(block);
              launch.scratch(block);
              b_holds.store(true);
              launch.scratch(block);
            },
            {}, must_succeed);
        b.state()->schedule();
        watch(wants);
        watch(other);
      },
      [](Circumstances& c) {
        c.workers = 2;
        c.settings.faults[static_cast<std::size_t>(Fault::Allocation)] = {1, 1};
      });
}

// Two hold one block: the last one to let go of it gives it to whoever comes next, after the other one's reads.
TEST_F(ShortMemory, ABlockIsUsedAnewAfterAllItsReaders) {
  run_short(2, [](std::uint64_t) {
    BufferRef shared = runtime::allocate(block);
    auto use = [](BufferRef mine) {
      mine->contents.read();
      mine = {};
      runtime::allocate(block);
    };
    BufferRef copy = shared;
    Thread one([&use, &shared] { use(std::move(shared)); }), two([&use, &copy] { use(std::move(copy)); });
    one.join();
    two.join();
  });
}

// A thread leaves in the middle of a submission, and there is no pool to go on with it: what it holds is not waited
// for.
TEST_F(ShortMemory, AThreadThatHasLeftIsNotWaitedFor) {
  run_short(
      3,
      [](std::uint64_t) {
        runtime::shutdown();
        const Stream a = new_stream(Device::cpu), b = new_stream(Device::cpu);
        auto take_long = [](Launch& launch) {
          launch.scratch(2 * block);
          launch.parallel(40, 1e5, [](std::size_t) { delay(1'000'000); });
        };
        const Event left = submit(a, take_long);
        const Event wants = submit(b, [](Launch& launch) { take(launch, 2, 1); });
        Thread leaves([&left] { left.wait_for(10e-3); });
        wants.wait();
        leaves.join();
        left.wait();
      },
      lonely);
}

// Two threads have come to a halt, for want of memory, and the first of them waits no longer.
TEST_F(ShortMemory, WithoutAPoolEachParkedSubmissionHasItsLastTry) {
  run_short(
      3,
      [](std::uint64_t) {
        runtime::shutdown();
        const BufferRef held = runtime::allocate(block);
        const Stream a = new_stream(Device::cpu), b = new_stream(Device::cpu), c = new_stream(Device::cpu);
        const Event before =
            submit(c, [](Launch& launch) { launch.parallel(20, 1e5, [](std::size_t) { delay(1'000'000); }); });
        const Event first = submit(a, [](Launch& launch) { take(launch, 3, 1); }, {}, must_fail);
        const Event second = submit(b, [](Launch& launch) { take(launch, 3, 1); }, {}, must_fail);
        Thread runs([&before] { before.wait(); }), leaves([&first] { first.wait_for(1e-3); });
        second.wait();
        runs.join();
        leaves.join();
        first.wait();
      },
      lonely);
}

// Memory comes back, but not enough, and whoever waited for the submission that it is tried for waits no longer.
TEST_F(ShortMemory, WithoutAPoolWhatIsTriedAgainIsNotWaitedFor) {
  run_short(
      3,
      [](std::uint64_t) {
        runtime::shutdown();
        const BufferRef held = runtime::allocate(block);
        BufferRef freed = runtime::allocate(block);
        const Stream a = new_stream(Device::cpu), b = new_stream(Device::cpu);
        const Event first = submit(a, [](Launch& launch) { take(launch, 3, 1); }, {}, must_fail);
        const Event second = submit(b, [](Launch& launch) { take(launch, 3, 1); }, {}, must_fail);
        Thread leaves([&first] { first.wait_for(1e-6); }), frees([&freed] { freed = {}; });
        second.wait();
        leaves.join();
        frees.join();
        first.wait();
      },
      lonely);
}

// Workers leave what is queued: it frees nothing that somebody could wait for.
TEST_F(ShortMemory, WhatStoppedWorkersHaveLeftIsNotWaitedFor) {
  run_short(
      3,
      [](std::uint64_t) {
        const BufferRef held = runtime::allocate(block);
        const Stream a = new_stream(Device::cpu), b = new_stream(Device::cpu);
        Thread waits([&a] { submit(a, [](Launch& launch) { take(launch, 3, 1); }, {}, must_fail).wait(); });
        const Event queued = launch(b, [](Launch&) {});
        runtime::shutdown();
        waits.join();
        queued.wait();
      },
      lonely);
}

// The same, where a worker is in the middle of something when the pool has stopped.
TEST_F(ShortMemory, WhatIsQueuedWhereThePoolHasStoppedIsNotWaitedFor) {
  run_short(
      3,
      [](std::uint64_t) {
        const BufferRef held = runtime::allocate(block);
        const Stream a = new_stream(Device::cpu), b = new_stream(Device::cpu), busy = new_stream(Device::cpu);
        const Event longer = launch(busy, [](Launch&) { delay(2'000'000'000); });
        const Event wants = submit(a, [](Launch& launch) { take(launch, 3, 1); }, {}, must_fail);
        a.state()->schedule();
        watch([&] { return runtime::parked_strands.load() == 1 || wants.query(); });
        runtime::shutdown();
        const Event queued = launch(b, [](Launch&) {});
        wants.wait();
        longer.wait();
        queued.wait();
      },
      [](Circumstances& c) {
        c.workers = 2;
        lonely(c);
      });
}

}  // namespace
}  // namespace anabranch::simulation
