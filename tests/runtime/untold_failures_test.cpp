// What a stream remembers for synchronize(): the failures that nobody was told, in bounded memory.
#include <gtest/gtest.h>

#include <stdexcept>

#include "anabranch/stream.h"
#include "runtime/stream_state.h"

namespace anabranch::runtime {
namespace {

Ref<Failure> failure(int number) {
  return Ref<Failure>::adopt(new Failure(std::make_exception_ptr(std::out_of_range(std::to_string(number)))));
}

class UntoldFailures : public ::testing::Test {
 protected:
  // The number of the oldest; -1 where there is none.
  int oldest() {
    const Ref<Failure> f = state_->untold_failure();
    if (!f) return -1;
    try {
      std::rethrow_exception(f->cause);
    } catch (const std::out_of_range& e) {
      return std::stoi(e.what());
    }
  }

  const Stream stream_ = new_stream(Device::cpu);
  const Ref<StreamState> state_ = stream_.state();
};

TEST_F(UntoldFailures, AreTheOldestOnesWhereNobodyCanReadThem) {
  for (int i = 0; i < 10'000; ++i) state_->remember_failure(failure(i));
  for (int i = 0; i < 64; ++i) ASSERT_EQ(oldest(), i);
  int more = 0;
  while (oldest() >= 0) ++more;
  EXPECT_LE(more, 128);
}

TEST_F(UntoldFailures, AreAllThatSomebodyCanRead) {
  std::vector<Ref<Failure>> held;
  for (int i = 0; i < 1000; ++i) {
    held.push_back(failure(i));
    state_->remember_failure(held.back());
  }
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(oldest(), i);
    ASSERT_EQ(oldest(), i);  // as long as no reader was told
    held[static_cast<std::size_t>(i)]->seen.store(true);
  }
  EXPECT_EQ(oldest(), -1);
}

// Where a failure could not be written down, synchronize() says so, once.
TEST_F(UntoldFailures, AreToldWhereTheyCouldNotBeWrittenDown) {
  state_->remember_failure(undescribed_failure());
  state_->remember_failure(failure(7));
  EXPECT_EQ(oldest(), 7);
  EXPECT_EQ(state_->untold_failure(), undescribed_failure());
  EXPECT_EQ(state_->untold_failure(), nullptr);
}

TEST_F(UntoldFailures, AreNotCrowdedOutByThoseThatReadersWereTold) {
  for (int i = 0; i < 100; ++i) {
    const Ref<Failure> told = failure(i);
    told->seen.store(true);
    state_->remember_failure(told);
  }
  for (int i = 100; i < 150; ++i) state_->remember_failure(failure(i));
  for (int i = 100; i < 150; ++i) ASSERT_EQ(oldest(), i);
}

}  // namespace
}  // namespace anabranch::runtime
