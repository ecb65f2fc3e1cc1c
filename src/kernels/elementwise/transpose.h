// Transposition in registers, of elements of any size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace anabranch::kernels {

// Rows of a square block that fills 16-byte vectors.
template <typename T>
inline constexpr std::size_t transposed_side = 16 / sizeof(T);

// to[r * to_stride + c] = from[c * from_stride + r] for a square block. Zipping row i with row i + side / 2, log2(side)
// times, transposes.
template <typename T>
inline void transpose_block(const T* from, std::int64_t from_stride, T* to, std::size_t to_stride) {
  constexpr std::size_t side = transposed_side<T>;
  typedef T Vector __attribute__((vector_size(16)));
  Vector rows[side], zipped[side], low, high;
  for (std::size_t i = 0; i < side; ++i) {
    std::memcpy(&rows[i], from + static_cast<std::int64_t>(i) * from_stride, 16);
    low[i] = static_cast<T>(i / 2 + i % 2 * side);
    high[i] = static_cast<T>(i / 2 + i % 2 * side + side / 2);
  }
  for (std::size_t step = 1; step < side; step *= 2) {
    for (std::size_t i = 0; i < side / 2; ++i) {
      zipped[2 * i] = __builtin_shuffle(rows[i], rows[i + side / 2], low);
      zipped[2 * i + 1] = __builtin_shuffle(rows[i], rows[i + side / 2], high);
    }
    for (std::size_t i = 0; i < side; ++i) rows[i] = zipped[i];
  }
  for (std::size_t i = 0; i < side; ++i) std::memcpy(to + i * to_stride, &rows[i], 16);
}

}  // namespace anabranch::kernels
