// Submissions that are parked, under the scheduler: none waits for nothing, and none has its last try too early.
#include "runtime/process.h"
#include "runtime/wait.h"
#include "short_memory.h"

namespace anabranch::simulation {
namespace {

using runtime::BufferRef;
using runtime::Launch;
using runtime::testing::launch;
using runtime::testing::submit;

// A strand that had all but blocked was taken for blocked, and what it was about to free was not waited for.
TEST_F(ShortMemory, AStrandThatNeedNotWaitAfterAllMoves) {
  run_short(
      3,
      [](std::uint64_t) {
        const Stream a = new_stream(Device::cpu), b = new_stream(Device::cpu), c = new_stream(Device::cpu);
        Atomic<bool> begun{false};
        const Event before = submit(a, [](Launch&) {});
        submit(b, [](Launch&) {});
        const Event first = submit(
            b,
            [&begun](Launch& launch) {
              take(launch, 2, 0);
              begun.store(true);
              watch([] { return runtime::parked_strands.load() == 1; });
            },
            {before}, must_succeed);
        b.state()->schedule();
        a.state()->schedule();
        watch([&begun] { return begun.load(); });
        const Event second = submit(c, [](Launch& launch) { take(launch, 2, 0); }, {}, must_succeed);
        c.state()->schedule();
        watch(first);
        watch(second);
      },
      [](Circumstances& c) { c.workers = 3; });
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

// What was parked, and is taken out while one that was refused at its last try looks who moves, may free memory.
TEST_F(ShortMemory, WhoIsTakenOutMeanwhileIsCounted) {
  run_short(
      3,
      [](std::uint64_t) {
        const Stream a = new_stream(Device::cpu), b = new_stream(Device::cpu), c = new_stream(Device::cpu),
                     busy = new_stream(Device::cpu);
        BufferRef held = runtime::allocate(block), freed = runtime::allocate(block);
        Atomic<bool> both_parked{false}, last_try{false}, locked{false};
        launch(busy, [&](Launch&) { watch([&] { return both_parked.load(); }); });
        int tries = 0;
        const Event wants = submit(
            a,
            [&](Launch& launch) {
              if (++tries == 2) {
                last_try.store(true);
                watch([&] { return locked.load(); });
              }
              take(launch, 3, 0);
            },
            {}, must_succeed);
        a.state()->schedule();
        watch([] { return runtime::parked_strands.load() == 1; });
        const Event helps = submit(
            b,
            [&](Launch& launch) {
              take(launch, 2, 0);
              delay(20'000'000);
              held = {};
            },
            {}, must_succeed);
        b.state()->schedule();
        watch([] { return runtime::parked_strands.load() == 2; });
        both_parked.store(true);
        watch([&] { return last_try.load(); });
        runtime::Arena::undo(std::move(freed));  // and those who are parked are told later
        runtime::Lock lock(c.state()->mutex());  // who looks at each stream stops here, when it has looked at b
        const std::uint64_t before = runtime::refused_tries.load();
        locked.store(true);
        watch([&] { return runtime::refused_tries.load() > before; });
        delay(5'000'000);
        runtime::retry_parked();
        lock.unlock();
        watch(wants);
        watch(helps);
      },
      unhurried_with(3));
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

// What is parked while another one is taken out, and takes that for what moves, is reconsidered.
TEST_F(ShortMemory, WithoutAPoolWhatIsParkedMeanwhileIsReconsidered) {
  run_short(
      3,
      [](std::uint64_t) {
        runtime::shutdown();
        const BufferRef held = runtime::allocate(block);
        BufferRef freed = runtime::allocate(block);
        const Stream a = new_stream(Device::cpu), b = new_stream(Device::cpu), moves = new_stream(Device::cpu);
        Atomic<bool> done{false};
        const Event before = submit(moves, [&done](Launch&) { watch([&done] { return done.load(); }); });
        const Event first = submit(a, [](Launch& launch) { take(launch, 3, 1); }, {}, must_fail);
        const Event second = submit(b, [](Launch& launch) { take(launch, 3, 1); }, {}, must_fail);
        Thread runs([&before] { before.wait(); });
        watch([&moves] { return moves.state()->is_moving(false); });
        first.wait_for(1e-6);  // runs it, and leaves it parked
        if (runtime::parked_strands.load() == 1) {
          runtime::Lock lock(a.state()->mutex());  // it is taken out and does not go on yet
          Thread frees([&freed] { freed = {}; });
          watch([] { return runtime::parked_strands.load() == 0; });
          done.store(true);
          runs.join();
          Thread waits([&second] { second.wait(); });
          watch([] { return runtime::parked_strands.load() == 1; });
          delay(100'000);
          lock.unlock();
          frees.join();
          waits.join();
        } else {
          done.store(true);
          runs.join();
        }
        first.wait();
        second.wait();
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
