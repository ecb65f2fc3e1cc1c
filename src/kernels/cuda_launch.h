// What a CUDA kernel's host side sees beside the views: the stream to launch on.
#pragma once

#include <cuda_runtime.h>

#include <stdexcept>
#include <string>

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

struct CudaLaunch {
  cudaStream_t stream;
  int device;  // the calling thread's current one
  runtime::Launch& launch;

  // Memory of the device until the submission has finished, 256-byte aligned. Throws OutOfMemory.
  template <typename T>
  T* scratch(std::size_t count) const {
    return static_cast<T*>(launch.scratch(count * sizeof(T)));
  }
};

// After each launch of a kernel.
inline void check_launch(const char* kernel) { check(cudaGetLastError(), kernel); }

}  // namespace anabranch::kernels
