// Memory that is short, under the scheduler: what could have its memory in time is never refused.
#include "anabranch/ops.h"
#include "graph/node.h"
#include "runtime/backend.h"
#include "short_memory.h"
#include "simulation/random.h"

namespace anabranch::simulation {
namespace {

using runtime::BufferRef;
using runtime::Launch;
using runtime::testing::launch;
using runtime::testing::submit;

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
      unhurried_with(2));
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
      unhurried_with(2));
}

// Memory that the system refused comes back when a device has used what is left of it.
TEST_F(ShortMemory, WhatADeviceHasUsedIsNoticed) {
  class OneBlock final : public runtime::MemorySource {
   public:
    void* allocate(std::size_t) override { return std::exchange(given_, true) ? nullptr : memory_; }
    void free(void*, std::size_t) override { given_ = false; }

   private:
    alignas(64) char memory_[block];
    bool given_ = false;
  };
  run_short(
      2,
      [](std::uint64_t) {
        OneBlock source;
        runtime::Arena arena(source, 4 * block, "memory of one block");
        const Stream device = new_stream(Device::gpu), s = new_stream(Device::cpu), busy = new_stream(Device::cpu);
        const Event longer = launch(busy, [](Launch&) { delay(1'000'000'000); });
        static std::vector<char> from(1 << 20), to(1 << 20);
        const Event uses =
            launch(device, [](Launch& launch) { launch.queue().copy(to.data(), from.data(), from.size()); });
        {
          const BufferRef b = arena.allocate(block);
          arena.note_use(b.get(), uses);
        }
        const Event wants = submit(s, [&arena](Launch&) { arena.allocate(block); }, {}, must_succeed);
        s.state()->schedule();
        watch(uses);
        arena.sweep();
        watch(wants);
        require(!longer.query(), "a submission waited although there was memory");
        longer.wait();
        arena.trim(0);
      },
      unhurried_with(2));
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

// So it is where what a try gives back are the results of an operation.
TEST_F(ShortMemory, NoOperationIsTriedInVain) {
  run_short(
      3,
      [](std::uint64_t) {
        const Stream s = new_stream(Device::cpu), busy = new_stream(Device::cpu);
        const std::vector<float> ones(block / sizeof(float), 1.0f);
        const array a(ones.data(), {static_cast<int>(ones.size())}, float32);
        BufferRef held = runtime::allocate(block);
        const Event frees = launch(busy, [&held](Launch&) {
          delay(10'000'000);
          held = {};
        });
        const std::uint64_t before = runtime::refused_tries.load();
        const array x = add(a, a, s), y = subtract(a, a, s);
        async_eval({x, y});
        watch(x.event());
        require(runtime::refused_tries.load() - before <= 4, "an operation is tried again and again");
        require(x.data<float>()[1] == 2.0f && y.data<float>()[1] == 0.0f, "a value is wrong");
        watch(frees);
      },
      [](Circumstances& c) { c.workers = 2; });
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

// A step that takes over the memory of an operand writes to it after those who have let go of it have read it.
TEST_F(ShortMemory, AnOperandIsOverwrittenAfterAllItsReaders) {
  run_many([] {
    const std::vector<float> ones(4, 1.0f);
    std::optional<array> x(std::in_place, ones.data(), Shape{4}, float32);
    BufferRef held = graph::base_of(x->node().get())->buffer;
    const array y = add(*x, *x, new_stream(Device::cpu));
    x.reset();
    Thread reader([&held] {
      held->contents.read();
      held = {};
    });
    require(y.data<float>()[0] == 2.0f, "a value is wrong");
    reader.join();
  });
}

}  // namespace
}  // namespace anabranch::simulation
