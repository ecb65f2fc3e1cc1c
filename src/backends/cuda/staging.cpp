#include "backends/cuda/staging.h"

#include <algorithm>
#include <cstring>

namespace anabranch::backends::cuda {

Staging::~Staging() {
  for (Chunk& c : chunks_) {  // at the end of the process the driver may be gone: nothing is left to do then
    if (c.emptied) cudaEventDestroy(c.emptied);
    if (c.memory) cudaFreeHost(c.memory);
  }
}

void Staging::copy(cudaStream_t stream, void* to, const void* from, std::size_t bytes) {
  constexpr std::size_t alignment = 256;
  std::size_t done = 0;
  while (done < bytes) {
    if (used_ == 0) {
      Chunk& c = chunks_[next_];
      if (!c.emptied) check(cudaEventCreateWithFlags(&c.emptied, cudaEventDisableTiming), "cudaEventCreate");
      if (!c.memory) check(cudaHostAlloc(&c.memory, chunk_bytes, cudaHostAllocPortable), "cudaHostAlloc");
      check(cudaEventSynchronize(c.emptied), "a copy to the GPU");
    }
    Chunk& c = chunks_[next_];
    const std::size_t part = std::min(bytes - done, chunk_bytes - used_);
    char* staged = static_cast<char*>(c.memory) + used_;
    std::memcpy(staged, static_cast<const char*>(from) + done, part);
    check(cudaMemcpyAsync(static_cast<char*>(to) + done, staged, part, cudaMemcpyHostToDevice, stream),
          "cudaMemcpyAsync");
    check(cudaEventRecord(c.emptied, stream), "cudaEventRecord");
    done += part;
    used_ += (part + alignment - 1) / alignment * alignment;
    if (used_ >= chunk_bytes) {
      used_ = 0;
      next_ = (next_ + 1) % chunks_.size();
    }
  }
}

}  // namespace anabranch::backends::cuda
