// Who waits and who runs, under the scheduler: a thread or worker that leaves, leaves nothing behind that others need.
#include "anabranch/ops.h"
#include "directed.h"
#include "runtime/pool.h"
#include "runtime/process.h"
#include "runtime/wait.h"

namespace anabranch::simulation {
namespace {

using runtime::Interrupted;
using runtime::Launch;
using runtime::testing::launch;
using runtime::testing::submit;

using Waiting = Simulated;

void wait_in_spite_of_interrupts(const Event& event) {
  while (true) {
    try {
      return event.wait();
    } catch (const Interrupted&) {
    }
  }
}

// What a wait had come upon when its time was up was run by nobody, though others waited for it.
TEST_F(Waiting, AWaitThatEndsSeesToWhatItCameUpon) {
  std::uint64_t seed = 0;
  run_many([&](Circumstances& c) { seed = c.settings.seed; },
           [&] {
             Random random(seed);
             const Stream a = new_stream(Device::cpu), b = new_stream(Device::cpu);
             for (std::uint32_t i = random.below(20); i > 0; --i)
               submit(a, [](Launch&) {});  // it looks at the clock rarely
             const Event cause = submit(b, [](Launch&) {});
             const Event end = submit(a, [](Launch&) {}, {cause});
             Thread other([&end, time = random.pick(0, 1, 5, 20, 100) * 1e-6] {
               Scheduler::current()->expect_timeouts(+1);
               end.wait_for(time);
               Scheduler::current()->expect_timeouts(-1);
             });
             end.wait();
             other.join();
           },
           3000);
}

TEST_F(Waiting, WhatAWaitHasNotComeToIsForThePool) {
  run_many([] {
    const Event e = submit(new_stream(Device::cpu), [](Launch&) {});
    Scheduler::current()->expect_timeouts(+1);
    e.wait_for(0);
    Scheduler::current()->expect_timeouts(-1);
    watch(e);
  });
}

// A thread ran a submission in pieces too small to ask others for, and its time was up in the middle.
TEST_F(Waiting, WhatAWaitLeavesInTheMiddleIsForThePool) {
  run_many([] {
    const Event e =
        submit(new_stream(Device::cpu), [](Launch& l) { l.parallel(40, 1, [](std::size_t) { delay(100'000); }); });
    Scheduler::current()->expect_timeouts(+1);
    e.wait_for(1e-3);
    Scheduler::current()->expect_timeouts(-1);
    watch(e);
  });
}

// Many are unblocked at once, and there is no memory for a list of them.
TEST_F(Waiting, WhoIsUnblockedIsRunWhereMemoryIsShort) {
  run_many([](Circumstances& c) { c.settings.faults[static_cast<std::size_t>(Fault::New)] = {1, 1'000'000}; },
           [] {
             Atomic<bool> go{false};
             const Event cause =
                 launch(new_stream(Device::cpu), [&go](Launch&) { watch([&go] { return go.load(); }); });
             std::vector<Event> ends;
             for (int i = 0; i < 6; ++i) ends.push_back(launch(new_stream(Device::cpu), [](Launch&) {}, {cause}));
             go.store(true);
             for (const Event& end : ends) watch(end);
           });
}

TEST_F(Waiting, ACallOnCompletionComesThoughNobodyWaits) {
  run_many([] {
    Atomic<bool> begun{false}, called{false};
    launch(new_stream(Device::cpu), [&begun](Launch&) { begun.store(true); });
    watch([&begun] { return begun.load(); });
    runtime::on_complete(submit(new_stream(Device::cpu), [](Launch&) {}), [&called] { called.store(true); });
    watch([&called] { return called.load(); });
  });
}

// Who asks for it is not held up by what another thread is at, though no worker has been started yet.
TEST_F(Waiting, ToAskForACallOnCompletionIsNotToWait) {
  run_many([] {
    Atomic<bool> begun{false}, go{false}, called{false};
    const Event e = submit(new_stream(Device::cpu), [&begun, &go](Launch&) {
      begun.store(true);
      watch([&go] { return go.load(); });
    });
    Thread runs([&e] { e.wait(); });
    watch([&begun] { return begun.load(); });
    runtime::on_complete(e, [&called] { called.store(true); });
    go.store(true);
    watch([&called] { return called.load(); });
    runs.join();
  });
}

TEST_F(Waiting, AnInterruptedWaitGivesTheStrandBack) {
  run_many([](Circumstances& c) { c.interrupts = true; },
           [] {
             const Stream s = new_stream(Device::cpu);
             Event last;
             for (int i = 0; i < 60; ++i) last = submit(s, [](Launch&) { delay(5'000'000); });
             wait_in_spite_of_interrupts(last);
           });
}

TEST_F(Waiting, EndsAtItsDeadlineOrWithAnInterrupt) {
  for (const bool interrupts : {false, true}) {
    run_many(
        [interrupts](Circumstances& c) {
          c.interrupts = interrupts;
          unhurried(c);
        },
        [interrupts] {
          Atomic<bool> begun{false};
          const Event e = launch(new_stream(Device::cpu), [&begun](Launch&) {
            begun.store(true);
            delay(10'000'000'000);
          });
          watch([&begun] { return begun.load(); });  // by a worker
          const std::int64_t begin = runtime::Clock::now();
          bool interrupted = false, there = false;
          try {
            if (interrupts) e.wait();
            else there = e.wait_for(10e-3);
          } catch (const Interrupted&) {
            interrupted = true;
          }
          require(!there && interrupted == interrupts, "a wait did not end");
          require(interrupts || runtime::Clock::now() - begin < 1'000'000'000, "a wait went on beyond its deadline");
          wait_in_spite_of_interrupts(e);
        },
        100);
  }
}

TEST_F(Waiting, UrgentStreamsComeFirst) {
  run_many([](Circumstances& c) { c.workers = 1; },
           [] {
             const Stream busy = new_stream(Device::cpu), usual = new_stream(Device::cpu);
             const Stream urgent = new_stream(Device::cpu, -1);
             Atomic<bool> begun{false}, free{false};
             std::string order;  // the worker's
             launch(busy, [&](Launch&) {
               begun.store(true);
               watch([&] { return free.load(); });
             });
             watch([&] { return begun.load(); });
             const Event ends[] = {launch(usual, [&](Launch&) { order += "usual "; }),
                                   launch(urgent, [&](Launch&) { order += "urgent "; }),
                                   launch(new_stream(Device::cpu), [&](Launch&) { order += "usual "; }),
                                   launch(new_stream(Device::cpu, -1), [&](Launch&) { order += "urgent "; })};
             free.store(true);
             for (const Event& e : ends) watch(e);
             require(order == "urgent urgent usual usual ", "an urgent stream had to wait for its turn");
           });
}

// An evaluation that was interrupted goes on, also on the streams that it had not come to.
TEST_F(Waiting, AnInterruptedEvaluationGoesOn) {
  run_many([](Circumstances& c) { c.interrupts = true; },
           [] {
             const Stream a = new_stream(Device::cpu), b = new_stream(Device::cpu);
             const array one(1.0f);
             const array x = add(one, one, a), y = add(one, one, b);
             launch(a, [](Launch&) { delay(300'000'000); });
             try {
               eval({x, y});
             } catch (const Interrupted&) {
             }
             watch(y.event(), 100'000);
             watch(x.event(), 100'000);
           });
}

// Of several phases only the last was too long for a thread that can be interrupted, and nobody was asked for it.
TEST_F(Waiting, ALongPhaseAfterAShortOneIsGivenToThePool) {
  run_many([](Circumstances& c) { c.interrupts = true; },
           [] {
             const Event e = launch(new_stream(Device::cpu), [](Launch& l) {
               l.parallel(4, 1e5, [](std::size_t) { relax(); });
               l.parallel(2, 3e6, [](std::size_t) { relax(); });
             });
             wait_in_spite_of_interrupts(e);
           });
}

// The pool works on one long stream: another one has its turn after a slice.
TEST_F(Waiting, OtherStreamsHaveTheirTurn) {
  run_many([](Circumstances& c) { c.workers = 1; },
           [] {
             const Stream a = new_stream(Device::cpu), b = new_stream(Device::cpu);
             Event last;
             for (int i = 0; i < 100; ++i) last = launch(a, [](Launch&) { delay(100'000); });
             const auto done = [&a] { return a.state()->completed(); };
             watch([&] { return done() > 0; });
             std::uint64_t before = done(), meanwhile = 0;
             watch(launch(b, [&](Launch&) { meanwhile = done() - before; }));
             require(meanwhile < 40, "a stream waited for another one that the pool was busy with");
             last.wait();
           });
}

TEST_F(Waiting, StoppedWorkersEndAfterTheSubmissionThatTheyAreAt) {
  run_many(unhurried_with(1), [] {
    const Stream s = new_stream(Device::cpu);
    Event last;
    for (int i = 0; i < 100; ++i) last = launch(s, [](Launch&) { delay(10'000'000); });
    watch([&] { return s.state()->completed() > 0; });
    const std::int64_t begin = runtime::Clock::now();
    runtime::shutdown();
    require(runtime::Clock::now() - begin < 500'000'000, "the pool did not stop in time");
    require(!runtime::Pool::get().has_workers(), "the pool has stopped and goes on");
    last.wait();
  });
}

}  // namespace
}  // namespace anabranch::simulation
