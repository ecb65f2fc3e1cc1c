// What cgroups allow, read from trees of files such as kernels and containers show.
#include "runtime/machine.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>

namespace anabranch::runtime {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();
constexpr double no_quota = std::numeric_limits<double>::infinity();

// A root with these files.
class Tree {
 public:
  explicit Tree(const std::map<std::string, std::string>& files) {
    std::string name = (fs::temp_directory_path() / "anabranch-machine-XXXXXX").string();
    root_ = mkdtemp(name.data());
    for (const auto& [path, text] : files) {
      fs::create_directories((root_ + path).substr(0, (root_ + path).rfind('/')));
      std::ofstream(root_ + path) << text;
    }
  }
  ~Tree() { fs::remove_all(root_); }
  Allowance allowance() const { return cgroup_allowance(root_); }

 private:
  std::string root_;
};

constexpr const char* v2_mount = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr const char* v1_mounts =
    "20 19 0:19 / /sys rw - sysfs sysfs rw\n"
    "31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw shared:10 - cgroup cgroup rw,cpu,cpuacct\n"
    "32 30 0:28 / /sys/fs/cgroup/memory rw shared:11 - cgroup cgroup rw,memory\n"
    "33 30 0:29 / /sys/fs/cgroup/unified rw shared:12 - cgroup2 cgroup2 rw\n";

TEST(Machine, WithoutCgroupsThereIsNoLimit) {
  const Allowance a =
      Tree({{"/proc/self/mountinfo", "20 19 0:19 / /sys rw - sysfs sysfs rw\n"}, {"/proc/self/cgroup", "0::/\n"}})
          .allowance();
  EXPECT_EQ(a.processors, no_quota);
  EXPECT_EQ(a.memory, no_limit);
  EXPECT_EQ(Tree(std::map<std::string, std::string>()).allowance().memory, no_limit);
}

TEST(Machine, Version2TheSmallestOnTheWayOut) {
  const Allowance a = Tree({{"/proc/self/mountinfo", v2_mount},
                            {"/proc/self/cgroup", "0::/user.slice/job\n"},
                            {"/sys/fs/cgroup/user.slice/job/cpu.max", "max 100000\n"},
                            {"/sys/fs/cgroup/user.slice/job/memory.max", "2000000\n"},
                            {"/sys/fs/cgroup/user.slice/cpu.max", "250000 100000\n"},
                            {"/sys/fs/cgroup/user.slice/memory.max", "max\n"},
                            {"/sys/fs/cgroup/other/memory.max", "1\n"}})
                          .allowance();
  EXPECT_EQ(a.processors, 2.5);
  EXPECT_EQ(a.memory, 2'000'000u);
}

TEST(Machine, Version2InAContainer) {
  // With a namespace of its own the container's cgroup is the root; without one the path is the host's.
  for (const char* path : {"0::/\n", "0::/docker/0123\n", "0::/../../elsewhere\n"}) {
    const Allowance a = Tree({{"/proc/self/mountinfo", v2_mount},
                              {"/proc/self/cgroup", path},
                              {"/sys/fs/cgroup/cpu.max", "50000 100000\n"},
                              {"/sys/fs/cgroup/memory.max", "1073741824\n"}})
                            .allowance();
    EXPECT_EQ(a.processors, 0.5) << path;
    EXPECT_EQ(a.memory, 1u << 30) << path;
  }
}

TEST(Machine, Version1) {
  const Allowance a = Tree({{"/proc/self/mountinfo", v1_mounts},
                            {"/proc/self/cgroup", "5:memory:/jobs/a\n3:cpu,cpuacct:/jobs\n0::/\n"},
                            {"/sys/fs/cgroup/cpu,cpuacct/jobs/cpu.cfs_quota_us", "150000\n"},
                            {"/sys/fs/cgroup/cpu,cpuacct/jobs/cpu.cfs_period_us", "100000\n"},
                            {"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n"},
                            {"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"},
                            {"/sys/fs/cgroup/memory/jobs/a/memory.limit_in_bytes", "9223372036854771712\n"},
                            {"/sys/fs/cgroup/memory/jobs/memory.limit_in_bytes", "4096000\n"}})
                          .allowance();
  EXPECT_EQ(a.processors, 1.5);
  EXPECT_EQ(a.memory, 4'096'000u);
}

TEST(Machine, Version1InAContainerThatSeesTheHostsPath) {
  const Allowance a =
      Tree({{"/proc/self/mountinfo", "32 30 0:28 /docker/77 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"},
            {"/proc/self/cgroup", "5:memory:/docker/77/inner\n"},
            {"/sys/fs/cgroup/memory/inner/memory.limit_in_bytes", "700000\n"},
            {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "600000\n"}})
          .allowance();
  EXPECT_EQ(a.processors, no_quota);
  EXPECT_EQ(a.memory, 600'000u);
}

TEST(Machine, NonsenseIsNoLimit) {
  const Allowance a = Tree({{"/proc/self/mountinfo", v2_mount},
                            {"/proc/self/cgroup", "no colons\n0::/\n"},
                            {"/sys/fs/cgroup/cpu.max", "what 0\n"},
                            {"/sys/fs/cgroup/memory.max", "\n"}})
                          .allowance();
  EXPECT_EQ(a.processors, no_quota);
  EXPECT_EQ(a.memory, no_limit);
}

TEST(Machine, FiguresOfThisOneAreSane) {
  EXPECT_GE(processor_count(), 1);
  EXPECT_GT(memory_size(), std::size_t{1} << 20);
  EXPECT_LT(default_memory_limit(), memory_size());
  EXPECT_GE(default_memory_limit(), memory_size() / 4 * 3);
  setenv("ANABRANCH_NUM_THREADS", "7", 1);
  EXPECT_EQ(processor_count(), 7);
  unsetenv("ANABRANCH_NUM_THREADS");
}

}  // namespace
}  // namespace anabranch::runtime
