#include "backends/cuda/gpu.h"

#include <new>

#include "anabranch/error.h"

namespace anabranch::backends::cuda {
namespace {

template <typename F>
void find(const char* name, unsigned version, F& function) {
  cudaDriverEntryPointQueryResult found{};
  void* address = nullptr;
  check(cudaGetDriverEntryPointByVersion(name, &address, version, cudaEnableDefault, &found), name);
  if (found != cudaDriverEntryPointSuccess) throw std::runtime_error(std::string("the driver has no ") + name);
  function = reinterpret_cast<F>(address);
}

// Errors after which every call fails in this process.
bool is_final(cudaError_t code) {
  switch (code) {
    case cudaErrorIllegalAddress:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorHardwareStackError:
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable:
    case cudaErrorContained:
    case cudaErrorTensorMemoryLeak:
    case cudaErrorContextIsDestroyed:
    case cudaErrorCudartUnloading:
    case cudaErrorUnknown: return true;
    default: return false;
  }
}

}  // namespace

const Driver& driver() {
  static const Driver d = [] {
    Driver found;
    find("cuStreamWriteValue64", 12000, found.write_value);
    find("cuStreamWaitValue64", 12000, found.wait_value);
    find("cuCtxGetCurrent", 12000, found.current_context);
    find("cuCtxRecordEvent", 12050, found.record_context);
    return found;
  }();
  return d;
}

Gpu::Gpu(int i, Delays* delays)
    : index(i),
      delays_(delays),
      after_fork_(std::make_exception_ptr(DeviceLost(
          "GPU " + std::to_string(i) +
          " does not survive a fork. Start processes that use it with the method \"spawn\" or \"forkserver\"."))) {}

Gpu::Current::Current(const Gpu& gpu) {
  ANABRANCH_THREAD_LOCAL(bool, known, false);  // to the CUDA runtime: the first time, the device is set in any case
  int current = 0;
  check(cudaGetDevice(&current), "cudaGetDevice");
  if (current != gpu.index) before_ = current;
  if (current != gpu.index || !known) check(cudaSetDevice(gpu.index), "cudaSetDevice");
  known = true;
}

Gpu::Current::~Current() {
  if (before_ >= 0) cudaSetDevice(before_);
}

void Gpu::lose(const std::string& why) {
  runtime::Lock lock(mutex_);
  if (is_lost()) return;
  why_ = std::make_exception_ptr(DeviceLost(why));
  lost_.store(true, std::memory_order_release);
}

void Gpu::forked() noexcept {
  new (&mutex_) runtime::Mutex;
  if (is_lost()) return;
  why_ = after_fork_;
  lost_.store(true, std::memory_order_release);
}

void Gpu::failed(const kernels::CudaError& error) {
  if (!is_final(error.code)) throw error;
  lose("GPU " + std::to_string(index) + " is lost to this process: " + error.what() +
       ". Start a new process to use it again.");
  std::rethrow_exception(why_);
}

// Asked for with the first stream: the answer needs a context.
int Gpu::most_urgent() {
  if (most_urgent_.load() == unknown) {
    attempt([&] {
      int least = 0, greatest = 0;
      check(cudaDeviceGetStreamPriorityRange(&least, &greatest), "cudaDeviceGetStreamPriorityRange");
      most_urgent_.store(greatest);
    });
  }
  return most_urgent_.load();
}

void Gpu::inspect(cudaStream_t stream) {
  const cudaError_t state = cudaStreamQuery(stream);
  if (state == cudaSuccess || state == cudaErrorNotReady) return;
  try {
    failed(kernels::CudaError(state, "a kernel or copy failed while it ran"));
  } catch (const std::exception&) {  // noted; whoever waits finds lost()
  }
}

}  // namespace anabranch::backends::cuda
