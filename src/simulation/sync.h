// Threads, locks, atomics, thread-locals and the clock as runtime/sync.h offers them, under the deterministic
// scheduler. Each operation is a point at which another fiber may go on. Outside of a schedule they work for one
// thread.
#pragma once

#include <atomic>
#include <chrono>
#include <concepts>
#include <functional>
#include <system_error>
#include <utility>

#include "simulation/access.h"
#include "simulation/scheduler.h"

namespace anabranch::simulation {

// What an object passes on from fiber to fiber, and who has used it.
class Synchronizer {
 public:
  explicit Synchronizer(const char* what) : what_(what) { ++alive_; }
  Synchronizer(const Synchronizer&) = delete;
  ~Synchronizer();
  // How many there are in the process: what each schedule must bring back to what it was.
  static std::int64_t alive() { return alive_; }

  // A point of the scheduler before the operation, and a note that it happened.
  void point(const Place& place) const {
    if (Scheduler* s = Scheduler::current()) use(*s, place);
  }
  void acquire() const {
    if (Scheduler::current()) this_fiber().clock.join(clock_);
  }
  // Passes on what the fiber knows: alone, or beside what was passed on before (a release sequence).
  void release(bool beside) const;
  void forget() const { clock_ = {}; }
  const Place& place() const { return place_; }

 private:
  void use(Scheduler& s, const Place& place) const;

  static inline std::int64_t alive_ = 0;
  static constexpr std::uint32_t alive_mark = 0xa11fe, dead_mark = 0xdead;

  const char* const what_;
  std::uint32_t mark_ = alive_mark;
  mutable std::uint32_t generation_ = 0;
  mutable VectorClock clock_;
  mutable Uses uses_;
  mutable Place place_;
};

inline bool acquires(std::memory_order o) { return o != std::memory_order_relaxed && o != std::memory_order_release; }
inline bool releases(std::memory_order o) {
  return o == std::memory_order_release || o == std::memory_order_acq_rel || o == std::memory_order_seq_cst;
}

template <typename T>
class Atomic {
 public:
  using value_type = T;
  static constexpr std::memory_order strongest = std::memory_order_seq_cst;

  Atomic() = default;
  Atomic(T value) : value_(value) {}

  T load(std::memory_order order = strongest, Place place = Place::current()) const {
    sync_.point(place);
    if (acquires(checked(order, place))) sync_.acquire();
    return value_;
  }
  void store(T value, std::memory_order order = strongest, Place place = Place::current()) {
    sync_.point(place);
    if (releases(checked(order, place))) sync_.release(false);
    else sync_.forget();
    value_ = value;
  }
  T exchange(T value, std::memory_order order = strongest, Place place = Place::current()) {
    return update([&](T) { return value; }, order, place);
  }
  bool compare_exchange_strong(T& expected, T value, std::memory_order order = strongest,
                               Place place = Place::current()) {
    sync_.point(place);
    order = checked(order, place);
    if (acquires(order)) sync_.acquire();
    if (!(value_ == expected)) {
      expected = value_;
      return false;
    }
    if (releases(order)) sync_.release(true);
    value_ = value;
    return true;
  }
  // Now and then it fails for no reason, as it may.
  bool compare_exchange_weak(T& expected, T value, std::memory_order order = strongest,
                             Place place = Place::current()) {
    if (Scheduler* s = Scheduler::current(); s && s->one_in(16)) {
      sync_.point(place);
      expected = value_;
      return false;
    }
    return compare_exchange_strong(expected, value, order, place);
  }
  T fetch_add(T n, std::memory_order order = strongest, Place place = Place::current())
    requires std::integral<T>
  {
    return update([&](T v) { return static_cast<T>(v + n); }, order, place);
  }
  T fetch_sub(T n, std::memory_order order = strongest, Place place = Place::current())
    requires std::integral<T>
  {
    return update([&](T v) { return static_cast<T>(v - n); }, order, place);
  }

  operator T() const { return load(); }
  T operator=(T value) {
    store(value);
    return value;
  }
  T operator++()
    requires std::integral<T>
  {
    return static_cast<T>(fetch_add(1) + 1);
  }
  T operator--()
    requires std::integral<T>
  {
    return static_cast<T>(fetch_sub(1) - 1);
  }
  T operator++(int)
    requires std::integral<T>
  {
    return fetch_add(1);
  }
  T operator--(int)
    requires std::integral<T>
  {
    return fetch_sub(1);
  }

