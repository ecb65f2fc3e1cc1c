// What this process may use of the machine: processors and memory, after affinity and the cgroup's quotas.
#pragma once

#include <cstddef>

namespace anabranch::runtime {

// Worker threads to run: ANABRANCH_NUM_THREADS, or the processors of the affinity mask, at most the cgroup's quota
// (rounded up). At least 1.
int processor_count();

// Bytes of memory that this process may use: the machine's, at most the cgroup's limit.
std::size_t memory_size();

}  // namespace anabranch::runtime
