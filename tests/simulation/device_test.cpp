// Devices that work on their own, under the scheduler: how far ahead they are given work, and what comes of it.
#include "anabranch/error.h"
#include "anabranch/linalg.h"
#include "anabranch/ops.h"
#include "backends/sim/machine.h"
#include "directed.h"
#include "runtime/backend.h"
#include "runtime/process.h"

namespace anabranch::simulation {
namespace {

using runtime::Launch;
using runtime::testing::launch;
using runtime::testing::submit;

using Devices = Simulated;

// Adds commands that take a device some 70 us each.
void occupy(Launch& launch, int commands) {
  static std::vector<char> from(1 << 20), to(1 << 20);
  for (int i = 0; i < commands; ++i) launch.queue().copy(to.data(), from.data(), from.size());
}

template <typename E, typename F>
bool raises(F&& f) {
  try {
    f();
  } catch (const E&) {
    return true;
  }
  return false;
}

// A submission that does so and then `more`, when it is with the device.
void occupied_and(const Stream& s, const std::function<void(Launch&)>& more,
                  const std::function<void(std::exception_ptr)>& finish) {
  const Event e = submit(
      s,
      [&more](Launch& l) {
        occupy(l, 3);
        more(l);
      },
      {}, finish);
  s.state()->schedule();
  watch([&] { return s.state()->issued() >= e.value(); });
}

// A submission that publishes something when it is with the device.
class Publishes final : public runtime::Work {
 public:
  Publishes(Stream stream, const AccessCheck& what) : stream_(std::move(stream)), what_(what) {}
  void start(Launch& launch) override { occupy(launch, 1); }
  void issued(const std::exception_ptr&) noexcept override { what_.write(); }
  void finish(std::exception_ptr) noexcept override {}

