// The counter of a queue: a word of pinned host memory that the GPU writes when it gets there, and that streams of any
// GPU can wait for. Reading it costs the host no call.
#pragma once

#include <cstdint>
#include <vector>

#include "backends/cuda/gpu.h"

namespace anabranch::backends::cuda {

class Timeline {
 public:
  Timeline() : slot_(take()) {}
  ~Timeline();
  Timeline(const Timeline&) = delete;

  // When all that was added to `stream` before is done, the counter is `value`.
  void signal(cudaStream_t stream, std::uint64_t value);
  // What is added to `stream` from here on waits until the counter is at least `value`.
  void wait(cudaStream_t stream, std::uint64_t value) const;
  std::uint64_t reached() const;
  // The GPU is lost: who waits for it on another GPU must not hang. Nothing is reached any more.
  void release();

 private:
  // A word, and what it counted before this timeline had it: it only ever grows, since a wait for its last owner's
  // values may still be on its way.
  struct Slot {
    std::uint64_t* word;
    std::uint64_t base;
  };
  static Slot take();
  static runtime::Mutex& mutex();
  static std::vector<Slot>& spare();  // under mutex()

  const Slot slot_;
};

}  // namespace anabranch::backends::cuda
