// Devices, streams and scopes as C++ programs use them.
#include <gtest/gtest.h>

#include <thread>

#include "anabranch/stream.h"

namespace anabranch {
namespace {

TEST(Device, ValuesPrintAndCompare) {
  EXPECT_EQ(to_string(Device(Device::cpu)), "Device(cpu, 0)");
  EXPECT_EQ(Device(Device::gpu, 1), Device(Device::gpu, 1));
  EXPECT_NE(Device(Device::gpu, 1), Device(Device::gpu));
  EXPECT_TRUE(is_available(Device::cpu));
  EXPECT_EQ(device_count(Device::cpu), 1);
  EXPECT_GT(std::get<std::size_t>(device_info(Device::cpu).at("memory_size")), 0u);
}

TEST(Device, AnUnusableDeviceSaysWhy) {
  if (is_available(Device::gpu)) GTEST_SKIP() << "there is a GPU";
  for (auto f : {+[] { set_default_device(Device::gpu); }, +[] { new_stream(Device::gpu); },
                 +[] { default_stream(Device::gpu); }, +[] { new_stream(Device(Device::cpu, 7)); }}) {
    EXPECT_THROW(f(), std::invalid_argument);
  }
}

TEST(Stream, ValuesPrintAndCompare) {
  const Stream a = new_stream(Device::cpu), b = new_stream(Device::cpu);
  EXPECT_NE(a, b);
  EXPECT_EQ(a, Stream(a));
  EXPECT_EQ(to_string(a), "Stream(Device(cpu, 0), " + std::to_string(a.index) + ")");
}

TEST(Stream, PrioritiesAreWhatTheDeviceHas) {
  EXPECT_EQ(new_stream(Device::cpu).priority(), 0);
  EXPECT_EQ(default_stream(Device::cpu).priority(), 0);
  for (const auto& [asked, got] : {std::pair(0, 0), {-1, -1}, {-5, -1}, {7, 0}})
    EXPECT_EQ(new_stream(Device::cpu, asked).priority(), got);
}

TEST(Stream, EachThreadHasItsOwnDefault) {
  const Stream here = default_stream(Device::cpu);
  EXPECT_EQ(here, default_stream(Device::cpu));
  std::thread([&] { EXPECT_NE(default_stream(Device::cpu), here); }).join();
  const ThreadLocalStream local = new_thread_local_stream(Device::cpu);
  const Stream mine = to_stream(local);
  EXPECT_EQ(mine, to_stream(local));
  std::thread([&] { EXPECT_NE(to_stream(local), mine); }).join();
}

TEST(Stream, NothingIsLeftOfDroppedStreams) {
  default_stream(Device::cpu);
  const std::size_t before = get_streams().size();
  for (int i = 0; i < 1000; ++i) new_stream(Device::cpu).record();
  synchronize();
  // A worker may still hold the last few it was told of.
  for (int i = 0; i < 1000 && get_streams().size() > before; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(get_streams().size(), before);
}

TEST(StreamContext, SetsAndRestores) {
  const Stream outside = to_stream();
  const Stream a = new_stream(Device::cpu), b = new_stream(Device::cpu);
  {
    StreamContext one(a);
    EXPECT_EQ(to_stream(), a);
    EXPECT_EQ(to_stream(Device::cpu), a);
    try {
      StreamContext two(b);
      EXPECT_EQ(to_stream(), b);
      set_default_device(Device::cpu);
      EXPECT_EQ(to_stream(), b);  // which is on that device
      set_default_stream(a);      // the innermost level only
      EXPECT_EQ(to_stream(), a);
      throw 1;
    } catch (int) {
    }
    EXPECT_EQ(to_stream(), a);
    std::thread([&] { EXPECT_NE(to_stream(), a); }).join();
  }
  EXPECT_EQ(to_stream(), outside);
  EXPECT_THROW(StreamContext{StreamOrDevice{}}, std::invalid_argument);
}

}  // namespace
}  // namespace anabranch
