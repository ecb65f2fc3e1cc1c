// Blocks for the graph's operations.
#include "runtime/slab.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <set>
#include <thread>
#include <vector>

namespace anabranch::runtime {
namespace {

TEST(Slab, BlocksAreAlignedAndApart) {
  std::vector<char*> blocks;
  for (int i = 0; i < 10'000; ++i) {
    blocks.push_back(static_cast<char*>(allocate_block(slab_block_bytes)));
    std::memset(blocks.back(), i, slab_block_bytes);
  }
  for (std::size_t i = 0; i < blocks.size(); ++i)
    for (std::size_t k = 0; k < slab_block_bytes; ++k) ASSERT_EQ(blocks[i][k], static_cast<char>(i));
#ifndef __SANITIZE_ADDRESS__
  for (char* b : blocks) ASSERT_EQ(reinterpret_cast<std::uintptr_t>(b) % 64, 0u);
#endif
  std::sort(blocks.begin(), blocks.end());
  for (std::size_t i = 1; i < blocks.size(); ++i)
    ASSERT_GE(blocks[i] - blocks[i - 1], std::ptrdiff_t{slab_block_bytes});
  for (char* b : blocks) free_block(b);
  trim_slabs();
}

// Threads hand blocks to each other, end with some in their caches, and slabs are given back meanwhile.
TEST(Slab, ThreadsShareBlocks) {
  for (int round = 0; round < 20; ++round) {
    std::vector<std::vector<std::uint64_t*>> made(4);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < made.size(); ++t) {
      threads.emplace_back([&mine = made[t], t, round] {
        std::mt19937 random(static_cast<unsigned>(t + 4 * static_cast<std::size_t>(round)));
        for (int i = 0; i < 5'000; ++i) {
          auto* b = static_cast<std::uint64_t*>(allocate_block(slab_block_bytes));
          *b = t;
          mine.push_back(b);
          if (random() % 3 == 0) {
            std::swap(mine[random() % mine.size()], mine.back());
            ASSERT_EQ(*mine.back(), t);
            free_block(mine.back());
            mine.pop_back();
          }
          if (i % 1'000 == 0) trim_slabs();
        }
      });
    }
    for (std::thread& t : threads) t.join();
    threads.clear();
    for (std::size_t t = 0; t < made.size(); ++t) {
      threads.emplace_back([&others = made[(t + 1) % made.size()], owner = (t + 1) % made.size()] {
        for (std::uint64_t* b : others) {
          ASSERT_EQ(*b, owner);
          free_block(b);
        }
      });
    }
    for (std::thread& t : threads) t.join();
  }
}

#ifndef __SANITIZE_ADDRESS__
TEST(Slab, WhatIsFreeServesAgain) {
  auto take = [] {
    std::vector<void*> blocks(50'000);
    for (void*& b : blocks) b = allocate_block(slab_block_bytes);
    for (void* b : blocks) free_block(b);
    return std::set<void*>(blocks.begin(), blocks.end());
  };
  const std::set<void*> first = take(), second = take();
  std::vector<void*> both;
  std::set_intersection(first.begin(), first.end(), second.begin(), second.end(), std::back_inserter(both));
  EXPECT_GT(both.size(), first.size() * 9 / 10);
}
#endif

}  // namespace
}  // namespace anabranch::runtime
