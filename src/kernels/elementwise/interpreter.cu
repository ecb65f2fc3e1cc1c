#include "kernels/elementwise/interpreter.h"

#include <algorithm>
#include <vector>

#include "device/interpreter.cuh"
#include "kernels/dynamic_shared.h"

namespace anabranch::kernels {
namespace {

constexpr int most_threads = 128;
// Slots beyond what every device has for a block without being asked lie in global memory.
constexpr std::size_t shared_bytes = 48 << 10;

template <std::size_t kWords>
struct Argument {
  std::uint64_t words[kWords];
};

// What most programs need is copied to the device faster than what any might.
constexpr std::size_t few_words = 500;

template <std::size_t kWords>
__global__ void __launch_bounds__(most_threads)
    interpret_kernel(const __grid_constant__ Argument<kWords> argument, char* global_slots) {
  std::uint64_t* const shared = static_cast<std::uint64_t*>(dynamic_shared());
  const unsigned used = reinterpret_cast<const InterpretedHeader*>(argument.words)->words;
  for (unsigned i = threadIdx.x; i < used; i += blockDim.x) shared[i] = argument.words[i];
  __syncthreads();
  const InterpretedHeader& header = *reinterpret_cast<const InterpretedHeader*>(shared);
  const std::int64_t tile = std::int64_t{blockDim.x} * interpreted_elements;
  char* const slots = global_slots ? global_slots + tile * header.slots * header.width * blockIdx.x
                                   : reinterpret_cast<char*>(shared + used);
  for (std::int64_t first = tile * blockIdx.x; first < header.count; first += tile * gridDim.x) {
    device::interpret(shared, slots, static_cast<int>(threadIdx.x), static_cast<int>(blockDim.x), first);
  }
}

template <std::size_t kWords>
void launch_kernel(const CudaLaunch& launch, const std::vector<std::uint64_t>& words, unsigned blocks, unsigned threads,
                   std::size_t shared, char* slots) {
  Argument<kWords> argument;
  std::copy(words.begin(), words.end(), argument.words);
  launch.run("an interpreted program", interpret_kernel<kWords>, blocks, threads, shared, argument, slots);
}

}  // namespace

void interpret_cuda(const graph::Program& program, const Layout& layout, const CudaLaunch& launch, int processors) {
  static thread_local std::vector<std::uint64_t> words;
  encode(program, layout, words);
  const InterpretedHeader& header = *reinterpret_cast<const InterpretedHeader*>(words.data());
  const std::size_t thread_bytes = std::size_t{header.slots} * header.width * interpreted_elements;
  std::size_t shared = words.size() * sizeof(std::uint64_t);
  unsigned threads = most_threads;
  while (threads > 32 && shared + thread_bytes * threads > shared_bytes) threads /= 2;
  const bool fits = shared + thread_bytes * threads <= shared_bytes;
  if (fits) shared += thread_bytes * threads;
  const std::int64_t tile = std::int64_t{threads} * interpreted_elements;
  const unsigned blocks = grid_of((layout.count + tile - 1) / tile, processors * (fits ? 16 : 2));
  char* const slots = fits ? nullptr : launch.scratch<char>(thread_bytes * threads * blocks);
  if (words.size() <= few_words) launch_kernel<few_words>(launch, words, blocks, threads, shared, slots);
  else launch_kernel<interpreted_words>(launch, words, blocks, threads, shared, slots);
}

}  // namespace anabranch::kernels
