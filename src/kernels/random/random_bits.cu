// Random bits: the words that the CPU's kernel (random_bits.cpp) makes, four hashes a thread.
#include "graph/attributes.h"
#include "kernels/cuda_kernels.h"
#include "kernels/elementwise/device/random.cuh"
#include "kernels/index_map.h"

namespace anabranch::kernels {
namespace {

constexpr int threads = 256;
constexpr int hashes_each = 4;  // a vector of words in each half of the result

struct alignas(16) Words {
  std::uint32_t word[hashes_each];
};

struct RandomProblem {
  IndexMap<1> keys;                   // of the leading axes
  std::int64_t key_step;              // from a key's first word to its second
  std::int64_t bytes, words, hashes;  // that a key makes
  std::int64_t groups;                // of hashes_each hashes, for a key
  Divisor groups_of_key;
  bool aligned;  // where groups of words begin, in both halves and for each key
};

__device__ void store_word(unsigned char* to, std::int64_t bytes, std::int64_t word, std::uint32_t bits, bool whole) {
  if (whole && 4 * word + 4 <= bytes) {
    reinterpret_cast<std::uint32_t*>(to)[word] = bits;
    return;
  }
  for (std::int64_t i = 4 * word; i < bytes && i < 4 * word + 4; ++i) {
    to[i] = static_cast<unsigned char>(bits);
    bits >>= 8;
  }
}

__global__ void __launch_bounds__(threads)
    random_bits_kernel(unsigned char* out, const std::uint32_t* keys, const __grid_constant__ RandomProblem p) {
  const std::int64_t all = p.keys.count * p.groups, step = std::int64_t{gridDim.x} * threads;
  for (std::int64_t i = std::int64_t{blockIdx.x} * threads + threadIdx.x; i < all; i += step) {
    const std::int64_t key = p.groups_of_key.quotient(i), first = (i - key * p.groups) * hashes_each;
    const std::uint32_t* k = keys + p.keys(key);
    const device::RandomKey cipher(k[0], k[p.key_step]);
    Words a, b;
#pragma unroll
    for (int j = 0; j < hashes_each; ++j) {
      const std::int64_t second = first + j + p.hashes;
      const device::RandomPair x =
          cipher.pair(static_cast<std::uint32_t>(first + j), second < p.words ? static_cast<std::uint32_t>(second) : 0);
      a.word[j] = x.first;
      b.word[j] = x.second;
    }
    unsigned char* to = out + key * p.bytes;
    if (p.aligned && first + hashes_each <= p.hashes && (p.hashes + first + hashes_each) * 4 <= p.bytes) {
      *reinterpret_cast<Words*>(to + 4 * first) = a;
      *reinterpret_cast<Words*>(to + 4 * (p.hashes + first)) = b;
      continue;
    }
    const bool whole = reinterpret_cast<std::uintptr_t>(to) % 4 == 0;
#pragma unroll
    for (int j = 0; j < hashes_each; ++j) {
      if (first + j >= p.hashes) break;
      store_word(to, p.bytes, first + j, a.word[j], whole);
      if (first + j + p.hashes < p.words) store_word(to, p.bytes, first + j + p.hashes, b.word[j], whole);
    }
  }
}

}  // namespace

void random_bits_cuda(const runtime::KernelCall& call, const CudaLaunch& launch) {
  const runtime::View& keys = call.in[0];
  const runtime::View& out = call.out[0];
  const std::int64_t total = element_count(out.shape) * out.dtype.size();
  if (total == 0) return;
  RandomProblem p;
  const Shape leading(keys.shape.begin(), keys.shape.end() - 1);
  const Strides strides(keys.strides.begin(), keys.strides.end() - 1);
  p.keys = IndexMap<1>(leading, {&strides});
  p.key_step = keys.strides.back();
  p.bytes = total / p.keys.count;
  p.words = (p.bytes + 3) / 4;
  p.hashes = (p.words + 1) / 2;
  p.groups = (p.hashes + hashes_each - 1) / hashes_each;
  p.groups_of_key = Divisor(p.groups);
  p.aligned = p.hashes % hashes_each == 0 && p.bytes % sizeof(Words) == 0 &&
              reinterpret_cast<std::uintptr_t>(out.data) % sizeof(Words) == 0;
  launch.run("random_bits", random_bits_kernel, grid_of((p.keys.count * p.groups + threads - 1) / threads), threads, 0,
             out.as<unsigned char>(), keys.as<const std::uint32_t>(), p);
}

}  // namespace anabranch::kernels
