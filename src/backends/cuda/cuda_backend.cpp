// The GPUs of this process: what there is, and how operations are launched.
#include <deque>
#include <memory>
#include <vector>

#include "anabranch/error.h"
#include "backends/cuda/interop.h"
#include "backends/cuda/memory.h"
#include "backends/cuda/plugin.h"
#include "backends/cuda/queue.h"
#include "backends/cuda/watcher.h"
#include "graph/opcode.h"
#include "kernels/cuda_kernels.h"
#include "kernels/elementwise/run_cuda.h"

namespace anabranch::backends::cuda {
namespace {

constexpr int oldest_capability = 80;

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

class CudaBackend final : public runtime::Backend {
 public:
  explicit CudaBackend(int devices) {
    for (int i = 0; i < devices; ++i) gpus_.push_back(std::make_unique<Gpu>(i, delays_.get()));
    for (const auto& gpu : gpus_) memory_.emplace_back(*gpu);
    host_memory_ = std::make_unique<PinnedMemory>(gpus_);
    Watcher::get();  // made now: a child, forked off while another thread made it, would wait for that in forked()
  }

  int device_count() const override { return static_cast<int>(gpus_.size()); }

  runtime::DeviceInfo describe(int index) const override {
    cudaDeviceProp p{};
    check(cudaGetDeviceProperties(&p, index), "cudaGetDeviceProperties");
    char bus[32] = "";
    check(cudaDeviceGetPCIBusId(bus, sizeof bus, index), "cudaDeviceGetPCIBusId");
    const kernels::ProgramKernels programs = kernels::program_kernels();
    return {{"device_name", std::string(p.name)},
            {"architecture", "sm_" + std::to_string(10 * p.major + p.minor)},
            {"memory_size", p.totalGlobalMem},
            {"multiprocessors", static_cast<std::size_t>(p.multiProcessorCount)},
            {"l2_cache_size", static_cast<std::size_t>(p.l2CacheSize)},
            {"pci_bus_id", std::string(bus)},
            {"programs_interpreted", programs.interpreted},
            {"programs_compiling", programs.compiling},
            {"programs_compiled", programs.compiled},
            {"programs_error", programs.error}};
  }

  runtime::MemorySource* memory(int index) override { return &memory_[static_cast<std::size_t>(index)]; }
  runtime::MemorySource* host_memory() override { return host_memory_.get(); }

  int most_urgent(int index) const override { return gpus_[static_cast<std::size_t>(index)]->most_urgent(); }
  std::unique_ptr<runtime::Queue> open_queue(int index, int priority) override {
    return std::make_unique<CudaQueue>(*gpus_[static_cast<std::size_t>(index)], priority);
  }

  runtime::Interop* interop() override { return &interop_; }

  void forked() override {
    for (const auto& gpu : gpus_) gpu->forked();
    Watcher::get().forked();
  }

  void launch_kernel(graph::Op op, const runtime::KernelCall& call, runtime::Launch& launch) override {
    const kernels::CudaKernel kernel = kernels::cuda_kernel(op);
    if (!kernel)
      throw NotSupported("[" + std::string(graph::op_name(op)) +
                         "] This operation is not supported on the GPU. Run it on the CPU: pass stream=mx.cpu.");
    run(launch, [&](const kernels::CudaLaunch& on) { kernel(call, on); });
  }

  bool generates(graph::Op op) const override { return op == graph::Op::RandomBits; }

  void launch_program(const graph::Program& program, const Shape& shape, std::span<const runtime::View> in,
                      std::span<const runtime::View> out, runtime::Launch& launch) override {
    run(launch, [&](const kernels::CudaLaunch& on) { kernels::run_program_cuda(program, shape, in, out, on); });
  }

 private:
  template <typename F>
  static void run(runtime::Launch& launch, F&& f) {
    auto& queue = static_cast<CudaQueue&>(launch.queue());
    Gpu& gpu = queue.gpu();
    gpu.attempt([&] {
      gpu.delay(queue.stream());
      try {
        f({queue.stream(), gpu.index, launch, &queue.index_faults()});
      } catch (const std::exception&) {  // of a library, perhaps, which knows that it failed and not why
        gpu.inspect(queue.stream());
        if (const std::exception_ptr lost = gpu.lost()) std::rethrow_exception(lost);
        throw;
      }
    });
  }

  const std::unique_ptr<Delays> delays_ = Delays::wanted();
  std::vector<std::unique_ptr<Gpu>> gpus_;
  std::deque<DeviceMemory> memory_;
  std::unique_ptr<PinnedMemory> host_memory_;
  CudaInterop interop_{gpus_};
};

// How many GPUs this version can use, or 0 and the reason.
int usable_gpus(std::string* why_not) {
  int driver = 0, count = 0;
  if (cudaDriverGetVersion(&driver) != cudaSuccess || driver < CUDART_VERSION / 1000 * 1000) {
    *why_not = "the NVIDIA driver is for CUDA " + version_text(driver) + "; CUDA " + version_text(CUDART_VERSION) +
               " needs a newer one.";
    return 0;
  }
  const cudaError_t result = cudaGetDeviceCount(&count);
  if (result != cudaSuccess || count == 0) {
    *why_not = result == cudaErrorNoDevice || result == cudaSuccess
                   ? std::string("the NVIDIA driver finds no GPU (is CUDA_VISIBLE_DEVICES empty?).")
                   : std::string("CUDA could not be started: ") + cudaGetErrorString(result) + ".";
    cudaGetLastError();
    return 0;
  }
  for (int i = 0; i < count; ++i) {
    int major = 0, minor = 0;
    check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, i), "cudaDeviceGetAttribute");
    check(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, i), "cudaDeviceGetAttribute");
    if (10 * major + minor >= oldest_capability) continue;
    if (i == 0)
      *why_not = "GPU 0 has compute capability " + std::to_string(major) + "." + std::to_string(minor) +
                 "; 8.0 or later is needed.";
    return i;  // those before it
  }
  return count;
}

}  // namespace
}  // namespace anabranch::backends::cuda

extern "C" anabranch::runtime::Backend* anabranch_cuda_backend_0_1_0(std::string* why_not) {
  namespace cuda = anabranch::backends::cuda;
  try {
    const int gpus = cuda::usable_gpus(why_not);
    if (gpus == 0) return nullptr;
    cuda::driver();
    return new cuda::CudaBackend(gpus);
  } catch (const std::exception& error) {
    *why_not = std::string("CUDA could not be started: ") + error.what() + ".";
    return nullptr;
  }
}
