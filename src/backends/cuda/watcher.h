// The thread that notices what GPUs have done where nobody waits for it, and that a GPU has failed.
#pragma once

#include "backends/cuda/queue.h"
#include "runtime/stream_state.h"

namespace anabranch::backends::cuda {

class Watcher {
 public:
  // Of this process. Its thread ends with the process: it holds no lock and makes no call of CUDA's while it has
  // nothing to watch.
  static Watcher& get();

  // Starts the thread, unless it is there; throws where none is to be had. Before the first watch().
  void start();
  // Until the queue has reached all that it was asked for, or its GPU is lost: tells the stream each step. Takes no
  // memory.
  void watch(CudaQueue& queue, Ref<runtime::StreamState> stream) noexcept;
  // In a forked child: nothing is watched, and nothing ever will be.
  void forked();

 private:
  void run();
  enum class Look { Same, Step, End };
  static Look look(CudaQueue& queue);
  static void nap(std::int64_t idle_ns);

  runtime::Mutex mutex_;
  runtime::CondVar wake_;
  // Under mutex_.
  CudaQueue* added_ = nullptr;
  bool started_ = false, sleeping_ = false;
};

}  // namespace anabranch::backends::cuda
