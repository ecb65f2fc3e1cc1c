// The allocator alone, over a source of memory that counts: limits, the cache, and blocks that a device has yet to use.
#include "runtime/arena.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <set>
#include <thread>

#include "call.h"
#include "runtime/stream_state.h"

namespace anabranch::runtime {
namespace {

constexpr std::size_t block = 1024, unlimited = std::size_t{1} << 40;

class Source final : public MemorySource {
 public:
  void* allocate(std::size_t bytes) override {
    if (empty) return nullptr;
    void* p = std::aligned_alloc(64, bytes);
    given.insert(p);
    return p;
  }
  void free(void* data, std::size_t) override {
    EXPECT_EQ(given.erase(data), 1u);
    std::free(data);
  }
  std::set<void*> given;
  bool empty = false;
};

// Its blocks are used by streams of the CPU here: what an event is of makes no difference to the arena.
class ArenaTest : public ::testing::Test {
 protected:
  ~ArenaTest() override {
    first.synchronize();
    second.synchronize();
    arena.trim(0);
    EXPECT_TRUE(source.given.empty());
    EXPECT_EQ(arena.figures().active, 0u);
  }
  // What happens when somebody waits for it.
  static Event to_come(const Stream& s) {
    return testing::submit(s, [](Launch&) {});
  }
  BufferRef allocate_for(const Stream& s, std::size_t bytes = block) {
    waits.clear();
    return arena.allocate(bytes, s.state().get(), &waits);
  }

