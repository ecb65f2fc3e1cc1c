#include "backends/cuda/event_pool.h"

#include "kernels/cuda_launch.h"

namespace anabranch::backends::cuda {

cudaEvent_t EventPool::take() {
  runtime::Lock lock(mutex_);
  if (!spare_.empty()) {
    const cudaEvent_t event = spare_.back();
    spare_.pop_back();
    return event;
  }
  spare_.reserve(made_ + 1);  // or give_back() could fail
  cudaEvent_t event = nullptr;
  kernels::check(cudaEventCreateWithFlags(&event, static_cast<unsigned>(kind_)), "cudaEventCreateWithFlags");
  ++made_;
  return event;
}

void EventPool::give_back(cudaEvent_t event) noexcept {
  runtime::Lock lock(mutex_);
  spare_.push_back(event);
}

}  // namespace anabranch::backends::cuda
