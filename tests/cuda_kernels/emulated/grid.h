// What device code sees, run on the host: the threads of a block are run one after another, each until it waits for
// others. It knows no memory order, but it shows wrong indices, missing barriers and barriers that not all threads
// reach, on any machine.
#pragma once

#include <algorithm>
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
#define __noinline__
#define __grid_constant__
#define __launch_bounds__(...)
#define __shared__ static  // one block runs at a time

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

inline dim3 threadIdx, blockIdx, blockDim, gridDim;  // of the thread that runs

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

inline void __syncthreads() { emulated::block_barrier(); }
inline void __syncwarp(unsigned mask = 0xffffffffu) {
  emulated::exchange(mask, &mask, sizeof(mask));
  emulated::finish_exchange();
}
// Four of the eight bytes of x and y, as the digits of `selector` say.
inline unsigned __byte_perm(unsigned x, unsigned y, unsigned selector) {
  const std::uint64_t bytes = x | std::uint64_t{y} << 32;
  unsigned result = 0;
  for (unsigned i = 0; i < 4; ++i)
    result |= static_cast<unsigned>(bytes >> (selector >> (4 * i) & 7) * 8 & 0xff) << (8 * i);
  return result;
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
