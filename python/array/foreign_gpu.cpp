// Memory of a CUDA GPU that belongs to somebody else: who of ours reads it, and __cuda_array_interface__ as a consumer.
#include <bit>

#include "array/dlpack.h"
#include "array/foreign.h"
#include "array/gpu_interchange.h"
#include "functions/scope.h"
#include "runtime/stream_state.h"

namespace anabranch::python {
namespace {

runtime::Interop& cuda_or_refuse(const std::string& whose) {
  std::string why;
  runtime::Backend* gpu = runtime::find_backend(Device::gpu, &why);
  runtime::Interop* interop = gpu ? gpu->interop() : nullptr;
  if (interop && interop->dlpack_device_type() == dlpack::device_cuda) return *interop;
  throw std::invalid_argument("[array] " + whose + " lies on a CUDA device, which can't be used here: " +
                              (gpu ? "mx.gpu is another kind of device." : why));
}

std::string whose_memory(nb::handle o) { return "The memory of " + std::string(Py_TYPE(o.ptr())->tp_name); }

[[noreturn]] void refuse(nb::handle o, const std::string& why) {
  throw std::invalid_argument("[array] __cuda_array_interface__ of " + std::string(Py_TYPE(o.ptr())->tp_name) + ": " +
                              why + ".");
}

// Sets dtype, complex128 and swapped from a typestr such as "<f4".
void parse_typestr(nb::handle o, const std::string& typestr, ForeignMemory& out) {
  constexpr bool little = std::endian::native == std::endian::little;
  constexpr Dtype all[] = {bool_, uint8, uint16,  uint32,  uint64,  int8,     int16,
                           int32, int64, float16, float32, float64, complex64};
  constexpr const char* names[] = {"b1", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8", "c8"};
  const std::string name = typestr.empty() ? "" : typestr.substr(1);
  out.complex128 = name == "c16";
  bool found = out.complex128;
  for (std::size_t i = 0; i < std::size(all) && !found; ++i) {
    found = name == names[i];
    if (found) out.dtype = all[i];
  }
  if (!found) refuse(o, "elements of the type '" + typestr + "' have no dtype here");
  out.swapped = out.itemsize() > 1 && typestr[0] == (little ? '>' : '<');
}

Strides integers(nb::handle sequence) {
  Strides out;
  for (nb::handle item : sequence) out.push_back(nb::cast<std::int64_t>(item));
  return out;
}

}  // namespace

Stream reading_stream(nb::handle o, int device_type, int index) {
  if (device_type != dlpack::device_cuda && device_type != dlpack::device_cuda_managed)
    throw std::invalid_argument("[array] " + whose_memory(o) + " lies on a device (DLPack's type " +
                                std::to_string(device_type) + ") that is neither the CPU nor a CUDA GPU.");
  cuda_or_refuse(whose_memory(o));
  if (index < 0 || index >= device_count(Device::gpu))
    throw std::invalid_argument("[array] " + whose_memory(o) + " lies on CUDA device " + std::to_string(index) +
                                ", which is none of the " + std::to_string(device_count(Device::gpu)) +
                                " that can be used here.");
  return scope_stream(Device(Device::gpu, index));
}

std::optional<ForeignMemory> memory_of_cuda_array(PyObject* o) {
  const nb::handle h(o);
  if (PyType_Check(o) || !nb::hasattr(h, "__cuda_array_interface__")) return std::nullopt;
  const nb::object said = h.attr("__cuda_array_interface__");
  if (!nb::isinstance<nb::dict>(said)) refuse(h, "it is no dict");
  const auto dict = nb::borrow<nb::dict>(said);
  const auto entry = [&](const char* key) { return dict.contains(key) ? nb::object(dict[key]) : nb::none(); };
  runtime::Interop& interop = cuda_or_refuse(whose_memory(h));
  ForeignMemory m;
  m.owner = nb::borrow(h);
  if (!entry("mask").is_none()) refuse(h, "arrays here have no mask");
  parse_typestr(h, nb::cast<std::string>(entry("typestr")), m);
  for (std::int64_t extent : integers(entry("shape"))) m.shape.push_back(extent);
  const nb::object data = entry("data");
  m.data = reinterpret_cast<void*>(nb::cast<std::uintptr_t>(data[0]));
  m.read_only = nb::cast<bool>(data[1]);
  const auto itemsize = static_cast<std::int64_t>(m.itemsize());
  if (const nb::object strides = entry("strides"); !strides.is_none()) m.byte_strides = integers(strides);
  else
    for (std::int64_t s : contiguous_strides(m.shape)) m.byte_strides.push_back(s * itemsize);
  if (m.byte_strides.size() != m.shape.size()) refuse(h, "strides and shape have different lengths");

  const Device here = scope_device();
  int index = here.type == Device::gpu ? here.index : 0;
  if (element_count(m.shape) > 0) {
    const std::optional<int> home = interop.device_of_memory(m.data);
    if (!home) refuse(h, "its data is in no GPU's memory");
    index = *home;
  }
  m.stream = reading_stream(h, dlpack::device_cuda, index);
  if (const nb::object stream = entry("stream"); !stream.is_none()) {
    const auto handle = nb::cast<std::uintptr_t>(stream);
    if (handle == 0) refuse(h, "stream=0 may mean any default stream: 1 or 2 says which");
    interop.wait_for_stream(*m.stream->state()->queue(), reinterpret_cast<void*>(handle));
  }
  return m;
}

}  // namespace anabranch::python
