#include "kernels/linalg/cublaslt.h"

#include <dlfcn.h>

#include <map>
#include <mutex>

#include "kernels/cuda_library.h"

namespace anabranch::kernels {
namespace {

CublasLt open_library() {
  std::string searched;
  void* const handle = open_cuda_library("cublasLt", "cublas", searched);
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
