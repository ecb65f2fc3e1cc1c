// Copies from pageable host memory, which the GPU can't read by itself: through a ring of pinned chunks. The thread
// that adds such a copy copies into the chunks, and waits where the GPU has not emptied one yet.
#pragma once

#include <array>
#include <cstddef>

#include "backends/cuda/gpu.h"

namespace anabranch::backends::cuda {

class Staging {
 public:
  Staging() = default;
  ~Staging();
  Staging(const Staging&) = delete;

  void copy(cudaStream_t stream, void* to, const void* from, std::size_t bytes);

 private:
  static constexpr std::size_t chunk_bytes = std::size_t{4} << 20;
  struct Chunk {
    void* memory = nullptr;
    cudaEvent_t emptied = nullptr;
  };
  std::array<Chunk, 4> chunks_;
  std::size_t next_ = 0;
  std::size_t used_ = 0;  // bytes of the chunk next_: small copies share one
};

}  // namespace anabranch::backends::cuda
