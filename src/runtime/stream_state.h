// The state behind a Stream: its timeline (how many submissions were made, how many have finished) and its strand (the
// queue of those that have not, and who runs it).
//
// A strand is run by whoever holds its token: a worker of the pool, or a thread that waits. The token's holder takes
// submissions off the queue in order. While a submission's chunks are shared among threads (a region) nobody holds the
// token; whoever finishes the last chunk takes it.
//
// On a device that works on its own, running a submission means to issue it: to add its commands to the device's queue,
// behind a signal. It is in flight from then on, and retired when the device has signalled. Of another stream of the
// same type of device it suffices that what it waits for has been issued: the device waits for the rest.
#pragma once

#include <limits>
#include <list>
#include <memory>

#include "runtime/failure.h"
#include "runtime/launch.h"
#include "runtime/sync.h"
#include "runtime/work.h"

namespace anabranch::runtime {

class Arena;
class Queue;
class Runner;
struct OutOfMemory;

// Something to do when a timeline reaches a value. `reached` is called once, with the stream's lock held: it may only
// take leaf locks.
struct Waiter {
  std::uint64_t value = 0;
  bool at_issue = false;  // that it has been issued is enough
  virtual void reached() noexcept = 0;
  Waiter* next = nullptr;  // the stream's

 protected:
  ~Waiter() = default;
};

enum class Strand : std::uint8_t {
  Idle,     // nobody runs it; the queue may hold work that a waiting thread has promised to run
  Queued,   // in the pool's queue
  Running,  // somebody holds the token, or a region is open
  Blocked,  // the first submission waits for another stream, which will queue this one
  Parked,   // the first submission waits for memory, see parking.h
};

class StreamState {
 public:
  StreamState(int index, Device device, int priority, Arena& arena, std::unique_ptr<Queue> queue);
  ~StreamState();

  const int index;  // -1: of the runtime's own, see open_unlisted_stream()
  const Device device;
  const int priority;  // see new_stream()
  Atomic<std::uint32_t> references{0};
  std::list<StreamState*>::iterator position;  // in the registry, under its lock
  // Of the pool's queue, under its lock: so many workers are to come here; the one behind this.
  std::size_t hands = 0;
  Ref<StreamState> next_offered;
  Ref<StreamState> next_parked;  // of those that are parked, under the lock of parking.cpp

  // The memory that this stream's work reads and writes.
  Arena& arena() const { return arena_; }
  // Null where the pool does the work.
  Queue* queue() const { return queue_.get(); }

  // Submissions that have finished. Everything that they wrote is visible to who reads it.
  std::uint64_t completed() const { return completed_.load(std::memory_order_acquire); }
  // Submissions that were made. A number alone: nothing is read that they hold.
  std::uint64_t submitted() const { return submitted_.load(std::memory_order_relaxed); }

  // Submissions that are finished or with the device.
  std::uint64_t issued() const { return queue_ ? issued_.load(std::memory_order_acquire) : completed(); }
  // Notices what the device has done meanwhile; where there is no queue, does nothing. Any thread.
  void progressed();

  // Appends `work` (taking it over); the value that its end signals. Nobody is told: see schedule() and wait().
  std::uint64_t submit(Work* work);
  // Has the strand run if there is work and nobody runs it: by the pool, or, where the first submission waits for
  // another stream, which is scheduled, too, by whoever makes that happen.
  void schedule();
  // Schedules the stream that a blocked strand waits for. A thread that waits for this stream may sleep, because the
  // strand was not blocked when it looked: it would have run the other one, of which nobody else need know.
  void schedule_cause();
  // Whether the next submission could begin now.
  bool has_ready_work();

  // Registers a waiter; false where the timeline is there already (then it is not registered).
  bool add_waiter(Waiter* waiter);
  // Takes it back; false where it has been reached.
  bool remove_waiter(Waiter* waiter);

  // Takes the token of an idle or queued strand that has work.
  bool try_claim();
  // Whether the event has happened, or with `at_issue` is certain to once the device gets there.
  static bool has_come(const Event& event, bool at_issue);
  // What a blocked strand waits for; satisfied where it is not blocked.
  struct Need {
    Event event;
    bool at_issue = false;
    bool satisfied() const { return has_come(event, at_issue); }
  };
  Need blocked_on();
  // Has a parked strand run again; with `last_try`, being refused memory is a failure then. From will_unpark() on it
  // counts as one that moves.
  void will_unpark() { unparking_.store(true); }
  void unpark(bool last_try);
  // Whether something is running, with the device, or, if the pool has workers, about to run: it may free memory.
  bool is_moving(bool pool_has_workers);
  // Gives the token back; work that is left goes to the pool.
  void release_token();

