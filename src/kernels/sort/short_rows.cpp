#include "kernels/sort/short_rows.h"

#include <algorithm>

#include "kernels/elementwise/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sort/short_rows.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/square-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <typename T>
struct Sort {
  using S = Square<T>;
  using V = typename S::V;
  static constexpr std::size_t side = S::side;

  static HWY_INLINE void exchange(V* a, V* b) {
    const hn::ScalableTag<T> d;
    T *x = reinterpret_cast<T*>(a), *y = reinterpret_cast<T*>(b);
    for (std::size_t i = 0; i < side; i += hn::Lanes(d)) {
      const auto p = hn::LoadU(d, x + i), q = hn::LoadU(d, y + i);
      hn::StoreU(hn::Min(p, q), d, x + i);
      hn::StoreU(hn::Max(p, q), d, y + i);
    }
  }

  // Batcher's merge exchange (Knuth, The Art of Computer Programming 3, 5.2.2 M): the same comparisons for all rows.
  static void network(V* block, std::size_t n) {
    for (std::size_t p = 1; p < n; p *= 2) {
      for (std::size_t k = p; k > 0; k /= 2) {
        for (std::size_t j = k & (p - 1); j + k < n; j += 2 * k) {
          const std::size_t end = std::min(j + k, n - k);
          for (std::size_t i = j; i < end; ++i) {
            if ((i ^ (i + k)) < 2 * p) exchange(block + i, block + i + k);
          }
        }
      }
    }
  }

  static void run(void* data, std::size_t n) {
    T* rows = static_cast<T*>(data);
    V block[longest_short_row], t[side];  // element k of every row
    for (std::size_t i = 0; i < n; i += side) {
      const std::size_t count = std::min(side, n - i);
      for (std::size_t r = 0; r < side; ++r) {
        t[r] = V{};
        std::memcpy(&t[r], rows + r * n + i, count * sizeof(T));
      }
      S::transpose(t);
      std::copy_n(t, count, block + i);
    }
    network(block, n);
    for (std::size_t i = 0; i < n; i += side) {
      const std::size_t count = std::min(side, n - i);
      std::fill(std::copy_n(block + i, count, t), t + side, V{});
      S::transpose(t);
      for (std::size_t r = 0; r < side; ++r) std::memcpy(rows + r * n + i, &t[r], count * sizeof(T));
    }
  }
};

ShortRows u32() { return {Sort<std::uint32_t>::side, Sort<std::uint32_t>::run}; }
ShortRows i32() { return {Sort<std::int32_t>::side, Sort<std::int32_t>::run}; }
ShortRows u64() { return {Sort<std::uint64_t>::side, Sort<std::uint64_t>::run}; }
ShortRows i64() { return {Sort<std::int64_t>::side, Sort<std::int64_t>::run}; }

}  // namespace
}  // namespace anabranch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anabranch::kernels {

HWY_EXPORT(u32);
HWY_EXPORT(i32);
HWY_EXPORT(u64);
HWY_EXPORT(i64);

ShortRows short_rows_u32() { return HWY_DYNAMIC_DISPATCH(u32)(); }
ShortRows short_rows_i32() { return HWY_DYNAMIC_DISPATCH(i32)(); }
ShortRows short_rows_u64() { return HWY_DYNAMIC_DISPATCH(u64)(); }
ShortRows short_rows_i64() { return HWY_DYNAMIC_DISPATCH(i64)(); }

}  // namespace anabranch::kernels
#endif
