// The seam: the one place where the runtime gets its threads, locks, atomics, thread-locals and clock, so that the same
// runtime can run under a deterministic scheduler. A lint keeps std's out of runtime/ and eval/.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace anabranch::runtime {

template <typename T>
using Atomic = std::atomic<T>;
using Mutex = std::mutex;
using Lock = std::unique_lock<Mutex>;
using CondVar = std::condition_variable;
using Thread = std::thread;

struct Clock {
  // Nanoseconds since some fixed moment; never goes back.
  static std::int64_t now() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
};

// Lets other threads have the processor.
inline void yield() { std::this_thread::yield(); }
// Tells the processor that this is a spin.
inline void relax() { __builtin_ia32_pause(); }

}  // namespace anabranch::runtime

// A variable for each thread.
#define ANABRANCH_THREAD_LOCAL thread_local
