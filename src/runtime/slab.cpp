#include "runtime/slab.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>

#include "runtime/machine.h"

namespace anabranch::runtime {
namespace {

constexpr std::size_t slab_bytes = std::size_t{256} << 10;
constexpr int magazine_size = 64;
// What is kept beyond the threads' caches: this part of the memory that the process may use. Above it, half is given
// back, as far as whole slabs are free.
constexpr std::size_t kept_part = 64;

// What a free block holds.
struct Free {
  Free* next;           // in its magazine
  Free* next_magazine;  // of the first block of a magazine in the depot
  int count;            // blocks, likewise
};

// At the start of each slab, which is aligned to its size.
struct Slab {
  std::size_t free;  // blocks in the depot, counted by trim()
  Slab* next;        // among those that go
  static Slab* of(void* block) {
    return reinterpret_cast<Slab*>(reinterpret_cast<std::uintptr_t>(block) & ~(slab_bytes - 1));
  }
};
static_assert(sizeof(Free) <= slab_block_bytes && sizeof(Slab) <= slab_block_bytes);
constexpr std::size_t blocks_in_slab = slab_bytes / slab_block_bytes - 1;

// Blocks that no thread has.
class Depot {
 public:
  // A magazine.
  Free* take();
  void put(Free* magazine, int count);
  void trim();

  Mutex mutex;  // held for all of it

 private:
  Free* carve();
  void add(Free* magazine, int count);
  void trim_to(std::size_t keep);

