// A GPU's own clock, as the events of its streams read it.
#pragma once

#include "backends/cuda/gpu.h"
#include "runtime/backend.h"

namespace anabranch::backends::cuda {

class CudaTimestamp final : public runtime::Timestamp {
 public:
  // Of what has been added to `stream`, with the GPU as the current device.
  CudaTimestamp(Gpu& gpu, cudaStream_t stream);
  ~CudaTimestamp() override;
  CudaTimestamp(const CudaTimestamp&) = delete;
  std::optional<double> seconds_until(const runtime::Timestamp& later) const override;

 private:
  Gpu& gpu_;
  cudaEvent_t event_;
};

}  // namespace anabranch::backends::cuda
