#include "kernels/indexing/transpose.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "kernels/indexing/stream_store.h"

namespace anabranch::kernels {
namespace {

// Every source line is read whole and every stored segment is some lines long, so that a power-of-two step, which maps
// all lines to a few cache sets, costs nothing: the rectangle in between is dense.
constexpr int line = 64;
constexpr int segment = 256;

// The first (or second) halves of two vectors, element by element in turn.
template <bool Upper, typename V, std::size_t... I>
V interleave(V a, V b, std::index_sequence<I...>) {
  constexpr std::size_t n = sizeof...(I), from = Upper ? n / 2 : 0;
  return __builtin_shufflevector(a, b, (from + I / 2 + (I % 2 ? n : 0))...);
}

// N x N elements, N = 16 / sizeof(T): log2(N) rounds of a perfect shuffle.
template <typename T>
void transpose_square(T* dst, std::ptrdiff_t dst_step, const char* src, std::ptrdiff_t src_step) {
  constexpr int n = 16 / sizeof(T);
  using Vector [[gnu::vector_size(16)]] = T;
  constexpr std::make_index_sequence<n> lanes;
  Vector a[n], b[n];
#pragma GCC unroll 16
  for (int i = 0; i < n; ++i) std::memcpy(&a[i], src + i * src_step, 16);
#pragma GCC unroll 4
  for (int round = 1; round < n; round *= 2) {
#pragma GCC unroll 8
    for (int i = 0; i < n / 2; ++i) {
      b[2 * i] = interleave<false>(a[i], a[i + n / 2], lanes);
      b[2 * i + 1] = interleave<true>(a[i], a[i + n / 2], lanes);
    }
#pragma GCC unroll 16
    for (int i = 0; i < n; ++i) a[i] = b[i];
  }
#pragma GCC unroll 16
  for (int i = 0; i < n; ++i) std::memcpy(dst + i * dst_step, &a[i], 16);
}

template <typename T>
void transpose_edge(char* dst, std::ptrdiff_t dst_step, const char* src, std::ptrdiff_t src_step, std::int64_t rows,
                    std::int64_t columns) {
  for (std::int64_t j = 0; j < columns; ++j) {
    for (std::int64_t i = 0; i < rows; ++i) {
      std::memcpy(dst + j * dst_step + i * std::ptrdiff_t{sizeof(T)}, src + i * src_step + j * std::ptrdiff_t{sizeof(T)},
                  sizeof(T));
    }
  }
}

template <typename T>
void transpose_items(char* dst, std::ptrdiff_t dst_step, const char* src, std::ptrdiff_t src_step, std::int64_t rows,
                     std::int64_t columns, bool stream) {
  constexpr int n = 16 / sizeof(T);
  constexpr std::ptrdiff_t size = sizeof(T);
  constexpr std::int64_t tile_columns = line / size, tile_rows = segment / size;
  alignas(64) T tile[tile_columns * tile_rows];
  const std::int64_t whole_rows = rows / tile_rows * tile_rows, whole_columns = columns / tile_columns * tile_columns;
  const bool aligned = reinterpret_cast<std::uintptr_t>(dst) % 16 == 0 && dst_step % 16 == 0;
  stream = stream && aligned;
  for (std::int64_t i = 0; i < whole_rows; i += tile_rows) {
    for (std::int64_t j = 0; j < whole_columns; j += tile_columns) {
      const char* from = src + i * src_step + j * size;
      for (std::int64_t r = 0; r < tile_rows; r += n) {
        for (int k = 0; k < n; ++k) __builtin_prefetch(from + (r + k) * src_step + line);
        for (std::int64_t c = 0; c < tile_columns; c += n) {
          transpose_square<T>(tile + c * tile_rows + r, tile_rows, from + r * src_step + c * size, src_step);
        }
      }
      char* to = dst + j * dst_step + i * size;
      for (std::int64_t c = 0; c < tile_columns; ++c) {
        const char* part = reinterpret_cast<const char*>(tile + c * tile_rows);
        stream ? stream_bytes(to + c * dst_step, part, segment) : static_cast<void>(std::memcpy(to + c * dst_step, part, segment));
      }
    }
  }
  // What does not fill a tile: the columns to the right, then the rows below.
  transpose_edge<T>(dst + whole_columns * dst_step, dst_step, src + whole_columns * size, src_step, whole_rows,
                    columns - whole_columns);
  const char* below = src + whole_rows * src_step;
  for (std::int64_t j = 0; j < columns; j += tile_columns) {
    transpose_edge<T>(dst + j * dst_step + whole_rows * size, dst_step, below + j * size, src_step, rows - whole_rows,
                      std::min(tile_columns, columns - j));
  }
}

}  // namespace

void transpose(char* dst, std::ptrdiff_t dst_step, const char* src, std::ptrdiff_t src_step, std::int64_t rows,
               std::int64_t columns, std::size_t itemsize, bool stream) {
  switch (itemsize) {
    case 1: return transpose_items<std::uint8_t>(dst, dst_step, src, src_step, rows, columns, stream);
    case 2: return transpose_items<std::uint16_t>(dst, dst_step, src, src_step, rows, columns, stream);
    case 4: return transpose_items<std::uint32_t>(dst, dst_step, src, src_step, rows, columns, stream);
    default: return transpose_items<std::uint64_t>(dst, dst_step, src, src_step, rows, columns, stream);
  }
}

}  // namespace anabranch::kernels
