// A CUDA stream as the runtime's queue.
#pragma once

#include <array>
#include <memory>

#include "backends/cuda/index_words.h"
#include "backends/cuda/staging.h"
#include "backends/cuda/timeline.h"
#include "runtime/backend.h"

namespace anabranch::backends::cuda {

class CudaQueue final : public runtime::Queue {
 public:
  CudaQueue(Gpu& gpu, int priority);
  // Over a stream that is `owner`'s and that others use, too.
  CudaQueue(Gpu& gpu, cudaStream_t stream, std::shared_ptr<void> owner);
  ~CudaQueue() override;

  Gpu& gpu() const { return gpu_; }
  cudaStream_t stream() const { return stream_; }
  const Timeline& timeline() const { return *timeline_; }
  // The last value that the GPU was asked to signal. Any thread.
  std::uint64_t asked() const { return asked_.load(); }
  // When the GPU is lost.
  void release() { timeline_->release(); }
  // For who adds to the queue: the value that will tell of it, and where its kernels tell of indices.
  std::uint64_t next_value() const { return held_ + 1; }
  kernels::IndexFaults& index_faults() { return index_words_; }

  void wait(runtime::Queue& other, std::uint64_t value) override;
  void copy(void* to, const void* from, std::size_t bytes) override;
  void signal(std::uint64_t value, Ref<runtime::StreamState> stream) override;
  void flush() noexcept override;
  // Of a lost GPU nothing: its memory is gone, too.
  std::uint64_t reached() const override { return gpu_.is_lost() ? 0 : timeline_->reached(); }
  // Whatever else fails on a GPU loses it.
  std::exception_ptr take_failure(std::uint64_t value) override { return index_words_.take_fault(value); }
  std::exception_ptr lost() const override { return gpu_.lost(); }
  std::int64_t spin_ns() const override;
  bool is_shared() const override { return shared_; }
  std::shared_ptr<const runtime::Timestamp> read_clock() override;

 private:
  friend class Watcher;
  void mark(std::uint64_t value) noexcept;

  Gpu& gpu_;
  const bool shared_ = false;
  const std::shared_ptr<void> owner_;
  cudaStream_t stream_ = nullptr;
  std::unique_ptr<Timeline> timeline_;
  std::unique_ptr<Staging> staging_;  // made by the first copy from pageable memory
  IndexWords index_words_{*this};
  runtime::Atomic<std::uint64_t> asked_{0};
  runtime::Atomic<bool> watched_{false};
  // While it is: the watcher's.
  struct Watch {
    Ref<runtime::StreamState> stream;  // keeps the queue
    std::uint64_t seen = 0;
    CudaQueue* next = nullptr;
  } watch_;
  runtime::Mutex mutex_;
  // Under mutex_: the last signal, and, where it is held back, the stream to tell. Who adds to the queue is the only
  // one to write it.
  std::uint64_t held_ = 0;
  Ref<runtime::StreamState> to_tell_;
  // Under mutex_: where the last signals were asked for, each at its value modulo their number. Others of this GPU's
  // streams wait for them, which costs nothing, where waits for the timeline cost the GPU microseconds. A wait for an
  // older signal is one for a later one.
  std::array<cudaEvent_t, 64> marks_{};
};

}  // namespace anabranch::backends::cuda
