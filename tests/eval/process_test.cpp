// Forks: the child works, and what was in flight says so.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <thread>

#include "graph/node.h"

namespace anabranch {
namespace {

using graph::Op;

// Runs `body` in a forked child; whether it returned true within a minute.
template <typename F>
bool in_child(F body) {
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(60);
    _exit(body() ? 0 : 1);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

array sines(const array& x, const Stream& s, int n) {
  array y = x;
  for (int i = 0; i < n; ++i) y = graph::elementwise(Op::Sin, y.shape(), float32, {&y}, s);
  return y;
}

class Fork : public ::testing::Test {
  void SetUp() override {
#ifdef __SANITIZE_THREAD__
    GTEST_SKIP() << "the thread sanitizer does not follow a fork of a process with threads";
#endif
  }
};

TEST_F(Fork, ChildComputesWithStreamsOfTheParent) {
  const Stream s = new_stream(Device::cpu);
  const array x = graph::full({1 << 18}, graph::Scalar::of_float(1, float32), s);
  sines(x, s, 10).eval();  // the pool is there
  const array lazy = sines(x, s, 3);
  EXPECT_TRUE(in_child([&] {
    const float got = lazy.data<float>()[77];
    const array more = sines(lazy, new_stream(Device::cpu), 5);
    async_eval({more});
    more.eval();
    synchronize();
    return std::abs(got - std::sin(std::sin(std::sin(1.0f)))) < 1e-5;
  }));
  EXPECT_NEAR(lazy.data<float>()[5], std::sin(std::sin(std::sin(1.0f))), 1e-5);
}

TEST_F(Fork, WhatWasInFlightSaysSo) {
  const Stream s = new_stream(Device::cpu);
  const array x = graph::full({1 << 18}, graph::Scalar::of_float(1, float32), s);
  x.eval();
  const array busy = sines(x, s, 600);
  const array waiting = sines(busy, new_stream(Device::cpu), 2);
  async_eval({waiting});
  EXPECT_TRUE(in_child([&] {
    try {  // it was done before the fork, or it is lost
      waiting.eval();
    } catch (const std::runtime_error& e) {
      return std::string(e.what()).find("forked") != std::string::npos;
    }
    return true;
  }));
  waiting.eval();
}

TEST_F(Fork, WhileOtherThreadsWork) {
  const Stream s = new_stream(Device::cpu);
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      const Stream mine = new_stream(Device::cpu);
      const array x = graph::full({4096}, graph::Scalar::of_float(1, float32), mine);
      while (!stop) sines(x, mine, 20).eval();
    });
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(in_child([&] {
      const array x = graph::full({100'000}, graph::Scalar::of_float(1, float32), s);
      return std::abs(sines(x, s, 1).data<float>()[9] - std::sin(1.0f)) < 1e-6;
    }));
  }
  stop = true;
  for (auto& t : threads) t.join();
}

}  // namespace
}  // namespace anabranch
