// What this process may use of the machine: processors and memory, after affinity and the cgroups' quotas.
#pragma once

#include <cstddef>
#include <string>

namespace anabranch::runtime {

// Worker threads to run: ANABRANCH_NUM_THREADS, or the processors of the affinity mask, at most the cgroups' quota
// (rounded up). At least 1.
int processor_count();

// Bytes of memory that this process may use: the machine's, at most the cgroups' limit.
std::size_t memory_size();

// Bytes that arrays may take unless set_memory_limit() says otherwise: of memory_size(), what leaves room for the rest
// of the process, since in a container nobody asks before the kernel kills.
std::size_t default_memory_limit();

// What the cgroups that this process is in allow, of version 1 and 2, from its own to the outermost that it sees.
// `root` stands before each path that is read.
struct Allowance {
  double processors;   // infinity without a quota
  std::size_t memory;  // the largest there is without a limit
};
Allowance cgroup_allowance(const std::string& root = "");

}  // namespace anabranch::runtime
