#include "backends/cuda/queue.h"

#include <algorithm>
#include <vector>

#include "backends/cuda/clock.h"
#include "backends/cuda/watcher.h"
#include "runtime/machine.h"
#include "runtime/stream_state.h"

namespace anabranch::backends::cuda {
namespace {

// Submissions that one signal tells of, at most.
constexpr std::uint64_t most_held = 16;

enum class Place { Pageable, Pinned, Device };

struct Location {
  Place place;
  int device;
};

Location locate(const void* address) {
  cudaPointerAttributes found{};
  check(cudaPointerGetAttributes(&found, address), "cudaPointerGetAttributes");
  switch (found.type) {
    case cudaMemoryTypeDevice:
    case cudaMemoryTypeManaged: return {Place::Device, found.device};
    case cudaMemoryTypeHost: return {Place::Pinned, -1};
    default: return {Place::Pageable, -1};
  }
}

// Lets the devices read each other's memory, where the hardware can; where not, the driver copies through the host.
void connect(int a, int b) {
  static runtime::Mutex& mutex = *new runtime::Mutex;
  static std::vector<std::pair<int, int>>& connected = *new std::vector<std::pair<int, int>>;
  runtime::Lock lock(mutex);
  if (std::find(connected.begin(), connected.end(), std::pair(a, b)) != connected.end()) return;
  connected.emplace_back(a, b);
  int can = 0;
  check(cudaDeviceCanAccessPeer(&can, a, b), "cudaDeviceCanAccessPeer");
  if (!can) return;
  const cudaError_t result = cudaDeviceEnablePeerAccess(b, 0);
  if (result == cudaErrorPeerAccessAlreadyEnabled) cudaGetLastError();
  else check(result, "cudaDeviceEnablePeerAccess");
}

}  // namespace

CudaQueue::CudaQueue(Gpu& gpu, int priority) : gpu_(gpu) {
  gpu_.attempt([&] {
    Watcher::get().start();
    timeline_ = std::make_unique<Timeline>();
    check(cudaStreamCreateWithPriority(&stream_, cudaStreamNonBlocking, priority), "cudaStreamCreateWithPriority");
  });
}

CudaQueue::CudaQueue(Gpu& gpu, cudaStream_t stream, std::shared_ptr<void> owner)
    : gpu_(gpu), shared_(true), owner_(std::move(owner)), stream_(stream) {
  gpu_.attempt([&] {
    Watcher::get().start();
    timeline_ = std::make_unique<Timeline>();
  });
}

CudaQueue::~CudaQueue() {
  if (gpu_.is_lost()) {  // perhaps only to this process, which was forked off: not even its memory may be touched
    static_cast<void>(timeline_.release());
    static_cast<void>(staging_.release());
    return;
  }
  for (const cudaEvent_t mark : marks_)
    if (mark) gpu_.untimed_events().give_back(mark);
  try {
    const Gpu::Current current(gpu_);
    staging_.reset();
    if (!shared_) cudaStreamDestroy(stream_);
  } catch (const kernels::CudaError&) {  // the process ends, and the driver before it
  }
}

void CudaQueue::wait(runtime::Queue& other, std::uint64_t value) {
  auto& before = static_cast<CudaQueue&>(other);
  if (&before.gpu_ == &gpu_) {
    if (before.reached() >= value) return;
    runtime::Lock lock(before.mutex_);
    if (const cudaEvent_t mark = before.marks_[value % marks_.size()]) {
      lock.unlock();  // it stays, and is at most recorded again
      gpu_.attempt([&] { check(cudaStreamWaitEvent(stream_, mark, 0), "cudaStreamWaitEvent"); });
      return;
    }
  }
  // By the timeline, which lets go where that GPU is lost.
  before.flush();  // the GPU must not wait for what a thread has yet to add: that thread may be waiting for the GPU
  gpu_.attempt([&] { before.timeline_->wait(stream_, value); });
}

void CudaQueue::copy(void* to, const void* from, std::size_t bytes) {
  gpu_.attempt([&] {
    gpu_.delay(stream_);
    const Location source = locate(from);
    if (source.place == Place::Pageable) {
      if (!staging_) staging_ = std::make_unique<Staging>();
      return staging_->copy(stream_, to, from, bytes);
    }
    if (source.place == Place::Device && source.device != gpu_.index) connect(gpu_.index, source.device);
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream_), "cudaMemcpyAsync");
  });
}

void CudaQueue::signal(std::uint64_t value, Ref<runtime::StreamState> stream) {
  if (auto why = gpu_.lost()) std::rethrow_exception(why);
  {
    runtime::Lock lock(mutex_);
    mark(value);
    held_ = value;
    to_tell_ = std::move(stream);
    if (value - asked_.load() < most_held) return;
  }
  flush();
}

// Where it can't be done others wait by the timeline.
void CudaQueue::mark(std::uint64_t value) noexcept {
  cudaEvent_t& event = marks_[value % marks_.size()];
  try {
    gpu_.attempt([&] {
      if (!event) event = gpu_.untimed_events().take();
      check(cudaEventRecord(event, stream_), "cudaEventRecord");
    });
  } catch (const std::exception&) {
    if (event) gpu_.untimed_events().give_back(std::exchange(event, nullptr));
  }
}

void CudaQueue::flush() noexcept {
  Ref<runtime::StreamState> stream;
  if (gpu_.is_lost()) {
    if (!mutex_.try_lock()) return;  // in a forked child it may be in any state
    stream = std::move(to_tell_);
    mutex_.unlock();
    if (stream) stream->progressed();
    return;
  }
  try {
    {
      runtime::Lock lock(mutex_);
      if (!to_tell_) return;
      stream = std::move(to_tell_);
      gpu_.attempt([&] { timeline_->signal(stream_, held_); });
      asked_.store(held_);
    }
    Watcher::get().watch(*this, std::move(stream));
  } catch (const std::exception& error) {
    gpu_.lose(error.what());  // unless it is: nothing that was added would ever be known to be done
  }
}

std::shared_ptr<const runtime::Timestamp> CudaQueue::read_clock() {
  std::shared_ptr<const runtime::Timestamp> read;
  gpu_.attempt([&] { read = std::make_shared<CudaTimestamp>(gpu_, stream_); });
  return read;
}

// A thread that waits for a GPU mostly waits for microseconds, and to be woken up takes longer.
std::int64_t CudaQueue::spin_ns() const {
  static const bool spare = runtime::processor_count() > 2;
  return spare ? 1'000'000 : 20'000;
}

}  // namespace anabranch::backends::cuda
