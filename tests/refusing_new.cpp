// For LD_PRELOAD: an operator new that refuses memory when it is told to, for tests/python/test_refused_memory.py.
#include <dlfcn.h>
#include <sys/prctl.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

// Of one thread's calls, or of all threads': so many more succeed, then so many are refused.
struct Refusals {
  std::atomic<long> before{0}, most{0};

  bool refuse() {
    return most.load(std::memory_order_relaxed) > 0 && before.fetch_sub(1) <= 0 && most.fetch_sub(1) > 0;
  }
};
thread_local Refusals here;
Refusals anywhere;
std::atomic<long> refused{0};

// A driver's and a GPU's memory is their own: that of the CUDA that the host plays, too.
bool is_device(const void* caller) {
  thread_local const bool is_gpu = [] {
    char name[16] = "";
    return prctl(PR_GET_NAME, name) == 0 && std::strcmp(name, "emulated-gpu") == 0;
  }();
  Dl_info info;
  return is_gpu || (dladdr(caller, &info) != 0 && std::strstr(info.dli_fname, "libemulated_") != nullptr);
}

bool refuses(const void* caller) {
  if (is_device(caller)) return false;
  const bool refuse = here.refuse() || anywhere.refuse();
  if (refuse) refused.fetch_add(1);
  return refuse;
}

void* take(std::size_t bytes, std::size_t alignment, const void* caller) {
  void* p = refuses(caller) ? nullptr : std::aligned_alloc(alignment, (bytes + alignment) / alignment * alignment);
  return p ? p : throw std::bad_alloc();
}

}  // namespace

extern "C" {
// So many more calls succeed, then `most` are refused: those of this thread, or of all.
void refuse(long before, long most, bool everywhere) {
  Refusals& r = everywhere ? anywhere : here;
  r.most = 0;
  r.before = before;
  r.most = most;
}
// How many were refused since the last time.
long take_refused() { return refused.exchange(0); }
}

void* operator new(std::size_t bytes) {
  return take(bytes, __STDCPP_DEFAULT_NEW_ALIGNMENT__, __builtin_return_address(0));
}
void* operator new(std::size_t bytes, std::align_val_t a) {
  return take(bytes, static_cast<std::size_t>(a), __builtin_return_address(0));
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
