#include "backends/cuda/interop.h"

#include <sstream>
#include <stdexcept>

namespace anabranch::backends::cuda {
namespace {

// An event that is done with as soon as something waits for it.
class Moment {
 public:
  Moment() { check(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "cudaEventCreate"); }
  ~Moment() { cudaEventDestroy(event_); }
  Moment(const Moment&) = delete;
  cudaEvent_t event() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

// A handle of 0 is what the CUDA runtime calls the legacy default stream where it is not compiled otherwise.
cudaStream_t stream_of(void* handle) {
  return handle ? static_cast<cudaStream_t>(handle) : static_cast<cudaStream_t>(cudaStreamLegacy);
}

bool is_default(cudaStream_t stream) { return stream == cudaStreamLegacy || stream == cudaStreamPerThread; }

std::string text_of(cudaStream_t stream) {
  std::ostringstream text;
  text << "CUDA stream " << reinterpret_cast<std::uintptr_t>(stream);
  return text.str();
}

void check_driver(CUresult result, const char* what) { check(static_cast<cudaError_t>(result), what); }

}  // namespace

void CudaInterop::check_process(cudaError_t result, const char* what) const {
  if (result != cudaSuccess && gpus_.front()->is_lost()) std::rethrow_exception(gpus_.front()->lost());
  check(result, what);
}

void* CudaInterop::handle(const runtime::Queue& queue) const { return static_cast<const CudaQueue&>(queue).stream(); }

std::optional<int> CudaInterop::device_of_stream(void* handle) const {
  const cudaStream_t stream = stream_of(handle);
  if (is_default(stream)) return std::nullopt;
  int device = -1;
  const cudaError_t result = cudaStreamGetDevice(stream, &device);
  if (result == cudaErrorInvalidResourceHandle || result == cudaErrorInvalidValue) {
    cudaGetLastError();
    throw std::invalid_argument("[external_stream] There is no " + text_of(stream) + " in this process.");
  }
  check_process(result, "cudaStreamGetDevice");
  return device;
}

std::unique_ptr<runtime::Queue> CudaInterop::open_queue(int index, void* handle, std::shared_ptr<void> owner) {
  const cudaStream_t stream = stream_of(handle);
  if (stream == cudaStreamPerThread)
    throw std::invalid_argument("[external_stream] " + text_of(stream) +
                                " is the per-thread default stream, another one in each thread: pass a stream of which "
                                "there is one.");
  const int device = device_of_stream(handle).value_or(index);
  if (device != index)
    throw std::invalid_argument("[external_stream] " + text_of(stream) + " is one of GPU " + std::to_string(device) +
                                ", not of GPU " + std::to_string(index) + ".");
  return std::make_unique<CudaQueue>(*gpus_[static_cast<std::size_t>(index)], stream, std::move(owner));
}

std::optional<int> CudaInterop::device_of_memory(const void* address) const {
  cudaPointerAttributes found{};
  check_process(cudaPointerGetAttributes(&found, address), "cudaPointerGetAttributes");
  const bool on_device = found.type == cudaMemoryTypeDevice || found.type == cudaMemoryTypeManaged;
  return on_device ? std::optional(found.device) : std::nullopt;
}

void CudaInterop::let_wait(void* handle, runtime::Queue& queue, std::uint64_t value) {
  auto& ours = static_cast<CudaQueue&>(queue);
  const cudaStream_t stream = stream_of(handle);
  if (stream == ours.stream()) return;
  ours.flush();  // or their stream waits for what a thread has yet to add
  ours.gpu().attempt([&] { ours.timeline().wait(stream, value); });
}

void CudaInterop::wait_for_stream(runtime::Queue& queue, void* handle) {
  auto& ours = static_cast<CudaQueue&>(queue);
  const cudaStream_t stream = stream_of(handle);
  if (stream == ours.stream()) return;
  ours.gpu().attempt([&] {
    const Moment given;
    check(cudaEventRecord(given.event(), stream), "cudaEventRecord");
    check(cudaStreamWaitEvent(ours.stream(), given.event(), 0), "cudaStreamWaitEvent");
  });
}

void CudaInterop::wait_for_device(runtime::Queue& queue) {
  auto& ours = static_cast<CudaQueue&>(queue);
  ours.gpu().attempt([&] {
    const Moment given;
    CUcontext context = nullptr;
    check_driver(driver().current_context(&context), "cuCtxGetCurrent");
    check_driver(driver().record_context(context, given.event()), "cuCtxRecordEvent");
    check(cudaStreamWaitEvent(ours.stream(), given.event(), 0), "cudaStreamWaitEvent");
  });
}

}  // namespace anabranch::backends::cuda
