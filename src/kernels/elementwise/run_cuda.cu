#include "kernels/elementwise/run_cuda.h"

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "kernels/cuda_kernels.h"
#include "kernels/elementwise/generate.h"
#include "kernels/elementwise/generated.h"
#include "kernels/elementwise/interpreter.h"
#include "kernels/nvrtc/background.h"
#include "kernels/nvrtc/nvrtc.h"

namespace anabranch::kernels {
namespace {

// Over so many elements a program is worth compiling when it is first seen, else when it is seen again.
constexpr std::int64_t large_domain = 1 << 20;
// Programs that are remembered; beyond, those without a kernel are forgotten.
constexpr std::size_t most_programs = 8192;

struct DeviceFacts {
  std::atomic<int> processors{0}, capability{0};
};

int attribute(int device, cudaDeviceAttr which) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, device), "cudaDeviceGetAttribute");
  return value;
}

const DeviceFacts& facts_of(int device) {
  static std::array<DeviceFacts, 64> table;
  DeviceFacts& facts = table[static_cast<std::size_t>(device) % table.size()];
  if (facts.processors.load(std::memory_order_acquire) == 0) {
    facts.capability = 10 * attribute(device, cudaDevAttrComputeCapabilityMajor) +
                       attribute(device, cudaDevAttrComputeCapabilityMinor);
    facts.processors.store(attribute(device, cudaDevAttrMultiProcessorCount), std::memory_order_release);
  }
  return facts;
}

// A program in one form, and its kernel once that is there.
struct Entry {
  enum class State { seen, compiling, compiled, failed };
  std::vector<std::uint64_t> key;
  std::atomic<State> state{State::seen};
  cudaKernel_t kernel = nullptr;  // written before `state` says compiled
};

class Programs {
 public:
  // The entry of `key`, and whether it was there before.
  std::pair<std::shared_ptr<Entry>, bool> find(const std::vector<std::uint64_t>& key) {
    const std::uint64_t hash = hash_of(key);
    std::lock_guard lock(mutex_);
    auto [at, end] = entries_.equal_range(hash);
    for (; at != end; ++at)
      if (at->second->key == key) return {at->second, true};
    if (entries_.size() >= most_programs)
      std::erase_if(entries_, [](const auto& e) { return e.second->state != Entry::State::compiled; });
    auto entry = std::make_shared<Entry>();
    entry->key = key;
    entries_.emplace(hash, entry);
    return {entry, false};
  }

  void compile(const std::shared_ptr<Entry>& entry, const graph::Program& program, const KernelForm& form, int device,
               int capability) {
    Entry::State seen = Entry::State::seen;
    if (!entry->state.compare_exchange_strong(seen, Entry::State::compiling)) return;
    run_in_background([this, entry, program, form, device, capability] {
      std::string error;
      try {
        const CompiledText compiled = compile_once(generate(program, form), "sm_" + std::to_string(capability));
        error = compiled.code.empty() ? compiled.error : load(compiled.code, device, entry->kernel);
      } catch (const std::exception& e) {
        error = e.what();
      }
      std::lock_guard lock(mutex_);
      entry->state.store(error.empty() ? Entry::State::compiled : Entry::State::failed, std::memory_order_release);
      if (!error.empty()) error_ = std::move(error);
    });
  }

  ProgramKernels summary() {
    std::lock_guard lock(mutex_);
    ProgramKernels result;
    result.error = error_;
    for (const auto& [hash, entry] : entries_) {
      const Entry::State state = entry->state;
      ++(state == Entry::State::compiled    ? result.compiled
         : state == Entry::State::compiling ? result.compiling
                                            : result.interpreted);
    }
    return result;
  }

 private:
  static std::uint64_t hash_of(const std::vector<std::uint64_t>& key) {
    std::uint64_t hash = key.size();
    for (const std::uint64_t word : key) {
      hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
      hash ^= hash >> 29;
    }
    return hash;
  }

  // Kernels are never unloaded: a launch may be under way anywhere. Returns what went wrong.
  static std::string load(const std::vector<char>& code, int device, cudaKernel_t& kernel) {
    cudaLibrary_t library = nullptr;
    cudaError_t status = cudaSetDevice(device);
    if (status == cudaSuccess)
      status = cudaLibraryLoadData(&library, code.data(), nullptr, nullptr, 0, nullptr, nullptr, 0);
    if (status == cudaSuccess) status = cudaLibraryGetKernel(&kernel, library, "program");
    // Brings the code to the device now, and not at the first launch.
    cudaFuncAttributes attributes;
    if (status == cudaSuccess) status = cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(kernel));
    return status == cudaSuccess ? "" : cudaGetErrorString(status);
  }

  std::mutex mutex_;
  std::unordered_multimap<std::uint64_t, std::shared_ptr<Entry>> entries_;
  std::string error_;
};

// Never destroyed: the background thread may use it while the process ends.
Programs& programs() {
  static Programs* const instance = new Programs;
  return *instance;
}

// Has the words in memory that the program would generate.
void make_words(const graph::Program& program, const Shape& shape, std::span<const runtime::View> in,
                const CudaLaunch& launch, Layout& layout) {
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (!program.is_generated(i)) continue;
    const auto count = static_cast<std::size_t>(layout.count);
    const runtime::View words{launch.scratch<std::uint32_t>(count), uint32, shape, contiguous_strides(shape)};
    random_bits_cuda({{&in[i], 1}, {&words, 1}, nullptr}, launch);
    load_words(layout, i, words.data);
  }
}

void launch_kernel(cudaKernel_t kernel, KernelPlan& plan, cudaStream_t stream) {
  void* arguments[] = {plan.words.data()};
  const dim3 blocks(static_cast<unsigned>(plan.blocks));
  check(cudaLaunchKernel(reinterpret_cast<const void*>(kernel), blocks, dim3(kernel_threads), arguments, 0, stream),
        "a compiled program");
}

}  // namespace

void run_program_cuda(const graph::Program& program, const Shape& shape, std::span<const runtime::View> in,
                      std::span<const runtime::View> out, const CudaLaunch& launch) {
  static thread_local Layout layout;
  static thread_local KernelPlan plan;
  static thread_local std::vector<std::uint64_t> key;
  lay_out_program(program, shape, in, out, layout);
  if (layout.count == 0) return;
  if (!generates(layout)) make_words(program, shape, in, launch, layout);
  const DeviceFacts& facts = facts_of(launch.device);
  const int capability = facts.capability;
  const auto interpret = [&] {
    if (generates(layout)) make_words(program, shape, in, launch, layout);
    interpret_cuda(program, layout, launch, facts.processors);
  };
  if (!can_be_compiled(program, layout)) return interpret();
  plan_kernel(program, layout, facts.processors, plan);
  write_key(program, plan.form, key);
  key.push_back(static_cast<std::uint64_t>(capability));
  const auto [entry, known] = programs().find(key);
  if (entry->state.load(std::memory_order_acquire) == Entry::State::compiled)
    return launch_kernel(entry->kernel, plan, launch.stream);
  interpret();
  if (known || layout.count >= large_domain) programs().compile(entry, program, plan.form, launch.device, capability);
}

ProgramKernels program_kernels() { return programs().summary(); }

}  // namespace anabranch::kernels
