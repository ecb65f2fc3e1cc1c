// Copies from global to shared memory that go on while a thread computes, and need no registers meanwhile.
#pragma once

#include <cuda_runtime.h>

#include <cstring>

namespace anabranch::kernels {

// 16 bytes, aligned on both sides.
__device__ inline void fetch_16(void* to_shared, const void* from) {
#ifdef __CUDA_ARCH__
  asm volatile(
      "cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(static_cast<unsigned>(__cvta_generic_to_shared(to_shared))),
      "l"(from)
      : "memory");
#else
  memcpy(to_shared, from, 16);
#endif
}

// Until all that this thread has fetched is there, for this thread; others see it after a barrier.
__device__ inline void wait_for_fetched() {
#ifdef __CUDA_ARCH__
  asm volatile("cp.async.wait_all;" ::: "memory");
#endif
}

}  // namespace anabranch::kernels
