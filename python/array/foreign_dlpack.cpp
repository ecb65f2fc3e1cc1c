// DLPack, as a consumer.
#include "array/dlpack.h"
#include "array/foreign.h"

namespace anabranch::python {
namespace {

std::optional<Dtype> dtype_of(const dlpack::Tensor& t) {
  if (t.lanes != 1) return std::nullopt;
  switch (t.code) {
    case dlpack::Bool: return t.bits == 8 ? std::optional(bool_) : std::nullopt;
    case dlpack::Int:
      switch (t.bits) {
        case 8: return int8;
        case 16: return int16;
        case 32: return int32;
        case 64: return int64;
      }
      break;
    case dlpack::UInt:
      switch (t.bits) {
        case 8: return uint8;
        case 16: return uint16;
        case 32: return uint32;
        case 64: return uint64;
      }
      break;
    case dlpack::Float:
      switch (t.bits) {
        case 16: return float16;
        case 32: return float32;
        case 64: return float64;
      }
      break;
    case dlpack::Bfloat: return t.bits == 16 ? std::optional(bfloat16) : std::nullopt;
    case dlpack::Complex: return t.bits == 64 ? std::optional(complex64) : std::nullopt;
  }
  return std::nullopt;
}

// A capsule that has been consumed keeps a tensor until it is dropped.
template <typename M>
nb::object own(M* managed) {
  PyObject* owner = PyCapsule_New(managed, "anabranch dlpack tensor", [](PyObject* capsule) {
    M* m = static_cast<M*>(PyCapsule_GetPointer(capsule, "anabranch dlpack tensor"));
    if (m->deleter) m->deleter(m);
  });
  if (!owner) throw nb::python_error();
  return nb::steal(owner);
}

// The stream of ours that is to read memory on a device; none for the host's.
std::optional<Stream> reader_of(nb::handle o) {
  if (!nb::hasattr(o, "__dlpack_device__")) return std::nullopt;
  const nb::object device = o.attr("__dlpack_device__")();
  const int type = nb::cast<int>(device[0]);
  return type == dlpack::device_cpu ? std::nullopt : std::optional(reading_stream(o, type, nb::cast<int>(device[1])));
}

// Has the producer make our stream wait for what it has to do with the memory.
nb::object capsule_of(nb::handle o, const std::optional<Stream>& reader) {
  nb::dict arguments;
  if (reader) arguments["stream"] = reinterpret_cast<std::uintptr_t>(native_handle(*reader));
  const nb::object produce = o.attr("__dlpack__");
  try {
    nb::dict with_version = nb::borrow<nb::dict>(arguments.attr("copy")());
    with_version["max_version"] = nb::make_tuple(1, 0);
    return produce(**with_version);
  } catch (const nb::python_error& e) {
    if (!e.matches(PyExc_TypeError)) throw;  // a producer of before DLPack 1.0 does not know the argument
  }
  return produce(**arguments);
}

}  // namespace

std::optional<ForeignMemory> memory_of_dlpack(PyObject* o) {
  const nb::handle h(o);
  if (PyType_Check(o) || !nb::hasattr(h, "__dlpack__")) return std::nullopt;
  ForeignMemory m;
  m.stream = reader_of(h);
  const nb::object capsule = capsule_of(h, m.stream);
  const dlpack::Tensor* t = nullptr;
  if (PyCapsule_IsValid(capsule.ptr(), "dltensor_versioned")) {
    auto* managed = static_cast<dlpack::ManagedVersioned*>(PyCapsule_GetPointer(capsule.ptr(), "dltensor_versioned"));
    m.owner = own(managed);
    PyCapsule_SetName(capsule.ptr(), "used_dltensor_versioned");
    if (managed->major != 1) {
      throw std::invalid_argument("[array] The memory of " + std::string(Py_TYPE(o)->tp_name) + " comes as DLPack " +
                                  std::to_string(managed->major) + ", of which version 1 alone is known here.");
    }
    m.read_only = managed->flags & dlpack::flag_read_only;
    t = &managed->tensor;
  } else if (void* p = PyCapsule_GetPointer(capsule.ptr(), "dltensor")) {
    auto* managed = static_cast<dlpack::Managed*>(p);
    m.owner = own(managed);
    PyCapsule_SetName(capsule.ptr(), "used_dltensor");
    t = &managed->tensor;
  } else {
    throw nb::python_error();
  }
  if (!m.stream && t->device_type != dlpack::device_cpu) {
    throw std::invalid_argument("[array] " + std::string(Py_TYPE(o)->tp_name) +
                                " has no __dlpack_device__, but memory "
                                "on a device that is not the CPU.");
  }
  const std::optional<Dtype> dtype = dtype_of(*t);
  m.complex128 = t->code == dlpack::Complex && t->bits == 128 && t->lanes == 1;
  if (!dtype && !m.complex128) {
    throw std::invalid_argument("[array] The DLPack element type (code " + std::to_string(t->code) + ", " +
                                std::to_string(t->bits) + " bits) of " + Py_TYPE(o)->tp_name + " has no dtype here.");
  }
  m.dtype = dtype.value_or(complex64);
  m.data = static_cast<char*>(t->data) + t->byte_offset;
  for (int i = 0; i < t->ndim; ++i) m.shape.push_back(t->shape[i]);
  const auto itemsize = static_cast<std::int64_t>(m.itemsize());
  if (t->strides) {
    for (int i = 0; i < t->ndim; ++i) m.byte_strides.push_back(t->strides[i] * itemsize);
  } else {
    for (std::int64_t s : contiguous_strides(m.shape)) m.byte_strides.push_back(s * itemsize);
  }
  return m;
}

}  // namespace anabranch::python
