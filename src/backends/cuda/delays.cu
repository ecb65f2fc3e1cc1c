#include "backends/cuda/delays.h"

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "kernels/cuda_launch.h"

namespace anabranch::backends::cuda {
namespace {

// By the clock that all multiprocessors share. On an emulated GPU, which draws the order of streams itself, at once.
__global__ void delay_kernel([[maybe_unused]] std::uint64_t ns) {
#ifdef __CUDA_ARCH__
  std::uint64_t begin, now;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(begin));
  do asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
  while (now - begin < ns);
#endif
}

// SplitMix64.
std::uint64_t scrambled(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

}  // namespace

std::unique_ptr<Delays> Delays::wanted() {
  const char* text = std::getenv("ANABRANCH_CUDA_DELAYS");
  if (!text || !*text) return nullptr;
  char* end = nullptr;
  const std::uint64_t seed = std::strtoull(text, &end, 10);
  std::uint64_t longest_us = 200;
  bool right = end != text;
  if (right && *end == ':') {
    const char* number = end + 1;
    longest_us = std::strtoull(number, &end, 10);
    right = end != number && longest_us > 0;
  }
  if (!right || *end)
    throw std::invalid_argument("ANABRANCH_CUDA_DELAYS is \"" + std::string(text) +
                                "\", expected SEED or SEED:MICROSECONDS");
  return std::unique_ptr<Delays>(new Delays(seed, 1000 * longest_us));
}

void Delays::add(cudaStream_t stream) {
  const std::uint64_t drawn = scrambled(seed_ ^ scrambled(asked_.fetch_add(1)));
  if (drawn % 4 == 0) return;
  cudaLaunchConfig_t config{};
  config.gridDim = config.blockDim = dim3(1);
  config.stream = stream;
  kernels::check(cudaLaunchKernelEx(&config, delay_kernel, drawn / 4 % longest_ns_), "a delay");
}

}  // namespace anabranch::backends::cuda
