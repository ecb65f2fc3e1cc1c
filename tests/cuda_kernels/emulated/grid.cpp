#include "grid.h"

#include <boost/context/fiber.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

namespace emulated {
namespace {

using boost::context::fiber;

enum class Wait { Nothing, Block, Warp, End };

// A stack on which threads run: one after another, until one of them waits, which then keeps it.
struct Stack {
  fiber own, scheduler;
};

struct Thread {
  Wait wait = Wait::Nothing;
  Stack* stack = nullptr;  // once it has waited
  dim3 place;
  unsigned linear = 0;
  unsigned mask = 0;
  alignas(16) unsigned char value[16];
};

// Never destroyed: when the process ends a kernel may be running.
auto& stacks = *new std::vector<std::unique_ptr<Stack>>;
auto& idle_stacks = *new std::vector<Stack*>;
auto& threads = *new std::vector<Thread>;
auto& order = *new std::vector<unsigned>;  // in which threads are begun, and in which they go on
std::size_t begun;
const std::function<void()>* body;
Thread* current = nullptr;
Stack* current_stack = nullptr;
auto& failure = *new std::exception_ptr;

struct alignas(16) Sixteen {
  unsigned char bytes[16];
};
auto& shared = *new std::vector<Sixteen>;

void back_to_scheduler(Stack& stack) { stack.scheduler = std::move(stack.scheduler).resume(); }

// What runs on each stack, for ever.
void run_threads(Stack& stack) {
  while (true) {
    while (begun < threads.size() && !failure) {
      Thread& thread = threads[order[begun++]];
      current = &thread;
      threadIdx = thread.place;
      try {
        (*body)();
      } catch (...) {
        failure = std::current_exception();
      }
      current->wait = Wait::End;
    }
    idle_stacks.push_back(&stack);
    back_to_scheduler(stack);
  }
}

Stack& idle_stack() {
  static auto& memory = *new boost::context::pooled_fixedsize_stack(128 << 10);
  if (idle_stacks.empty()) {
    stacks.push_back(std::make_unique<Stack>());
    Stack& stack = *stacks.back();
    stack.own = fiber(std::allocator_arg, memory, [&stack](fiber&& scheduler) {
      stack.scheduler = std::move(scheduler);
      run_threads(stack);
      return std::move(stack.scheduler);
    });
    return stack;
  }
  Stack& stack = *idle_stacks.back();
  idle_stacks.pop_back();
  return stack;
}

void go_on(Stack& stack) {
  current_stack = &stack;
  stack.own = std::move(stack.own).resume();
  if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
}

void wait_for(Wait what) {
  current->wait = what;
  current->stack = current_stack;
  back_to_scheduler(*current_stack);
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

void run_block(dim3 size, std::mt19937& random) {
  const unsigned count = size.x * size.y * size.z;
  if (threads.size() != count) {
    threads.resize(count);
    order.resize(count);
    std::iota(order.begin(), order.end(), 0u);
  }
  for (unsigned i = 0; i < count; ++i) {
    threads[i].wait = Wait::Nothing;
    threads[i].place = {i % size.x, i / size.x % size.y, i / size.x / size.y};
    threads[i].linear = i;
  }
  std::shuffle(order.begin(), order.end(), random);
  begun = 0;
  while (begun < count) go_on(idle_stack());
  while (release()) {
    std::shuffle(order.begin(), order.end(), random);
    for (unsigned i : order) {
      if (threads[i].wait != Wait::Nothing) continue;
      current = &threads[i];
      threadIdx = current->place;
      go_on(*current->stack);
    }
  }
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
  body = &thread;
  try {
    for (blockIdx.z = 0; blockIdx.z < grid.z; ++blockIdx.z)
      for (blockIdx.y = 0; blockIdx.y < grid.y; ++blockIdx.y)
        for (blockIdx.x = 0; blockIdx.x < grid.x; ++blockIdx.x) run_block(block, random);
  } catch (...) {  // with stacks in the middle of threads, which nobody will end
    for (auto& stack : stacks) static_cast<void>(stack.release());
    stacks.clear();
    idle_stacks.clear();
    threads.clear();
    throw;
  }
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
