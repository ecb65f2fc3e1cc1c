// Merging sorted sequences, several parts of the result at once.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/sort/order.h"

namespace anabranch::kernels {

// Where a merge of a[0, n) and b[0, m) is after `k` elements: how many of them come from a.
template <typename T>
std::int64_t split_merge(const T* a, std::int64_t n, const T* b, std::int64_t m, std::int64_t k) {
  std::int64_t low = std::max<std::int64_t>(0, k - m), high = std::min(k, n);
  while (low < high) {
    const std::int64_t i = (low + high) / 2;
    if (sorts_before(b[k - i - 1], a[i])) high = i;
    else low = i + 1;
  }
  return low;
}

// Elements [first, last) of what a[0, n) and b[0, m) merge to. A merge waits for each comparison before it knows the
// next one; eight of them, which do not branch, hide each other's waiting.
template <typename T>
void merge_part(const T* a, std::int64_t n, const T* b, std::int64_t m, std::int64_t first, std::int64_t last, T* out) {
  if constexpr (!std::is_arithmetic_v<T>) {
    const std::int64_t i = split_merge(a, n, b, m, first), j = split_merge(a, n, b, m, last);
    std::merge(a + i, a + j, b + first - i, b + last - j, out, sorts_before<T>);
  } else {
    constexpr int ways = 8;
    constexpr std::int64_t worthwhile = 16;
    const T *x[ways], *y[ways], *x_end[ways], *y_end[ways];
    T* to[ways];
    std::int64_t at = first, i = split_merge(a, n, b, m, first);
    for (int w = 0; w < ways; ++w) {
      const std::int64_t next = first + (last - first) * (w + 1) / ways, j = split_merge(a, n, b, m, next);
      x[w] = a + i, x_end[w] = a + j;
      y[w] = b + at - i, y_end[w] = b + next - j;
      to[w] = out + at - first;
      at = next, i = j;
    }
    while (true) {
      std::int64_t steps = last - first;  // that no way can run out of elements in
      for (int w = 0; w < ways; ++w) steps = std::min({steps, x_end[w] - x[w], y_end[w] - y[w]});
      if (steps < worthwhile) break;
      for (std::int64_t k = 0; k < steps; ++k) {
#pragma GCC unroll 8
        for (int w = 0; w < ways; ++w) {
          const T p = *x[w], q = *y[w];
          const bool second = q < p;
          to[w][k] = second ? q : p;
          y[w] += second;
          x[w] += !second;
        }
      }
      for (int w = 0; w < ways; ++w) to[w] += steps;
    }
    for (int w = 0; w < ways; ++w) std::merge(x[w], x_end[w], y[w], y_end[w], to[w]);
  }
}

}  // namespace anabranch::kernels
