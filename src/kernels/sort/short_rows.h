// Sorting several short rows of integers at once, one to each lane of a vector, for the instruction set of this
// machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace anabranch::kernels {

inline constexpr std::size_t longest_short_row = 128;

struct ShortRows {
  std::size_t rows;  // at once
  // Sorts that many dense rows of n <= longest_short_row elements.
  void (*sort)(void* data, std::size_t n);
};

ShortRows short_rows_u32();
ShortRows short_rows_i32();
ShortRows short_rows_u64();
ShortRows short_rows_i64();

// Of elements of type T, which is one of these four.
template <typename T>
ShortRows short_rows() {
  if constexpr (sizeof(T) == 4) return std::is_signed_v<T> ? short_rows_i32() : short_rows_u32();
  else return std::is_signed_v<T> ? short_rows_i64() : short_rows_u64();
}

}  // namespace anabranch::kernels