 private:
  static std::memory_order checked(std::memory_order order, const Place& place) {
    return mutating && is_mutated(place) ? std::memory_order_relaxed : order;
  }
  template <typename F>
  T update(F f, std::memory_order order, const Place& place) {
    sync_.point(place);
    order = checked(order, place);
    if (acquires(order)) sync_.acquire();
    if (releases(order)) sync_.release(true);
    return std::exchange(value_, f(value_));
  }

  Synchronizer sync_{"an atomic"};
  T value_{};
};

class Mutex {
 public:
  void lock(Place place = Place::current());
  void unlock(Place place = Place::current());

 private:
  friend class CondVar;
  void take(const Place& place);

  Synchronizer sync_{"a mutex"};
  Fiber* owner_ = nullptr;
};

class Lock {
 public:
  explicit Lock(Mutex& mutex, Place place = Place::current()) : mutex_(&mutex) { lock(place); }
  Lock(const Lock&) = delete;
  ~Lock() {
    if (owns_) unlock();
  }
  void lock(Place place = Place::current()) {
    mutex_->lock(place);
    owns_ = true;
    place_ = place;
  }
  void unlock() {
    owns_ = false;
    mutex_->unlock(place_);
  }
  bool owns_lock() const { return owns_; }
  Mutex* mutex() const { return mutex_; }

 private:
  Mutex* mutex_;
  bool owns_ = false;
  Place place_;
};

class CondVar {
 public:
  void wait(Lock& lock, Place place = Place::current()) { wait_until(lock, Fiber::never, place); }
  template <typename Predicate>
  void wait(Lock& lock, Predicate done, Place place = Place::current()) {
    while (!done()) wait_until(lock, Fiber::never, place);
  }
  template <typename Predicate>
  bool wait_for(Lock& lock, std::chrono::nanoseconds time, Predicate done, Place place = Place::current()) {
    const std::int64_t deadline = after(time);
    while (!done())
      if (!wait_until(lock, deadline, place)) return done();
    return true;
  }
  void notify_one(Place place = Place::current());
  void notify_all(Place place = Place::current());

 private:
  static std::int64_t after(std::chrono::nanoseconds time);
  bool wait_until(Lock& lock, std::int64_t deadline, const Place& place);

  Synchronizer sync_{"a condition variable"};
};

class Thread {
 public:
  Thread() = default;
  template <typename F>
    requires std::invocable<F&>
  explicit Thread(F body, Place place = Place::current()) : fiber_(begin(std::move(body), place)) {}
  Thread(Thread&& other) noexcept : fiber_(std::exchange(other.fiber_, nullptr)) {}
  Thread& operator=(Thread&& other) noexcept;
  ~Thread();
  bool joinable() const { return fiber_ != nullptr; }
  void join(Place place = Place::current());
  void detach();

 private:
  static Fiber* begin(std::function<void()> body, const Place& place);
  Fiber* fiber_ = nullptr;
};

struct Clock {
  static std::int64_t now(Place place = Place::current());
};
void yield(Place place = Place::current());
void relax(Place place = Place::current());
void delay(std::int64_t ns, Place place = Place::current());

inline bool injected(Fault fault) { return Scheduler::current() && Scheduler::current()->injected(fault); }

// Where `operator new` fails as the settings have it: in this fiber, as long as the innermost one that lives says so.
// The simulation's own memory is not refused.
class NewMayFail {
 public:
  explicit NewMayFail(bool may = true) : before_(std::exchange(this_fiber().new_may_fail, may)) {}
  NewMayFail(const NewMayFail&) = delete;
  ~NewMayFail() { this_fiber().new_may_fail = before_; }
  // For the program's operator new: whether this call is to fail.
  static bool fails() { return Scheduler::current() && Scheduler::current()->new_fails(); }

 private:
  const bool before_;
};

// A variable of each fiber.
class FiberLocal {
 public:
  template <typename Make>
  auto& get(Make make) const {
    const NewMayFail no(false);
    return this_fiber().locals.template get<std::invoke_result_t<Make>>(this, make);
  }

 private:
  char address_ = 0;
};

}  // namespace anabranch::simulation

#define ANABRANCH_FIBER_LOCAL(Type, name, ...)                     \
  using name##_type = Type;                                        \
  static constexpr ::anabranch::simulation::FiberLocal name##_key; \
  name##_type& name = name##_key.get([] { return name##_type{__VA_ARGS__}; })
