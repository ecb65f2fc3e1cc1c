// Memory figures and limits, in bytes. Figures are those of the host and all devices together; a limit holds for each
// of them by itself.
#pragma once

#include <cstddef>

namespace anabranch {

// In use by arrays.
std::size_t get_active_memory();
// The most that get_active_memory() has been since the start or the last reset.
std::size_t get_peak_memory();
void reset_peak_memory();
// Kept for reuse.
std::size_t get_cache_memory();
// Active memory may not pass it: what would waits for work in flight that may free some, and where there is none fails
// with MemoryError. Returns the previous limit.
std::size_t set_memory_limit(std::size_t limit);
std::size_t get_memory_limit();
// The most that is kept for reuse. Returns the previous limit.
std::size_t set_cache_limit(std::size_t limit);
// Accepted for MLX's sake: host memory is never wired here. Returns the previous value.
std::size_t set_wired_limit(std::size_t limit);
// Gives what is kept for reuse back to the system.
void clear_cache();

}  // namespace anabranch
