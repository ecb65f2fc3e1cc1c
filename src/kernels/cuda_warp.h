// What threads of a warp and of a block tell each other.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <cstring>

namespace anabranch::kernels {

inline constexpr unsigned whole_warp = 0xffffffffu;
inline constexpr int warp_threads = 32;

// `shuffle` is given one 32-bit word after another.
template <typename T, typename Shuffle>
__device__ T shuffle_words(T value, Shuffle shuffle) {
  static_assert(sizeof(T) % 4 == 0);
  std::uint32_t words[sizeof(T) / 4];
  memcpy(words, &value, sizeof(T));
#pragma unroll
  for (std::uint32_t& w : words) w = shuffle(w);
  memcpy(static_cast<void*>(&value), words, sizeof(T));
  return value;
}

// The value that the thread has whose number differs in the bits of `flip`.
template <typename T>
__device__ T from_partner(T value, int flip) {
  return shuffle_words(value, [=](std::uint32_t w) { return __shfl_xor_sync(whole_warp, w, flip); });
}
// That of the thread `by` before, where there is one in the warp.
template <typename T>
__device__ T from_before(T value, int by) {
  return shuffle_words(value,
                       [=](std::uint32_t w) { return __shfl_up_sync(whole_warp, w, static_cast<unsigned>(by)); });
}
template <typename T>
__device__ T from_thread(T value, int lane) {
  return shuffle_words(value, [=](std::uint32_t w) { return __shfl_sync(whole_warp, w, lane); });
}

// What `combine` makes of the values of `lanes` neighbours (a power of two, at most a warp); all of them get it, with
// the same bits where `combine` commutes.
template <typename T, typename Combine>
__device__ T fold_lanes(T value, int lanes, Combine combine) {
  for (int flip = lanes / 2; flip > 0; flip /= 2) value = combine(value, from_partner(value, flip));
  return value;
}

// The same for a group of `warps` warps, of which `thread` is one of the threads. All threads of the block take part,
// also where they are several groups; each gets its group's result. `memory` has room for a value of each warp of the
// group.
template <typename T, typename Combine>
__device__ T fold_block(T value, int thread, int warps, T* memory, Combine combine) {
  value = fold_lanes(value, warp_threads, combine);
  if (warps == 1) return value;
  __syncthreads();  // whatever was read from `memory` before
  if (thread % warp_threads == 0) memory[thread / warp_threads] = value;
  __syncthreads();
  value = memory[0];
  for (int w = 1; w < warps; ++w) value = combine(value, memory[w]);
  return value;
}

}  // namespace anabranch::kernels