 private:
  Stream stream_;
  const AccessCheck& what_;
};

TEST_F(Devices, WhoSeesThatASubmissionIsWithTheDeviceSeesWhatItPublished) {
  run_many([] {
    const AccessCheck published("what a submission published");
    const Stream s = new_stream(Device::gpu);
    const Event e(s.state(), s.state()->submit(new Publishes(s, published)));
    s.state()->schedule();
    watch([&] { return s.state()->issued() == e.value(); });
    published.read();
    e.wait();
  });
}

// What waits for another stream of the device is with the device as soon as that is, not when that is done.
TEST_F(Devices, StreamsOfOneDeviceWaitForEachOtherThere) {
  int ahead = 0;
  run_many([&] {
    const Stream a = new_stream(Device::gpu), b = new_stream(Device::gpu);
    const Event cause = submit(a, [](Launch& l) { occupy(l, 3); });  // told of by who is blocked by it
    watch(launch(b, [&](Launch&) { ahead += cause.stream()->completed() < cause.value(); }, {cause}));
  });
  EXPECT_GT(ahead, 100);
}

// A thread that waits for a device helps with what comes after that, too, and does not keep it to itself.
TEST_F(Devices, AThreadPassesOnWhatItIsNotToWaitFor) {
  run_many(
      [](Circumstances& c) {
        unhurried(c);
        c.settings.step_ns = 10;
      },
      [] {
        const Stream device = new_stream(Device::gpu), host = new_stream(Device::cpu);
        const Event first = submit(device, [](Launch& l) { occupy(l, 10); }), cause = submit(host, [](Launch&) {});
        bool ahead = false;
        const Event second =
            submit(device, [&](Launch&) { ahead = first.stream()->completed() < first.value(); }, {cause});
        first.wait();
        second.wait();
        require(ahead, "a thread kept to itself what it did not run");
      });
}

// What a lost device was in the middle of has ended, one way or the other, when its loss is told.
TEST_F(Devices, ALostDeviceHasStopped) {
  run_many([](Circumstances& c) { c.settings.lonely = true; },
           [] {
             std::vector<char> from(1 << 16, 1), to(1 << 16, 0);
             const Stream s = new_stream(Device::gpu);
             const Event copy = launch(s, [&](Launch& l) { l.queue().copy(to.data(), from.data(), from.size()); });
             delay(3000);
             backends::sim::Machine::get().lose(0, "the test has lost it");
             const char then = to.back();
             delay(1'000'000);
             require(to.back() == then, "a lost device went on");
             copy.wait();
           });
}

// A failure of which its reader was told comes up once, though a device has it told when it is given the work and again
// when it has done it.
TEST_F(Devices, AFailureIsToldOnce) {
  run_many([](Circumstances& c) { c.settings.faults[static_cast<std::size_t>(Fault::Command)] = {1, 1}; },
           [] {
             const Stream s = new_stream(Device::gpu);
             require(raises<MemoryError>([&] { full({3}, 1.0f, float32, s).eval(); }),
                     "a refused command was no failure");
             s.synchronize();
           });
}

// Each allocation of the runtime in turn is refused: the value is there, or a MemoryError is raised.
TEST_F(Devices, EachAllocationMayBeRefused) {
  std::uint32_t refused = 0;
  for (bool more = true; more;) {
    Circumstances c{Settings::from_seed(7)};
    c.settings.faults[static_cast<std::size_t>(Fault::New)] = {refused + 1, 1};
    more = run_program(c, [] {
             const Stream s = new_stream(Device::gpu);
             const array x = add(full({3}, 1.0f, float32, s), full({3}, 2.0f, float32, s), s), y = sum(x, false, s);
             try {
               require(y.item<float>() == 9.0f && x.data<float>()[2] == 3.0f, "a value is wrong");
             } catch (const std::bad_alloc&) {
             }
             try {
               s.synchronize();
             } catch (const std::bad_alloc&) {
             }
           }).faults != 0;
    refused += more;
  }
  EXPECT_GT(refused, 20);
}

// What the device finds out when it has long been given what depends on it, while each allocation in turn is refused.
TEST_F(Devices, ALateFailureReachesWhatDependsOnItThoughMemoryIsRefused) {
  std::uint32_t refused = 0;
  for (bool more = true; more;) {
    Circumstances c{Settings::from_seed(11)};
    c.settings.faults[static_cast<std::size_t>(Fault::New)] = {refused + 1, 1};
    more = run_program(c, [] {
             const Stream s = new_stream(Device::gpu);
             const array one = full({2, 2}, 1.0f, float32, s);
             try {
               one.eval();
               const array bad = linalg::cholesky(negative(one, s), false, s);
               const array x = add(bad, one, s), y = multiply(add(x, one, s), one, s);
               launch(s, [](Launch& l) { occupy(l, 3); });  // or the device is no later than its host
               async_eval({x, y});
               for (const array& a : {y, x, bad}) {
                 const bool raised = raises<std::exception>([&] { static_cast<void>(a.data<float>()); });
                 require(raised, "a failure did not reach what depends on it");
               }
             } catch (const std::bad_alloc&) {  // before all that
             }
             try {
               s.synchronize();
             } catch (const std::exception&) {
             }
           }).faults != 0;
    refused += more;
  }
  EXPECT_GT(refused, 20);
}

// Queues that wait for a device are told of its loss.
TEST_F(Devices, WhoWaitsForALostDeviceGoesOn) {
  run_many([] {
    const Stream lost = new_stream(Device(Device::gpu, 0)), other = new_stream(Device(Device::gpu, 1));
    const Event cause = submit(lost, [](Launch& l) { occupy(l, 5); });
    const Event blocked = launch(other, [](Launch&) {}, {cause});
    watch([&] { return blocked.stream()->issued() >= blocked.value(); });
    backends::sim::Machine::get().lose(0, "the test has lost it");
    blocked.wait();
    cause.wait();
  });
}

// What a device had been using is given back like any other memory when it is through, to make room for larger blocks.
TEST_F(Devices, MemoryThatADeviceHasUsedIsGivenBack) {
  run_many(unhurried, [] {
    const Stream s = new_stream(Device::gpu);
    runtime::Arena& arena = s.state()->arena();
    const std::size_t unlimited = arena.figures().limit;
    runtime::BufferRef used = arena.allocate(4096);
    const Event use = launch(s, [](Launch& l) { occupy(l, 1); });
    arena.note_use(used.get(), use);
    used = {};
    watch(use);
    delay(100'000'000);  // who told of the end is through, too
    arena.set_limit(8192);
    const runtime::BufferRef larger = arena.allocate(8192);
    const auto figures = arena.figures();
    require(figures.active + figures.cached <= figures.limit, "a device's memory passes its limit");
    arena.set_limit(unlimited);
  });
}

// Scratch memory is given up when a submission is with the device, which has yet to use it.
TEST_F(Devices, ScratchMemoryIsNotUsedAnewTooSoon) {
  run_many([] {
    static std::vector<char> from(4096);
    const Stream s = new_stream(Device::gpu), other = new_stream(Device::gpu);
    const auto fill = [](Launch& l) { l.queue().copy(l.scratch(from.size()), from.data(), from.size()); };
    const auto succeeds = [](const std::exception_ptr& failure) { require(!failure, "memory was used anew too soon"); };
    occupied_and(s, fill, succeeds);
    submit(other, fill, {}, succeeds).wait();
    s.synchronize();
  });
}

// Who is given it then has its device wait for that signal.
TEST_F(Devices, MemoryIsHandedOnOnceItsUseIsToBeSignalled) {
  run_many([] {
    static std::vector<char> from(4096);
    const Stream streams[] = {new_stream(Device::gpu), new_stream(Device::gpu)};
    runtime::Arena& arena = streams[0].state()->arena();
    const std::size_t unlimited = arena.figures().limit;
    arena.trim(0);
    arena.set_limit(from.size());  // for one of them at a time
    std::vector<Event> ends;
    for (int i = 0; i < 4; ++i) {
      const Stream& s = streams[i % 2];
      ends.push_back(submit(
          s, [](Launch& l) { l.queue().copy(l.scratch(from.size()), from.data(), from.size()); }, {},
          [](const std::exception_ptr& failure) { require(!failure, "a submission failed"); }));
      s.state()->schedule();
    }
    for (const Event& e : ends) e.wait();
    arena.set_limit(unlimited);
  });
}

bool comes_to_pass(const Event& event) {
  for (int i = 0; i < 1000 && !event.query(); ++i) delay(1'000'000);
  return event.query();
}

// A signal that was held back, since more was to follow at once, is not kept by a thread that leaves it at that.
TEST_F(Devices, WhatIsWithADeviceIsToldOfThoughItsStrandIsLeft) {
  run_many(
      [](Circumstances& c) {
        unhurried(c);
        c.settings.lonely = true;
      },
      [] {
        runtime::shutdown();  // nobody else goes on
        const Stream s = new_stream(Device::gpu);
        Event last;
        for (int i = 0; i < 60; ++i) last = submit(s, [](Launch&) { delay(1'000'000); });
        require(!last.wait_for(1e-3), "a wait went on beyond its deadline");
        require(comes_to_pass(Event(s.state(), s.state()->issued())), "what is with a device was kept secret");
        last.wait();
      });
}

// Nor while what follows has to wait for memory that it would free.
TEST_F(Devices, WhatIsWithADeviceIsToldOfThoughWhatFollowsIsParked) {
  run_many(unhurried, [] {
    const Stream s = new_stream(Device::gpu);
    runtime::Arena& arena = s.state()->arena();
    const std::size_t unlimited = arena.figures().limit;
    arena.trim(0);
    arena.set_limit(4096);
    runtime::BufferRef held = arena.allocate(4096);
    submit(s, [](Launch& l) { occupy(l, 1); }, {}, [&](const std::exception_ptr&) { held = {}; });
    const Event wants = launch(s, [](Launch& l) { l.scratch(4096); });
    require(comes_to_pass(wants), "a submission waits for memory that nobody is told of");
    arena.set_limit(unlimited);
  });
}

// Of a step of which one result fails and the other one does not, the device writes to the memory of both.
TEST_F(Devices, MemoryOfAResultThatFailedIsNotUsedAnewTooSoon) {
  run_many([](Circumstances& c) { c.settings.faults[static_cast<std::size_t>(Fault::Command)] = {1, 1}; },
           [] {
             const Stream s = new_stream(Device::gpu), other = new_stream(Device::gpu);
             const array bad = full({3}, 1.0f, float32, s), good = full({3}, 2.0f, float32, s);
             require(raises<MemoryError>([&] { bad.eval(); }), "a refused command was no failure");
             good.eval();
             const array x = add(bad, good, s), y = add(good, good, s);
             launch(s, [](Launch& l) { occupy(l, 3); });
             async_eval({x, y});
             const Event end = y.event();
             watch([&] { return end.stream()->issued() >= end.value(); });
             const array z = full({3}, 7.0f, float32, other);
             require(z.data<float>()[1] == 7.0f && y.data<float>()[1] == 4.0f, "a value is wrong");
           });
}

TEST_F(Devices, ADeviceIsGivenSoManySubmissionsAtMost) {
  std::uint64_t most = 0;
  run_many([](Circumstances&) {},
           [&] {
             const Stream s = new_stream(Device::gpu);
             launch(s, [](Launch& l) { occupy(l, 60); });
             Event last;
             for (int i = 0; i < 400; ++i) {
               last = launch(s, [&](Launch&) {
                 const std::uint64_t in_flight = s.state()->issued() - s.state()->completed();
                 require(in_flight < 256, "a device is given any number of submissions");
                 most = std::max(most, in_flight);
               });
             }
             last.wait();
           },
           60);
  EXPECT_EQ(most, 255);
}

}  // namespace
}  // namespace anabranch::simulation
