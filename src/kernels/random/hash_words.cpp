#include "kernels/random/hash_words.h"

#include "base/threefry.h"
#include "kernels/elementwise/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/random/hash_words.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

constexpr int vectors = 4;  // chains that run side by side: a single one waits for its own results
using Tag = hn::ScalableTag<std::uint32_t>;
using V = hn::Vec<Tag>;

template <int Rotation>
HWY_INLINE void mix(V (&a)[vectors], V (&b)[vectors]) {
#pragma GCC unroll 4
  for (int k = 0; k < vectors; ++k) {
    a[k] = hn::Add(a[k], b[k]);
    b[k] = hn::Xor(hn::RotateRight<32 - Rotation>(b[k]), a[k]);
  }
}

template <int Block>
HWY_INLINE void mix_block(V (&a)[vectors], V (&b)[vectors], const std::uint32_t (&key)[3]) {
  constexpr auto& r = threefry_rotation[Block % 2];
  mix<r[0]>(a, b);
  mix<r[1]>(a, b);
  mix<r[2]>(a, b);
  mix<r[3]>(a, b);
  const Tag d;
  const V ka = hn::Set(d, key[(Block + 1) % 3]), kb = hn::Set(d, key[(Block + 2) % 3] + Block + 1);
#pragma GCC unroll 4
  for (int k = 0; k < vectors; ++k) {
    a[k] = hn::Add(a[k], ka);
    b[k] = hn::Add(b[k], kb);
  }
}

void hash(const std::uint32_t* key0, std::uint32_t c, std::uint32_t d0, std::int64_t n, std::uint32_t* first,
          std::uint32_t* second) {
  const Tag d;
  const std::uint32_t key[3] = {key0[0], key0[1], key0[0] ^ key0[1] ^ threefry_parity};
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + vectors * lanes <= n; i += vectors * lanes) {
    V a[vectors], b[vectors];
#pragma GCC unroll 4
    for (int k = 0; k < vectors; ++k) {
      const auto at = static_cast<std::uint32_t>(i + k * lanes);
      a[k] = hn::Iota(d, c + key[0] + at);
      b[k] = hn::Iota(d, d0 + key[1] + at);
    }
    mix_block<0>(a, b, key);
    mix_block<1>(a, b, key);
    mix_block<2>(a, b, key);
    mix_block<3>(a, b, key);
    mix_block<4>(a, b, key);
#pragma GCC unroll 4
    for (int k = 0; k < vectors; ++k) {
      hn::StoreU(a[k], d, first + i + k * lanes);
      hn::StoreU(b[k], d, second + i + k * lanes);
    }
  }
  for (; i < n; ++i) {
    const auto [x, y] =
        threefry2x32(key[0], key[1], c + static_cast<std::uint32_t>(i), d0 + static_cast<std::uint32_t>(i));
    first[i] = x;
    second[i] = y;
  }
}

}  // namespace
}  // namespace anabranch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anabranch::kernels {

HWY_EXPORT(hash);

void hash_words(const std::uint32_t key[2], std::uint32_t c, std::uint32_t d, std::int64_t n, std::uint32_t* first,
                std::uint32_t* second) {
  HWY_DYNAMIC_DISPATCH(hash)(key, c, d, n, first, second);
}

}  // namespace anabranch::kernels
#endif
