// The thread that notices what GPUs have done where nobody waits for it, and that a GPU has failed.
#pragma once

#include <vector>

#include "backends/cuda/queue.h"
#include "runtime/stream_state.h"

namespace anabranch::backends::cuda {

class Watcher {
 public:
  // Of this process. Its thread starts with the first watch() and ends with the process: it holds no lock and makes no
  // call of CUDA's while it has nothing to watch.
  static Watcher& get();

  // Until the queue has reached all that it was asked for, or its GPU is lost: tells the stream each step.
  void watch(CudaQueue& queue, Ref<runtime::StreamState> stream);
  // In a forked child: nothing is watched, and nothing ever will be.
  void forked();

 private:
  struct Watched {
    CudaQueue* queue;
    Ref<runtime::StreamState> stream;  // keeps the queue
    std::uint64_t seen;
  };

  void run();
  bool look(Watched& w);
  static void nap(std::int64_t idle_ns);

  runtime::Mutex mutex_;
  runtime::CondVar wake_;
  // Under mutex_.
  std::vector<Watched> added_;
  bool started_ = false, sleeping_ = false;
};

}  // namespace anabranch::backends::cuda
