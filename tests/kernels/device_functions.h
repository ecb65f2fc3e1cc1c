// The text that GPUs compile, compiled for the host: what is CUDA's own in it, and programs run by its interpreter.
#pragma once

#include <cmath>
#include <vector>

#include "kernels/cuda_library_math.h"
#include "kernels/elementwise/interpreted.h"
#include "kernels/elementwise_support.h"

#include "kernels/elementwise/device/interpreter.cuh"

namespace anabranch::testing {

// As a GPU would, one thread after the other.
inline void interpret_on_host(const Program& program, const Shape& shape, const std::vector<runtime::View>& in,
                              const std::vector<runtime::View>& out) {
  kernels::Layout layout;
  kernels::lay_out(shape, in, out, layout);
  std::vector<std::uint64_t> words;
  kernels::encode(program, layout, words);
  kernels::InterpretedHeader header;
  std::memcpy(&header, words.data(), sizeof(header));
  constexpr int threads = 3;
  constexpr std::int64_t tile = threads * kernels::interpreted_elements;
  std::vector<std::uint64_t> slots(static_cast<std::size_t>(header.slots) * tile);
  for (std::int64_t first = 0; first < layout.count; first += tile) {
    for (int thread = 0; thread < threads; ++thread)
      kernels::device::interpret(words.data(), reinterpret_cast<char*>(slots.data()), thread, threads, first);
  }
}

}  // namespace anabranch::testing
