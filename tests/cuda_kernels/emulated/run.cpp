#include <boost/context/fiber.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>
#include <numeric>
#include <random>
#include <stdexcept>
#include <vector>

#include "cuda_runtime.h"

namespace emulated {
namespace {

using boost::context::fiber;

enum class Wait { Nothing, Block, Warp, End };

struct Thread {
  fiber own, scheduler;
  Wait wait = Wait::Nothing;
  dim3 place;
  unsigned linear = 0;
  unsigned mask = 0;
  alignas(16) unsigned char value[16];
};

std::vector<Thread> threads;
Thread* current = nullptr;
std::exception_ptr failure;

struct alignas(16) Sixteen {
  unsigned char bytes[16];
};
std::vector<Sixteen> shared;

void wait_for(Wait what) {
  Thread& me = *current;
  me.wait = what;
  me.scheduler = std::move(me.scheduler).resume();
}

// Ends waits that everyone has reached; says whether there were any.
bool release() {
  bool released = false, all_at_block = true;
  for (std::size_t warp = 0; warp < threads.size(); warp += 32) {
    const std::size_t end = std::min(threads.size(), warp + 32);
    unsigned waiting = 0, alive = 0, mask = 0;
    for (std::size_t i = warp; i < end; ++i) {
      const Thread& t = threads[i];
      if (t.wait == Wait::End) continue;
      alive |= 1u << (i - warp);
      if (t.wait == Wait::Block) continue;
      all_at_block = false;
      if (t.wait == Wait::Warp) waiting |= 1u << (i - warp), mask = t.mask;
    }
    if (waiting == 0) continue;
    const unsigned there = end - warp == 32 ? ~0u : (1u << (end - warp)) - 1;
    if (waiting != (mask & there)) continue;
    if (waiting != alive) throw std::logic_error("a warp exchanges values while some of it are elsewhere");
    for (std::size_t i = warp; i < end; ++i)
      if (threads[i].wait == Wait::Warp) threads[i].wait = Wait::Nothing;
    released = true;
  }
  if (released || !all_at_block) return released;
  for (Thread& t : threads) {
    if (t.wait == Wait::End) continue;
    t.wait = Wait::Nothing;
    released = true;
  }
  return released;
}

void run_block(dim3 size, const std::function<void()>& body, std::mt19937& random) {
  static boost::context::pooled_fixedsize_stack stacks(128 << 10);
  const unsigned count = size.x * size.y * size.z;
  threads.clear();
  threads.resize(count);
  for (unsigned i = 0; i < count; ++i) {
    Thread& t = threads[i];
    t.place = {i % size.x, i / size.x % size.y, i / size.x / size.y};
    t.linear = i;
    t.own = fiber(std::allocator_arg, stacks, [&t, &body](fiber&& scheduler) {
      t.scheduler = std::move(scheduler);
      try {
        body();
      } catch (...) {
        failure = std::current_exception();
      }
      t.wait = Wait::End;
      return std::move(t.scheduler);
    });
  }
  std::vector<unsigned> order(count);
  std::iota(order.begin(), order.end(), 0u);
  do {
    std::shuffle(order.begin(), order.end(), random);
    for (unsigned i : order) {
      current = &threads[i];
      threadIdx = current->place;
      if (current->wait == Wait::Nothing) current->own = std::move(current->own).resume();
      if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
    }
  } while (release());
  for (const Thread& t : threads)
    if (t.wait != Wait::End) throw std::logic_error("threads wait for others that have ended");
}

}  // namespace

unsigned lane() { return current->linear % 32; }

void run_grid(dim3 grid, dim3 block, const std::function<void()>& thread, std::size_t shared_bytes) {
  std::mt19937 random(1);
  shared.assign(shared_bytes / sizeof(Sixteen) + 1, Sixteen{});
  gridDim = grid;
  blockDim = block;
  for (blockIdx.z = 0; blockIdx.z < grid.z; ++blockIdx.z)
    for (blockIdx.y = 0; blockIdx.y < grid.y; ++blockIdx.y)
      for (blockIdx.x = 0; blockIdx.x < grid.x; ++blockIdx.x) run_block(block, thread, random);
}

void* dynamic_shared() { return shared.data(); }

void block_barrier() { wait_for(Wait::Block); }

void exchange(unsigned mask, const void* value, std::size_t bytes) {
  std::memcpy(current->value, value, bytes);
  current->mask = mask;
  wait_for(Wait::Warp);
}
const void* value_of(unsigned lane) { return threads[current->linear / 32 * 32 + lane].value; }
unsigned lanes_of_warp() {
  return std::min<unsigned>(32, static_cast<unsigned>(threads.size()) - current->linear / 32 * 32);
}
void finish_exchange() { wait_for(Wait::Warp); }

}  // namespace emulated
