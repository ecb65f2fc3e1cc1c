// CUDA's events of one GPU. Making one takes microseconds, so they are used again.
#pragma once

#include <cuda_runtime.h>

#include <vector>

#include "runtime/sync.h"

namespace anabranch::backends::cuda {

class EventPool {
 public:
  // Events that take the time cost the GPU two microseconds, others nothing.
  enum class Kind : unsigned { Timed = cudaEventDefault, Untimed = cudaEventDisableTiming };
  explicit EventPool(Kind kind) : kind_(kind) {}

  // With the GPU as the current device.
  cudaEvent_t take();
  // Timed: one that has happened, or was never recorded. Makes no call of CUDA's.
  void give_back(cudaEvent_t event) noexcept;

 private:
  static constexpr std::size_t most_at_once = 64;
  void make(std::size_t count);

  const Kind kind_;
  runtime::Mutex mutex_;
  // Under mutex_.
  std::vector<cudaEvent_t> spare_;
  std::size_t made_ = 0;
};

}  // namespace anabranch::backends::cuda
