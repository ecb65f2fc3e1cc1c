// What happens when memory runs short while work is in flight: the submission that can't have its memory is parked, and
// tried again when memory is freed. When nothing in flight is left that could free any, the oldest parked one has its
// last try, and fails.
#pragma once

#include "runtime/arena.h"

namespace anabranch::runtime {

inline Atomic<std::size_t> parked_strands{0};  // how many; changed under the lock of parking.cpp

// Tries of submissions that were refused memory, when they have given back what they had: others that were refused it
// for that alone are refused no more.
inline Atomic<std::uint64_t> refused_tries{0};

void retry_parked();
void fail_oldest_parked_unless_something_moves();

// Has the parked submissions tried again.
inline void memory_was_freed() {
  if (parked_strands.load() != 0) retry_parked();
}
// Whether a stream other than `self` moves, or memory has been freed since the refusal.
bool may_be_helped(const StreamState& self, const OutOfMemory& refusal);
// Parks the strand of `stream`, whose state is Strand::Parked already, after `refusal`.
void park(Ref<StreamState> stream, const OutOfMemory& refusal);
// To be called when a strand comes to a halt: if nothing moves and something is parked, the oldest has its last try.
inline void reconsider_parked() {
  if (parked_strands.load() != 0) fail_oldest_parked_unless_something_moves();
}

// For a thread outside the streams, after `refusal`: waits for work in flight, unless memory has been freed meanwhile.
// False where nothing is in flight. Throws Interrupted.
bool wait_for_memory(const OutOfMemory& refusal);

// Held over a fork.
Mutex& parking_mutex();
// In a forked child, holding it: nothing is parked any more. Somebody else holds the streams that were.
void forget_parked();

}  // namespace anabranch::runtime
