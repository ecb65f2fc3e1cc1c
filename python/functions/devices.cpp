// Device, DeviceType and what the module says about them.
#include "functions/bind.h"
#include "functions/function.h"
#include "functions/scope.h"

#include <nanobind/operators.h>

namespace anabranch::python {

namespace {

Device device_argument(const Args& a, std::size_t i) {
  const std::optional<Device> device = device_in(a[i]);
  if (!device) a.wrong(i, "a Device or a DeviceType (mx.cpu, mx.gpu)");
  return *device;
}

nb::dict info_of(Device device) {
  nb::dict out;
  for (const auto& [key, value] : device_info(device)) {
    std::visit([&](const auto& v) { out[nb::str(key.c_str())] = nb::cast(v); }, value);
  }
  return out;
}

}  // namespace

void bind_devices(nb::module_& m) {
  nb::enum_<Device::DeviceType>(m, "DeviceType", "A kind of device: cpu or gpu.")
      .value("cpu", Device::DeviceType::cpu)
      .value("gpu", Device::DeviceType::gpu)
      .export_values();

  nb::class_<Device>(m, "Device", "A device to run operations on. Equal to its type where its index is 0.")
      .def(nb::init<Device::DeviceType, int>(), nb::arg("type"), nb::arg("index") = 0)
      .def_ro("type", &Device::type)
      .def_ro("index", &Device::index)
      .def(
          "__eq__",
          [](Device d, nb::handle other) -> nb::object {
            const std::optional<Device> o = device_in(other);
            return o ? nb::cast(d == *o) : nb::borrow(Py_NotImplemented);
          },
          nb::sig("def __eq__(self, other: object, /) -> bool"))
      .def("__hash__",
           [](Device d) { return nb::hash(nb::cast(d.type)) + d.index; })  // equal to that of an equal DeviceType
      .def(
          "__reduce__",
          [](nb::handle self) {
            const Device d = *nb::inst_ptr<Device>(self);
            return nb::make_tuple(self.type(), nb::make_tuple(d.type, d.index));
          },
          nb::sig("def __reduce__(self) -> tuple[Any, ...]"))
      .def("__repr__", [](Device d) { return to_string(d); });

  def<[](Args& a) -> nb::object {
    if (!a.given(0)) return nb::cast(scope_device());
    device_argument(a, 0);
    return make_scope(a[0]);
  }>(m, "default_device(device: Device | DeviceType | None = None) -> Device | StreamContext",
     "The default device of this thread and task. With an argument: a scope, for `with`, in which that is the default "
     "device.");
  def<[](Args& a) {
    set_scope_device(device_argument(a, 0));
    return nb::none();
  }>(m, "set_default_device(device: Device | DeviceType) -> None",
     "Makes `device` the default: of the innermost scope, or, outside of any, of the process.");
  def<[](Args& a) { return is_available(device_argument(a, 0)); }>(
      m, "is_available(device: Device | DeviceType) -> bool", "Whether operations can run on `device`.");
  def<[](Args& a) { return nb::object(nb::cast(device_count(device_argument(a, 0).type))); }>(
      m, "device_count(device_type: DeviceType) -> int", "How many devices of a type there are.");
  def<[](Args& a) -> nb::object { return info_of(a.given(0) ? device_argument(a, 0) : scope_device()); }>(
      m, "device_info(d: None | Device | DeviceType = None) -> dict[str, str | int]",
      "What is known about a device (without an argument: the default one): its name, architecture, memory ...");
}

}  // namespace anabranch::python
