// What a kind of device must do for the runtime. The core never asks which kind it is.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "anabranch/device.h"
#include "runtime/launch.h"

namespace anabranch::graph {
enum class Op : std::uint16_t;
struct Program;
}  // namespace anabranch::graph

namespace anabranch::runtime {

using DeviceInfo = std::unordered_map<std::string, std::variant<std::string, std::size_t>>;

class Backend {
 public:
  virtual ~Backend() = default;
  // How many devices there are. At least 1.
  virtual int device_count() const = 0;
  virtual DeviceInfo describe(int index) const = 0;
  // Does, or adds to `launch`, one irregular operation. Throws NotSupported where there is no kernel for it.
  virtual void launch_kernel(graph::Op op, const KernelCall& call, Launch& launch) = 0;
  // Does, or adds to `launch`, a fused program over the domain `shape` (see kernels/elementwise/run.h).
  virtual void launch_program(const graph::Program& program, const Shape& shape, std::span<const View> in,
                              std::span<const View> out, Launch& launch) = 0;
};

// The backend of a type of device, or null, with the reason in `why`. Defined in backends/registry.cpp.
Backend* find_backend(Device::DeviceType type, std::string* why = nullptr);
// The same; throws std::invalid_argument where there is none or `device.index` is out of range: "[function] Cannot verb
// gpu noun without gpu backend: why", for a purpose of "verb gpu noun".
Backend& backend_for(Device device, const char* function, const char* purpose);

}  // namespace anabranch::runtime
