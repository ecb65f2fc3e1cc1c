#include "runtime/parking.h"

#include <limits>

#include "runtime/pool.h"
#include "runtime/registry.h"
#include "runtime/stream_state.h"
#include "runtime/wait.h"

namespace anabranch::runtime {
namespace {

struct Parking {
  Mutex mutex;
  // All below: under mutex.
  StreamQueue<&StreamState::next_parked> parked;
  std::uint64_t taken = 0;  // how often some were taken out
  [[no_unique_address]] AccessCheck guarded{"what is parked"};
};

// Never destroyed, as the streams in it.
Parking& parking() {
  static Parking& p = *new Parking;
  return p;
}

constexpr std::size_t all = std::numeric_limits<std::size_t>::max();

// Has the oldest go on, `most` of them at most; `lock` is held and given back. Others may park meanwhile and have taken
// these for what moves: the caller reconsiders.
void take_and_unpark(std::size_t most, bool last_try, Lock& lock) {
  Parking& p = parking();
  StreamQueue<&StreamState::next_parked> taken;
  for (; !p.parked.empty() && most > 0; --most) {
    p.parked.front()->will_unpark();
    taken.push(p.parked.pop());
    parked_strands.fetch_sub(1);
  }
  ++p.taken;
  lock.unlock();
  while (!taken.empty()) taken.pop()->unpark(last_try);
}

// A look at all streams, one after the other: as long as it holds, those that were found parked are so still.
class Look {
 public:
  Look() {
    Lock lock(parking().mutex);
    taken_ = parking().taken;
  }
  // Holding the lock.
  bool holds() const { return parking().taken == taken_; }

 private:
  std::uint64_t taken_;
};

bool has_freed_since(const OutOfMemory& refusal) { return refusal.arena->figures().frees != refusal.frees; }

}  // namespace

void retry_parked() {
  const NewMayFail here;
  Lock lock(parking().mutex);
  take_and_unpark(all, false, lock);
  reconsider_parked();
}

void park(Ref<StreamState> stream, const OutOfMemory& refusal) {
  Parking& p = parking();
  {
    Lock lock(p.mutex);
    p.guarded.write();
    p.parked.push(std::move(stream));
    parked_strands.fetch_add(1);
  }
  // The arena's lock orders this after parked_strands: a free that is not seen here sees that.
  if (has_freed_since(refusal)) memory_was_freed();
  else reconsider_parked();
}

void fail_oldest_parked_unless_something_moves() {
  const NewMayFail here;
  while (parked_strands.load() != 0) {
    const Look look;
    const bool workers = Pool::get().has_workers();
    bool moving = false;
    for (Ref<StreamState> s = next_stream(nullptr); s; s = next_stream(s.get())) {
      moving |= s->is_moving(workers);
      // Who promised to run it may be waiting for what is parked.
      if (workers) s->schedule();
    }
    if (moving) return;
    Lock lock(parking().mutex);
    if (!look.holds()) continue;
    // Without workers it is run by who waits for it, which may be nobody: then the next one goes on, too.
    take_and_unpark(1, true, lock);
  }
}

bool may_be_helped(const StreamState& self, const OutOfMemory& refusal) {
  const Look look;
  const bool workers = Pool::get().has_workers();
  for (Ref<StreamState> s = next_stream(nullptr); s; s = next_stream(s.get()))
    if (s.get() != &self && s->is_moving(workers)) return true;
  if (has_freed_since(refusal)) return true;
  Lock lock(parking().mutex);
  return !look.holds();
}

Mutex& parking_mutex() { return parking().mutex; }
void forget_parked() {
  parked_strands.store(0);
  while (!parking().parked.empty()) parking().parked.pop();
}

bool wait_for_memory(const OutOfMemory& refusal) {
  bool waited = false;
  for (Ref<StreamState> s = next_stream(nullptr); s; s = next_stream(s.get())) {
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
