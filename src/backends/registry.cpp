// Which backends there are in this process.
#include <dlfcn.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "backends/cpu/cpu_backend.h"
#include "backends/cuda/plugin.h"
#include "backends/sim/sim_backend.h"
#include "runtime/backend.h"

namespace anabranch::runtime {
namespace {

struct Gpu {
  std::unique_ptr<Backend> backend;
  std::string why_not;
};

Gpu open_library(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) return {nullptr, std::string("the CUDA backend could not be opened: ") + dlerror() + "."};
  const auto make = reinterpret_cast<backends::MakeCudaBackend*>(dlsym(library, backends::cuda_entry));
  if (!make) return {nullptr, path + " is not a CUDA backend of this version."};
  Gpu gpu;
  gpu.backend.reset(make(&gpu.why_not));
  return gpu;
}

// The backend's library lies beside this one. It is opened only where a driver is, which it needs.
Gpu open_cuda() {
  if (const char* wanted = std::getenv("ANABRANCH_CUDA"); wanted && std::string(wanted) == "0")
    return {nullptr, "ANABRANCH_CUDA is 0, which hides it."};
  // Or else, for tests: the same sources on a CUDA that the host plays (tests/cuda_kernels/emulated).
  if (const char* emulated = std::getenv("ANABRANCH_CUDA_LIBRARY"); emulated && *emulated)
    return open_library(emulated);
  Dl_info self{};
  if (!dladdr(reinterpret_cast<const void*>(&find_backend), &self))
    return {nullptr, "the path of Anabranch's library is not known."};
  std::string path = self.dli_fname;
  path = path.substr(0, path.rfind('/') + 1) + backends::cuda_library;
  if (FILE* found = std::fopen(path.c_str(), "rb")) std::fclose(found);
  else return {nullptr, "this version of Anabranch is built for the CPU alone."};
  void* driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!driver) return {nullptr, "there is no NVIDIA driver on this machine (libcuda.so.1 was not found)."};
  return open_library(path);
}

Gpu find_gpu() {
  if (const char* simulated = std::getenv("ANABRANCH_SIM_GPU")) {
    const std::string devices = simulated;
    if (devices == "1" || devices == "2") return {backends::make_sim_backend(devices[0] - '0'), {}};
    if (!devices.empty() && devices != "0")
      return {nullptr, "ANABRANCH_SIM_GPU is \"" + devices + "\", expected 1 or 2 simulated devices."};
  }
  return open_cuda();
}

Atomic<const Gpu*>& found_gpu() {
  static Atomic<const Gpu*> found{nullptr};
  return found;
}

// Never destroyed, as the runtime.
const Gpu& gpu() {
  if (const Gpu* found = found_gpu().load(std::memory_order_acquire)) return *found;
  Lock lock(backends_mutex());
  if (!found_gpu().load()) found_gpu().store(new Gpu(find_gpu()), std::memory_order_release);
  return *found_gpu().load();
}

}  // namespace

Mutex& backends_mutex() {
  static Mutex& mutex = *new Mutex;
  return mutex;
}

Backend* find_backend(Device::DeviceType type, std::string* why) {
  static Backend& cpu = *backends::make_cpu_backend().release();
  if (type == Device::cpu) return &cpu;
  if (!gpu().backend && why) *why = gpu().why_not;
  return gpu().backend.get();
}

void backends_forked() {
  find_backend(Device::cpu)->forked();
  const Gpu* found = found_gpu().load();
  if (found && found->backend) found->backend->forked();
}

}  // namespace anabranch::runtime
