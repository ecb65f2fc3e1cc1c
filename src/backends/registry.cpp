// Which backends there are in this process.
#include <memory>

#include "backends/cpu/cpu_backend.h"
#include "runtime/backend.h"

namespace anabranch::runtime {

Backend* find_backend(Device::DeviceType type, std::string* why) {
  static Backend& cpu = *backends::make_cpu_backend().release();  // never destroyed, as the runtime
  if (type == Device::cpu) return &cpu;
  if (why) *why = "this version of Anabranch is built for the CPU alone.";
  return nullptr;
}

}  // namespace anabranch::runtime
