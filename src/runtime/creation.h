// Where in the user's program operations were made, for the messages of their failures. Kept beside the graph, and only
// where asked for: otherwise an operation pays a branch when it is made and one when it goes.
#pragma once

#include <string>

#include "runtime/sync.h"

namespace anabranch::runtime {

// Says where in the program the calling thread is ("model.py:12"), or nothing. Called for each operation that is made.
using CreationHook = std::string (*)();
// Lets operations that are made from now on remember where. Once, before there are several threads.
void trace_creation(CreationHook hook);

namespace creation {
extern Atomic<CreationHook> hook;
void remember(const void* operation);
void forget(const void* operation) noexcept;
// Held over a fork. A leaf lock.
Mutex& mutex();
}  // namespace creation

// An operation has been made; it goes.
inline void created(const void* operation) {
  if (creation::hook.load(std::memory_order_relaxed)) [[unlikely]]
    creation::remember(operation);
}
inline void gone(const void* operation) noexcept {
  if (creation::hook.load(std::memory_order_relaxed)) [[unlikely]]
    creation::forget(operation);
}
// Where it was made; empty where that is not known.
std::string creation_of(const void* operation);

}  // namespace anabranch::runtime
