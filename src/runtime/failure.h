// A failure that happened while an operation ran, shared by all that depends on it.
#pragma once

#include <exception>
#include <string>

#include "anabranch/ref.h"
#include "runtime/sync.h"

namespace anabranch::runtime {

struct Failure {
  Atomic<std::uint32_t> references{1};
  // A reader has been told; synchronize() need not tell it again.
  Atomic<bool> seen{false};
  // What readers are thrown: of the type that the kernel threw, naming the operation and the stream.
  const std::exception_ptr cause;
  Failure* next = nullptr;  // of its stream's, see UntoldFailures
  [[no_unique_address]] AccessCheck contents{"a failure"};

  explicit Failure(std::exception_ptr c) : cause(std::move(c)) { contents.write(); }
};

inline void retain(Failure* f) noexcept { f->references.fetch_add(1, std::memory_order_relaxed); }
inline void release(Failure* f) noexcept {
  if (f->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete f;
}

// A place for one failure, set at most once and read by anybody at any time.
class FailureSlot {
 public:
  FailureSlot() = default;
  FailureSlot(const FailureSlot&) = delete;
  ~FailureSlot() {
    if (Failure* f = slot_.load(std::memory_order_relaxed)) release(f);
  }
  // Null while there is none.
  Ref<Failure> get() const {
    Ref<Failure> failure(slot_.load(std::memory_order_acquire));
    if (failure) failure->contents.read();
    return failure;
  }
  // The first failure stays.
  void set(Ref<Failure> failure) {
    Failure* none = nullptr;
    if (slot_.compare_exchange_strong(none, failure.get(), std::memory_order_acq_rel)) failure.detach();
  }

 private:
  Atomic<Failure*> slot_{nullptr};
};

// What stands for a failure where there is no memory to write it down: one for the process, made when it is first asked
// for.
const Ref<Failure>& undescribed_failure();

// The failures of a stream that nobody was told, the oldest first. A list that takes no memory: a failure is in one.
class UntoldFailures {
 public:
  UntoldFailures() = default;
  UntoldFailures(const UntoldFailures&) = delete;
  ~UntoldFailures();
  void add(Ref<Failure> failure);
  // The oldest, or null.
  Ref<Failure> oldest();

 private:
  template <typename F>
  void remove_if(F unneeded);
  Ref<Failure> remove(Failure** link);

  Failure* first_ = nullptr;
  Failure** last_ = &first_;
  std::size_t size_ = 0;
  std::size_t next_sweep_ = 128;  // the size at which those go that need not be told
  bool undescribed_ = false;      // one that could not be written down
};

// The same exception with "[operation] " put before its message, where it is not there yet, and the stream after it.
std::exception_ptr explain(std::exception_ptr cause, const std::string& operation, const std::string& stream);

}  // namespace anabranch::runtime
