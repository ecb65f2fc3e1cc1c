// Neighbouring elements that a GPU's thread reads or writes at once. In instructions of their own: left to itself, the
// compiler takes some of such structs apart.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <cstring>

namespace anabranch::kernels {

template <typename T, int N>
struct alignas(sizeof(T) & (sizeof(T) - 1) ? alignof(T) : sizeof(T) * N) Pack {
  T elements[N];
};

// `from` is in global memory, and aligned.
template <typename T, int N>
__device__ Pack<T, N> load_pack(const T* from) {
  Pack<T, N> pack;
#ifdef __CUDA_ARCH__
  if constexpr (N > 1) {
    constexpr int words = sizeof(pack) / 4;
    std::uint32_t w[4];
    if constexpr (words == 4)
      asm volatile("ld.global.v4.u32 {%0, %1, %2, %3}, [%4];"
                   : "=r"(w[0]), "=r"(w[1]), "=r"(w[2]), "=r"(w[3])
                   : "l"(from));
    else if constexpr (words == 2)
      asm volatile("ld.global.v2.u32 {%0, %1}, [%2];" : "=r"(w[0]), "=r"(w[1]) : "l"(from));
    else asm volatile("ld.global.u32 %0, [%1];" : "=r"(w[0]) : "l"(from));
    static_assert(words == 4 || words == 2 || words == 1);
    memcpy(static_cast<void*>(&pack), w, sizeof(pack));
    return pack;
  }
#endif
  pack = *reinterpret_cast<const Pack<T, N>*>(from);
  return pack;
}

template <typename T, int N>
__device__ void store_pack(T* to, const Pack<T, N>& pack) {
#ifdef __CUDA_ARCH__
  if constexpr (N > 1) {
    constexpr int words = sizeof(pack) / 4;
    std::uint32_t w[words];
    memcpy(w, &pack, sizeof(pack));
    if constexpr (words == 4)
      asm volatile("st.global.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(to), "r"(w[0]), "r"(w[1]), "r"(w[2]), "r"(w[3])
                   : "memory");
    else if constexpr (words == 2)
      asm volatile("st.global.v2.u32 [%0], {%1, %2};" ::"l"(to), "r"(w[0]), "r"(w[1]) : "memory");
    else asm volatile("st.global.u32 [%0], %1;" ::"l"(to), "r"(w[0]) : "memory");
    static_assert(words == 4 || words == 2 || words == 1);
    return;
  }
#endif
  *reinterpret_cast<Pack<T, N>*>(to) = pack;
}

}  // namespace anabranch::kernels
