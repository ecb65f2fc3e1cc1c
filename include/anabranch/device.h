// Devices: where operations run.
#pragma once

#include <compare>
#include <cstdint>
#include <ostream>
#include <string>
#include <unordered_map>
#include <variant>

namespace anabranch {

struct Device {
  enum class DeviceType : std::uint8_t { cpu, gpu };
  static constexpr DeviceType cpu = DeviceType::cpu;
  static constexpr DeviceType gpu = DeviceType::gpu;

  DeviceType type;
  int index;

  constexpr Device(DeviceType t, int i = 0) : type(t), index(i) {}
  friend constexpr auto operator<=>(const Device&, const Device&) = default;
};

// The innermost scope's device; outside any scope the process's default (the GPU where one is usable, else the CPU).
Device default_device();
// Changes the innermost scope's device, or the process's default outside any. Throws std::invalid_argument, with the
// reason, for a device that is not usable here.
void set_default_device(Device device);
// Whether operations can run on `device`.
bool is_available(Device device);
// How many devices of a type there are.
int device_count(Device::DeviceType type);
// Properties of a device: "device_name", "architecture", "memory_size" (bytes) ... Throws std::invalid_argument as
// above.
std::unordered_map<std::string, std::variant<std::string, std::size_t>> device_info(Device device = default_device());

std::string to_string(Device device);  // "Device(cpu, 0)"
std::ostream& operator<<(std::ostream& out, Device device);

}  // namespace anabranch
