#include "simulation/fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cxxabi.h>
#include <cstring>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

namespace anabranch::simulation {
namespace {

namespace context = boost::context;

constexpr std::size_t stack_bytes = std::size_t{512} << 10;

// Stacks with a page below them that must not be touched; given back ones serve again.
class StackPool {
 public:
  context::stack_context allocate() {
    auto& free = stacks();
    if (free.empty()) free.push_back(fresh());
    context::stack_context stack = free.back();
    free.pop_back();
    return stack;
  }
  void deallocate(context::stack_context& stack) { stacks().push_back(stack); }

 private:
  static std::vector<context::stack_context>& stacks() {
    static auto& all = *new std::vector<context::stack_context>;
    return all;
  }
  static context::stack_context fresh() {
    const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    void* memory = mmap(nullptr, stack_bytes + page, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, page, PROT_NONE) != 0) throw std::bad_alloc();
    context::stack_context stack;
    stack.size = stack_bytes;
    stack.sp = static_cast<char*>(memory) + page + stack_bytes;
    return stack;
  }
};

}  // namespace

std::string to_string(const Place& place) {
  if (place.line() == 0) return "somewhere";
  const char* slash = std::strrchr(place.file_name(), '/');
  std::string function = place.function_name();
  function = function.substr(0, function.find('('));
  if (const std::size_t space = function.rfind(' '); space != std::string::npos) function = function.substr(space + 1);
  return std::string(slash ? slash + 1 : place.file_name()) + ":" + std::to_string(place.line()) + " (" + function +
         ")";
}

void FiberLocals::clear() {
  while (!locals_.empty()) {  // a destructor may make others
    const Local last = locals_.back();
    locals_.pop_back();
    last.destroy(last.value);
  }
}

Context::Context(std::function<void()> body) {
  StackPool pool;
  context::stack_context stack = pool.allocate();
  stack_bottom_ = static_cast<char*>(stack.sp) - stack.size;
  stack_size_ = stack.size;
  fiber_ = context::fiber(std::allocator_arg, context::preallocated(stack.sp, stack.size, stack), pool,
                          [this, body = std::move(body)](context::fiber&& loop) {
                            loop_ = std::move(loop);
                            entered();
                            body();
                            leaving(true);
                            return std::move(loop_);
                          });
}

void Context::enter() {
  auto* globals = reinterpret_cast<Exceptions*>(abi::__cxa_get_globals());
  std::swap(*globals, exceptions_);
#ifdef __SANITIZE_ADDRESS__
  void* fake = nullptr;
  __sanitizer_start_switch_fiber(&fake, stack_bottom_, stack_size_);
#endif
  fiber_ = std::move(fiber_).resume();
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
  std::swap(*globals, exceptions_);
}

void Context::leave() {
  leaving(false);
  loop_ = std::move(loop_).resume();
  entered();
}

void Context::entered() {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(fake_stack_, &loop_bottom_, &loop_size_);
#endif
}

void Context::leaving([[maybe_unused]] bool for_good) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber(for_good ? nullptr : &fake_stack_, loop_bottom_, loop_size_);
#endif
}

}  // namespace anabranch::simulation
