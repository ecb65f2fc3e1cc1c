// Stores that go around the caches, for results larger than these: they need not read the lines they overwrite.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace anabranch::kernels {

// Copies a multiple of 64 bytes to `dst`, 16-byte aligned. Visible to other threads after stream_fence().
inline void stream_bytes(char* dst, const char* src, std::size_t bytes) {
#ifdef __SSE2__
  for (std::size_t i = 0; i < bytes; i += 64) {
    const auto* p = reinterpret_cast<const __m128i*>(src + i);
    auto* q = reinterpret_cast<__m128i*>(dst + i);
    const __m128i a = _mm_loadu_si128(p), b = _mm_loadu_si128(p + 1), c = _mm_loadu_si128(p + 2),
                  d = _mm_loadu_si128(p + 3);
    _mm_stream_si128(q, a);
    _mm_stream_si128(q + 1, b);
    _mm_stream_si128(q + 2, c);
    _mm_stream_si128(q + 3, d);
  }
#else
  std::memcpy(dst, src, bytes);
#endif
}

// Copies `bytes`, of any alignment, around the caches but for the ends. Visible as above.
inline void stream_run(char* dst, const char* src, std::size_t bytes) {
  const std::size_t head = (0 - reinterpret_cast<std::uintptr_t>(dst)) % 64;
  if (bytes < head + 64) {
    std::memcpy(dst, src, bytes);
    return;
  }
  const std::size_t body = (bytes - head) / 64 * 64;
  std::memcpy(dst, src, head);
  stream_bytes(dst + head, src + head, body);
  std::memcpy(dst + head + body, src + head + body, bytes - head - body);
}

inline void stream_fence() {
#ifdef __SSE2__
  _mm_sfence();
#endif
}

}  // namespace anabranch::kernels