  enum class Outcome : std::uint8_t {
    Ran,      // a submission has finished; the caller holds the token
    Empty,    // no work left; the token is given back
    Blocked,  // the first submission waits or is parked; the token is given back
    Shared,   // a region is open, with no chunk left to take; others will finish it
    Long,     // the next chunk is longer than the caller may take; the pool has been asked to
    Paused,   // chunks are left, but the caller's time is up; the pool has been asked to
  };
  // Runs the next submission. The caller holds the token.
  Outcome run_next(Runner& runner);
  // Takes chunks of the open region, if there is one.
  Outcome participate(Runner& runner);

  // Failures that synchronize() has to tell unless a reader was told first. Takes no memory.
  void remember_failure(Ref<Failure> failure);
  // The oldest such failure, or null.
  Ref<Failure> untold_failure();

  Mutex& mutex() { return mutex_; }
  // In a forked child, holding mutex(): what was in flight is lost; the timeline says it has finished.
  void abandon_in_flight();

  // Those whose waiters steps of timelines have reached: lists that take no memory.
  struct Reached {
    Ref<StreamState> strands, retiring;
  };

 private:
  struct StrandWaiter final : Waiter {
    StreamState* strand = nullptr;
    void reached() noexcept override;
  };

  struct RetireWaiter final : Waiter {
    StreamState* stream = nullptr;
    void reached() noexcept override;
  };

  static constexpr std::uint64_t most_in_flight = 256;

  bool enqueue();
  bool wait_for_others(Work& work, Lock& lock);
  bool block(const Event& event, bool at_issue, Lock& lock);
  bool device_waits_for(const Event& event) const;
  bool refused(Work* work, const OutOfMemory& refusal, bool last_try);
  void complete(Work* work, std::exception_ptr failure, Runner& runner);
  void issue(Work* work, std::exception_ptr failure, Runner& runner);
  void retire(bool resumed, Reached& to_go_on, Runner& runner);
  void unlink(Waiter** waiter);
  void fire(Reached& reached);
  static void pass_on(Reached& reached, Runner& runner);

  Arena& arena_;
  const std::unique_ptr<Queue> queue_;
  Atomic<std::uint64_t> submitted_{0};  // written under mutex_
  Atomic<std::uint64_t> issued_{0};     // written under mutex_
  Atomic<std::uint64_t> completed_{0};  // written under mutex_
  Atomic<bool> unparking_{false};       // set under the lock of parking.cpp, unset under mutex_
  Mutex mutex_;
  // All below: under mutex_.
  Strand strand_ = Strand::Idle;
  bool last_try_ = false;           // being refused memory is a failure now, unless others have
  std::uint64_t tries_before_ = 0;  // tried since: refused_tries was that
  Work* head_ = nullptr;
  Work* tail_ = nullptr;
  Waiter* waiters_ = nullptr;  // the oldest first
  Waiter** last_waiter_ = &waiters_;
  StrandWaiter unblock_;
  Need blocked_on_;
  UntoldFailures failures_;
  // With the device, the oldest first.
  Work* flying_ = nullptr;
  Work* last_flying_ = nullptr;
  bool retiring_ = false;  // some thread is
  RetireWaiter retire_after_;
  // In a list of those who have been reached, its owner's.
  Ref<StreamState> next_strand_, next_retiring_;
  // The open region: phase_ < launch_.phases().size() while one is.
  Launch launch_;
  Work* current_ = nullptr;
  bool region_ = false;
  bool asked_ = false;   // the pool, for hands with this phase
  bool paused_ = false;  // nobody is at the region
  std::size_t phase_ = 0, next_chunk_ = 0, done_chunks_ = 0;
  std::exception_ptr region_failure_;
  [[no_unique_address]] AccessCheck phases_{"the phases of a submission"};
  [[no_unique_address]] AccessCheck guarded_{"what a stream's lock guards"};
};

void retain(StreamState* s) noexcept;
void release(StreamState* s) noexcept;

// Streams, the oldest first, each of which names the next: a queue that takes no memory.
template <Ref<StreamState> StreamState::* next>
class StreamQueue {
 public:
  bool empty() const { return !first_; }
  const Ref<StreamState>& front() const { return first_; }
  void push(Ref<StreamState> stream) {
    StreamState* last = stream.get();
    (last_ ? last_->*next : first_) = std::move(stream);
    last_ = last;
  }
  Ref<StreamState> pop() {
    Ref<StreamState> stream = std::move(first_);
    first_ = std::move((*stream).*next);
    if (!first_) last_ = nullptr;
    return stream;
  }

 private:
  Ref<StreamState> first_;
  StreamState* last_ = nullptr;
};

// Who runs a strand: what it may do, and where strands go that it unblocks.
class Runner {
 public:
  // Chunks estimated to take longer are left to the pool.
  double longest_chunk_ns;
  // When (Clock::now()) to stop taking chunks.
  static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
  std::int64_t pause_at = never;
  // Strands that this runner unblocked and has not passed on.
  SmallVector<Ref<StreamState>, 2> unblocked;

  explicit Runner(double longest) : longest_chunk_ns(longest) {}
  // Passes them on to the pool.
  void flush();
  ~Runner() { flush(); }
};

}  // namespace anabranch::runtime
