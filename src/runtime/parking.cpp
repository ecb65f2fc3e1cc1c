#include "runtime/parking.h"

#include <deque>
#include <limits>

#include "runtime/pool.h"
#include "runtime/registry.h"
#include "runtime/stream_state.h"
#include "runtime/wait.h"

namespace anabranch::runtime {
namespace {

struct Parking {
  Mutex mutex;
  std::deque<Ref<StreamState>> parked;  // under mutex; the oldest first
};

// Never destroyed, as the streams in it.
Parking& parking() {
  static Parking& p = *new Parking;
  return p;
}

constexpr std::size_t all = std::numeric_limits<std::size_t>::max();

// Holding the lock.
std::vector<Ref<StreamState>> take(std::size_t most) {
  Parking& p = parking();
  std::vector<Ref<StreamState>> out;
  while (!p.parked.empty() && out.size() < most) {
    out.push_back(std::move(p.parked.front()));
    p.parked.pop_front();
  }
  parked_strands.store(p.parked.size());
  return out;
}

std::vector<Ref<StreamState>> take_parked(std::size_t most) {
  Lock lock(parking().mutex);
  return take(most);
}

bool has_freed_since(const OutOfMemory& refusal) { return refusal.arena->figures().frees != refusal.frees; }

}  // namespace

void retry_parked() {
  for (const auto& stream : take_parked(all)) stream->unpark(false);
}

void park(Ref<StreamState> stream, const OutOfMemory& refusal) {
  Parking& p = parking();
  {
    Lock lock(p.mutex);
    p.parked.push_back(std::move(stream));
    parked_strands.store(p.parked.size());
  }
  // The arena's lock orders this after parked_strands: a free that is not seen here sees that.
  if (has_freed_since(refusal)) memory_was_freed();
  else reconsider_parked();
}

void fail_oldest_parked_unless_something_moves() {
  const bool workers = Pool::get().has_workers();
  bool moving = false;
  for (const auto& s : open_streams(Listing::All)) {
    moving |= s->is_moving(workers);
    // Who promised to run it may be waiting for what is parked.
    if (workers) s->schedule();
  }
  if (moving) return;
  // Without workers each is run by who waits for it: the others can't wait for the oldest one, for which nobody may.
  for (const auto& oldest : take_parked(workers ? 1 : all)) oldest->unpark(true);
}

bool may_be_helped(const StreamState& self, const OutOfMemory& refusal) {
  const bool workers = Pool::get().has_workers();
  for (const auto& s : open_streams(Listing::All))
    if (s.get() != &self && s->is_moving(workers)) return true;
  return has_freed_since(refusal);
}

Mutex& parking_mutex() { return parking().mutex; }
std::vector<Ref<StreamState>> forget_parked() { return take(all); }

bool wait_for_memory(const OutOfMemory& refusal) {
  bool waited = false;
  for (const auto& s : open_streams(Listing::All)) {
    if (has_freed_since(refusal)) return true;
    const std::uint64_t n = s->completed();
    if (n >= s->submitted()) continue;
    s->schedule();
    wait(Event(s, n + 1));
    waited = true;
  }
  return waited || has_freed_since(refusal);
}

}  // namespace anabranch::runtime
