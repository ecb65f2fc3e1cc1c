#include "allocation.h"

#include <cstdlib>
#include <new>

#include "simulation/sync.h"

namespace anabranch::simulation {

int until_refusal = 0;

namespace {

// Null where it is refused.
void* take(std::size_t bytes, std::size_t alignment) {
  if (NewMayFail::fails() || (until_refusal > 0 && --until_refusal == 0)) return nullptr;
  return std::aligned_alloc(alignment, (bytes + alignment) / alignment * alignment);
}

void* take_or_throw(std::size_t bytes, std::size_t alignment) {
  if (void* p = take(bytes, alignment)) return p;
  throw std::bad_alloc();
}

}  // namespace
}  // namespace anabranch::simulation

using anabranch::simulation::take;
using anabranch::simulation::take_or_throw;

void* operator new(std::size_t bytes) { return take_or_throw(bytes, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new(std::size_t bytes, std::align_val_t a) { return take_or_throw(bytes, static_cast<std::size_t>(a)); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return take(bytes, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
