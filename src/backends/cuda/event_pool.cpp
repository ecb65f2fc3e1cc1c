#include "backends/cuda/event_pool.h"

#include <algorithm>

#include "kernels/cuda_launch.h"

namespace anabranch::backends::cuda {

cudaEvent_t EventPool::take() {
  runtime::Lock lock(mutex_);
  if (spare_.empty()) make(std::clamp<std::size_t>(made_, 1, most_at_once));
  const cudaEvent_t event = spare_.back();
  spare_.pop_back();
  return event;
}

// Several at once, of which one is enough: many streams that begin at the same time would wait for the driver in turn,
// each for its own.
void EventPool::make(std::size_t count) {
  spare_.reserve(made_ + count);  // or give_back() could fail
  for (; count > 0; --count) {
    cudaEvent_t event = nullptr;
    const cudaError_t result = cudaEventCreateWithFlags(&event, static_cast<unsigned>(kind_));
    if (result != cudaSuccess && !spare_.empty()) return;
    kernels::check(result, "cudaEventCreateWithFlags");
    ++made_;
    spare_.push_back(event);
  }
}

void EventPool::give_back(cudaEvent_t event) noexcept {
  runtime::Lock lock(mutex_);
  spare_.push_back(event);
}

}  // namespace anabranch::backends::cuda
