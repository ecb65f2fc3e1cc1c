// How soon a thread and another stream learn that a kernel is done, and what telling them costs: by a word in host
// memory that the GPU writes, and by events. Checks that each way has waited for the kernel.
//
//   nvcc -O2 -std=c++20 -arch=sm_90 -o signals benchmarks/gpu/signals.cu && ./signals
#include <cuda.h>
#include <cudaTypedefs.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

namespace {

void check(int code, int line) {
  if (code == 0) return;
  std::printf("line %d: error %d\n", line, code);
  std::exit(1);
}
#define CHECK(call) check(static_cast<int>(call), __LINE__)

// Takes about ten microseconds, then counts.
__global__ void count(unsigned long long* counter) {
  const long long begin = clock64();
  while (clock64() - begin < 17'000) {
  }
  *counter = *counter + 1;
}

double microseconds() {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

PFN_cuStreamWriteValue64_v11070 write_value;
PFN_cuStreamWaitValue64_v11070 wait_value;

cudaStream_t stream[2];
unsigned long long *word, *counter;  // both in host memory
unsigned long long told = 0, launched = 0;
cudaEvent_t untimed, timed;

CUdeviceptr on_device(unsigned long long* p) { return reinterpret_cast<CUdeviceptr>(p); }
void launch(int on) {
  count<<<1, 1, 0, stream[on]>>>(counter);
  ++launched;
}
void write(int on) { CHECK(write_value(stream[on], on_device(word), ++told, CU_STREAM_WRITE_VALUE_DEFAULT)); }

struct Way {
  const char* name;
  std::function<void(int)> tell;      // on the stream
  std::function<void()> learn;        // in this thread
  std::function<void(int)> let_wait;  // the stream
};

void verify() {
  CHECK(cudaDeviceSynchronize());
  CHECK(*counter != launched);
}

void measure(const Way& way) {
  constexpr int times = 500;
  std::vector<double> host, latency, chain, hop;
  for (int i = 0; i < times; ++i) {
    CHECK(cudaDeviceSynchronize());
    const double begin = microseconds();
    launch(0);
    const double between = microseconds();
    way.tell(0);
    host.push_back(microseconds() - between);
    way.learn();
    latency.push_back(microseconds() - begin);
    CHECK(*static_cast<volatile unsigned long long*>(counter) != launched);
  }
  for (int round = 0; round < 15; ++round) {
    for (auto* measured : {&chain, &hop}) {
      CHECK(cudaDeviceSynchronize());
      const double begin = microseconds();
      for (int i = 0; i < times; ++i) {
        const int on = measured == &hop ? i % 2 : 0;
        launch(on);
        way.tell(on);
        if (measured == &hop) way.let_wait(1 - on);
      }
      verify();
      measured->push_back((microseconds() - begin) / times);
    }
  }
  std::printf(
      "%-24s telling %5.2f  one kernel, until known %6.2f  in a chain %6.2f each  from stream to stream %6.2f\n",
      way.name, median(host), median(latency), median(chain), median(hop));
}

}  // namespace

int main() {
  CHECK(cudaFree(nullptr));
  cudaDriverEntryPointQueryResult found;
  CHECK(cudaGetDriverEntryPointByVersion("cuStreamWriteValue64", reinterpret_cast<void**>(&write_value), 12000,
                                         cudaEnableDefault, &found));
  CHECK(cudaGetDriverEntryPointByVersion("cuStreamWaitValue64", reinterpret_cast<void**>(&wait_value), 12000,
                                         cudaEnableDefault, &found));
  for (cudaStream_t& s : stream) CHECK(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking));
  CHECK(cudaHostAlloc(&word, 64, cudaHostAllocMapped));
  CHECK(cudaHostAlloc(&counter, 64, cudaHostAllocMapped));
  *word = *counter = 0;
  CHECK(cudaEventCreateWithFlags(&untimed, cudaEventDisableTiming));
  CHECK(cudaEventCreate(&timed));
  const auto event_way = [](const char* name, cudaEvent_t event) {
    return Way{name, [event](int on) { CHECK(cudaEventRecord(event, stream[on])); },
               [event] {
                 while (cudaEventQuery(event) != cudaSuccess) {
                 }
               },
               [event](int on) { CHECK(cudaStreamWaitEvent(stream[on], event, 0)); }};
  };
  const Way by_word{"a word", write,
                    [] {
                      while (__atomic_load_n(word, __ATOMIC_ACQUIRE) < told) {
                      }
                    },
                    [](int on) { CHECK(wait_value(stream[on], on_device(word), told, CU_STREAM_WAIT_VALUE_GEQ)); }};
  const Way by_event = event_way("an event", untimed);
  const Way ways[] = {by_word,
                      by_event,
                      event_way("an event with the time", timed),
                      {"an event and a word",
                       [&](int on) {
                         by_event.tell(on);
                         write(on);
                       },
                       by_word.learn, by_event.let_wait}};
  for (int round = 0; round < 2; ++round)
    for (const Way& way : ways) measure(way);
}
