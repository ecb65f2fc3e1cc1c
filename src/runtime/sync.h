// The seam: the one place where the runtime gets its threads, locks, atomics, thread-locals and clock, so that the same
// runtime can run under a deterministic scheduler (src/simulation, where ANABRANCH_SIMULATED is defined). A lint keeps
// std's out of the folders that run there.
#pragma once

#ifdef ANABRANCH_SIMULATED

#include "simulation/sync.h"

namespace anabranch::runtime {

using simulation::AccessCheck;
using simulation::Atomic;
using simulation::Clock;
using simulation::CondVar;
using simulation::delay;
using simulation::Fault;
using simulation::injected;
using simulation::Lock;
using simulation::Mutex;
using simulation::NewMayFail;
using simulation::relax;
using simulation::Thread;
using simulation::yield;

}  // namespace anabranch::runtime

#define ANABRANCH_THREAD_LOCAL ANABRANCH_FIBER_LOCAL

#else

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#ifdef __SANITIZE_THREAD__
extern "C" void __tsan_read1(void*);
extern "C" void __tsan_write1(void*);
#endif

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
// What a simulated device takes that much time for: time passes under the scheduler alone.
inline void delay(std::int64_t) {}

// What the fields or the memory beside it are used for: each access must happen after those that conflict with it. The
// simulation checks that; on real threads the thread sanitizer does, where it is built in; elsewhere there is nothing.
#ifdef __SANITIZE_THREAD__
class AccessCheck {
 public:
  constexpr explicit AccessCheck(const char*) {}
  AccessCheck(const AccessCheck&) = delete;
  ~AccessCheck() { write(); }
  void read() const { __tsan_read1(&accessed_); }
  void write() const { __tsan_write1(&accessed_); }

 private:
  mutable char accessed_ = 0;
};
#else
struct AccessCheck {
  constexpr explicit AccessCheck(const char*) {}
  void read() const {}
  void write() const {}
};
#endif

// Where the simulation makes `operator new` fail: in this thread, as long as the innermost one that lives says so.
struct NewMayFail {
  constexpr explicit NewMayFail(bool = true) {}
};

// What else it can make fail.
enum class Fault { Allocation, ThreadStart, Command, Signal };
// Whether this one is to fail.
constexpr bool injected(Fault) { return false; }

}  // namespace anabranch::runtime

// In a function: a variable for each thread, initialised from the arguments that follow its name.
#define ANABRANCH_THREAD_LOCAL(Type, name, ...) thread_local Type name{__VA_ARGS__}

#endif
