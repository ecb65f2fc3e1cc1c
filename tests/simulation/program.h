// A random program: several threads that share streams, events and lazy arrays, do everything with them that the API
// allows, and know what must come of it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "anabranch/array.h"
#include "runtime/sync.h"
#include "simulation/random.h"

namespace anabranch::simulation {

// What is to be expected of a schedule, from its seed.
struct Plan {
  int workers = 1, threads = 2, actions = 8, streams = 2;
  int gpus = 0;             // simulated accelerators that it uses
  bool crowded = false;     // nearly all on the first of them
  bool failures = false;    // operations that fail
  bool interrupts = false;  // waits that are interrupted now and then
  bool exits = false;       // the runtime shuts down in the middle
  bool faults = false;      // memory or threads are refused
  bool losses = false;      // devices are lost

  // A device that is refused its threads or a signal is lost, too.
  bool may_lose() const { return losses || (faults && gpus > 0); }
  static Plan from_seed(std::uint64_t seed);
  std::string text() const;
};

// A raw submission to a stream, whose result others read.
struct Job {
  Atomic<std::uint32_t> references{0};  // a shared_ptr would order threads without the checker's knowledge
  std::uint64_t id = 0;
  bool fails = false;
  bool may_be_lost = false;  // with its device
  AccessCheck result{"the result of a submission"};
  std::uint64_t value = 0;   // what finish() writes
  std::uint64_t copied = 0;  // what the device writes
  bool failed = false;
  std::vector<int> runs;  // of each chunk of all phases
};

inline void retain(Job* j) { j->references.fetch_add(1, std::memory_order_relaxed); }
inline void release(Job* j) {
  if (j->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete j;
}

// A value in the program: the array, and what the same operations give in plain C++.
struct Value {
  array a;
  std::vector<std::uint32_t> want;
  bool fails;
};

class Program {
 public:
  Program(const Plan& plan, std::uint64_t seed) : plan_(plan), random_(seed) {}
  // In a thread of its own. All that it made is gone when it returns.
  void run();
  // How many arrays had a value compared, and how many raised their failure.
  static inline std::uint64_t compared = 0, raised = 0;

 private:
  friend class Actor;
  struct Shared {
    std::vector<Value> values;
    std::vector<std::pair<Event, Ref<Job>>> jobs;
    std::vector<Stream> streams;
  };

  const Plan plan_;
  Random random_;
  // What threads hand to each other, rarely: each hand-over orders them, which hides races.
  Mutex mutex_;
  Shared shared_;
  Atomic<std::uint64_t> calls_promised_{0}, calls_made_{0};
};

}  // namespace anabranch::simulation
