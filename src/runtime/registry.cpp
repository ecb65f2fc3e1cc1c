#include "runtime/registry.h"

#include <algorithm>

namespace anabranch::runtime {
namespace {

constexpr int unlisted = -1;

struct Registry {
  Mutex mutex;
  std::vector<StreamState*> streams;  // by index
  int next_index = 0;
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

}  // namespace

Ref<StreamState> open_stream(Device device) {
  Registry& r = registry();
  Lock lock(r.mutex);
  Ref<StreamState> stream(new StreamState(r.next_index++, device));
  r.streams.push_back(stream.get());
  return stream;
}

Ref<StreamState> open_unlisted_stream(Device device) { return Ref<StreamState>(new StreamState(unlisted, device)); }

std::vector<Ref<StreamState>> open_streams() {
  Registry& r = registry();
  Lock lock(r.mutex);
  std::vector<Ref<StreamState>> out;
  for (StreamState* s : r.streams)
    if (try_retain(s)) out.push_back(Ref<StreamState>::adopt(s));
  return out;
}

Mutex& registry_mutex() { return registry().mutex; }
const std::vector<StreamState*>& registered_streams() { return registry().streams; }

void release(StreamState* s) noexcept {
  if (s->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (s->index != unlisted) {
    Registry& r = registry();
    Lock lock(r.mutex);
    auto at = std::lower_bound(r.streams.begin(), r.streams.end(), s,
                               [](StreamState* a, StreamState* b) { return a->index < b->index; });
    r.streams.erase(at);
  }
  delete s;
}

}  // namespace anabranch::runtime
