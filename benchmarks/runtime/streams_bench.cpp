// What the runtime itself costs: a tiny evaluation, a hand-off between streams, planning, sharing. Each beside what one
// would write by hand with std::thread. Every result is checked.
#include <benchmark/benchmark.h>

#include <cmath>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>

#include "anabranch/anabranch.h"

namespace anabranch {
namespace {

void require(benchmark::State& state, bool right) {
  if (!right) state.SkipWithError("wrong result");
}

// A stream by hand: a thread with a queue.
class Executor {
 public:
  Executor() : thread_([this] { run(); }) {}
  ~Executor() {
    submit(nullptr);
    thread_.join();
  }
  void submit(std::function<void()> f) {
    {
      std::lock_guard lock(mutex_);
      queue_.push_back(std::move(f));
    }
    wake_.notify_one();
  }

 private:
  void run() {
    while (true) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return !queue_.empty(); });
      auto f = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      if (!f) return;
      f();
    }
  }
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  std::thread thread_;
};

void TinyEval(benchmark::State& state) {
  const Stream s = new_stream(Device::cpu);
  const array one(1.0f);
  array x(0.0f);
  for (auto _ : state) {
    x = add(x, one, s);
    x.eval();
  }
  require(state, x.item<float>() == static_cast<float>(std::min<std::int64_t>(state.iterations(), 1 << 24)));
}
BENCHMARK(TinyEval);

void TinyTaskByHand(benchmark::State& state) {
  Executor executor;
  float x = 0;
  for (auto _ : state) {
    std::promise<void> done;
    executor.submit([&] {
      x += 1;
      done.set_value();
    });
    done.get_future().wait();
  }
  require(state, x > 0);
}
BENCHMARK(TinyTaskByHand)->UseRealTime();

// A chain of 1000 additions that alternates between range(0) streams; time per step.
void Chain(benchmark::State& state) {
  std::vector<Stream> streams;
  for (int i = 0; i < state.range(0); ++i) streams.push_back(new_stream(Device::cpu));
  const array one(1.0f);
  float got = 0;
  for (auto _ : state) {
    array x(0.0f);
    for (std::size_t i = 0; i < 1000; ++i) x = add(x, one, streams[i % streams.size()]);
    got = x.item<float>();
  }
  require(state, got == 1000);
  state.SetItemsProcessed(state.iterations() * 1000);
}
BENCHMARK(Chain)->Arg(1)->Arg(2)->Arg(8);

void HandOffByHand(benchmark::State& state) {
  Executor a, b;
  int got = 0;
  for (auto _ : state) {
    int x = 0;
    std::promise<void> done;
    std::function<void()> step = [&] {
      if (++x == 1000) return done.set_value();
      (x % 2 ? b : a).submit(step);
    };
    a.submit(step);
    done.get_future().wait();
    got = x;
  }
  require(state, got == 1000);
  state.SetItemsProcessed(state.iterations() * 1000);
}
BENCHMARK(HandOffByHand)->UseRealTime();

// Building and evaluating a chain of range(0) operations; time per operation must not grow.
void LongChain(benchmark::State& state) {
  const Stream s = new_stream(Device::cpu);
  const array one(1.0f);
  float got = 0;
  for (auto _ : state) {
    array x(0.0f);
    for (std::int64_t i = 0; i < state.range(0); ++i) x = add(x, one, s);
    got = x.item<float>();
  }
  require(state, got == static_cast<float>(state.range(0)));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(LongChain)->Arg(10'000)->Arg(100'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

// Two independent chains of 20 scans, each of which runs on one processor, on range(0) streams. With two streams and
// two processors it should take little more than half of the time with one.
void Independent(benchmark::State& state) {
  std::vector<Stream> streams;
  for (int i = 0; i < state.range(0); ++i) streams.push_back(new_stream(Device::cpu));
  constexpr int n = 1 << 18;
  const array x = arange(0.0, n, 1.0, float32);
  x.eval();
  float got = 0;
  for (auto _ : state) {
    array ys[] = {x, x};
    for (int i = 0; i < 2; ++i)
      for (int k = 0; k < 20; ++k) ys[i] = cummax(ys[i], 0, false, true, i ? streams.back() : streams.front());
    eval(ys[0], ys[1]);
    got = ys[1].data<float>()[n - 1];
  }
  require(state, got == n - 1);
}
BENCHMARK(Independent)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

void NewStream(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(new_stream(Device::cpu));
}
BENCHMARK(NewStream);

}  // namespace
}  // namespace anabranch
