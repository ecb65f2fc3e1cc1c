#include "kernels/linalg/amx_gemm.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace anabranch::kernels {
namespace {

constexpr int tile_lines = 16;
constexpr int tile_steps = 32;
constexpr int tile_pairs = tile_steps / 2;  // of steps: the 32 bits that AMX takes at a time
constexpr std::int64_t tile_elements = tile_lines * tile_steps;
constexpr std::int64_t panel_lines = 2 * tile_lines;
static_assert(amx_format.a == panel_lines && amx_format.b == panel_lines && amx_format.steps == tile_steps);

// A tile's elements in order of lines; lines and steps that are missing are zero.
void gather(const std::uint16_t* from, std::int64_t across, std::int64_t along, std::int64_t lines, std::int64_t steps,
            std::uint16_t* to) {
  for (std::int64_t i = 0; i < lines; ++i) {
    std::uint16_t* line = to + i * tile_steps;
    if (along == 1) {
      std::memcpy(line, from + i * across, static_cast<std::size_t>(steps) * sizeof *line);
    } else {
      for (std::int64_t p = 0; p < steps; ++p) line[p] = from[i * across + p * along];
    }
    std::fill(line + steps, line + tile_steps, 0);
  }
  std::fill(to + lines * tile_steps, to + tile_elements, 0);
}

// A tile's elements in order of pairs of steps, from a whole tile whose lines are neighbours in memory.
void interleave(const std::uint16_t* from, std::int64_t along, std::uint16_t* to) {
  for (int pair = 0; pair < tile_pairs; ++pair, from += 2 * along) {
    for (int i = 0; i < tile_lines; i += 8) {
      const __m128i even = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i));
      const __m128i odd = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + along + i));
      auto* out = reinterpret_cast<__m128i*>(to + pair * 2 * tile_lines + 2 * i);
      _mm_storeu_si128(out, _mm_unpacklo_epi16(even, odd));
      _mm_storeu_si128(out + 1, _mm_unpackhi_epi16(even, odd));
    }
  }
}

// Swaps lines and pairs of steps.
void transpose(const std::uint16_t* from, std::uint16_t* to) {
  const auto row = [](auto* tile, int i, int j) { return tile + i * tile_steps + 2 * j; };
  for (int i = 0; i < tile_lines; i += 4) {
    for (int j = 0; j < tile_pairs; j += 4) {
      const auto load = [&](int r) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(row(from, i + r, j))); };
      const auto store = [&](int r, __m128i v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(row(to, j + r, i)), v); };
      const __m128i r0 = load(0), r1 = load(1), r2 = load(2), r3 = load(3);
      const __m128i low01 = _mm_unpacklo_epi32(r0, r1), low23 = _mm_unpacklo_epi32(r2, r3);
      const __m128i high01 = _mm_unpackhi_epi32(r0, r1), high23 = _mm_unpackhi_epi32(r2, r3);
      store(0, _mm_unpacklo_epi64(low01, low23));
      store(1, _mm_unpackhi_epi64(low01, low23));
      store(2, _mm_unpacklo_epi64(high01, high23));
      store(3, _mm_unpackhi_epi64(high01, high23));
    }
  }
}

void pack_tile(const std::uint16_t* from, std::int64_t across, std::int64_t along, std::int64_t lines,
               std::int64_t steps, bool left, std::uint16_t* to) {
  alignas(64) std::uint16_t other[tile_elements];
  const bool by_pairs = across == 1 && along != 1 && lines == tile_lines && steps == tile_steps;
  std::uint16_t* first = by_pairs == left ? other : to;
  if (by_pairs) {
    interleave(from, along, first);
  } else {
    gather(from, across, along, lines, steps, first);
  }
  if (first == other) transpose(other, to);
}

