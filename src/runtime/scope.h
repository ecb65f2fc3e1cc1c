// Scopes: which device and stream the code that runs now means when it names none.
#pragma once

#include <memory>
#include <optional>

#include "anabranch/stream.h"

namespace anabranch {

// A level of the immutable stack of scopes.
struct ScopeLevel {
  Device device;
  std::optional<Stream> stream;  // none: the thread's default stream on the device
  std::shared_ptr<const ScopeLevel> outer;
};

namespace runtime {

using ScopeStack = std::shared_ptr<const ScopeLevel>;

// The calling thread's stack; null outside any scope. The Python layer keeps its own stack in a context variable and
// comes here only for what lies outside it.
ScopeStack& current_scope();

// The process's default device and the calling thread's default streams, whatever scope there is.
Device process_device();
void set_process_device(Device device);
Stream thread_stream(Device device);
void set_thread_stream(const Stream& s);

}  // namespace runtime
}  // namespace anabranch
