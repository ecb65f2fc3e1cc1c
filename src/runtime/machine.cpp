#include "runtime/machine.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <vector>

namespace anabranch::runtime {
namespace {

// Where the files of a controller's cgroups are: `folder` is that of the cgroup `top`.
struct Hierarchy {
  bool unified = false;  // version 2
  std::string folder, top;
};

bool lists(const std::string& commas, const std::string& word) {
  return ("," + commas + ",").find("," + word + ",") != std::string::npos;
}

// The hierarchies that can limit a controller: its own of version 1, and that of version 2.
std::vector<Hierarchy> hierarchies(const std::string& root, const std::string& controller) {
  std::vector<Hierarchy> found;
  std::ifstream mounts(root + "/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    // 36 35 98:0 /top /folder rw,noatime master:1 - cgroup source rw,memory
    std::istringstream words(line);
    std::string skipped, top, folder, word, type, options;
    words >> skipped >> skipped >> skipped >> top >> folder;
    while (words >> word && word != "-") continue;
    words >> type >> skipped >> options;
    const bool unified = type == "cgroup2";
    if (unified || (type == "cgroup" && lists(options, controller)))
      found.push_back({unified, root + folder, top == "/" ? "" : top});
  }
  return found;
}

// The path of this process's cgroup in a hierarchy.
std::optional<std::string> own_cgroup(const std::string& root, const std::string& controller, bool unified) {
  std::ifstream self(root + "/proc/self/cgroup");
  for (std::string line; std::getline(self, line);) {
    // 4:memory:/path, or 0::/path in version 2
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (unified ? controllers.empty() && line.starts_with("0:") : lists(controllers, controller))
      return line.substr(second + 1);
  }
  return std::nullopt;
}

// Calls f(folder, unified) for the folders of this process's cgroup and of those around it.
template <typename F>
void for_each_cgroup(const std::string& root, const std::string& controller, F f) {
  for (const Hierarchy& h : hierarchies(root, controller)) {
    std::string path = own_cgroup(root, controller, h.unified).value_or("/");
    // In a container the path can be one of the host's, of which only the end is mounted.
    if (path.starts_with(h.top)) path.erase(0, h.top.size());
    while (true) {
      f(h.folder + (path == "/" ? "" : path), h.unified);
      const std::size_t slash = path.rfind('/');
      if (path.empty() || path == "/" || slash == std::string::npos) break;
      path.resize(slash);
    }
  }
}

// The number that a file holds; nothing where there is none ("max", or no file).
std::optional<double> number_in(const std::string& file) {
  double value;
  if (std::ifstream in(file); in >> value) return value;
  return std::nullopt;
}

double processors_of(const std::string& folder, bool unified) {
  std::optional<double> quota, period;
  if (unified) {
    std::ifstream in(folder + "/cpu.max");
    double q, p;
    if (in >> q >> p) quota = q, period = p;
  } else {
    quota = number_in(folder + "/cpu.cfs_quota_us");  // -1: none
    period = number_in(folder + "/cpu.cfs_period_us");
  }
  const bool limited = quota && period && *quota > 0 && *period > 0;
  return limited ? *quota / *period : std::numeric_limits<double>::infinity();
}

}  // namespace

Allowance cgroup_allowance(const std::string& root) {
  Allowance a{std::numeric_limits<double>::infinity(), std::numeric_limits<std::size_t>::max()};
  for_each_cgroup(root, "cpu", [&](const std::string& folder, bool unified) {
    a.processors = std::min(a.processors, processors_of(folder, unified));
  });
  for_each_cgroup(root, "memory", [&](const std::string& folder, bool unified) {
    const auto limit = number_in(folder + (unified ? "/memory.max" : "/memory.limit_in_bytes"));
    if (limit && *limit > 0 && *limit < 1e18) a.memory = std::min(a.memory, static_cast<std::size_t>(*limit));
  });
  return a;
}

int processor_count() {
  if (const char* text = std::getenv("ANABRANCH_NUM_THREADS")) {
    const int n = std::atoi(text);
    if (n > 0) return n;
  }
  cpu_set_t set;
  const int n =
      sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  return std::max(1, static_cast<int>(std::min<double>(n, std::ceil(cgroup_allowance().processors))));
}

std::size_t memory_size() {
  const std::size_t machine =
      static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return std::min(machine, cgroup_allowance().memory);
}

std::size_t default_memory_limit() {
  const std::size_t size = memory_size();
  return size - std::min(size / 4, std::max(size / 16, std::size_t{128} << 20));
}

}  // namespace anabranch::runtime
