// Whether the commands of simulated devices that use the same memory are ordered: by their queue, by a wait for another
// queue's signal, or because the host had seen the earlier one signalled before it added the later one. A use that is
// not is an error even where this schedule happens to do things in the right order. Under the deterministic scheduler
// alone; elsewhere it would only remember more and more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace anabranch::backends::sim {

#ifdef ANABRANCH_SIMULATED
inline constexpr bool checks_order = true;
#else
inline constexpr bool checks_order = false;
#endif

// Of each queue, by its number, how many commands are known to be done: a vector clock.
using Known = std::map<int, std::uint64_t>;
void learn(Known& known, const Known& more);

// What has been done with a device's memory. The machine's lock guards it.
class UsesOfMemory {
 public:
  void allocated(const void* base, std::size_t bytes);
  void freed(const void* base);
  // What was noted is over, to the knowledge of all.
  void all_done();
  // Notes the use by command number `command` of queue `queue`, which knows `known`; why it may not be, or nothing.
  std::string use(const void* address, bool write, int queue, std::uint64_t command, const Known& known);

 private:
  struct Block {
    std::size_t bytes;
    int writer = -1;
    std::uint64_t written = 0;
    Known reads;  // since then
  };
  std::map<std::uintptr_t, Block> blocks_;  // by address
};

}  // namespace anabranch::backends::sim
