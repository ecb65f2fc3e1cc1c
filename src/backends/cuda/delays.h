// For tests: kernels that only take time, before what is added to streams. Whatever only happens to be done in time
// then no longer is, so a wait that is missing shows as a wrong value. ANABRANCH_CUDA_DELAYS=SEED asks for them, or
// SEED:MICROSECONDS, of the longest (200).
#pragma once

#include <cuda_runtime.h>

#include <memory>

#include "runtime/sync.h"

namespace anabranch::backends::cuda {

class Delays {
 public:
  // Null where nobody asks for them. Throws std::invalid_argument.
  static std::unique_ptr<Delays> wanted();

  // Adds one, mostly, with the stream's GPU as the current device.
  void add(cudaStream_t stream);

 private:
  Delays(std::uint64_t seed, std::uint64_t longest_ns) : seed_(seed), longest_ns_(longest_ns) {}

  const std::uint64_t seed_, longest_ns_;
  runtime::Atomic<std::uint64_t> asked_{0};
};

}  // namespace anabranch::backends::cuda
