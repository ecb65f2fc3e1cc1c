#include "runtime/creation.h"

#include <unordered_map>

namespace anabranch::runtime {
namespace {

struct Places {
  Mutex mutex;
  std::unordered_map<const void*, std::string> of;
};

// Never destroyed: operations may go after main() has returned.
Places& places() {
  static Places& p = *new Places;
  return p;
}

}  // namespace

void trace_creation(CreationHook hook) { creation::hook.store(hook, std::memory_order_relaxed); }

namespace creation {

Atomic<CreationHook> hook{nullptr};

void remember(const void* operation) {
  std::string place = hook.load(std::memory_order_relaxed)();
  if (place.empty()) return;
  Places& p = places();
  Lock lock(p.mutex);
  p.of.insert_or_assign(operation, std::move(place));
}

void forget(const void* operation) noexcept {
  Places& p = places();
  Lock lock(p.mutex);
  p.of.erase(operation);
}

Mutex& mutex() { return places().mutex; }

}  // namespace creation

std::string creation_of(const void* operation) {
  if (!creation::hook.load(std::memory_order_relaxed)) return {};
  Places& p = places();
  Lock lock(p.mutex);
  const auto found = p.of.find(operation);
  return found == p.of.end() ? std::string() : found->second;
}

}  // namespace anabranch::runtime
