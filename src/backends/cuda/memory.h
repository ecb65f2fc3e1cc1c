// Where arenas have their memory from: a GPU's own, and host memory that GPUs copy to and from by themselves.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "backends/cuda/gpu.h"
#include "runtime/arena.h"

namespace anabranch::backends::cuda {

class DeviceMemory final : public runtime::MemorySource {
 public:
  explicit DeviceMemory(Gpu& gpu) : gpu_(gpu) {}
  void* allocate(std::size_t bytes) override;
  void free(void* data, std::size_t bytes) override;

 private:
  Gpu& gpu_;
};

// The system's memory, registered with the driver. The driver's own would be gone in a forked child and at the end of
// the process, where arrays on the host can still be read.
class PinnedMemory final : public runtime::MemorySource {
 public:
  explicit PinnedMemory(const std::vector<std::unique_ptr<Gpu>>& gpus) : gpus_(gpus) {}
  void* allocate(std::size_t bytes) override;
  void free(void* data, std::size_t bytes) override;

 private:
  // Smaller blocks share a slab, which is kept.
  static constexpr std::size_t page = 4096, slab_bytes = std::size_t{1} << 20, largest_in_slab = std::size_t{64} << 10;
  void* registered(std::size_t bytes);

  // One that works, if there is: all of them may use the memory.
  Gpu& any() const;

  const std::vector<std::unique_ptr<Gpu>>& gpus_;
  runtime::Mutex mutex_;
  // Under mutex_.
  std::map<std::size_t, std::vector<void*>> small_;  // free blocks, by size
  char* slab_ = nullptr;
  std::size_t left_ = 0;  // bytes of the slab
};

}  // namespace anabranch::backends::cuda
