#include "backends/cuda/timeline.h"

#include <cstdlib>
#include <cstring>
#include <new>

namespace anabranch::backends::cuda {
namespace {

// A word has a line of the cache to itself.
constexpr std::size_t line = 64, page = 4096;
// The word of a lost GPU: more than anybody waits for.
constexpr std::uint64_t everything = std::uint64_t{1} << 62;

std::uint64_t load(const std::uint64_t* word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }

// Registered memory has the same address on every GPU of a 64-bit host.
CUdeviceptr on_device(const std::uint64_t* word) { return reinterpret_cast<CUdeviceptr>(word); }

}  // namespace

runtime::Mutex& Timeline::mutex() {
  static runtime::Mutex& m = *new runtime::Mutex;
  return m;
}

std::vector<Timeline::Slot>& Timeline::spare() {
  static auto& s = *new std::vector<Slot>;
  return s;
}

Timeline::Slot Timeline::take() {
  runtime::Lock lock(mutex());
  if (spare().empty()) {
    // The system's memory, registered: unlike the driver's own it outlives the driver at the end of the process.
    void* memory = std::aligned_alloc(page, page);
    if (!memory) throw std::bad_alloc();
    std::memset(memory, 0, page);
    check(cudaHostRegister(memory, page, cudaHostRegisterPortable | cudaHostRegisterMapped), "cudaHostRegister");
    for (std::size_t at = 0; at < page; at += line)
      spare().push_back({reinterpret_cast<std::uint64_t*>(static_cast<char*>(memory) + at), 0});
  }
  const Slot slot = spare().back();
  spare().pop_back();
  return slot;
}

Timeline::~Timeline() {
  if (load(slot_.word) >= everything) return;
  runtime::Lock lock(mutex());
  spare().push_back({slot_.word, load(slot_.word)});
}

void Timeline::signal(cudaStream_t stream, std::uint64_t value) {
  check(static_cast<cudaError_t>(
            driver().write_value(stream, on_device(slot_.word), slot_.base + value, CU_STREAM_WRITE_VALUE_DEFAULT)),
        "cuStreamWriteValue64");
}

void Timeline::wait(cudaStream_t stream, std::uint64_t value) const {
  if (load(slot_.word) >= slot_.base + value) return;
  check(static_cast<cudaError_t>(
            driver().wait_value(stream, on_device(slot_.word), slot_.base + value, CU_STREAM_WAIT_VALUE_GEQ)),
        "cuStreamWaitValue64");
}

std::uint64_t Timeline::reached() const {
  const std::uint64_t count = load(slot_.word);
  return count >= everything ? 0 : count - slot_.base;
}

void Timeline::release() { __atomic_store_n(slot_.word, everything, __ATOMIC_RELEASE); }

}  // namespace anabranch::backends::cuda
