// Squares of elements in vectors: as many vectors as one has lanes.
#if defined(ANABRANCH_SQUARE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ANABRANCH_SQUARE_INL_H
#undef ANABRANCH_SQUARE_INL_H
#else
#define ANABRANCH_SQUARE_INL_H
#endif

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels::HWY_NAMESPACE {

// Elements of 4 or 8 bytes.
template <typename T>
struct Square {
#if HWY_TARGET <= HWY_AVX3
  static constexpr int bytes = 64;
#elif HWY_TARGET <= HWY_AVX2
  static constexpr int bytes = 32;
#else
  static constexpr int bytes = 16;
#endif
  using V [[gnu::vector_size(bytes)]] = T;
  static constexpr int side = bytes / sizeof(T);

  static HWY_INLINE V load(const void* p) {
    V v;
    std::memcpy(&v, p, sizeof(V));
    return v;
  }

  // Zipping row i with row i + side / 2, log2(side) times, transposes.
  static HWY_INLINE void transpose(V (&t)[side]) {
    using VI [[gnu::vector_size(bytes)]] = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
    VI low, high;
    for (int i = 0; i < side; ++i) {
      low[i] = i / 2 + i % 2 * side;
      high[i] = i / 2 + i % 2 * side + side / 2;
    }
#pragma GCC unroll 4
    for (int step = 1; step < side; step *= 2) {
      V zipped[side];
#pragma GCC unroll 8
      for (int i = 0; i < side / 2; ++i) {
        zipped[2 * i] = __builtin_shuffle(t[i], t[i + side / 2], low);
        zipped[2 * i + 1] = __builtin_shuffle(t[i], t[i + side / 2], high);
      }
#pragma GCC unroll 16
      for (int i = 0; i < side; ++i) t[i] = zipped[i];
    }
  }
};

}  // namespace anabranch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
