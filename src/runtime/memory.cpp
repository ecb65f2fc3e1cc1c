#include "runtime/memory.h"

#include <sys/mman.h>

#include <bit>
#include <cstdlib>
#include <vector>

#include "anabranch/error.h"
#include "anabranch/memory.h"
#include "runtime/machine.h"

namespace anabranch::runtime {
namespace {

// Four classes to a doubling from 64 bytes on: at most a quarter is wasted.
constexpr std::uint32_t foreign_class = ~0u;
constexpr std::size_t smallest = 64;
constexpr std::size_t huge_page = std::size_t{2} << 20;

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

void* from_system(std::size_t bytes) {
  if (bytes < huge_page) return std::aligned_alloc(64, (bytes + 63) / 64 * 64);
  void* p = std::aligned_alloc(huge_page, (bytes + huge_page - 1) / huge_page * huge_page);
  if (p) madvise(p, bytes, MADV_HUGEPAGE);  // advice: where it is refused, pages are small
  return p;
}

struct Allocator {
  Mutex mutex;
  // All guarded by mutex.
  std::vector<std::vector<Buffer*>> free_lists{256};
  std::size_t active = 0, peak = 0, cached = 0;
  std::size_t limit = memory_size();
  std::size_t cache_limit = limit / 4;
  std::size_t wired_limit = 0;

  // Takes cached blocks out, the largest first, until at most `keep` bytes are cached.
  std::vector<Buffer*> trim(std::size_t keep) {
    std::vector<Buffer*> out;
    for (std::size_t c = free_lists.size(); c-- > 0 && cached > keep;) {
      while (!free_lists[c].empty() && cached > keep) {
        out.push_back(free_lists[c].back());
        free_lists[c].pop_back();
        cached -= class_size(static_cast<std::uint32_t>(c));
      }
    }
    return out;
  }
};

// Never destroyed: arrays may be dropped after main() has returned.
Allocator& allocator() {
  static Allocator& a = *new Allocator;
  return a;
}

void give_back(const std::vector<Buffer*>& blocks) {
  for (Buffer* b : blocks) {
    std::free(b->data);
    delete b;
  }
}

[[noreturn]] void refuse(std::size_t bytes, const char* why) {
  Allocator& a = allocator();
  throw MemoryError("Unable to allocate " + std::to_string(bytes) + " bytes: " + why + " (" + std::to_string(a.active) +
                    " bytes in use, " + std::to_string(a.cached) + " cached, limit " + std::to_string(a.limit) + ").");
}

}  // namespace

Mutex& allocator_mutex() { return allocator().mutex; }

BufferRef allocate(std::size_t bytes) {
  Allocator& a = allocator();
  if (bytes > (std::size_t{1} << 62)) refuse(bytes, "more than any machine has");
  const std::uint32_t c = class_of(bytes);
  const std::size_t size = class_size(c);
  Buffer* b = nullptr;
  std::vector<Buffer*> trimmed;
  {
    Lock lock(a.mutex);
    if (injected(Fault::Allocation)) refuse(bytes, "the simulation says so");
    if (a.active + size > a.limit) refuse(bytes, "the memory limit would be passed");
    if (!a.free_lists[c].empty()) {
      b = a.free_lists[c].back();
      a.free_lists[c].pop_back();
      a.cached -= size;
    } else if (a.active + a.cached + size > a.limit) {
      trimmed = a.trim(a.limit - a.active - size);
    }
    a.active += size;
    if (a.active > a.peak) a.peak = a.active;
  }
  give_back(trimmed);
  if (!b) {
    void* p = from_system(size);
    if (!p) {
      clear_cache();
      p = from_system(size);
    }
    if (!p) {
      Lock lock(a.mutex);
      a.active -= size;
      refuse(bytes, "the system has no more");
    }
    b = new Buffer{.size_class = c, .data = p, .size = bytes};
  }
  b->contents.write();  // after all that its last owner did with it
  b->references.store(1, std::memory_order_relaxed);
  b->size = bytes;
  return BufferRef::adopt(b);
}

void* memory_of(const BufferRef& b) { return b->data; }

BufferRef adopt(void* data, std::size_t bytes, std::function<void(void*)> deleter) {
  auto* owner = new std::function<void(void*)>(std::move(deleter));
  return BufferRef::adopt(new Buffer{.size_class = foreign_class, .data = data, .size = bytes, .deleter = owner});
}

bool is_foreign(const Buffer* b) { return b->size_class == foreign_class; }

void retain(Buffer* b) noexcept { b->references.fetch_add(1, std::memory_order_relaxed); }

void release(Buffer* b) noexcept {
  if (b->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (b->size_class == foreign_class) {
    (*b->deleter)(b->data);
    delete b->deleter;
    delete b;
    return;
  }
  Allocator& a = allocator();
  const std::size_t size = class_size(b->size_class);
  std::vector<Buffer*> trimmed;
  {
    Lock lock(a.mutex);
    a.active -= size;
    a.cached += size;
    a.free_lists[b->size_class].push_back(b);
    if (a.cached > a.cache_limit) trimmed = a.trim(a.cache_limit);
  }
  give_back(trimmed);
}

}  // namespace anabranch::runtime

namespace anabranch {
namespace {

using runtime::allocator;
using runtime::Lock;

std::size_t exchange_under_lock(std::size_t& field, std::size_t value) {
  Lock lock(allocator().mutex);
  return std::exchange(field, value);
}

std::size_t read_under_lock(const std::size_t& field) {
  Lock lock(allocator().mutex);
  return field;
}

void trim_to(std::size_t bytes) {
  std::vector<runtime::Buffer*> trimmed;
  {
    Lock lock(allocator().mutex);
    trimmed = allocator().trim(bytes);
  }
  runtime::give_back(trimmed);
}

}  // namespace

std::size_t get_active_memory() { return read_under_lock(allocator().active); }
std::size_t get_peak_memory() { return read_under_lock(allocator().peak); }
void reset_peak_memory() { exchange_under_lock(allocator().peak, 0); }
std::size_t get_cache_memory() { return read_under_lock(allocator().cached); }
std::size_t get_memory_limit() { return read_under_lock(allocator().limit); }
std::size_t set_memory_limit(std::size_t limit) { return exchange_under_lock(allocator().limit, limit); }
std::size_t set_wired_limit(std::size_t limit) { return exchange_under_lock(allocator().wired_limit, limit); }
std::size_t set_cache_limit(std::size_t limit) {
  const std::size_t previous = exchange_under_lock(allocator().cache_limit, limit);
  trim_to(limit);
  return previous;
}
void clear_cache() { trim_to(0); }

}  // namespace anabranch
