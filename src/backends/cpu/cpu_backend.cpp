// The processors of this machine, as one device: kernels add their work to the launch, the pool's threads run it.
#include "backends/cpu/cpu_backend.h"

#include <sys/utsname.h>

#include <fstream>

#include "anabranch/error.h"
#include "graph/opcode.h"
#include "kernels/cpu_kernels.h"
#include "kernels/elementwise/run.h"
#include "runtime/machine.h"

namespace anabranch::backends {
namespace {

std::string processor_name() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    if (const std::size_t colon = line.find(':'); line.starts_with("model name") && colon != std::string::npos)
      return line.substr(line.find_first_not_of(" \t", colon + 1));
  }
  return "cpu";
}

class CpuBackend final : public runtime::Backend {
 public:
  int device_count() const override { return 1; }

  runtime::DeviceInfo describe(int) const override {
    utsname machine{};
    uname(&machine);
    return {{"device_name", processor_name()},
            {"architecture", std::string(machine.machine)},
            {"memory_size", runtime::memory_size()},
            {"processor_count", static_cast<std::size_t>(runtime::processor_count())}};
  }

  runtime::MemorySource* memory(int) override { return nullptr; }
  runtime::MemorySource* host_memory() override { return nullptr; }
  int most_urgent(int) const override { return -1; }  // see Pool
  std::unique_ptr<runtime::Queue> open_queue(int, int) override { return nullptr; }
  void forked() override {}

  void launch_kernel(graph::Op op, const runtime::KernelCall& call, runtime::Launch& launch) override {
    const runtime::CpuKernel kernel = kernels::cpu_kernel(op);
    if (!kernel) throw NotSupported("[" + std::string(graph::op_name(op)) + "] has no kernel on the CPU.");
    kernel(call, launch);
  }

  // Its random bits are made faster than memory takes them, by vectors that programs don't have.
  bool generates(graph::Op) const override { return false; }

  void launch_program(const graph::Program& program, const Shape& shape, std::span<const runtime::View> in,
                      std::span<const runtime::View> out, runtime::Launch& launch) override {
    kernels::run_program_cpu(program, shape, in, out, launch);
  }
};

}  // namespace

std::unique_ptr<runtime::Backend> make_cpu_backend() { return std::make_unique<CpuBackend>(); }

}  // namespace anabranch::backends
