#include "runtime/registry.h"

#include <algorithm>
#include <map>

#include "runtime/arena.h"
#include "runtime/backend.h"

namespace anabranch::runtime {
namespace {

constexpr int unlisted = -1;

struct Registry {
  Mutex mutex;
  std::list<StreamState*> streams;  // in the order of their opening
  int next_index = 0;
  [[no_unique_address]] AccessCheck guarded{"the list of streams"};
  std::map<std::pair<Device, Transfer>, Ref<StreamState>> copy_streams;
};

// Never destroyed: streams may be dropped after main() has returned.
Registry& registry() {
  static Registry& r = *new Registry;
  return r;
}

// Takes a reference unless the last one is gone already.
bool try_retain(StreamState* s) {
  std::uint32_t n = s->references.load(std::memory_order_relaxed);
  while (n != 0)
    if (s->references.compare_exchange_weak(n, n + 1)) return true;
  return false;
}

Ref<StreamState> open(Device device, int priority, std::unique_ptr<Queue> queue, bool listed) {
  // The parts that may throw come first, without the lock.
  Arena& arena = arena_of(device);
  std::list<StreamState*> entry(1);
  Registry& r = registry();
  Lock lock(r.mutex);
  Ref<StreamState> stream(
      new StreamState(listed ? r.next_index++ : unlisted, device, priority, arena, std::move(queue)));
  r.guarded.write();
  entry.front() = stream.get();
  r.streams.splice(r.streams.end(), entry);
  stream->position = std::prev(r.streams.end());
  return stream;
}

Ref<StreamState> open(Device device, int priority, bool listed) {
  Backend& backend = *find_backend(device.type);
  priority = std::clamp(priority, backend.most_urgent(device.index), 0);
  return open(device, priority, backend.open_queue(device.index, priority), listed);
}

}  // namespace

Ref<StreamState> open_stream(Device device, int priority) { return open(device, priority, true); }
Ref<StreamState> open_stream(Device device, std::unique_ptr<Queue> queue) {
  return open(device, 0, std::move(queue), true);
}
Ref<StreamState> open_unlisted_stream(Device device) { return open(device, 0, false); }

Ref<StreamState> copy_stream(Device device, Transfer transfer) {
  Registry& r = registry();
  {
    Lock lock(r.mutex);
    if (const auto found = r.copy_streams.find({device, transfer}); found != r.copy_streams.end()) return found->second;
  }
  Ref<StreamState> fresh = open_unlisted_stream(device);
  Lock lock(r.mutex);
  return r.copy_streams.try_emplace({device, transfer}, fresh).first->second;
}

void close_copy_streams() {
  decltype(Registry::copy_streams) closed;
  Lock lock(registry().mutex);
  closed.swap(registry().copy_streams);
  lock.unlock();  // the end of a stream takes it
}

std::vector<Ref<StreamState>> open_streams(Listing listing) {
  Registry& r = registry();
  Lock lock(r.mutex);
  std::vector<Ref<StreamState>> out;
  for (StreamState* s : r.streams)
    if ((listing == Listing::All || s->index != unlisted) && try_retain(s)) out.push_back(Ref<StreamState>::adopt(s));
  return out;
}

Ref<StreamState> next_stream(const StreamState* previous) {
  Registry& r = registry();
  Lock lock(r.mutex);
  for (auto at = previous ? std::next(previous->position) : r.streams.begin(); at != r.streams.end(); ++at)
    if (StreamState* s = *at; try_retain(s)) return Ref<StreamState>::adopt(s);
  return {};
}

Mutex& registry_mutex() { return registry().mutex; }
const std::list<StreamState*>& registered_streams() { return registry().streams; }

void release(StreamState* s) noexcept {
  if (s->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  {
    Registry& r = registry();
    Lock lock(r.mutex);
    r.streams.erase(s->position);
  }
  delete s;
}

}  // namespace anabranch::runtime
