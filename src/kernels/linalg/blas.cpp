#include "kernels/linalg/blas.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "anabranch/error.h"

namespace anabranch::kernels {
namespace {

constexpr const char* soname = "libscipy_openblas.so";

// OpenBLAS starts a thread for each further CPU it may use while it is loaded. With one CPU to see, it starts none, and
// nobody's environment needs to change for it.
class OneCpu {
 public:
  OneCpu() {
    const int here = sched_getcpu();
    if (here < 0 || sched_getaffinity(0, sizeof before_, &before_) != 0) return;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(here, &one);
    narrowed_ = sched_setaffinity(0, sizeof one, &one) == 0;
  }
  ~OneCpu() {
    if (narrowed_) sched_setaffinity(0, sizeof before_, &before_);
  }
  OneCpu(const OneCpu&) = delete;
  OneCpu& operator=(const OneCpu&) = delete;

 private:
  cpu_set_t before_;
  bool narrowed_ = false;
};

std::vector<std::string> candidates() {
  namespace fs = std::filesystem;
  if (const char* named = std::getenv("ANABRANCH_OPENBLAS"); named && *named) return {named};
  std::vector<std::string> paths;
  Dl_info ours;
  if (dladdr(reinterpret_cast<void*>(&blas), &ours) && ours.dli_fname) {
    std::error_code failed;
    const fs::path library = fs::canonical(ours.dli_fname, failed);
    const fs::path folder = failed ? fs::path() : library.parent_path();
    const fs::path packaged = fs::path("scipy_openblas32") / "lib" / soname;
    if (!folder.empty()) {
      paths.push_back(folder / soname);
      paths.push_back(folder / ".." / "lib" / soname);
      // Our library lies in site-packages/anabranch or in a folder of it.
      paths.push_back(folder / ".." / packaged);
      paths.push_back(folder / ".." / ".." / packaged);
    }
  }
#ifdef ANABRANCH_OPENBLAS_PATH
  paths.push_back(ANABRANCH_OPENBLAS_PATH);
#endif
  paths.push_back(soname);
  return paths;
}

void* open_library(std::string& name) {
  const OneCpu one;
  std::string searched;
  for (const std::string& path : candidates()) {
    if (void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
      name = path;
      return handle;
    }
    const char* reason = dlerror();
    searched += "\n  " + (reason ? std::string(reason) : path);
  }
  throw NotSupported(
      "[linalg] OpenBLAS was not found. Install scipy-openblas32 beside anabranch, or set ANABRANCH_OPENBLAS to the "
      "path "
      "of libscipy_openblas.so. Searched:" +
      searched);
}

std::atomic<int> calls{0};    // under way; loading the library counts as one
std::atomic<int> forking{0};  // threads that are about to fork: no call begins
std::atomic<const Blas*> loaded{nullptr};
std::mutex loading;

// Waits until no call is under way. Those that are left after `patience` have long been past the beginning, where they
// take OpenBLAS's locks.
void wait_for_calls(std::chrono::milliseconds patience) {
  const auto give_up = std::chrono::steady_clock::now() + patience;
  while (calls.load() != 0 && std::chrono::steady_clock::now() < give_up)
    std::this_thread::sleep_for(std::chrono::microseconds(20));
}

void before_fork() {
  forking.fetch_add(1);
  wait_for_calls(std::chrono::milliseconds(100));
}

void after_fork() { forking.fetch_sub(1); }

void in_child() {
  calls = forking = 0;
  new (&loading) std::mutex;  // a thread that does not exist here may have held it
}

const bool fork_handlers = pthread_atfork(before_fork, after_fork, in_child) == 0;

Blas load() {
  std::string path;
  void* library = open_library(path);
  const auto symbol = [&](const char* name) {
    void* found = dlsym(library, name);
    if (!found) throw NotSupported("[linalg] " + path + " has no symbol " + name + ": it is not scipy-openblas32.");
    return found;
  };
  reinterpret_cast<void (*)(int)>(symbol("scipy_openblas_set_num_threads"))(1);
  Blas b;
  b.f32.gemm = symbol("scipy_cblas_sgemm");
  b.f32.trsm = symbol("scipy_cblas_strsm");
  b.f32.getrf = symbol("scipy_sgetrf_");
  b.f32.potrf = symbol("scipy_spotrf_");
  b.f64.gemm = symbol("scipy_cblas_dgemm");
  b.f64.trsm = symbol("scipy_cblas_dtrsm");
  b.f64.getrf = symbol("scipy_dgetrf_");
  b.f64.potrf = symbol("scipy_dpotrf_");
  b.cgemm = symbol("scipy_cblas_cgemm");
  // OpenBLAS gives its memory back when the process exits: after this, as it was loaded before.
  std::atexit([] { wait_for_calls(std::chrono::seconds(10)); });
  return b;
}

}  // namespace

BlasCall::BlasCall() {
  calls.fetch_add(1);
  while (forking.load() != 0) [[unlikely]] {
    calls.fetch_sub(1);
    while (forking.load() != 0) std::this_thread::sleep_for(std::chrono::microseconds(20));
    calls.fetch_add(1);
  }
}

BlasCall::~BlasCall() { calls.fetch_sub(1); }

const Blas& blas() {
  if (const Blas* table = loaded.load(std::memory_order_acquire)) return *table;
  std::lock_guard lock(loading);
  if (!loaded.load(std::memory_order_relaxed)) {
    const BlasCall call;
    loaded.store(new const Blas(load()), std::memory_order_release);
  }
  return *loaded.load(std::memory_order_relaxed);
}

}  // namespace anabranch::kernels
