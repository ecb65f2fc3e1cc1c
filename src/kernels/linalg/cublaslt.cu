#include "kernels/linalg/cublaslt.h"

#include <dlfcn.h>

#include <filesystem>
#include <map>
#include <mutex>
#include <vector>

namespace anabranch::kernels {
namespace {

// Beside the packages among which this library lies, as in a Python environment; else where the system has it.
std::vector<std::string> candidates() {
  std::vector<std::string> paths;
  Dl_info here{};
  if (dladdr(reinterpret_cast<void*>(&cublaslt), &here) && here.dli_fname) {
    std::error_code failed;
    std::filesystem::path folder = std::filesystem::canonical(here.dli_fname, failed);
    for (int up = 0; up < 4 && folder.has_relative_path(); ++up) {
      folder = folder.parent_path();
      for (const char* place : {"nvidia/cu13/lib", "nvidia/cublas/lib"})
        paths.push_back(folder / place / "libcublasLt.so.13");
    }
  }
  for (const char* path : {"libcublasLt.so.13", "libcublasLt.so", "/usr/local/cuda/lib64/libcublasLt.so.13"})
    paths.push_back(path);
  return paths;
}

CublasLt open_library() {
  void* handle = nullptr;
  std::string searched;
  for (const std::string& path : candidates()) {
    handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle) break;
    const char* reason = dlerror();
    searched += "\n  " + (reason ? std::string(reason) : path);
  }
  if (!handle) {
    throw NotSupported(
        "[matmul] cuBLASLt, which multiplies matrices on a GPU, was not found. Install it, for example with pip "
        "install nvidia-cublas. Searched:" +
        searched);
  }
  CublasLt library;
#define ANABRANCH_FIND(name)                                                                \
  library.name = reinterpret_cast<decltype(library.name)>(dlsym(handle, "cublasLt" #name)); \
  if (!library.name) throw NotSupported("[matmul] libcublasLt lacks cublasLt" #name ".");
  ANABRANCH_CUBLASLT(ANABRANCH_FIND)
#undef ANABRANCH_FIND
  return library;
}

}  // namespace

void CublasLt::check(cublasStatus_t status, const char* what) const {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw std::runtime_error("[matmul] cuBLASLt, " + std::string(what) + ": " + GetStatusString(status));
}

// Neither the library nor a handle is ever closed: other threads may use them when the process ends.
const CublasLt& cublaslt() {
  static const CublasLt* const opened = new CublasLt(open_library());
  return *opened;
}

cublasLtHandle_t cublaslt_handle(int device) {
  struct Handles {
    std::mutex mutex;
    std::map<int, cublasLtHandle_t> by_device;
  };
  static Handles* const handles = new Handles;
  const std::lock_guard lock(handles->mutex);
  cublasLtHandle_t& handle = handles->by_device[device];
  if (!handle) cublaslt().check(cublaslt().Create(&handle), "opening a device");
  return handle;
}

}  // namespace anabranch::kernels
