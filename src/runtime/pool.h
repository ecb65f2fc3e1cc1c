// The pool of workers, one for each processor that the process may use: runs strands that have work and nobody to run
// them, and lends a hand with regions. Threads start when they are first needed. Strands of urgent streams, whose
// priority is below 0, are taken before others; what runs goes on.
#pragma once

#include "runtime/stream_state.h"
#include "runtime/sync.h"

namespace anabranch::runtime {

class Pool {
 public:
  // Waking a sleeping thread takes 30 to 45 us on a small virtual machine; what takes less in all is not worth it.
  static constexpr double worth_waking_ns = 60'000;

  static Pool& get();

  // Offers a strand to the workers: to run it, or to take chunks of its region. Wakes up to `hands` of them.
  void push(Ref<StreamState> strand, std::size_t hands);
  int size() const { return size_; }
  // Whether there is anybody to take what is pushed: threads may be refused, or stopped.
  bool has_workers();
  // Lets no worker begin anything new and waits, a second at most, for what they are in the middle of. What is queued
  // then runs in the threads that wait for it.
  void stop();
  // When nothing is in flight: drops strands in the queue that somebody else has run.
  void clear();
  // After stop(), when the workers are gone.
  void reopen(int workers);
  bool stopped() const { return stopped_.load(std::memory_order_relaxed); }

  Mutex& mutex() { return mutex_; }
  // In a forked child, holding mutex(): there are no workers yet. Somebody else holds the streams in the queue.
  void forget_workers();

 private:
  Pool();
  void run();
  void serve(Ref<StreamState> strand);
  Ref<StreamState> pop();
  Ref<StreamState> take_first();
  using Strands = StreamQueue<&StreamState::next_offered>;
  // Those that come first. Under the lock.
  Strands& queue() { return urgent_.empty() ? usual_ : urgent_; }

  int size_;
  Atomic<bool> stopped_{false};
  Atomic<std::size_t> offered_{0};  // hands that are wanted; written under mutex_
  Mutex mutex_;
  // All below: under mutex_.
  CondVar wake_, gone_;
  Strands urgent_, usual_;
  int started_ = 0, sleeping_ = 0, spinning_ = 0;
};

}  // namespace anabranch::runtime
