// The host's memory, the arenas of the devices, and the public figures.
#include "anabranch/memory.h"

#include <sys/mman.h>

#include <cstdlib>
#include <map>
#include <memory>

#include "runtime/arena.h"
#include "runtime/backend.h"
#include "runtime/interop.h"
#include "runtime/machine.h"
#include "runtime/parking.h"
#include "runtime/slab.h"

namespace anabranch::runtime {
namespace {

constexpr std::uint32_t foreign_class = ~0u;

class SystemMemory final : public MemorySource {
 public:
  void* allocate(std::size_t bytes) override { return system_memory(bytes, 64); }
  void free(void* data, std::size_t) override { std::free(data); }
};

// The devices' arenas, made on first use. Never destroyed: arrays may be dropped after main() has returned.
struct DeviceArenas {
  Mutex mutex;
  std::map<Device, std::unique_ptr<Arena>> arenas;
  std::unique_ptr<Arena> landing;
  std::optional<std::size_t> limit, cache_limit;  // those set for all, also for arenas to come
};

DeviceArenas& of_devices() {
  static DeviceArenas& d = *new DeviceArenas;
  return d;
}

// Limits for the arenas that are made later.
void set_limits_to_come(std::optional<std::size_t> limit, std::optional<std::size_t> cache_limit) {
  Lock lock(of_devices().mutex);
  if (limit) of_devices().limit = limit;
  if (cache_limit) of_devices().cache_limit = cache_limit;
}

}  // namespace

void* system_memory(std::size_t bytes, std::size_t alignment) {
  constexpr std::size_t huge_page = std::size_t{2} << 20;
  const bool huge = bytes >= huge_page;
  if (huge) alignment = huge_page;
  void* p = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (p && huge) madvise(p, bytes, MADV_HUGEPAGE);  // advice: where it is refused, pages are small
  return p;
}

// Never destroyed, as above.
Arena& host_arena() {
  static SystemMemory& system = *new SystemMemory;
  static Arena& a = *new Arena(system, default_memory_limit(), "host memory");
  return a;
}

Arena& arena_of(Device device) {
  MemorySource* source = backend_for(device, "new_stream", "use gpu memory").memory(device.index);
  if (!source) return host_arena();
  DeviceArenas& d = of_devices();
  Lock lock(d.mutex);
  auto& arena = d.arenas[device];
  if (!arena) {
    const auto info = find_backend(device.type)->describe(device.index);
    arena = std::make_unique<Arena>(*source, std::get<std::size_t>(info.at("memory_size")),
                                    "the memory of " + to_string(device));
    if (d.limit) arena->set_limit(*d.limit);
    if (d.cache_limit) arena->set_cache_limit(*d.cache_limit);
  }
  return *arena;
}

Arena& landing_arena(Device::DeviceType from) {
  MemorySource* source = find_backend(from)->host_memory();
  if (!source) return host_arena();
  DeviceArenas& d = of_devices();
  Lock lock(d.mutex);
  if (!d.landing) {
    d.landing = std::make_unique<Arena>(*source, d.limit.value_or(default_memory_limit()), "pinned host memory");
    if (d.cache_limit) d.landing->set_cache_limit(*d.cache_limit);
  }
  return *d.landing;
}

std::optional<Device> device_of(const Arena& arena) {
  Lock lock(of_devices().mutex);
  for (auto& [device, a] : of_devices().arenas)
    if (a.get() == &arena) return device;
  return std::nullopt;
}

Mutex& device_arenas_mutex() { return of_devices().mutex; }

void each_device_arena(void (*visit)(Arena&)) {
  for (auto& [device, arena] : of_devices().arenas) visit(*arena);
  if (of_devices().landing) visit(*of_devices().landing);
}

std::vector<Arena*> arenas() {
  DeviceArenas& d = of_devices();
  Lock lock(d.mutex);
  std::vector<Arena*> out{&host_arena()};
  for (auto& [device, arena] : d.arenas) out.push_back(arena.get());
  if (d.landing) out.push_back(d.landing.get());
  return out;
}

void sweep_arenas() {
  host_arena().sweep();  // of a transfer to it that failed
  DeviceArenas& d = of_devices();
  // Outside the lock: a sweep may be the end of streams, and a fork takes theirs first. And no list of arenas: a thread
  // that retires work must not need memory. None ever goes.
  Lock lock(d.mutex);
  Arena* const landing = d.landing.get();
  for (auto at = d.arenas.begin(); at != d.arenas.end(); ++at) {
    Arena& arena = *at->second;
    lock.unlock();
    arena.sweep();
    lock.lock();
  }
  lock.unlock();
  if (landing) landing->sweep();
}

BufferRef allocate(std::size_t bytes) { return host_arena().allocate(bytes); }

BufferRef allocate_or_wait(std::size_t bytes) {
  while (true) {
    try {
      return allocate(bytes);
    } catch (const OutOfMemory& refusal) {
      if (!wait_for_memory(refusal)) throw;
    }
  }
}

void* memory_of(const BufferRef& b) { return b->data; }

BufferRef adopt(void* data, std::size_t bytes, std::function<void(void*)> deleter) {
  auto owner = std::make_unique<std::function<void(void*)>>(std::move(deleter));
  auto* b = new Buffer{.size_class = foreign_class, .data = data, .size = bytes, .arena = nullptr, .uses = {}};
  b->deleter = owner.release();
  return BufferRef::adopt(b);
}

void retain(Buffer* b) noexcept { b->references.fetch_add(1, std::memory_order_relaxed); }

void release(Buffer* b) noexcept {
  if (b->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (b->lent.load(std::memory_order_relaxed)) return take_back_lent(b);
  if (b->arena) return b->arena->take_back(b);
  (*b->deleter)(b->data);
  delete b->deleter;
  delete b;
}

}  // namespace anabranch::runtime

namespace anabranch {
namespace {

using runtime::Arena;

std::size_t total(std::size_t Arena::Figures::* figure) {
  std::size_t sum = 0;
  for (Arena* a : runtime::arenas()) sum += a->figures().*figure;
  return sum;
}

}  // namespace

std::size_t get_active_memory() { return total(&Arena::Figures::active); }
std::size_t get_peak_memory() { return total(&Arena::Figures::peak); }
void reset_peak_memory() {
  for (Arena* a : runtime::arenas()) a->reset_peak();
}
std::size_t get_cache_memory() { return total(&Arena::Figures::cached); }
std::size_t get_memory_limit() { return runtime::host_arena().figures().limit; }

std::size_t set_memory_limit(std::size_t limit) {
  const std::size_t previous = get_memory_limit();
  runtime::set_limits_to_come(limit, std::nullopt);
  for (Arena* a : runtime::arenas()) a->set_limit(limit);
  return previous;
}

std::size_t set_cache_limit(std::size_t limit) {
  const std::size_t previous = runtime::host_arena().figures().cache_limit;
  runtime::set_limits_to_come(std::nullopt, limit);
  for (Arena* a : runtime::arenas()) a->set_cache_limit(limit);
  return previous;
}

std::size_t set_wired_limit(std::size_t limit) {
  static runtime::Atomic<std::size_t> wired{0};
  return wired.exchange(limit);
}

void clear_cache() {
  for (Arena* a : runtime::arenas()) a->trim(0);
  runtime::trim_slabs();
}

}  // namespace anabranch
