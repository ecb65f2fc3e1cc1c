#include "runtime/machine.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>

namespace anabranch::runtime {
namespace {

// Calls f with an open stream on `file` of this process's cgroup and of each cgroup around it (version 2).
template <typename F>
void for_each_cgroup(const char* file, F f) {
  std::ifstream self("/proc/self/cgroup");
  for (std::string line; std::getline(self, line);) {
    if (!line.starts_with("0::")) continue;
    std::string path = line.substr(3);
    while (true) {
      if (std::ifstream in("/sys/fs/cgroup" + path + "/" + file); in) f(in);
      const std::size_t slash = path.rfind('/');
      if (path.empty() || slash == std::string::npos) break;
      path.resize(slash);
    }
  }
}

}  // namespace

int processor_count() {
  if (const char* text = std::getenv("ANABRANCH_NUM_THREADS")) {
    const int n = std::atoi(text);
    if (n > 0) return n;
  }
  cpu_set_t set;
  int n =
      sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  for_each_cgroup("cpu.max", [&](std::ifstream& in) {
    std::string quota;
    double period = 0;
    if (in >> quota >> period && quota != "max" && period > 0)
      n = std::min(n, static_cast<int>(std::ceil(std::atof(quota.c_str()) / period)));
  });
  return std::max(n, 1);
}

std::size_t memory_size() {
  std::size_t bytes =
      static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  for_each_cgroup("memory.max", [&](std::ifstream& in) {
    std::size_t limit = 0;
    if (in >> limit) bytes = std::min(bytes, limit);
  });
  return bytes;
}

}  // namespace anabranch::runtime
