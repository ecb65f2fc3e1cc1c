// Streams and memory that CUDA libraries of one process share.
#pragma once

#include <memory>
#include <vector>

#include "backends/cuda/queue.h"
#include "runtime/interop.h"

namespace anabranch::backends::cuda {

class CudaInterop final : public runtime::Interop {
 public:
  explicit CudaInterop(const std::vector<std::unique_ptr<Gpu>>& gpus) : gpus_(gpus) {}

  int dlpack_device_type() const override { return 2; }  // kDLCUDA
  void* handle(const runtime::Queue& queue) const override;
  std::unique_ptr<runtime::Queue> open_queue(int index, void* stream, std::shared_ptr<void> owner) override;
  std::optional<int> device_of_stream(void* stream) const override;
  std::optional<int> device_of_memory(const void* address) const override;
  void let_wait(void* stream, runtime::Queue& queue, std::uint64_t value) override;
  void wait_for_stream(runtime::Queue& queue, void* stream) override;
  void wait_for_device(runtime::Queue& queue) override;

 private:
  // For calls about no GPU in particular: where they all are lost to this process, says why.
  void check_process(cudaError_t result, const char* what) const;

  const std::vector<std::unique_ptr<Gpu>>& gpus_;
};

}  // namespace anabranch::backends::cuda
