// Memory for the graph's operations, which come and go by the million: fixed-size blocks out of slabs, with a small
// cache in each thread. What malloc would return to the system after each large graph, and fault in anew for the next,
// is kept, up to a part of the machine's memory.
#pragma once

#include <cstddef>

#include "runtime/sync.h"

namespace anabranch::runtime {

inline constexpr std::size_t slab_block_bytes = 192;  // three lines of the cache

// A block for `bytes`, at most slab_block_bytes, 64-byte aligned. Throws std::bad_alloc.
void* allocate_block(std::size_t bytes);
// From any thread.
void free_block(void* block) noexcept;
// Gives slabs in which nothing is in use back to the system. Blocks in the threads' caches count as used.
void trim_slabs();

// Held over a fork. A leaf lock.
Mutex& slab_mutex();

}  // namespace anabranch::runtime
