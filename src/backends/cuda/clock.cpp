#include "backends/cuda/clock.h"

namespace anabranch::backends::cuda {

CudaTimestamp::CudaTimestamp(Gpu& gpu, cudaStream_t stream) : gpu_(gpu), event_(gpu.timed_events().take()) {
  const cudaError_t result = cudaEventRecord(event_, stream);
  if (result == cudaSuccess) return;
  gpu_.timed_events().give_back(event_);
  check(result, "cudaEventRecord");
}

CudaTimestamp::~CudaTimestamp() {
  // Of a lost GPU it may not have happened, and in a forked child the pool's lock may be in any state.
  if (!gpu_.is_lost()) gpu_.timed_events().give_back(event_);
}

std::optional<double> CudaTimestamp::seconds_until(const runtime::Timestamp& later) const {
  const auto& other = static_cast<const CudaTimestamp&>(later);
  if (&other.gpu_ != &gpu_) return std::nullopt;
  float ms = 0;
  try {
    gpu_.attempt([&] {
      // Both have happened; that the driver has noticed, too, is for these calls to see to.
      for (const cudaEvent_t event : {event_, other.event_}) check(cudaEventSynchronize(event), "cudaEventSynchronize");
      check(cudaEventElapsedTime(&ms, event_, other.event_), "cudaEventElapsedTime");
    });
  } catch (const std::exception&) {  // the GPU is lost, or the driver went before us
    return std::nullopt;
  }
  return static_cast<double>(ms) * 1e-3;
}

}  // namespace anabranch::backends::cuda
