#include "kernels/indexing/transpose.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "kernels/indexing/stream_store.h"

namespace anabranch::kernels {
namespace {

constexpr std::int64_t line_bytes = 64;

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

// Through a tile that is as wide as a cache line in the source and some hundred bytes long in the destination: each
// line of the source is read once, and each of the destination written at once. Where lines are a power of two apart,
// and compete for a few places in the caches, that costs nothing, since the tile is dense.
template <typename T>
void transpose_items(char* dst, std::ptrdiff_t dst_step, const char* src, std::ptrdiff_t src_step, std::int64_t rows,
                     std::int64_t columns, bool stream) {
  constexpr std::int64_t n = 16 / sizeof(T), size = sizeof(T);
  constexpr std::int64_t tile_columns = line_bytes / size, tile_rows = (size < 4 ? 512 : 1024) / size;
  alignas(64) T tile[tile_columns * tile_rows];
  for (std::int64_t i = 0; i < rows; i += tile_rows) {
    const std::int64_t height = std::min(tile_rows, rows - i), whole_height = height / n * n;
    for (std::int64_t j = 0; j < columns; j += tile_columns) {
      const std::int64_t width = std::min(tile_columns, columns - j), whole_width = width / n * n;
      const char* from = src + i * src_step + j * size;
      for (std::int64_t r = 0; r < whole_height; r += n) {
        // The lines of the next tile, into the second cache: in the first they would push each other out.
        for (int k = 0; k < n; ++k) __builtin_prefetch(from + (r + k) * src_step + line_bytes, 0, 2);
        for (std::int64_t c = 0; c < whole_width; c += n) {
          transpose_square<T>(tile + c * tile_rows + r, tile_rows, from + r * src_step + c * size, src_step);
        }
      }
      for (std::int64_t r = 0; r < height; ++r) {
        for (std::int64_t c = r < whole_height ? whole_width : 0; c < width; ++c) {
          std::memcpy(tile + c * tile_rows + r, from + r * src_step + c * size, sizeof(T));
        }
      }
      for (std::int64_t c = 0; c < width; ++c) {
        char* to = dst + (j + c) * dst_step + i * size;
        const char* part = reinterpret_cast<const char*>(tile + c * tile_rows);
        const auto bytes = static_cast<std::size_t>(height * size);
        stream ? stream_run(to, part, bytes) : static_cast<void>(std::memcpy(to, part, bytes));
      }
    }
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
