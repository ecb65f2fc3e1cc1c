#include "backends/cuda/memory.h"

#include <cstdlib>

namespace anabranch::backends::cuda {
namespace {

// False where there is no more memory, which is no error yet.
bool was_given(cudaError_t result, const char* what) {
  if (result == cudaSuccess) return true;
  if (result != cudaErrorMemoryAllocation) check(result, what);
  cudaGetLastError();
  return false;
}

}  // namespace

void* DeviceMemory::allocate(std::size_t bytes) {
  void* p = nullptr;
  gpu_.attempt([&] {
    if (!was_given(cudaMalloc(&p, bytes), "cudaMalloc")) p = nullptr;
  });
  return p;
}

void DeviceMemory::free(void* data, std::size_t) {
  if (gpu_.is_lost()) return;  // the memory went with it
  try {
    gpu_.attempt([&] { check(cudaFree(data), "cudaFree"); });
  } catch (const std::exception&) {  // the driver went before us, at the end of the process, or with the device
  }
}

Gpu& PinnedMemory::any() const {
  for (const auto& gpu : gpus_)
    if (!gpu->is_lost()) return *gpu;
  return *gpus_.front();
}

void* PinnedMemory::registered(std::size_t bytes) {
  bytes = (bytes + page - 1) / page * page;  // a page is registered as a whole
  void* p = runtime::system_memory(bytes, page);
  if (!p) return nullptr;
  bool given = false;
  try {
    any().attempt([&] { given = was_given(cudaHostRegister(p, bytes, cudaHostRegisterPortable), "cudaHostRegister"); });
  } catch (...) {
    std::free(p);
    throw;
  }
  if (given) return p;
  std::free(p);
  return nullptr;
}

void* PinnedMemory::allocate(std::size_t bytes) {
  if (bytes > largest_in_slab) return registered(bytes);
  bytes = (bytes + 63) / 64 * 64;
  runtime::Lock lock(mutex_);
  if (auto& spare = small_[bytes]; !spare.empty()) {
    void* p = spare.back();
    spare.pop_back();
    return p;
  }
  if (left_ < bytes) {
    char* fresh = static_cast<char*>(registered(slab_bytes));
    if (!fresh) return nullptr;
    slab_ = fresh;
    left_ = slab_bytes;
  }
  void* p = slab_;
  slab_ += bytes;
  left_ -= bytes;
  return p;
}

void PinnedMemory::free(void* data, std::size_t bytes) {
  if (bytes <= largest_in_slab) {
    if (any().is_lost()) return;  // in a forked child the lock may be in any state
    runtime::Lock lock(mutex_);
    small_[(bytes + 63) / 64 * 64].push_back(data);
    return;
  }
  try {
    if (!any().is_lost()) any().attempt([&] { check(cudaHostUnregister(data), "cudaHostUnregister"); });
  } catch (const std::exception&) {  // as above
  }
  std::free(data);
}

}  // namespace anabranch::backends::cuda
