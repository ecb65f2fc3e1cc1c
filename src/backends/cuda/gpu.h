// One GPU as this process knows it: how to make it the calling thread's, and whether it still works.
#pragma once

#include <cuda.h>
#include <cuda_runtime.h>

#include <exception>
#include <string>

#include "backends/cuda/delays.h"
#include "backends/cuda/event_pool.h"
#include "kernels/cuda_launch.h"
#include "runtime/sync.h"

namespace anabranch::backends::cuda {

using kernels::check;

// The driver's functions for which the CUDA runtime has none: timelines in memory, and all that a device was given.
struct Driver {
  decltype(&cuStreamWriteValue64) write_value = nullptr;
  decltype(&cuStreamWaitValue64) wait_value = nullptr;
  decltype(&cuCtxGetCurrent) current_context = nullptr;
  decltype(&cuCtxRecordEvent) record_context = nullptr;
};
const Driver& driver();

class Gpu {
 public:
  // `delays` of tests, or null.
  Gpu(int i, Delays* delays);
  const int index;

  // While it lives, the GPU is the calling thread's current device; then what was is again.
  class Current {
   public:
    explicit Current(const Gpu& gpu);
    ~Current();
    Current(const Current&) = delete;

   private:
    int before_ = -1;  // that of the thread, or -1 where it is the same
  };

  // Null while the device works, or else why nothing more will be done on it. Any thread.
  std::exception_ptr lost() const { return is_lost() ? why_ : nullptr; }
  bool is_lost() const { return lost_.load(std::memory_order_acquire); }
  // The first reason stays.
  void lose(const std::string& why);
  // In a forked child, where the lock may be in any state and there may be no memory: loses it.
  void forked() noexcept;
  // After a call that failed: throws DeviceLost where the error says that the device is gone for this process, as an
  // illegal access in a kernel does, or else `error`.
  [[noreturn]] void failed(const kernels::CudaError& error);
  // Runs `f` with the GPU as the current device; what fails in it is reported as failed() does.
  template <typename F>
  void attempt(F&& f) {
    if (is_lost()) std::rethrow_exception(why_);
    try {
      const Current current(*this);
      f();
    } catch (const kernels::CudaError& error) {
      failed(error);
    }
  }
  // Looks whether the device has failed while it worked, which a timeline does not tell.
  void inspect(cudaStream_t stream);
  // The lowest number that the priority of a stream may be; the highest is 0.
  int most_urgent();
  EventPool& timed_events() { return timed_events_; }
  EventPool& untimed_events() { return untimed_events_; }
  // Before a kernel or copy is added to `stream`, with this GPU as the current device.
  void delay(cudaStream_t stream) {
    if (delays_) delays_->add(stream);
  }

 private:
  static constexpr int unknown = 1;
  Delays* const delays_;
  const std::exception_ptr after_fork_;
  runtime::Atomic<int> most_urgent_{unknown};
  EventPool timed_events_{EventPool::Kind::Timed}, untimed_events_{EventPool::Kind::Untimed};
  runtime::Atomic<bool> lost_{false};
  runtime::Mutex mutex_;
  std::exception_ptr why_;  // written once, before `lost_`
};

}  // namespace anabranch::backends::cuda
