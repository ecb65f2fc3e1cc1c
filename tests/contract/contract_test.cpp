// What every backend must do. Runs once for each device that is usable in this process; a new backend passes when these
// do, on its own device and beside the CPU.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "anabranch/anabranch.h"
#include "anabranch/memory.h"
#include "runtime/interop.h"
#include "runtime/stream_state.h"

namespace anabranch {
namespace {

std::vector<Device> usable_devices() {
  std::vector<Device> out;
  for (auto type : {Device::cpu, Device::gpu})
    for (int i = 0; i < device_count(type); ++i) out.emplace_back(type, i);
  return out;
}

class Backend : public ::testing::TestWithParam<Device> {
 protected:
  // With ANABRANCH_TEST_UNCACHED each block is an allocation of the device's own, as a checker of memory needs it.
  void SetUp() override {
    if (std::getenv("ANABRANCH_TEST_UNCACHED")) set_cache_limit(0);
  }

  Device device = GetParam();
  Stream s = new_stream(device);
  Stream t = new_stream(device);
  Stream host = new_stream(Device::cpu);

  static array ramp(std::int64_t n) {
    std::vector<float> v(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<float>(i % 1000) * 0.001f;
    return array(v, {n});
  }
};

TEST_P(Backend, DescribesItsDevice) {
  const auto info = device_info(device);
  EXPECT_FALSE(std::get<std::string>(info.at("device_name")).empty());
  EXPECT_GT(std::get<std::size_t>(info.at("memory_size")), 0u);
  EXPECT_THROW(device_info(Device(device.type, device_count(device.type))), std::invalid_argument);
  EXPECT_EQ(default_stream(device).device, device);
}

TEST_P(Backend, ComputesWhatTheHostPutIn) {
  const array x = ramp(100'001);
  const array y = add(multiply(x, x, s), array(1.0f), s);
  const float* got = y.data<float>();
  for (std::size_t i = 0; i < y.size(); ++i) {
    const float v = static_cast<float>(i % 1000) * 0.001f;
    ASSERT_EQ(got[i], v * v + 1.0f) << i;
  }
}

TEST_P(Backend, ReadsThroughViews) {
  const array x = reshape(ramp(12), {3, 4});
  const array y = negative(transpose(x, s), s);
  const array z = add(y, reshape(ramp(4), {4, 1}, s), s);
  EXPECT_FLOAT_EQ(z.data<float>()[1 * 3 + 2], -0.009f + 0.001f);
}

TEST_P(Backend, AStreamIsInOrder) {
  array x = full({64}, array(0.0f), s);
  for (int i = 0; i < 300; ++i) {
    x = i % 2 ? add(x, array(1.0f), s) : sum(reshape(x, {64, 1}, s), {1}, false, s);
    if (i % 50 == 0) async_eval({x});
  }
  EXPECT_EQ(x.data<float>()[63], 150.0f);
}

TEST_P(Backend, StreamsWaitForEachOther) {
  for (int round = 0; round < 20; ++round) {
    array x = ramp(10'000);
    for (int i = 0; i < 30; ++i) {
      x = add(x, array(1.0f), i % 3 == 0 ? s : i % 3 == 1 ? t : host);
      if (i % 7 == 0) async_eval({x});
    }
    ASSERT_FLOAT_EQ(x.data<float>()[999], 30.999f);
  }
}

TEST_P(Backend, EventsHappenInOrder) {
  const Event none;
  EXPECT_TRUE(none.query());
  const array x = exp(ramp(1 << 18), s);
  async_eval({x});
  const Event first = s.record();
  const array y = exp(x, s);
  async_eval({y});
  const Event second = s.record();
  t.wait(second);
  const Event third = t.record();
  third.wait();
  EXPECT_TRUE(first.query());
  EXPECT_TRUE(second.query());
  EXPECT_TRUE(x.is_available());
  EXPECT_TRUE(y.is_available());
  EXPECT_GE(first.elapsed(second), 0.0);
  EXPECT_TRUE(s.query());
}

TEST_P(Backend, TimeElapsesBetweenEventsOfAllStreams) {
  const Event begin = s.record();
  begin.wait();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  for (const Stream& other : {s, t, host}) {
    const Event end = other.record();
    end.wait();
    EXPECT_GE(begin.elapsed(end), 0.0199) << to_string(other);
    EXPECT_LT(begin.elapsed(end), 60) << to_string(other);
    EXPECT_NEAR(begin.elapsed(end), -end.elapsed(begin), 1e-6) << to_string(other);
  }
  EXPECT_EQ(begin.elapsed(begin), 0);
}

TEST_P(Backend, StreamsOfEveryPriorityComputeTheSame) {
  array x = ramp(1000);
  for (const int priority : {-1000, -1, 0, 1000}) {
    const Stream some = new_stream(device, priority);
    EXPECT_LE(some.priority(), 0);
    EXPECT_GE(some.priority(), std::min(priority, 0));
    x = add(x, array(1.0f), some);
  }
  EXPECT_FLOAT_EQ(x.data<float>()[999], 4.999f);
}

TEST_P(Backend, FailuresPoisonWhatDependsOnThem) {
  const array singular = zeros({2, 2}, float32, host);
  const array bad = linalg::inv(singular, host);
  const array dependent = exp(bad, s);
  const array healthy = exp(ramp(4), s);
  async_eval({dependent, healthy});
  for (int i = 0; i < 2; ++i) EXPECT_THROW(dependent.eval(), std::exception);
  EXPECT_NEAR(healthy.data<float>()[3], std::exp(0.003f), 1e-6);
}

TEST_P(Backend, ThreadsShareAStream) {
  std::vector<std::thread> threads;
  std::vector<float> got(8);
  const array x = ramp(1000);
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      array y = x;
      for (int k = 0; k < 50; ++k) {
        y = add(y, array(1.0f), k % 2 ? s : t);
        if (k % 10 == 0) y.eval();
      }
      got[static_cast<std::size_t>(i)] = y.data<float>()[0];
    });
  }
  for (auto& thread : threads) thread.join();
  for (float g : got) EXPECT_EQ(g, 50.0f);
}

TEST_P(Backend, MemoryComesBack) {
  synchronize();
  const std::size_t before = get_active_memory();
  {
    const array x = exp(ramp(1 << 20), s);
    const array y = exp(x, t);
    y.eval();
    EXPECT_GE(get_active_memory(), before + (2u << 22));
  }
  synchronize();
  EXPECT_EQ(get_active_memory(), before);
  clear_cache();
  EXPECT_EQ(get_cache_memory(), 0u);
}

TEST_P(Backend, ArraysOutliveTheirStream) {
  array x = ramp(16);
  {
    const Stream gone = new_stream(device);
    x = add(x, array(1.0f), gone);
    async_eval({x});
  }
  x = add(x, array(1.0f), s);
  EXPECT_FLOAT_EQ(x.data<float>()[15], 2.015f);
}

TEST_P(Backend, SharesItsStreamsOrSaysThatItHasNone) {
  if (!runtime::interop_of(device.type)) {
    EXPECT_THROW(native_handle(s), std::invalid_argument);
    EXPECT_THROW(external_stream(nullptr, device), std::invalid_argument);
    return;
  }
  const auto owner = std::make_shared<int>(0);
  {
    const Stream shared = external_stream(native_handle(s), std::nullopt, owner);
    EXPECT_EQ(shared.device, device);
    EXPECT_EQ(native_handle(shared), native_handle(s));
    EXPECT_THROW(external_stream(native_handle(s), Device(device.type, device_count(device.type))),
                 std::invalid_argument);
    array x = full({1000}, array(0.0f), t);
    for (int i = 0; i < 30; ++i) {
      x = add(x, array(1.0f), i % 3 == 0 ? shared : i % 3 == 1 ? s : t);
      async_eval({x});
      // Whoever adds to the stream now comes after what was submitted.
      if (i % 3 == 0) {
        EXPECT_GE(shared.state()->issued(), shared.state()->submitted());
      }
    }
    EXPECT_EQ(x.data<float>()[999], 30.0f);
  }
  synchronize(device);
  for (int i = 0; i < 10'000 && owner.use_count() > 1; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(owner.use_count(), 1);
  EXPECT_EQ(add(full({4}, array(1.0f), s), array(1.0f), s).data<float>()[0], 2.0f);  // not ended with the other one
}

TEST_P(Backend, AMissingKernelIsAClearError) {
  runtime::Launch launch;
  runtime::Backend& backend = runtime::backend_for(device, "test", "test gpu device");
  EXPECT_THROW(backend.launch_kernel(static_cast<graph::Op>(0), {}, launch), NotSupported);
}

INSTANTIATE_TEST_SUITE_P(Devices, Backend, ::testing::ValuesIn(usable_devices()), [](const auto& info) {
  return std::string(info.param.type == Device::cpu ? "cpu" : "gpu") + std::to_string(info.param.index);
});

}  // namespace
}  // namespace anabranch