  Free* magazines_ = nullptr;
  std::size_t blocks_ = 0;  // in magazines_
  std::size_t most_ = memory_size() / kept_part / slab_block_bytes;
  std::size_t trim_at_ = most_;
  char* fresh_ = nullptr;  // the part of the newest slab that was never used
  char* fresh_end_ = nullptr;
};

Depot& depot() {
  static Depot& d = *new Depot;  // never destroyed: operations may go after main() has returned
  return d;
}

Free* Depot::take() {
  Free* const magazine = magazines_;
  if (!magazine) return carve();
  magazines_ = magazine->next_magazine;
  blocks_ -= static_cast<std::size_t>(magazine->count);
  return magazine;
}

Free* Depot::carve() {
  if (fresh_ == fresh_end_) {
    void* slab = std::aligned_alloc(slab_bytes, slab_bytes);
    if (!slab) throw std::bad_alloc();
    fresh_ = static_cast<char*>(slab) + slab_block_bytes;
    fresh_end_ = fresh_ + blocks_in_slab * slab_block_bytes;
  }
  Free* magazine = nullptr;
  char* const end = fresh_ + std::min<std::ptrdiff_t>(fresh_end_ - fresh_, magazine_size * slab_block_bytes);
  const int count = static_cast<int>((end - fresh_) / static_cast<std::ptrdiff_t>(slab_block_bytes));
  for (char* block = end; block != fresh_;)  // the first is the first to be used
    magazine = new (block -= slab_block_bytes) Free{magazine, nullptr, count};
  fresh_ = end;
  return magazine;
}

void Depot::add(Free* magazine, int count) {
  magazine->next_magazine = magazines_;
  magazine->count = count;
  magazines_ = magazine;
  blocks_ += static_cast<std::size_t>(count);
}

void Depot::put(Free* magazine, int count) {
  add(magazine, count);
  if (blocks_ > trim_at_) trim_to(most_ / 2);
}

void Depot::trim() { trim_to(0); }

// Gives free slabs back until at most `keep` blocks are left.
void Depot::trim_to(std::size_t keep) {
  Free* all = nullptr;
  for (Free* m = magazines_; m;) {
    Free* const next_magazine = m->next_magazine;
    for (Free* b = m; b;) {
      Free* const next = b->next;
      Slab::of(b)->free = 0;
      b->next = all;
      all = b;
      b = next;
    }
    m = next_magazine;
  }
  const Slab* const newest = fresh_ == fresh_end_ ? nullptr : Slab::of(fresh_);
  Slab* going = nullptr;
  std::size_t left = blocks_;
  constexpr std::size_t goes = blocks_in_slab + 1;
  for (Free* b = all; b; b = b->next) {
    Slab* const slab = Slab::of(b);
    if (++slab->free < blocks_in_slab || slab == newest || left <= keep) continue;
    slab->free = goes;
    slab->next = going;
    going = slab;
    left -= blocks_in_slab;
  }
  magazines_ = nullptr;
  blocks_ = 0;
  Free* magazine = nullptr;
  int count = 0;
  for (Free* b = all; b;) {
    Free* const next = b->next;
    if (Slab::of(b)->free != goes) {
      b->next = magazine;
      magazine = b;
      if (++count == magazine_size) {
        add(magazine, count);
        magazine = nullptr;
        count = 0;
      }
    }
    b = next;
  }
  if (magazine) add(magazine, count);
  while (going) std::free(std::exchange(going, going->next));
  trim_at_ = std::max(most_, 2 * blocks_);  // what is scattered over slabs in use is not looked through again and again
}

// A thread's blocks: the magazine it takes from and gives to, and a full one, so that the depot is asked for every 64th
// block at most.
struct Cache {
  Free* head = nullptr;
  int count = 0;
  Free* full = nullptr;
};

// Without a destructor, so that it can be used to the very end of its thread.
Cache& cache() {
  ANABRANCH_THREAD_LOCAL(Cache, c);
  return c;
}
bool& ended() {
  ANABRANCH_THREAD_LOCAL(bool, e);
  return e;
}

// Gives the cache back when its thread ends.
struct CacheEnd {
  ~CacheEnd() {
    ended() = true;
    const Cache c = std::exchange(cache(), {});
    Lock lock(depot().mutex);
    if (c.head) depot().put(c.head, c.count);
    if (c.full) depot().put(c.full, magazine_size);
  }
};

void expect_end() { ANABRANCH_THREAD_LOCAL(CacheEnd, end); }

}  // namespace

Mutex& slab_mutex() { return depot().mutex; }

// Tools that look for uses after the end want each block from malloc. The simulation's atomics are larger, too.
#if defined(ANABRANCH_SIMULATED) || defined(__SANITIZE_ADDRESS__)

void* allocate_block(std::size_t bytes) { return ::operator new(bytes); }
void free_block(void* block) noexcept { ::operator delete(block); }

#else

void* allocate_block(std::size_t) {
  Cache& c = cache();
  if (!c.head && c.full) {
    c.head = std::exchange(c.full, nullptr);
    c.count = magazine_size;
  } else if (!c.head) {
    if (!ended()) expect_end();
    Lock lock(depot().mutex);
    c.head = depot().take();
    c.count = c.head->count;
    if (ended() && c.head->next) depot().put(std::exchange(c.head->next, nullptr), std::exchange(c.count, 1) - 1);
  }
  Free* const block = c.head;
  c.head = block->next;
  --c.count;
  // After a large graph blocks are cold; the next one is on its way while this one is filled.
  for (std::size_t line = 0; line < slab_block_bytes; line += 64)
    __builtin_prefetch(reinterpret_cast<char*>(c.head) + line, 1);
  return block;
}

void free_block(void* p) noexcept {
  Free* const block = new (p) Free{nullptr, nullptr, 0};
  Cache& c = cache();
  if (ended()) {
    Lock lock(depot().mutex);
    return depot().put(block, 1);
  }
  if (c.count == magazine_size) {
    if (c.full) {
      Lock lock(depot().mutex);
      depot().put(c.full, magazine_size);
    }
    c.full = std::exchange(c.head, nullptr);
    c.count = 0;
  }
  if (c.count == 0) expect_end();
  block->next = c.head;
  c.head = block;
  ++c.count;
}

#endif

void trim_slabs() {
  Lock lock(depot().mutex);
  depot().trim();
}

}  // namespace anabranch::runtime
