#include "backends/sim/order.h"

#include <algorithm>

namespace anabranch::backends::sim {
namespace {

bool knows(const Known& known, int queue, std::uint64_t command) {
  const auto found = known.find(queue);
  return found != known.end() && found->second >= command;
}

std::string complaint(const char* does, int queue, const char* did, int other) {
  return "Simulated GPU: queue " + std::to_string(queue) + " " + does + " memory that queue " + std::to_string(other) +
         " " + did + ", and nothing orders the two.";
}

}  // namespace

void learn(Known& known, const Known& more) {
  for (const auto& [queue, command] : more) {
    std::uint64_t& mine = known[queue];
    mine = std::max(mine, command);
  }
}

void UsesOfMemory::allocated(const void* base, std::size_t bytes) {
  blocks_[reinterpret_cast<std::uintptr_t>(base)] = {bytes, -1, 0, {}};
}

void UsesOfMemory::freed(const void* base) { blocks_.erase(reinterpret_cast<std::uintptr_t>(base)); }

void UsesOfMemory::all_done() {
  for (auto& [base, block] : blocks_) {
    block.writer = -1;
    block.reads.clear();
  }
}

std::string UsesOfMemory::use(const void* address, bool write, int queue, std::uint64_t command, const Known& known) {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  auto found = blocks_.upper_bound(at);
  if (found == blocks_.begin()) return "Simulated GPU: a command was given memory that was never allocated.";
  Block& block = std::prev(found)->second;
  if (at >= std::prev(found)->first + block.bytes) return "Simulated GPU: a command was given memory that is freed.";
  if (block.writer >= 0 && !knows(known, block.writer, block.written))
    return complaint(write ? "writes" : "reads", queue, "writes", block.writer);
  if (write) {
    for (const auto& [reader, read] : block.reads)
      if (!knows(known, reader, read)) return complaint("writes", queue, "reads", reader);
    block.writer = queue;
    block.written = command;
    block.reads.clear();
  } else {
    block.reads[queue] = command;
  }
  return {};
}

}  // namespace anabranch::backends::sim
