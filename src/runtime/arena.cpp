#include "runtime/arena.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <new>

#include "runtime/parking.h"
#include "runtime/stream_state.h"

namespace anabranch::runtime {
namespace {

// Four classes to a doubling from 64 bytes on: at most a quarter is wasted.
constexpr std::size_t smallest = 64;

std::uint32_t class_of(std::size_t bytes) {
  if (bytes <= smallest) return 0;
  const int log = std::bit_width(bytes - 1) - 1;  // bytes in (2^log, 2^(log + 1)]
  const std::size_t quarter = std::size_t{1} << (log - 2);
  const std::size_t step = (bytes - (std::size_t{1} << log) + quarter - 1) / quarter;  // 1 to 4
  return static_cast<std::uint32_t>((log - 6) * 4 + static_cast<int>(step));
}

std::size_t class_size(std::uint32_t c) {
  if (c == 0) return smallest;
  const std::uint32_t log = 6 + (c - 1) / 4, step = (c - 1) % 4 + 1;
  return (std::size_t{1} << log) + step * (std::size_t{1} << (log - 2));
}

void put_first(Buffer*& list, Buffer* b) { b->next = std::exchange(list, b); }
Buffer* take_first(Buffer*& list) { return std::exchange(list, list->next); }

bool has_happened(const Event& e) { return e.stream()->completed() >= e.value(); }

}  // namespace

Arena::Arena(MemorySource& source, std::size_t limit, std::string name)
    : source_(source), name_(std::move(name)), limit_(limit), cache_limit_(limit / 4) {}

// A pending block of the class that `stream` may have: at once, or, with `foreign_uses`, after what it adds to `waits`.
Buffer* Arena::from_pending(std::uint32_t size_class, const StreamState* stream, bool foreign_uses,
                            std::vector<Event>* waits) {
  for (Buffer** at = &pending_[size_class]; *at; at = &(*at)->next) {
    Buffer* b = *at;
    const bool in_order = std::all_of(b->uses.begin(), b->uses.end(),
                                      [&](const Event& e) { return e.stream().get() == stream || has_happened(e); });
    if (!in_order && !foreign_uses) continue;
    if (!in_order) std::copy(b->uses.begin(), b->uses.end(), std::back_inserter(*waits));
    *at = b->next;
    --outstanding_;
    return b;
  }
  return nullptr;
}

BufferRef Arena::allocate(std::size_t bytes, const StreamState* stream, std::vector<Event>* waits) {
  if (bytes > (std::size_t{1} << 62)) refuse(bytes, "more than any machine has", figures());
  const std::uint32_t c = class_of(bytes);
  const std::size_t size = class_size(c);
  Buffer* b = nullptr;
  std::uint64_t frees;
  // Given back outside the lock, and before others are taken.
  struct Surplus {
    Arena& arena;
    Buffer* blocks = nullptr;
    void give_back() { arena.give_to_source(std::exchange(blocks, nullptr)); }
    ~Surplus() { give_back(); }
  } surplus{*this};
  {
    Lock lock(mutex_);
    if (injected(Fault::Allocation)) refuse(bytes, "the simulation says so", figures_locked());
    if (active_ + size > limit_) refuse(bytes, "the memory limit would be passed", figures_locked());
    if (outstanding_ && stream) b = from_pending(c, stream, false, waits);
    if (!b && free_[c]) b = take_first(free_[c]);
    if (!b && active_ + cached_ + size > limit_) {
      surplus.blocks = trimmed(limit_ - active_ - size);
      if (active_ + cached_ + size > limit_ && outstanding_ && stream) b = from_pending(c, stream, true, waits);
    }
    if (b) cached_ -= size;
    active_ += size;
    if (active_ > peak_) peak_ = active_;
    frees = frees_;
  }
  surplus.give_back();
  if (!b && !(b = from_source(c))) {
    Lock lock(mutex_);
    active_ -= size;
    Figures f = figures_locked();
    f.frees = frees;  // what has come back since the source was asked may be enough
    refuse(bytes, "there is no more", f);
  }
  b->noted.write();
  std::erase_if(b->uses, has_happened);  // the others stay: this try may be undone before the block is used anew
  b->undone = false;
  if (!stream) b->contents.write();  // after all that its last owner did with it
  b->references.store(1, std::memory_order_relaxed);
  b->size = bytes;
  return BufferRef::adopt(b);
}

// Null where there is no more.
Buffer* Arena::from_source(std::uint32_t size_class) {
  std::unique_ptr<Buffer> b(
      new (std::nothrow) Buffer{.size_class = size_class, .data = nullptr, .size = 0, .arena = this, .uses = {}});
  if (!b) return nullptr;
  b->data = source_.allocate(class_size(size_class));
  if (!b->data) {
    trim(0);
    b->data = source_.allocate(class_size(size_class));
  }
  return b->data ? b.release() : nullptr;
}

void Arena::note_use(Buffer* b, const Event& use) {
  Lock lock(mutex_);
  b->noted.write();
  for (Event& e : b->uses) {
    if (e.stream() == use.stream()) {
      e = use;
      return;
    }
  }
  b->uses.push_back(use);
}

void Arena::take_back(Buffer* b) {
  const std::size_t size = class_size(b->size_class);
  Buffer* blocks = nullptr;
  std::vector<Event> past;  // let go of outside the lock
  bool news;
  {
    Lock lock(mutex_);
    active_ -= size;
    cached_ += size;
    b->noted.write();
    if (!b->uses.empty() && std::all_of(b->uses.begin(), b->uses.end(), has_happened)) past.swap(b->uses);
    if (b->uses.empty()) {
      put_first(free_[b->size_class], b);
    } else {
      put_first(pending_[b->size_class], b);
      ++outstanding_;
    }
    if (cached_ > cache_limit_) blocks = trimmed(cache_limit_);
    news = !b->undone;
    frees_ += news;
  }
  give_to_source(blocks);
  if (news) memory_was_freed();
}

void Arena::undo(BufferRef b) {
  if (b->references.load(std::memory_order_relaxed) == 1) b->undone = true;
}

void Arena::sweep() {
  Buffer* done = nullptr;
  {
    Lock lock(mutex_);
    if (outstanding_ == 0) return;
    for (Buffer*& pending : pending_) {
      for (Buffer** at = &pending; *at;) {
        Buffer* b = *at;
        if (std::all_of(b->uses.begin(), b->uses.end(), has_happened)) {
          *at = b->next;
          put_first(done, b);
          --outstanding_;
        } else {
          at = &b->next;
        }
      }
    }
  }
  if (!done) return;
  for (Buffer* b = done; b; b = b->next) b->uses.clear();  // outside the lock: it may be the end of streams
  {
    Lock lock(mutex_);
    while (done) {
      Buffer* b = take_first(done);
      put_first(free_[b->size_class], b);
    }
    ++frees_;
  }
  memory_was_freed();
}

// Cached blocks, the largest first, taken out until at most `keep` bytes are cached.
Buffer* Arena::trimmed(std::size_t keep) {
  Buffer* out = nullptr;
  for (std::size_t c = free_.size(); c-- > 0 && cached_ > keep;) {
    while (free_[c] && cached_ > keep) {
      put_first(out, take_first(free_[c]));
      cached_ -= class_size(static_cast<std::uint32_t>(c));
    }
  }
  return out;
}

void Arena::trim(std::size_t keep) {
  sweep();
  Buffer* blocks = nullptr;
  {
    Lock lock(mutex_);
    blocks = trimmed(keep);
  }
  give_to_source(blocks);
}

void Arena::give_to_source(Buffer* blocks) {
  while (blocks) {
    Buffer* b = take_first(blocks);
    source_.free(b->data, class_size(b->size_class));
    delete b;
  }
}

Arena::Figures Arena::figures() {
  Lock lock(mutex_);
  return figures_locked();
}

void Arena::reset_peak() {
  Lock lock(mutex_);
  peak_ = 0;
}

void Arena::set_limit(std::size_t limit) {
  {
    Lock lock(mutex_);
    limit_ = limit;
    ++frees_;
  }
  memory_was_freed();
}

void Arena::set_cache_limit(std::size_t limit) {
  {
    Lock lock(mutex_);
    cache_limit_ = limit;
  }
  trim(limit);
}

void Arena::refuse(std::size_t bytes, const char* why, const Figures& f) {
  throw OutOfMemory("Unable to allocate " + std::to_string(bytes) + " bytes of " + name_ + ": " + why + " (" +
                        std::to_string(f.active) + " bytes in use, " + std::to_string(f.cached) + " cached, limit " +
                        std::to_string(f.limit) + ").",
                    this, f.frees);
}

}  // namespace anabranch::runtime
