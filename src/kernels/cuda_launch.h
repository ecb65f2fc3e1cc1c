// What a CUDA kernel's host side sees beside the views: the stream to launch on.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "anabranch/error.h"
#include "runtime/launch.h"

namespace anabranch::kernels {

// A call of the CUDA runtime that failed.
struct CudaError : std::runtime_error {
  CudaError(cudaError_t c, const std::string& what)
      : std::runtime_error(what + ": " + cudaGetErrorString(c) + " (" + cudaGetErrorName(c) + ")"), code(c) {}
  cudaError_t code;
};

// Throws CudaError, naming `what` was tried.
inline void check(cudaError_t code, const char* what) {
  if (code == cudaSuccess) return;
  cudaGetLastError();  // or the next launch would report it once more
  throw CudaError(code, what);
}

class IndexFaults;

struct CudaLaunch {
  cudaStream_t stream;
  int device;  // the calling thread's current one
  runtime::Launch& launch;
  IndexFaults* faults = nullptr;  // null where nobody asks: kernels on their own, in tests

  // Memory of the device until the submission has finished, 256-byte aligned. Throws OutOfMemory.
  template <typename T>
  T* scratch(std::size_t count) const {
    return static_cast<T*>(launch.scratch(count * sizeof(T)));
  }

  // For grids that go on from one piece of work to the next: results must not depend on it.
  int processors() const {
    int count = 0;
    check(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device), "cudaDeviceGetAttribute");
    return count;
  }

  // Launches `kernel`; `name` is for the error.
  template <typename... Parameters>
  void run(const char* name, void (*kernel)(Parameters...), dim3 blocks, dim3 threads, std::size_t shared_bytes,
           std::type_identity_t<Parameters>... arguments) const {
    constexpr std::size_t given = 48 << 10;  // a kernel has to ask for more
    if (shared_bytes > given) {
      check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes)),
            name);
    }
    cudaLaunchConfig_t config{};
    config.gridDim = blocks;
    config.blockDim = threads;
    config.dynamicSmemBytes = shared_bytes;
    config.stream = stream;
    check(cudaLaunchKernelEx(&config, kernel, arguments...), name);
  }
};

// One block for each piece of work.
inline unsigned whole_grid(std::int64_t work) {
  if (work > 0x7fffffff)
    throw NotSupported("[gpu] " + std::to_string(work) + " blocks are more than a launch can have.");
  return static_cast<unsigned>(work);
}

// Blocks for `work` of them; a kernel whose grid may be smaller than its work goes on in steps of the grid.
inline unsigned grid_of(std::int64_t work, std::int64_t most = std::int64_t{1} << 30) {
  return static_cast<unsigned>(std::clamp<std::int64_t>(work, 1, most));
}

}  // namespace anabranch::kernels
