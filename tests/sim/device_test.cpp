// The simulated accelerators, and through them what the runtime does with a device that has memory and queues of its
// own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

#include "anabranch/anabranch.h"
#include "anabranch/error.h"
#include "anabranch/memory.h"
#include "backends/sim/machine.h"
#include "graph/node.h"
#include "runtime/arena.h"

namespace anabranch {
namespace {

using graph::Operation;

const bool two_devices = setenv("ANABRANCH_SIM_GPU", "2", 1) == 0;

const Device first(Device::gpu, 0), second(Device::gpu, 1);

array ramp(std::int64_t n) {
  std::vector<float> v(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<float>(i);
  return array(v, {n});
}

Operation* operation_of(const array& a) { return graph::base_of(a.node().get()); }

std::string message_of(const array& a) {
  try {
    array(a).eval();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "";
}

// A matrix that has no Cholesky factor.
array indefinite(const Stream& s) { return negative(eye(3, float32, s), s); }

TEST(SimulatedDevice, IsTheDefaultDevice) {
  EXPECT_EQ(device_count(Device::gpu), 2);
  EXPECT_EQ(default_device(), first);
  EXPECT_EQ(std::get<std::string>(device_info(second).at("device_name")), "simulated GPU 1");
  EXPECT_THROW(new_stream(Device(Device::gpu, 2)), std::invalid_argument);
}

TEST(SimulatedDeviceDeathTest, HostCodeThatTouchesItsMemoryFaults) {
  const array x = add(ramp(4), array(1.0f), new_stream(first));
  x.eval();
  const volatile float* on_device = static_cast<const float*>(operation_of(x)->buffer->data);
  EXPECT_DEATH(static_cast<void>(*on_device), "");
  EXPECT_EQ(x.data<float>()[3], 4.0f);
}

TEST(SimulatedDevice, ValuesCrossBetweenTheHostAndBothDevices) {
  const Stream host = new_stream(Device::cpu), a = new_stream(first), b = new_stream(second);
  array x = ramp(1000);
  for (const Stream* s : {&a, &b, &host, &b, &a, &host}) x = add(x, array(1.0f), *s);
  EXPECT_EQ(x.data<float>()[999], 1005.0f);
  // A view crosses with its base.
  const array y = transpose(reshape(add(x, array(0.0f), a), {10, 100}, a), a);
  EXPECT_EQ(add(y, array(0.0f), b).data<float>()[1], 106.0f);
}

TEST(SimulatedDevice, ACopyIsMadeOnce) {
  const Stream s = new_stream(first);
  const array x = ramp(1 << 16);
  add(x, array(1.0f), s).eval();
  ASSERT_EQ(operation_of(x)->replicas->size(), 1u);
  add(x, array(2.0f), s).eval();
  EXPECT_EQ(operation_of(x)->replicas->size(), 1u);
  const array y = multiply(x, x, s);
  EXPECT_EQ(y.data<float>(), y.data<float>());
  EXPECT_EQ(operation_of(y)->replicas->size(), 1u);
}

TEST(SimulatedDevice, ACopyThatFailedIsMadeAnew) {
  const Stream s = new_stream(first);
  const array x = ramp(1 << 16);
  runtime::Arena& memory = runtime::arena_of(first);
  add(ramp(1), array(1.0f), s).eval();
  const std::size_t limit = memory.figures().limit;
  memory.set_limit(memory.figures().active + 1024);
  const array refused = add(x, array(1.0f), s);
  EXPECT_THROW(array(refused).eval(), MemoryError);
  memory.set_limit(limit);
  EXPECT_EQ(add(x, array(1.0f), s).data<float>()[9], 10.0f);
  EXPECT_THROW(array(refused).eval(), MemoryError);
  EXPECT_NO_THROW(synchronize());
}

TEST(SimulatedDevice, ASmallPartOfALargeArrayCrossesAlone) {
  const Stream s = new_stream(first);
  const array data = ramp(1 << 16);
  runtime::Arena& memory = runtime::arena_of(first);
  add(ramp(1), array(1.0f), s).eval();
  synchronize(s);
  memory.reset_peak();
  const std::size_t before = memory.figures().active;
  for (int i = 0; i < 4; ++i) {
    const array batch = slice(data, Shape{i * 1024}, Shape{(i + 1) * 1024});
    EXPECT_EQ(add(batch, array(1.0f), s).data<float>()[5], static_cast<float>(i * 1024 + 6));
    const array strided = slice(data, Shape{i}, Shape{1 << 16}, Shape{1024});
    EXPECT_EQ(add(strided, array(1.0f), s).data<float>()[2], static_cast<float>(2049 + i));
  }
  EXPECT_LT(memory.figures().peak, before + (1 << 16));
  EXPECT_FALSE(operation_of(data)->replicas);
}

TEST(SimulatedDevice, WhatSomebodyWritesToIsCopiedAnew) {
  const Stream s = new_stream(first);
  const array x = ramp(4);
  operation_of(x)->pinned = true;
  EXPECT_EQ(add(x, array(1.0f), s).data<float>()[0], 1.0f);
  static_cast<float*>(operation_of(x)->buffer->data)[0] = 41.0f;
  EXPECT_EQ(add(x, array(1.0f), s).data<float>()[0], 42.0f);
  EXPECT_FALSE(operation_of(x)->replicas);
  // Also where a copy was made before somebody could.
  const array y = ramp(4);
  EXPECT_EQ(add(y, array(1.0f), s).data<float>()[0], 1.0f);
  operation_of(y)->pinned = true;
  static_cast<float*>(operation_of(y)->buffer->data)[0] = 41.0f;
  EXPECT_EQ(add(y, array(1.0f), s).data<float>()[0], 42.0f);
}

TEST(SimulatedDevice, AFailureOnTheDeviceBelongsToItsOperation) {
  const Stream s = new_stream(first), t = new_stream(second);
  for (int i = 0; i < 50; ++i) {
    const array bad = linalg::cholesky(indefinite(s), false, s);
    const array same_stream = exp(bad, s), other_device = exp(bad, t), on_host = exp(bad, new_stream(Device::cpu));
    const array healthy = add(ramp(4), array(1.0f), s);
    async_eval({healthy, other_device, same_stream, on_host});
    for (const array* a : {&other_device, &on_host, &same_stream, &bad, &same_stream}) {
      ASSERT_THAT(message_of(*a),
                  ::testing::AllOf(::testing::HasSubstr("cholesky"), ::testing::HasSubstr(to_string(s))));
    }
    ASSERT_EQ(healthy.data<float>()[0], 1.0f);
  }
}

TEST(SimulatedDevice, ALongChainReusesItsMemoryWhileItIsInFlight) {
  const Stream s = new_stream(first);
  array x = full({1 << 16}, array(1.0f), s);
  x.eval();
  const std::size_t before = get_active_memory();
  reset_peak_memory();
  for (int i = 0; i < 300; ++i) {
    x = sum(reshape(x, {1 << 16, 1}, s), {1}, false, s);  // not fused, not in place
    async_eval({x});
  }
  EXPECT_EQ(x.data<float>()[5], 1.0f);
  EXPECT_LE(get_peak_memory(), before + (std::size_t{4} << 18));
}

TEST(SimulatedDevice, LosingOneFailsWhatIsInFlightOnItAndNothingElse) {
  auto& machine = backends::sim::Machine::get();
  const Stream s = new_stream(second), other = new_stream(first);
  array x = add(ramp(1 << 18), array(0.0f), s);
  for (int i = 0; i < 500; ++i) x = exp(negative(sum(reshape(x, {1 << 18, 1}, s), {1}, false, s), s), s);
  async_eval({x});
  machine.lose(1, "It fell off the bus.");
  EXPECT_THAT(message_of(x), ::testing::HasSubstr("It fell off the bus."));
  EXPECT_THAT(message_of(add(ramp(4), array(1.0f), s)), ::testing::HasSubstr("It fell off the bus."));
  EXPECT_EQ(add(ramp(4), array(1.0f), other).data<float>()[1], 2.0f);
  EXPECT_THROW(synchronize(s), DeviceLost);
  machine.repair(1);
  // Each of those that were in flight is told, and then no more.
  auto is_told = [&] {
    try {
      synchronize(s);
    } catch (const DeviceLost&) {
      return true;
    }
    return false;
  };
  int told = 0;
  while (is_told()) ASSERT_LT(++told, 1000);
  EXPECT_EQ(add(ramp(4), array(1.0f), s).data<float>()[1], 2.0f);
}

TEST(SimulatedDevice, EverythingIsGivenBack) {
  synchronize();
  clear_cache();
  const std::size_t before = get_active_memory();
  {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([t] {
        const Stream s = new_stream(t % 2 ? first : second);
        for (int i = 0; i < 100; ++i) {
          array x = add(ramp(100), array(1.0f), s);
          async_eval({exp(x, new_stream(first)), x});
        }
        clear_streams();
      });
    }
    for (auto& t : threads) t.join();
  }
  synchronize();
  EXPECT_EQ(get_active_memory(), before);
}

}  // namespace
}  // namespace anabranch