struct alignas(64) TileConfig {
  std::uint8_t palette = 1, start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

// One panel of a times one of b: two by two tiles of c, whose rows are `ldc` apart.
__attribute__((target("amx-tile,amx-bf16"))) void multiply_panel(const std::uint16_t* a, const std::uint16_t* b,
                                                                 std::int64_t depth, bool accumulate, float* c,
                                                                 std::int64_t ldc) {
  const std::size_t row = static_cast<std::size_t>(ldc) * sizeof *c;
  if (accumulate) {
    _tile_loadd(0, c, row);
    _tile_loadd(1, c + tile_lines, row);
    _tile_loadd(2, c + tile_lines * ldc, row);
    _tile_loadd(3, c + tile_lines * ldc + tile_lines, row);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  for (std::int64_t p = 0; p < depth; p += tile_steps, a += 2 * tile_elements, b += 2 * tile_elements) {
    _tile_loadd(6, b, 64);
    _tile_loadd(4, a, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, b + tile_elements, 64);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, a + tile_elements, 64);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, c, row);
  _tile_stored(1, c + tile_lines, row);
  _tile_stored(2, c + tile_lines * ldc, row);
  _tile_stored(3, c + tile_lines * ldc + tile_lines, row);
}

}  // namespace

bool amx_usable() {
  static const bool usable = [] {
    constexpr unsigned bf16_and_tiles = 1u << 22 | 1u << 24;
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & bf16_and_tiles) != bf16_and_tiles) return false;
    // Linux keeps the tiles' state for a process once it has asked.
    constexpr int request_permission = 0x1023, tile_data = 18;
    return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
  }();
  return usable;
}

namespace {

// Known by then, as the table of kernels is made (elementwise/lane_table.cpp).
[[maybe_unused]] const bool known_before_a_fork = pthread_atfork([] { amx_usable(); }, nullptr, nullptr) == 0;

}  // namespace

void pack_tiles(const std::uint16_t* from, std::int64_t across, std::int64_t along, std::int64_t count,
                std::int64_t depth, bool left, std::uint16_t* to) {
  for (std::int64_t i = 0; i < count; i += panel_lines) {
    for (std::int64_t p = 0; p < depth; p += tile_steps) {
      const std::int64_t steps = std::min<std::int64_t>(tile_steps, depth - p);
      for (std::int64_t half = i; half < i + panel_lines; half += tile_lines, to += tile_elements) {
        const std::int64_t lines = std::clamp<std::int64_t>(count - half, 0, tile_lines);
        pack_tile(from + half * across + p * along, across, along, lines, steps, left, to);
      }
    }
  }
}

__attribute__((target("amx-tile"))) void multiply_tiles(const void* a, const void* b, std::int64_t rows,
                                                        std::int64_t cols, std::int64_t depth, bool accumulate,
                                                        float* c, std::int64_t ldc) {
  const TileConfig config;
  _tile_loadconfig(&config);
  const std::int64_t panel = (depth + tile_steps - 1) / tile_steps * tile_steps * panel_lines;
  for (std::int64_t i = 0; i < rows; i += panel_lines) {
    const auto* pa = static_cast<const std::uint16_t*>(a) + i / panel_lines * panel;
    for (std::int64_t j = 0; j < cols; j += panel_lines) {
      const auto* pb = static_cast<const std::uint16_t*>(b) + j / panel_lines * panel;
      float* to = c + i * ldc + j;
      if (rows - i >= panel_lines && cols - j >= panel_lines) {
        multiply_panel(pa, pb, depth, accumulate, to, ldc);
        continue;
      }
      alignas(64) float edge[panel_lines * panel_lines];
      multiply_panel(pa, pb, depth, false, edge, panel_lines);
      for (std::int64_t r = 0; r < std::min(panel_lines, rows - i); ++r)
        for (std::int64_t s = 0; s < std::min(panel_lines, cols - j); ++s)
          to[r * ldc + s] = edge[r * panel_lines + s] + (accumulate ? to[r * ldc + s] : 0.0f);
    }
  }
  _tile_release();
}

}  // namespace anabranch::kernels
#endif
