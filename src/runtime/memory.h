// Memory: reference-counted buffers from one caching allocator, with figures and limits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "anabranch/device.h"
#include "runtime/buffer_ref.h"
#include "runtime/sync.h"

namespace anabranch::runtime {

// A block of memory on one device. 64-byte aligned; usable bytes are rounded up to a size class.
struct Buffer {
  Atomic<std::uint32_t> references{1};
  std::uint32_t size_class;  // foreign_class where the memory is somebody else's
  void* data;
  std::size_t size;  // bytes asked for
  // Foreign memory's owner; called once, on whatever thread drops the last reference.
  std::function<void(void*)>* deleter = nullptr;
  [[no_unique_address]] AccessCheck contents{"a buffer's memory"};
};

// Memory that `deleter(data)` gives back.
BufferRef adopt(void* data, std::size_t bytes, std::function<void(void*)> deleter);
// Whether the memory came through adopt().
bool is_foreign(const Buffer* b);
// Held over a fork.
Mutex& allocator_mutex();

}  // namespace anabranch::runtime
