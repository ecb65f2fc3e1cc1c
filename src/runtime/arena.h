// The allocator of one memory space: a cache of blocks by size class, with figures and limits.
//
// Work on a device is issued ahead of time, so a block may be given back while the device has yet to use it. Such a
// block says what uses are outstanding (Buffer::uses); the same stream may have it again at once, since its order
// covers them, another one after a wait on the device, and the cache when they have happened.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "anabranch/error.h"
#include "anabranch/small_vector.h"
#include "runtime/memory.h"

namespace anabranch::runtime {

// Whence an arena has its memory: the system, or a device's driver. From any thread.
class MemorySource {
 public:
  virtual ~MemorySource() = default;
  // 64-byte aligned; null where there is no more.
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void free(void* data, std::size_t bytes) = 0;
};

// The system's memory, for std::free(): aligned to `alignment`, a power of two, and rounded up to it; on huge pages
// where it fills one. Null where there is none.
void* system_memory(std::size_t bytes, std::size_t alignment);

// An allocation that the limit or the system refused. A submission that throws it while others are in flight is tried
// again (see parking.h).
class Arena;
struct OutOfMemory : MemoryError {
  OutOfMemory(const std::string& what, Arena* a, std::uint64_t f) : MemoryError(what), arena(a), frees(f) {}
  Arena* arena;
  std::uint64_t frees;  // the arena's at the refusal
};

class Arena {
 public:
  // `limit` in bytes; `name` for errors: "host memory".
  Arena(MemorySource& source, std::size_t limit, std::string name);

  // Uninitialised memory; throws OutOfMemory. For a stream of the arena's device, `stream` says which, and what it must
  // wait for before it uses the block is added to `waits`.
  BufferRef allocate(std::size_t bytes, const StreamState* stream = nullptr, std::vector<Event>* waits = nullptr);
  // The device may use `b` until `use` has happened. Throws where there is no memory to note that, but for the first
  // use of a block after expect_use(), and for a later one of the same stream.
  void note_use(Buffer* b, const Event& use);
  // Makes room for a use; for who has just been given the block.
  static void expect_use(Buffer* b) { b->uses.reserve(b->uses.size() + 1); }
  // Blocks whose outstanding uses have happened go to the cache.
  void sweep();

  // Gives back what a try had taken that was refused in the end. That is no news to the parked.
  static void undo(BufferRef b);

  struct Figures {
    std::size_t active, peak, cached, limit, cache_limit;  // bytes
    std::uint64_t frees;                                   // how often memory has come back
  };
  Figures figures();
  void reset_peak();
  void set_limit(std::size_t limit);
  void set_cache_limit(std::size_t limit);
  // Gives cached blocks back to the source until at most `keep` bytes are cached.
  void trim(std::size_t keep);

  // Held over a fork.
  Mutex& mutex() { return mutex_; }

 private:
  friend void release(Buffer* b) noexcept;
  void take_back(Buffer* b);
  Buffer* from_pending(std::uint32_t size_class, const StreamState* stream, bool foreign_uses,
                       std::vector<Event>* waits);
  Figures figures_locked() const { return {active_, peak_, cached_, limit_, cache_limit_, frees_}; }
  Buffer* from_source(std::uint32_t size_class);
  Buffer* trimmed(std::size_t keep);
  void give_to_source(Buffer* blocks);
  [[noreturn]] void refuse(std::size_t bytes, const char* why, const Figures& figures);

  MemorySource& source_;
  const std::string name_;
  Mutex mutex_;
  // All below: under mutex_. Lists that take no memory, since what gives some back must not fail; the newest first.
  using Lists = std::array<Buffer*, 256>;  // by size class
  Lists free_{};
  Lists pending_{};                                 // free but for their outstanding uses
  std::size_t outstanding_ = 0;                     // blocks in pending_
  std::size_t active_ = 0, peak_ = 0, cached_ = 0;  // bytes; cached_ counts free_ and pending_
  std::size_t limit_, cache_limit_;
  std::uint64_t frees_ = 0;
};

// The host's memory.
Arena& host_arena();
// That of a device: its own, or the host's. Throws as backend_for() does.
Arena& arena_of(Device device);
// Host memory to which such devices copy without the host's help: for what is read from them.
Arena& landing_arena(Device::DeviceType from);
// Whose own memory it is; none for the host's.
std::optional<Device> device_of(const Arena& arena);
// Every arena there is, the host's first.
std::vector<Arena*> arenas();
void sweep_arenas();
// Held over a fork, with the mutex of each arena.
Mutex& device_arenas_mutex();
// All but the host's, holding that. Takes no memory.
void each_device_arena(void (*visit)(Arena&));

}  // namespace anabranch::runtime
