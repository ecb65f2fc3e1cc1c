// References to buffers, for those that need not know what a buffer is made of: kernels, which are compiled once for
// the library and for the simulation.
#pragma once

#include <cstddef>

#include "anabranch/ref.h"

namespace anabranch::runtime {

struct Buffer;
void retain(Buffer* b) noexcept;
void release(Buffer* b) noexcept;
using BufferRef = Ref<Buffer>;

// Uninitialised host memory. Throws MemoryError with the figures where the limit or the system refuses, after trimming
// the cache.
BufferRef allocate(std::size_t bytes);
void* memory_of(const BufferRef& b);

}  // namespace anabranch::runtime
