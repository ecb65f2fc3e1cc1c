#include "kernels/linalg/blas.h"

#include <dlfcn.h>
#include <sched.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <type_traits>
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

Blas load() {
  std::string path;
  void* library = open_library(path);
  const auto bind = [&](auto& function, const char* name) {
    void* symbol = dlsym(library, name);
    if (!symbol) throw NotSupported("[linalg] " + path + " has no symbol " + name + ": it is not scipy-openblas32.");
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(symbol);
  };
  void (*set_num_threads)(int);
  bind(set_num_threads, "scipy_openblas_set_num_threads");
  set_num_threads(1);
  Blas b;
  bind(b.f32.gemm, "scipy_cblas_sgemm");
  bind(b.f32.trsm, "scipy_cblas_strsm");
  bind(b.f32.getrf, "scipy_sgetrf_");
  bind(b.f32.potrf, "scipy_spotrf_");
  bind(b.f64.gemm, "scipy_cblas_dgemm");
  bind(b.f64.trsm, "scipy_cblas_dtrsm");
  bind(b.f64.getrf, "scipy_dgetrf_");
  bind(b.f64.potrf, "scipy_dpotrf_");
  bind(b.cgemm, "scipy_cblas_cgemm");
  return b;
}

}  // namespace

const Blas& blas() {
  static const Blas table = load();
  return table;
}

}  // namespace anabranch::kernels
