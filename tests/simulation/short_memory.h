// Programs for which there is too little memory.
#pragma once

#include "anabranch/memory.h"
#include "directed.h"
#include "runtime/arena.h"
#include "runtime/parking.h"

namespace anabranch::simulation {

inline constexpr std::size_t block = 4096;

class ShortMemory : public Simulated {
 protected:
  ~ShortMemory() override { set_memory_limit(unlimited_); }

  // Runs the program in many schedules; there is room for so many blocks.
  template <typename F>
  static void run_short(std::size_t blocks, F program, const std::function<void(Circumstances&)>& vary = nullptr) {
    set_memory_limit(blocks * block);
    std::uint64_t seed = 0;
    run_many(
        [&](Circumstances& c) {
          seed = c.settings.seed;
          if (vary) vary(c);
        },
        [&] { program(seed); }, 3000);
  }

 private:
  const std::size_t unlimited_ = get_memory_limit();
};

inline void must_succeed(const std::exception_ptr& failure) {
  require(!failure, "memory was refused that was to come");
}
inline void must_fail(const std::exception_ptr& failure) {
  require(failure != nullptr, "memory was given that is not there");
}

// Streams whose work the pool may not get to: waits for it may end by polling.
inline void lonely(Circumstances& c) { c.settings.lonely = true; }

// Takes `blocks` one after the other, and some time.
inline void take(runtime::Launch& launch, std::uint32_t blocks, std::uint32_t chunks) {
  for (std::uint32_t i = 0; i < blocks; ++i) launch.scratch(block);
  launch.parallel(chunks, 1e5, [](std::size_t) { runtime::relax(); });
}

}  // namespace anabranch::simulation
