// A loop that queues faster than its stream works.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "anabranch/anabranch.h"
#include "runtime/call.h"
#include "runtime/stream_state.h"

namespace anabranch {
namespace {

TEST(Backlog, AStreamThatIsFarBehindHoldsUpThoseWhoQueueOnItAlone) {
  const Stream s = new_stream(Device::cpu), other = new_stream(Device::cpu);
  std::atomic<bool> go{false};
  const Event gate = runtime::testing::launch(s, [&](runtime::Launch& launch) {
    launch.then(1e9, [&](std::size_t) {
      while (!go) std::this_thread::yield();
    });
  });
  const int rounds = 100'000;
  std::atomic<int> queued{0};
  std::thread producer([&] {
    array last = array(0.0f);
    for (int i = 0; i < rounds; ++i) {
      last = add(last, array(1.0f), s);
      async_eval({last});
      queued = i + 1;
    }
    EXPECT_EQ(last.item<float>(), static_cast<float>(rounds));
  });
  while (queued < 60'000) std::this_thread::yield();  // a good many are queued without waiting
  // Another stream is none the wiser.
  EXPECT_EQ(add(array(1.0f), array(2.0f), other).item<float>(), 3.0f);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_LT(queued, 70'000);
  EXPECT_FALSE(gate.query());
  go = true;
  producer.join();
}

}  // namespace
}  // namespace anabranch
