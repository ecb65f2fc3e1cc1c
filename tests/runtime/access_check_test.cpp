// On real threads it is the thread sanitizer that checks the order of uses.
#include <gtest/gtest.h>

#include <cstdlib>

#include "runtime/memory.h"
#include "runtime/sync.h"

#ifdef __SANITIZE_THREAD__

namespace anabranch::runtime {
namespace {

enum class Use { Read, Write };
void use(const AccessCheck& what, Use use) { use == Use::Read ? what.read() : what.write(); }

// One thread's use after another's, told by a flag that orders them, or, relaxed, does not.
void one_after_the_other(Use first, Use second, std::memory_order store) {
  AccessCheck data("the data");
  Atomic<bool> done{false};
  Thread other([&] {
    use(data, first);
    done.store(true, store);
  });
  while (!done.load(std::memory_order_acquire)) yield();
  use(data, second);
  other.join();
}

// Memory is given back and taken anew after another thread's use of it, of which that flag tells.
void take_anew_after_a_use(std::memory_order store) {
  BufferRef memory = allocate(4096);
  const Buffer* const used = memory.get();
  Atomic<bool> done{false};
  Thread other([&] {
    used->contents.read();
    done.store(true, store);
  });
  while (!done.load(std::memory_order_acquire)) yield();
  memory = {};
  memory = allocate(4096);
  EXPECT_EQ(memory.get(), used);
  other.join();
}

class AccessCheckDeathTest : public testing::TestWithParam<std::pair<Use, Use>> {};

TEST_P(AccessCheckDeathTest, UsesWithoutAnOrderAreReported) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto [first, second] = GetParam();
  // A process in which the sanitizer has reported something ends with 66.
  EXPECT_EXIT((one_after_the_other(first, second, std::memory_order_relaxed), std::exit(0)),
              testing::ExitedWithCode(66), "data race");
}

TEST_P(AccessCheckDeathTest, UsesInOrderAreNot) {
  const auto [first, second] = GetParam();
  one_after_the_other(first, second, std::memory_order_release);
}

INSTANTIATE_TEST_SUITE_P(Conflicts, AccessCheckDeathTest,
                         testing::Values(std::pair{Use::Write, Use::Write}, std::pair{Use::Write, Use::Read},
                                         std::pair{Use::Read, Use::Write}),
                         [](const auto& info) {
                           const auto name = [](Use use) { return std::string(use == Use::Read ? "Read" : "Write"); };
                           return name(info.param.first) + "Before" + name(info.param.second);
                         });

TEST(MemoryDeathTest, UsedAnewWithoutAnOrderIsReported) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT((take_anew_after_a_use(std::memory_order_relaxed), std::exit(0)), testing::ExitedWithCode(66),
              "data race");
}

TEST(MemoryDeathTest, UsedAnewInOrderIsNot) { take_anew_after_a_use(std::memory_order_release); }

TEST(AccessCheck, ReadsNeedNoOrder) { one_after_the_other(Use::Read, Use::Read, std::memory_order_relaxed); }

}  // namespace
}  // namespace anabranch::runtime

#endif
