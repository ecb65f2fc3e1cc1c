// Memory of a CUDA GPU for other libraries: __cuda_array_interface__ (version 3), and what DLPack shares with it.
#include "array/gpu_interchange.h"

#include "array/object.h"
#include "eval/values.h"
#include "functions/wait.h"
#include "graph/node.h"
#include "runtime/arena.h"
#include "runtime/stream_state.h"

namespace anabranch::python {
namespace {

// As NumPy writes it; null for bfloat16, which has no such name.
const char* typestr_of(Dtype d) {
  constexpr const char* names[dtype_count] = {"|b1", "|u1", "<u2", "<u4", "<u8", "|i1",   "<i2",
                                              "<i4", "<i8", "<f2", "<f4", "<f8", nullptr, "<c8"};
  return names[static_cast<int>(d.val)];
}

nb::object cuda_array_interface(const array& self) {
  const array a = self;  // another thread may rebind the object
  const std::optional<SharedDevice> shared = shared_device_of(a);
  if (!shared) throw nb::attribute_error("__cuda_array_interface__: the array does not lie on a CUDA GPU.");
  const char* typestr = typestr_of(a.dtype());
  if (!typestr)
    throw nb::attribute_error("__cuda_array_interface__: NumPy has no bfloat16. Use DLPack, or x.astype(mx.float32).");
  const Lent lent = lend(a);
  const bool empty = a.size() == 0;
  nb::dict out;
  out["version"] = 3;
  out["shape"] = nb::cast(a.shape());
  out["typestr"] = typestr;
  out["data"] = nb::make_tuple(empty ? 0 : reinterpret_cast<std::uintptr_t>(lent.data), lent.read_only);
  out["strides"] = nb::none();
  if (!a.is_row_contiguous()) {
    Shape bytes;
    for (std::int64_t s : a.strides()) bytes.push_back(s * static_cast<std::int64_t>(a.itemsize()));
    out["strides"] = nb::cast(bytes);
  }
  // The reader waits for what this stream has been given, unless there is nothing to wait for.
  out["stream"] = nb::none();
  if (!lent.ready.query())
    out["stream"] = reinterpret_cast<std::uintptr_t>(shared->interop->handle(*lent.ready.stream()->queue()));
  return out;
}

bool overlaps_itself(const array& a) {
  const Strides strides = a.strides();
  for (std::size_t i = 0; i < strides.size(); ++i)
    if (strides[i] == 0 && a.shape()[i] > 1) return true;
  return false;
}

}  // namespace

std::optional<SharedDevice> shared_device_of(const array& a) {
  const graph::Operation* base = graph::base_of(a.node().get());
  if (!base->stream || lies_on_host(a)) return std::nullopt;
  const Device device = base->stream->device;
  runtime::Interop* interop = runtime::interop_of(device.type);
  return interop ? std::optional(SharedDevice{device, interop}) : std::nullopt;
}

Lent lend(const array& a) {
  drain_released();
  waiting([&] { evaluation::issue(a); });
  const graph::Operation* base = graph::base_of(a.node().get());
  const runtime::BufferRef& buffer = base->buffer;
  // What is somebody else's is theirs to reuse in order.
  if (buffer->arena) runtime::lend(buffer);
  const bool read_only = buffer->read_only || overlaps_itself(a);
  if (!read_only) pin(a);
  const std::int64_t offset = graph::offset_of(a.node().get()) * static_cast<std::int64_t>(a.itemsize());
  return {static_cast<char*>(buffer->data) + offset, a.event(), read_only};
}

ForeignStream foreign_stream(nb::handle stream, const char* function) {
  const std::string name = "[" + std::string(function) + "] ";
  nb::object owner, number = nb::borrow(stream);
  if (nb::hasattr(stream, "__cuda_stream__")) {
    nb::object said = stream.attr("__cuda_stream__");
    if (PyCallable_Check(said.ptr())) said = said();
    if (!nb::isinstance<nb::tuple>(said) || nb::len(said) != 2)
      throw TypeError(name + "__cuda_stream__ must be (version, handle), not " + nb::cast<std::string>(nb::repr(said)) +
                      ".");
    owner = nb::borrow(stream);
    number = said[1];
  }
  if (!PyLong_Check(number.ptr()) || PyBool_Check(number.ptr()))
    throw TypeError(name + "Expected a stream's handle as an int, or an object with __cuda_stream__, not " +
                    std::string(Py_TYPE(stream.ptr())->tp_name) + ".");
  void* handle = PyLong_AsVoidPtr(number.ptr());
  if (PyErr_Occurred() || nb::cast<bool>(number.attr("__lt__")(0))) {
    PyErr_Clear();
    throw std::invalid_argument(name + nb::cast<std::string>(nb::str(number)) + " is no stream's handle.");
  }
  return {handle, owner};
}

void add_gpu_interchange(ArrayClass& c) {
  c.def_prop_ro(
      "__cuda_array_interface__", cuda_array_interface,
      "The array's memory on a CUDA GPU, for Numba, CuPy and others (version 3 of the protocol). Only arrays on "
      "such a GPU have it.");
}

}  // namespace anabranch::python
