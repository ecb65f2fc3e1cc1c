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
  // Once, when everything waited for has happened: does the work, or adds what is to do to `launch`. May throw.
  virtual void start(Launch& launch) = 0;
  // Once, after start() and all phases, or after the first exception of either: publishes the result, or the failure,
  // and lets go of what it holds. The submission's event happens right after.
  virtual void finish(std::exception_ptr failure) noexcept = 0;

  // Events of other streams that come first.
  SmallVector<Event, 2> waits;
  // How many of them have happened: the stream's. They stay, so that streams end where no lock is held.
  std::size_t waits_met = 0;
  // Estimated time on one processor, for deciding whom to wake.
  double ns = 0;
  // The queue's link.
  Work* next = nullptr;
};

}  // namespace anabranch::runtime
