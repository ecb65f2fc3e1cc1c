// Waiting for events, and working on what is waited for.
#pragma once

#include <exception>
#include <functional>

#include "anabranch/stream.h"

namespace anabranch::runtime {

// Thrown out of a wait that the interrupt check ended. The work goes on.
struct Interrupted : std::exception {
  const char* what() const noexcept override { return "interrupted while waiting"; }
};

// Called now and then (at most every 50 ms) by threads that wait: whether to stop waiting. Null: never. With a check
// set, long opaque calls are left to the pool, so that a wait for them ends promptly.
void set_interrupt_check(bool (*check)());

// Waits until `event` has happened. Throws Interrupted.
void wait(const Event& event);
// Waits until it has been issued: on a device with queues of its own it is then certain to happen once the device gets
// there. Throws Interrupted.
void wait_issued(const Event& event);
// As wait(), until Clock::now() passes `deadline`; whether the event has happened.
bool wait_until(const Event& event, std::int64_t deadline);

// Calls `f` once, when `event` has happened: here and now, or from the thread that makes it happen, where it must not
// block, throw or wait. Where the pool has no threads, waits for the event: throws as wait() does, which takes back
// nothing.
void on_complete(const Event& event, std::function<void()> f);

}  // namespace anabranch::runtime