  Source source;
  Arena arena{source, unlimited, "test memory"};
  const Stream first = new_stream(Device::cpu), second = new_stream(Device::cpu);
  std::vector<Event> waits;
};

TEST_F(ArenaTest, GivesFreeMemoryAgain) {
  arena.set_cache_limit(unlimited);
  void* const p = arena.allocate(block)->data;
  EXPECT_EQ(arena.allocate(block)->data, p);
  EXPECT_EQ(arena.figures().cached, block);
  EXPECT_EQ(arena.figures().active, 0u);
  EXPECT_EQ(arena.figures().peak, block);
}

TEST_F(ArenaTest, CountsFreesButForWhatIsUndone) {
  const std::uint64_t before = arena.figures().frees;
  arena.allocate(block);
  EXPECT_EQ(arena.figures().frees, before + 1);
  Arena::undo(arena.allocate(block));
  EXPECT_EQ(arena.figures().frees, before + 1);
  arena.allocate(block);
  EXPECT_EQ(arena.figures().frees, before + 2);
  {
    const BufferRef shared = arena.allocate(block);
    Arena::undo(shared);  // somebody else has it: that is no end of it
  }
  EXPECT_EQ(arena.figures().frees, before + 3);
  arena.set_limit(unlimited / 2);
  EXPECT_EQ(arena.figures().frees, before + 4);
}

TEST_F(ArenaTest, RefusesWhatWouldPassTheLimit) {
  arena.set_limit(2 * block);
  const BufferRef held = arena.allocate(block);
  EXPECT_THROW(arena.allocate(2 * block), OutOfMemory);
  EXPECT_EQ(arena.figures().active, block);
  EXPECT_NO_THROW(arena.allocate(block));
}

TEST_F(ArenaTest, TheCacheCountsTowardsTheLimit) {
  arena.set_cache_limit(unlimited);
  arena.set_limit(2 * block);
  arena.allocate(2 * block);
  const BufferRef held = arena.allocate(block);
  EXPECT_LE(arena.figures().cached + arena.figures().active, 2 * block);
  EXPECT_EQ(source.given.size(), 1u);
}

TEST_F(ArenaTest, TheCacheHasALimit) {
  arena.set_cache_limit(3 * block);
  {
    std::vector<BufferRef> held;
    for (int i = 0; i < 8; ++i) held.push_back(arena.allocate(block));
  }
  EXPECT_EQ(arena.figures().cached, 3 * block);
  EXPECT_EQ(source.given.size(), 3u);
  arena.set_cache_limit(block);
  EXPECT_EQ(source.given.size(), 1u);
}

TEST_F(ArenaTest, TrimsTheCacheBeforeTheSourceIsFoundEmpty) {
  arena.set_cache_limit(unlimited);
  arena.allocate(block);
  source.empty = true;
  EXPECT_THROW(arena.allocate(2 * block), OutOfMemory);
  EXPECT_TRUE(source.given.empty());
  EXPECT_EQ(arena.figures().active, 0u);
}

TEST_F(ArenaTest, ABlockThatIsStillInUseIsForThatStreamAlone) {
  arena.set_cache_limit(unlimited);
  void* used;
  const Event use = to_come(first);
  {
    const BufferRef b = arena.allocate(block);
    used = b->data;
    arena.note_use(b.get(), use);
  }
  EXPECT_NE(arena.allocate(block)->data, used);
  EXPECT_NE(allocate_for(second)->data, used);
  EXPECT_TRUE(waits.empty());
  // The same stream's order covers it; another one still may not have it.
  EXPECT_EQ(allocate_for(first)->data, used);
  EXPECT_TRUE(waits.empty());
  const BufferRef other = allocate_for(second);
  EXPECT_NE(other->data, used);
  use.wait();
  arena.sweep();
  EXPECT_EQ(allocate_for(second)->data, used);
}

TEST_F(ArenaTest, TheLastOfSeveralUsesCounts) {
  arena.set_cache_limit(unlimited);
  std::atomic<bool> go{false};
  const Event early = to_come(first), other = to_come(second);
  // A worker may begin with what comes after the first one.
  const Event late = testing::submit(first, [&go](Launch&) {
    while (!go) std::this_thread::yield();
  });
  void* used;
  {
    const BufferRef b = arena.allocate(block);
    used = b->data;
    arena.note_use(b.get(), early);
    arena.note_use(b.get(), other);
    arena.note_use(b.get(), late);
  }
  early.wait();
  other.wait();
  arena.sweep();
  const BufferRef meanwhile = arena.allocate(block);
  EXPECT_NE(meanwhile->data, used);
  go = true;
  late.wait();
  const std::uint64_t frees = arena.figures().frees;
  arena.sweep();
  EXPECT_GT(arena.figures().frees, frees);
  EXPECT_EQ(arena.allocate(block)->data, used);
}

TEST_F(ArenaTest, WhatHasHappenedBeforeTheEndIsNoUse) {
  arena.set_cache_limit(unlimited);
  BufferRef b = arena.allocate(block);
  void* const used = b->data;
  const Event use = to_come(first);
  arena.note_use(b.get(), use);
  use.wait();
  b = {};
  EXPECT_EQ(arena.allocate(block)->data, used);
}

TEST_F(ArenaTest, WhereMemoryIsShortAStreamWaitsForABlockInUse) {
  arena.set_limit(2 * block);
  const Event use = to_come(first);
  const BufferRef held = arena.allocate(block);
  void* used;
  {
    const BufferRef b = arena.allocate(block);
    used = b->data;
    arena.note_use(b.get(), use);
  }
  {
    const BufferRef again = allocate_for(second);
    EXPECT_EQ(again->data, used);
    ASSERT_EQ(waits.size(), 1u);
    EXPECT_EQ(waits[0].stream(), first.state());
    EXPECT_EQ(waits[0].value(), use.value());
    // The first use has not happened: it counts until it has, also where the second comes to nothing.
    Arena::undo(again);
  }
  const BufferRef once_more = allocate_for(second);
  EXPECT_EQ(once_more->data, used);
  EXPECT_EQ(waits.size(), 1u);
}

TEST(ForeignMemory, GoesBackToItsOwnerOnce) {
  int data = 0, told = 0;
  {
    const BufferRef b = adopt(&data, sizeof data, [&](void* p) { told += p == &data; });
    const BufferRef again = b;
    EXPECT_EQ(b->arena, nullptr);
    EXPECT_EQ(told, 0);
  }
  EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace anabranch::runtime
