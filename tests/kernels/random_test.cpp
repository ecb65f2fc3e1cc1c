#include <gtest/gtest.h>

#include "graph/attributes.h"
#include "kernels/tensor.h"

namespace anabranch {
namespace {

using namespace testing;

Tensor bits(const View& keys, Dtype dtype, Shape shape, unsigned seed = 1) {
  Tensor out(dtype, shape);
  run_kernel(kernels::random_bits_cpu, {keys}, out.view(), graph::RandomBitsAttrs{dtype.size()}, seed);
  return out;
}

Dtype of_width(int width) { return width == 1 ? uint8 : width == 2 ? uint16 : uint32; }

TEST(RandomBits, SameAsMlx) {
  // FNV-1a of the bytes that mlx 0.32.4's mlx::core::random::bits gives for key(12345678901).
  const struct {
    int width, n;
    std::uint64_t hash;
  } expected[] = {{1, 1, 0x44bcded473cc74c2u},      {1, 2, 0x99634100c46a287au},      {1, 3, 0xdcfaf4dc0625c41u},
                  {1, 7, 0x72c9b48611afcbeu},       {1, 100, 0xeb0ba330c694eb76u},    {1, 1001, 0x90fa3d50e6cc4890u},
                  {1, 5000, 0x259f84be5326e540u},   {1, 300001, 0xb2b496797ac8a904u}, {2, 1, 0x99634100c46a287au},
                  {2, 2, 0xda43c51de723d76cu},      {2, 3, 0x8539c3921da60583u},      {2, 7, 0x971068d716e8a19bu},
                  {2, 100, 0x9033f43a1724321u},     {2, 1001, 0xa03a51a7ffe9f402u},   {2, 5000, 0xd91ae25bd4484954u},
                  {2, 300001, 0x69747eb660758373u}, {4, 1, 0xda43c51de723d76cu},      {4, 2, 0x4bc8bcfd00dbb253u},
                  {4, 3, 0x5b5d882371e9e4cu},       {4, 7, 0x27d77839ee2085cbu},      {4, 100, 0x387f4de8b8901384u},
                  {4, 1001, 0x5c99a1242db5f282u},   {4, 5000, 0x43d54b03a05a8b8cu},   {4, 300001, 0x9986dada591ba38cu}};
  Tensor key = Tensor::of<std::uint32_t>({2}, {2, 3755744309});
  for (const auto& e : expected) {
    const Tensor out = bits(key.view(), of_width(e.width), {e.n}, 3);
    std::uint64_t hash = 1469598103934665603u;
    for (std::uint8_t byte : out.bytes()) hash = (hash ^ byte) * 1099511628211u;
    EXPECT_EQ(hash, e.hash) << "width " << e.width << ", " << e.n << " of them";
  }
}

TEST(RandomBits, SplitsOfAKey) {
  // mlx.random.split(mlx.random.key(3), 4)
  Tensor key = Tensor::of<std::uint32_t>({2}, {0, 3});
  const std::uint32_t want[] = {1363109171, 3672965406, 3506557718, 2090924523,
                                377266333,  202389534,  3684862355, 1614000983};
  const Tensor out = bits(key.view(), uint32, {4, 2});
  for (int i = 0; i < 8; ++i) EXPECT_EQ(out.get(i), Wide(want[i]));
}

TEST(RandomBits, NothingBeyondTheEnd) {
  Tensor key = Tensor::of<std::uint32_t>({2}, {2, 3755744309});
  for (int width : {1, 2, 4}) {
    for (std::int64_t n : {1, 2, 3, 5, 6, 9, 11, 13, 1001, 40001}) {
      Tensor out(of_width(width), {n + 16});
      run_kernel(kernels::random_bits_cpu, {key.view()}, sliced(out.view(), 0, 0, n, 1), graph::RandomBitsAttrs{width});
      for (auto i = static_cast<std::size_t>(n * width); i < out.bytes().size(); ++i) {
        ASSERT_EQ(out.bytes()[i], 0xAB) << "width " << width << ", " << n << " of them";
      }
    }
  }
}

TEST(RandomBits, BatchesOfKeysInAnyLayout) {
  Tensor keys = Tensor::random(uint32, {2, 3, 2}, 1, 0, 1 << 30);
  for (const View& v : {keys.view(), permuted(keys.view(), {1, 0, 2}), permuted(keys.view(), {2, 1, 0})}) {
    if (v.shape.back() != 2) continue;
    const auto k = elements(v);
    for (int width : {1, 2, 4}) {
      for (std::int64_t n : {1, 5, 6, 7, 70, 80000}) {
        const Tensor all = bits(v, of_width(width), {v.shape[0], v.shape[1], n}, 2);
        for (std::int64_t i = 0; i < 6; ++i) {
          Tensor key(uint32, {2});
          key.set(0, k[static_cast<std::size_t>(2 * i)]);
          key.set(1, k[static_cast<std::size_t>(2 * i + 1)]);
          const Tensor one = bits(key.view(), of_width(width), {n});
          ASSERT_TRUE(std::equal(one.bytes().begin(), one.bytes().end(), all.bytes().begin() + i * n * width))
              << width << " " << n;
        }
      }
    }
  }
  Tensor key = Tensor::random(uint32, {2}, 1, 0, 1 << 30);
  EXPECT_EQ(bits(key.view(), uint32, {0}).size(), 0);
}

}  // namespace
}  // namespace anabranch
