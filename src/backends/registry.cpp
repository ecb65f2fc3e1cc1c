// Which backends there are in this process.
#include <cstdlib>
#include <memory>
#include <string>

#include "backends/cpu/cpu_backend.h"
#include "backends/sim/sim_backend.h"
#include "runtime/backend.h"

namespace anabranch::runtime {
namespace {

struct Gpu {
  std::unique_ptr<Backend> backend;
  std::string why_not;
};

Gpu find_gpu() {
  if (const char* simulated = std::getenv("ANABRANCH_SIM_GPU")) {
    const std::string devices = simulated;
    if (devices == "1" || devices == "2") return {backends::make_sim_backend(devices[0] - '0'), {}};
    if (!devices.empty() && devices != "0")
      return {nullptr, "ANABRANCH_SIM_GPU is \"" + devices + "\", expected 1 or 2 simulated devices."};
  }
  return {nullptr, "this version of Anabranch is built for the CPU alone."};
}

}  // namespace

Backend* find_backend(Device::DeviceType type, std::string* why) {
  static Backend& cpu = *backends::make_cpu_backend().release();  // never destroyed, as the runtime
  static const Gpu& gpu = *new Gpu(find_gpu());
  if (type == Device::cpu) return &cpu;
  if (!gpu.backend && why) *why = gpu.why_not;
  return gpu.backend.get();
}

}  // namespace anabranch::runtime
