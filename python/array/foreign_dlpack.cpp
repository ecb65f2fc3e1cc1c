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

void check_device(nb::handle o) {
  if (!nb::hasattr(o, "__dlpack_device__")) return;
  const nb::object device = o.attr("__dlpack_device__")();
  if (nb::cast<int>(device[0]) != dlpack::device_cpu) {
    throw std::invalid_argument("[array] The memory of " + std::string(Py_TYPE(o.ptr())->tp_name) +
                                " lies on another device than the CPU.");
  }
}

}  // namespace

std::optional<ForeignMemory> memory_of_dlpack(PyObject* o) {
  const nb::handle h(o);
  if (PyType_Check(o) || !nb::hasattr(h, "__dlpack__")) return std::nullopt;
  check_device(h);
  nb::object capsule = h.attr("__dlpack__")();
  ForeignMemory m;
  const dlpack::Tensor* t = nullptr;
  if (void* p = PyCapsule_GetPointer(capsule.ptr(), "dltensor")) {
    auto* managed = static_cast<dlpack::Managed*>(p);
    m.owner = own(managed);
    PyCapsule_SetName(capsule.ptr(), "used_dltensor");
    t = &managed->tensor;
  } else {
    throw nb::python_error();
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
