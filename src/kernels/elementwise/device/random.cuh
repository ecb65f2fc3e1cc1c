// Random words: Threefry-2x32 with 20 rounds, as base/threefry.h has it for the host, and how words lie in a result.
#pragma once

#include "memory.cuh"

namespace anabranch::kernels::device {

struct RandomPair {
  u32 first, second;
};

// A processor combines and rotates bits on half as many lanes as it issues instructions for. The cipher does little
// else, so what it can it does on those that multiply: it rotates and adds by products. The compiler would see through
// a factor of 1 that it knows.
#ifdef __CUDACC__
ANABRANCH_DEVICE u32 unknown_one() {
  u32 one;
  asm("mov.u32 %0, %%ntid.y;" : "=r"(one));  // blocks of these kernels have one axis
  return one;
}
ANABRANCH_DEVICE u32 sum_as_product(u32 a, u32 one, u32 b) {
  u32 sum;
  asm("mad.lo.u32 %0, %1, %2, %3;" : "=r"(sum) : "r"(a), "r"(one), "r"(b));
  return sum;
}
// Its halves are joined by the instruction that combines the result with another word.
template <int kBy>
ANABRANCH_DEVICE u32 rotated_as_product(u32 x) {
  u64 product;
  asm("mul.wide.u32 %0, %1, %2;" : "=l"(product) : "r"(x), "n"(1u << kBy));
  return u32(product) | u32(product >> 32);
}
#else
ANABRANCH_DEVICE u32 unknown_one() { return 1; }
ANABRANCH_DEVICE u32 sum_as_product(u32 a, u32 one, u32 b) { return a * one + b; }
template <int kBy>
ANABRANCH_DEVICE u32 rotated_as_product(u32 x) {
  return x << kBy | x >> (32 - kBy);
}
#endif

// A key, and what is added to a pair after each four of the rounds.
struct RandomKey {
  u32 start[2], step[5][2], one;

  ANABRANCH_DEVICE RandomKey(u32 a, u32 b) : one(unknown_one()) {
    const u32 key[3] = {a, b, a ^ b ^ 0x1bd11bdau};
    start[0] = a;
    start[1] = b;
    for (int k = 0; k < 5; ++k) {
      step[k][0] = key[(k + 1) % 3];
      step[k][1] = key[(k + 2) % 3] + u32(k) + 1;
    }
  }
  // `stride`: from its first word to its second.
  ANABRANCH_DEVICE RandomKey(const char* at, i64 stride)
      : RandomKey(*reinterpret_cast<const u32*>(at), *reinterpret_cast<const u32*>(at + stride * 4)) {}

  // What the counter (a, b) becomes.
  ANABRANCH_DEVICE RandomPair pair(u32 a, u32 b) const {
    RandomPair x{a + start[0], b + start[1]};
    mix<13, 15, 26, 6>(x, 0);
    mix<17, 29, 16, 24>(x, 1);
    mix<13, 15, 26, 6>(x, 2);
    mix<17, 29, 16, 24>(x, 3);
    mix<13, 15, 26, 6>(x, 4);
    return x;
  }

 private:
  template <int kA, int kB, int kC, int kD>
  ANABRANCH_DEVICE void mix(RandomPair& x, int k) const {
    x.first += x.second;  // together with what was added last: that is a sum of three
    x.second = (x.second << kA | x.second >> (32 - kA)) ^ x.first;
    x.first = sum_as_product(x.second, one, x.first);
    x.second = rotated_as_product<kB>(x.second) ^ x.first;
    x.first = sum_as_product(x.second, one, x.first);
    x.second = (x.second << kC | x.second >> (32 - kC)) ^ x.first;
    x.first = sum_as_product(x.second, one, x.first);
    x.second = (x.second << kD | x.second >> (32 - kD)) ^ x.first;
    x.first += step[k][0];
    x.second = sum_as_product(x.second, one, step[k][1]);
  }
};

// The words number `at` and `at + half`, and those behind them, of a result of twice `half` words, or one fewer, which
// these are not.
template <int kCount>
ANABRANCH_DEVICE void generate(const RandomKey& key, u32 at, u32 half, Pack<memory::uint32, kCount>& first,
                               Pack<memory::uint32, kCount>& second) {
#ifdef __CUDACC__
#pragma unroll
#endif
  for (int e = 0; e < kCount; ++e) {
    const RandomPair x = key.pair(at + e, at + e + half);
    first.words[e] = x.first;
    second.words[e] = x.second;
  }
}

}  // namespace anabranch::kernels::device
