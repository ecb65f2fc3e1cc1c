// One submission to a stream.
#pragma once

#include <exception>

#include "anabranch/small_vector.h"
#include "anabranch/stream.h"
#include "runtime/launch.h"

namespace anabranch::runtime {

class Work {
 public:
  virtual ~Work() = default;
  // Once, when it has its place in the stream's order and before anybody can run it: its end signals `value`.
  virtual void accepted(std::uint64_t value) noexcept { static_cast<void>(value); }
  // When everything waited for has happened: does the work, or adds what is to do to `launch`. May throw. Once, unless
  // it throws OutOfMemory: then perhaps again, when memory has been freed.
  virtual void start(Launch& launch) = 0;
  // On a device with a queue, once after start(): its commands are with the device. Publishes the results' memory, or
  // the failure, to what the same type of device does later, and lets go of memory that only the device still needs
  // (see Buffer::uses).
  virtual void issued(const std::exception_ptr& failure) noexcept { static_cast<void>(failure); }
  // Once, after start() and all phases or commands, or after the first exception among them: publishes the result, or
  // the failure, and lets go of what it holds. The submission's event happens right after.
  virtual void finish(std::exception_ptr failure) noexcept = 0;

  // Events of other streams that come first.
  SmallVector<Event, 2> waits;
  // How many of them have happened, and once the work is in flight, how many are known to have: the stream's. They
  // stay, so that streams end where no lock is held.
  std::size_t waits_met = 0;
  // Estimated time on one processor, for deciding whom to wake.
  double ns = 0;
  // The stream's.
  Work* next = nullptr;
  std::exception_ptr failure;  // of start(), while in flight
};

}  // namespace anabranch::runtime
