// The deterministic scheduler: from one seed it chooses which fiber goes on at each operation on a type of sync.h, what
// time it is, and what fails. Everything runs on the calling thread; a schedule that goes wrong ends the process with
// what was going on and the seed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "simulation/fiber.h"
#include "simulation/random.h"

namespace anabranch::simulation {

enum class Fault : std::uint8_t { Allocation, ThreadStart, Command, Signal, New, count };

// How the next fiber is chosen.
enum class Strategy : std::uint8_t {
  Random,      // any that can go on, at each operation or now and then
  Priorities,  // PCT (Burckhardt et al., ASPLOS 2010): the one of highest priority; at a few moments it becomes the
               // lowest
};

// All that a seed decides beside the choices themselves.
struct Settings {
  std::uint64_t seed = 0;
  Strategy strategy = Strategy::Random;
  std::uint32_t switch_one_in = 1;  // Random: at how many operations another fiber may go on
  std::uint32_t changes = 3;        // Priorities: how many moments, among the first `span` operations
  std::uint32_t span = 1000;
  std::int64_t step_ns = 100, relax_ns = 1000;  // time that an operation and a spin take
  std::uint32_t impatience = 0;          // one in how many decisions lets time jump to the next deadline; 0: none
  std::uint64_t most_steps = 2'000'000;  // a schedule that takes more goes round in circles
  // The first that fails, and how many from there on; first 0: none.
  struct Failures {
    std::uint32_t first = 0, count = 0;
  } faults[static_cast<std::size_t>(Fault::count)];
  bool lonely = false;  // threads may be missing that would wake others: waits that end by polling are no mistake
  std::string about;    // said in failures: what runs

  static Settings from_seed(std::uint64_t seed);
};

struct Outcome {
  std::uint64_t steps = 0, switches = 0;
  std::uint64_t trace = 0;  // a hash of all choices: equal for equal schedules
  std::uint32_t faults = 0;
  std::int64_t now = 0;
};

class Scheduler {
 public:
  // The one of the schedule that is running, or null.
  static Scheduler* current() { return current_; }

  explicit Scheduler(const Settings& settings);
  // Runs `body` as the first fiber, and all that it starts, until every fiber is done.
  Outcome run(std::function<void()> body);

  // --- What the types of sync.h call

  // An operation is about to happen: time passes, others may go first.
  void point(const Place& place);
  // As point(), by a fiber that gives way: others go first where they can.
  void give_way(std::int64_t ns, const Place& place);
  void spin(const Place& place) { give_way(settings_.relax_ns, place); }
  // The running fiber waits, at most until `deadline`, until wake() is called with `object`; false where time is up.
  bool wait(const char* reason, const void* object, std::int64_t deadline, const Place& place);
  void delay(std::int64_t ns, const Place& place);
  void wake_all(const void* object);
  void wake_one(const void* object);
  Fiber* start(std::function<void()> body, const Place& place);
  bool injected(Fault fault);
  bool new_fails() { return running_ && running_->new_may_fail && injected(Fault::New); }
  bool one_in(std::uint32_t n) { return random_.one_in(n); }

  Fiber& running() { return *running_; }
  std::int64_t now() const { return now_; }
  std::size_t live() const;
  // While there are such, a wait may end by its deadline without being a sign of a lost wakeup.
  void expect_timeouts(int more) { timeouts_expected_ += more; }
  // Of this schedule: what types remember from another one is void.
  std::uint32_t generation() const { return generation_; }

  // Ends the process with the state of all fibers and how to see it again.
  [[noreturn]] void fail(const std::string& what);

  static void set_trace(bool on) { trace_on_ = on; }
  // Says in failures how the program's own objects are; called outside of the schedule.
  static void set_inspector(std::string (*inspector)()) { inspector_ = inspector; }
  // Said in failures: the command that runs this seed again.
  static void set_replay(std::string command) { replay_ = std::move(command); }
  static const std::string& replay() { return replay_; }

 private:
  void decide();
  Fiber* choose();
  void switch_to(Fiber* next);
  void expire();
  void jump();
  void wake(Fiber& fiber);
  void finish_running();

  static inline Scheduler* current_ = nullptr;
  static inline bool trace_on_ = false;
  static inline std::string (*inspector_)() = nullptr;
  static inline std::string replay_;
  static inline std::uint32_t generations_ = 0;

  const Settings settings_;
  Random random_;
  const std::uint32_t generation_ = ++generations_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  Fiber* running_ = nullptr;
  Fiber* next_ = nullptr;
  std::int64_t now_ = 0, next_deadline_ = Fiber::never;
  std::uint64_t until_decision_ = 1;
  std::vector<std::uint64_t> changes_;  // the moments to come, the next one last
  std::int64_t lowest_priority_ = 0;
  int started_ = 0;
  int timeouts_expected_ = 0;
  std::uint32_t fault_counts_[static_cast<std::size_t>(Fault::count)] = {};
  Outcome outcome_;
};

// A condition that a program under the scheduler holds to be true.
inline void require(bool condition, const char* what) {
  if (!condition) Scheduler::current()->fail(what);
}

// The fiber that runs, or outside of any schedule what stands for the thread.
Fiber& this_fiber();

// --- Deliberate mistakes, to see that they are found: an order of memory weakened to relaxed at one place.

struct Mutation {
  std::string file;  // the end of its name
  std::uint32_t line = 0;
};
void set_mutation(Mutation mutation);
extern bool mutating;
bool is_mutated(const Place& place);

}  // namespace anabranch::simulation
