// What of CUDA our kernels use, run on the host: each thread of a block is a fiber that goes on until it waits for the
// others. Slow, and it knows no memory order, but it shows wrong indices, missing barriers and barriers that not all
// threads reach, on any machine.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <type_traits>

#include "kernels/cuda_library_math.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __grid_constant__
#define __launch_bounds__(...)
#define __shared__ static  // blocks run one after another

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

enum cudaError_t { cudaSuccess, cudaErrorInvalidValue };
using cudaStream_t = void*;
struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  std::size_t dynamicSmemBytes;
  cudaStream_t stream;
};
inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline const char* cudaGetErrorString(cudaError_t) { return "an emulated failure"; }
inline const char* cudaGetErrorName(cudaError_t) { return "emulated"; }
inline cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t) {
  std::memset(to, value, bytes);
  return cudaSuccess;
}
enum cudaMemcpyKind { cudaMemcpyDeviceToDevice };
inline cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind, cudaStream_t) {
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}

inline dim3 threadIdx, blockIdx, blockDim, gridDim;  // of the fiber that runs

namespace emulated {

unsigned lane();

// Runs thread() in every thread of a grid, with so much shared memory beside the kernel's own.
void run_grid(dim3 grid, dim3 block, const std::function<void()>& thread, std::size_t shared_bytes = 0);
void* dynamic_shared();

// Waits for the other threads of the block.
void block_barrier();
// Gives each thread of the warp the values (at most 16 bytes) of the others. `mask` must name the threads that take
// part, and all that have not ended.
void exchange(unsigned mask, const void* value, std::size_t bytes);
const void* value_of(unsigned lane);
unsigned lanes_of_warp();
void finish_exchange();

template <typename T>
T from_lane(unsigned mask, T value, unsigned lane) {
  exchange(mask, &value, sizeof(T));
  T got = value;
  if (lane < lanes_of_warp()) std::memcpy(static_cast<void*>(&got), value_of(lane), sizeof(T));
  finish_exchange();
  return got;
}

}  // namespace emulated

template <typename... Parameters, typename... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               const Arguments&... arguments) {
  const dim3 g = config->gridDim, b = config->blockDim;
  if (g.x == 0 || g.y == 0 || g.z == 0 || g.x > 0x7fffffffu || g.y > 65535 || g.z > 65535) return cudaErrorInvalidValue;
  if (b.x * b.y * b.z == 0 || b.x * b.y * b.z > 1024 || b.z > 64) return cudaErrorInvalidValue;
  emulated::run_grid(g, b, [&] { kernel(arguments...); }, config->dynamicSmemBytes);
  return cudaSuccess;
}

inline void __syncthreads() { emulated::block_barrier(); }
inline void __syncwarp(unsigned mask = 0xffffffffu) {
  emulated::exchange(mask, &mask, sizeof(mask));
  emulated::finish_exchange();
}
template <typename T>
T __shfl_sync(unsigned mask, T value, int lane, int width = 32) {
  const unsigned own = emulated::lane();
  return emulated::from_lane(mask, value, own / width * width + static_cast<unsigned>(lane) % width);
}
template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int flip, int width = 32) {
  const unsigned own = emulated::lane(), other = own ^ static_cast<unsigned>(flip);
  return emulated::from_lane(mask, value, other / width == own / width ? other : own);
}
template <typename T>
T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = 32) {
  const unsigned own = emulated::lane();
  return emulated::from_lane(mask, value, own % width + by < static_cast<unsigned>(width) ? own + by : own);
}
template <typename T>
T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = 32) {
  const unsigned own = emulated::lane();
  return emulated::from_lane(mask, value, own % width >= by ? own - by : own);
}
