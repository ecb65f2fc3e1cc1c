// Arrays in the memory of a device that other libraries can use, too: what both protocols for them (DLPack,
// __cuda_array_interface__) need.
#pragma once

#include <optional>

#include "common.h"
#include "runtime/interop.h"

namespace anabranch::python {

// The device in whose memory the value of `a` lies, or will, and what others need to use it there; nothing where it is
// the host's or one that is ours alone.
struct SharedDevice {
  Device device;
  runtime::Interop* interop;
};
std::optional<SharedDevice> shared_device_of(const array& a);

// Memory that was handed to others: the first element, which the device is going to have written when `ready` happens.
struct Lent {
  void* data;
  Event ready;
  bool read_only;
};
// Has the device be given what computes `a`, and hands the memory out. Others may write to it unless it is read-only.
Lent lend(const array& a);

// A stream of another library's, as its protocols name it.
struct ForeignStream {
  void* handle;
  nb::object owner;  // keeps the stream; may be null
};
// From an int or an object with __cuda_stream__. Throws TypeError, or std::invalid_argument, naming `function`.
ForeignStream foreign_stream(nb::handle stream, const char* function);

}  // namespace anabranch::python
