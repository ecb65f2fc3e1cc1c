// Fibers: threads that the scheduler switches by hand, all on one thread of the system.
#pragma once

#include <boost/context/fiber.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

#include "simulation/vector_clock.h"

namespace anabranch::simulation {

// Where in the source something happens.
using Place = std::source_location;
std::string to_string(const Place& place);  // "stream_state.cpp:42 (run_next)"

// One fiber's own variables, made on first use and destroyed, last made first, at its end.
class FiberLocals {
 public:
  ~FiberLocals() { clear(); }
  template <typename T, typename Make>
  T& get(const void* key, Make make) {
    for (const Local& l : locals_)
      if (l.key == key) return *static_cast<T*>(l.value);
    T* value = new T(make());
    locals_.push_back({key, value, [](void* p) { delete static_cast<T*>(p); }});
    return *value;
  }
  void clear();

 private:
  struct Local {
    const void* key;
    void* value;
    void (*destroy)(void*);
  };
  std::vector<Local> locals_;
};

// The stack, and what else must be exchanged when a fiber stops and another goes on.
class Context {
 public:
  // A context that runs `body` when it is first entered. `body` must not throw.
  explicit Context(std::function<void()> body);
  // From the scheduler's loop: goes on with the fiber until it leaves.
  void enter();
  // From the fiber: back to the scheduler's loop.
  void leave();

 private:
  void entered();
  void leaving(bool for_good);

  boost::context::fiber fiber_, loop_;
  // The C++ runtime's per-thread record of exceptions being handled and thrown: __cxa_get_globals().
  struct Exceptions {
    void* caught = nullptr;
    unsigned uncaught = 0;
  } exceptions_;
  // What the address sanitizer wants to know of stacks.
  const void* stack_bottom_ = nullptr;
  std::size_t stack_size_ = 0;
  const void* loop_bottom_ = nullptr;
  std::size_t loop_size_ = 0;
  void* fake_stack_ = nullptr;
};

struct Fiber {
  enum class State : std::uint8_t { Ready, Waiting, Done };
  static constexpr std::int64_t never = INT64_MAX;

  std::size_t slot = 0;  // in vector clocks; one of Done fibers serves again
  int number = 0;        // in the order of creation
  State state = State::Ready;
  VectorClock clock;
  Place place;
  // While it waits: for what, and until when at most.
  const char* reason = "";
  const void* object = nullptr;
  std::int64_t deadline = never;
  bool timed_out = false;
  std::int64_t priority = 0;
  std::uint64_t since = 0;    // the step at which it went on last
  bool joined = false;        // or detached: nobody asks for it any more once it is done
  bool new_may_fail = false;  // see NewMayFail
  FiberLocals locals;
  std::unique_ptr<Context> context;
};

}  // namespace anabranch::simulation
