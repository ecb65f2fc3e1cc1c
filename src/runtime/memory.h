// Memory: reference-counted buffers from caching arenas, one arena a memory space (the host's, and each device's own).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "anabranch/device.h"
#include "anabranch/stream.h"
#include "runtime/buffer_ref.h"
#include "runtime/sync.h"

namespace anabranch::runtime {

class Arena;

// A block of memory. 64-byte aligned; usable bytes are rounded up to a size class.
struct Buffer {
  Atomic<std::uint32_t> references{1};
  std::uint32_t size_class;
  bool undone = false;       // see Arena::undo
  bool read_only = false;    // somebody else's, who allows no more
  Atomic<bool> lent{false};  // see lend() in interop.h
  void* data;        // only the space's own device can use the address (the host's: every thread and CPU kernel)
  std::size_t size;  // bytes asked for
  Arena* arena;      // null where the memory is somebody else's
  // What a device may still be doing with the memory, also when the last reference is gone. Under the arena's lock.
  std::vector<Event> uses;
  [[no_unique_address]] AccessCheck noted{"the uses of a block"};
  // Foreign memory's owner; called once, on whatever thread drops the last reference.
  std::function<void(void*)>* deleter = nullptr;
  Buffer* next = nullptr;  // in a list of the arena
  [[no_unique_address]] AccessCheck contents{"a buffer's memory"};
};

// allocate() for a thread that is no submission: where memory is short, it waits for work in flight that may give some
// back. Throws Interrupted.
BufferRef allocate_or_wait(std::size_t bytes);
// Memory that `deleter(data)` gives back.
BufferRef adopt(void* data, std::size_t bytes, std::function<void(void*)> deleter);

}  // namespace anabranch::runtime
