// Arrays for other libraries: __array__, DLPack, the array API's namespace.
#include <memory>

#include "anabranch/ops.h"
#include "array/dlpack.h"
#include "array/gpu_interchange.h"
#include "array/object.h"
#include "runtime/stream_state.h"

namespace anabranch::python {
namespace {

nb::object to_numpy(nb::handle self, nb::handle dtype, nb::handle copy) {
  raise_swallowed_interrupt(self.ptr());
  const array a = array_of(self.ptr());
  if (a.dtype() == bfloat16) {
    throw TypeError("[__array__] NumPy has no bfloat16: convert first, x.astype(mx.float32).");
  }
  const nb::module_ numpy = nb::module_::import_("numpy");
  const nb::object view = nb::steal(PyMemoryView_FromObject(self.ptr()));
  if (!view.is_valid()) throw nb::python_error();
  nb::object out = numpy.attr("asarray")(view);
  const bool converts = !dtype.is_none() && !numpy.attr("dtype")(dtype).equal(out.attr("dtype"));
  if (converts) {
    if (copy.is(nb::handle(Py_False))) {
      throw std::invalid_argument("[__array__] Another dtype takes a copy, which copy=False forbids.");
    }
    return out.attr("astype")(dtype);
  }
  return copy.is(nb::handle(Py_True)) ? nb::object(out.attr("copy")()) : out;
}

// What a DLPack tensor of ours keeps.
struct Held {
  array value;
  std::vector<std::int64_t> shape, strides;
};

dlpack::Code code_of(Dtype d) {
  switch (kindof(d)) {
    case Dtype::Kind::b: return dlpack::Bool;
    case Dtype::Kind::u: return dlpack::UInt;
    case Dtype::Kind::i: return dlpack::Int;
    case Dtype::Kind::c: return dlpack::Complex;
    case Dtype::Kind::V: return dlpack::Bfloat;
    default: return d == bfloat16 ? dlpack::Bfloat : dlpack::Float;
  }
}

std::unique_ptr<Held> hold(const array& a) {
  auto held = std::make_unique<Held>(Held{a, {}, {}});
  held->shape.assign(a.shape().begin(), a.shape().end());
  const Strides strides = a.strides();
  held->strides.assign(strides.begin(), strides.end());
  return held;
}

// Where DLPack says that memory is.
struct Place {
  std::int32_t type = dlpack::device_cpu;
  std::int32_t index = 0;
  bool operator==(const Place&) const = default;
};

dlpack::Tensor tensor_of(Held& held, const void* data, Place place) {
  const array& a = held.value;
  return {const_cast<void*>(data),
          place.type,
          place.index,
          a.ndim(),
          code_of(a.dtype()),
          static_cast<std::uint8_t>(8 * a.itemsize()),
          1,
          held.shape.data(),
          held.strides.data(),
          0};
}

// Consumers drop tensors on any thread: the handle needs no GIL.
template <typename M>
void drop(M* managed) {
  delete static_cast<Held*>(managed->context);
  delete managed;
}

// The capsule of a tensor that nobody consumed still owns it.
template <typename M>
nb::object capsule_of(std::unique_ptr<M> managed, const char* name, PyCapsule_Destructor destructor) {
  PyObject* capsule = PyCapsule_New(managed.get(), name, destructor);
  if (!capsule) throw nb::python_error();
  managed.release();
  return nb::steal(capsule);
}

template <typename M>
void drop_unused(PyObject* capsule, const char* name) {
  if (!PyCapsule_IsValid(capsule, name)) return;
  M* managed = static_cast<M*>(PyCapsule_GetPointer(capsule, name));
  managed->deleter(managed);
}

// A tensor on its way out.
struct Exported {
  array value;
  void* data;
  Place place;
  bool read_only, copied;
};

Place place_of(const array& a) {
  const std::optional<SharedDevice> shared = shared_device_of(a);
  return shared ? Place{shared->interop->dlpack_device_type(), shared->device.index} : Place{};
}

Place wanted_place(nb::handle dl_device, Place own) {
  if (dl_device.is_none()) return own;
  const Place wanted{nb::cast<std::int32_t>(dl_device[0]), nb::cast<std::int32_t>(dl_device[1])};
  if (wanted == own || wanted == Place{}) return wanted;
  throw std::invalid_argument("[__dlpack__] dl_device=" + nb::cast<std::string>(nb::repr(dl_device)) +
                              ": the array is exported where it lies, (" + std::to_string(own.type) + ", " +
                              std::to_string(own.index) + "), or to the CPU, (1, 0).");
}

Exported on_cpu(const array& self, bool copy) {
  const bool own = lies_on_host(self);
  const array a = on_host(copy && own ? anabranch::copy(self, stream_argument(nb::cast(Device(Device::cpu)))) : self);
  if (own) pin(a);
  return {a, const_cast<void*>(a.data_ptr()), {}, !own, copy || place_of(self) != Place{}};
}

// `stream` is the consumer's, which waits on the device for what computes the array; the host does not.
Exported on_device(const array& self, Place place, nb::handle stream, bool copy) {
  std::int64_t handle = dlpack::stream_legacy;
  if (!stream.is_none()) {
    if (!PyLong_Check(stream.ptr()) || PyBool_Check(stream.ptr()))
      throw TypeError("[__dlpack__] stream must be an int or None, not " + std::string(Py_TYPE(stream.ptr())->tp_name) +
                      ".");
    handle = nb::cast<std::int64_t>(stream);
  }
  if (handle == 0 || handle < dlpack::stream_none)
    throw std::invalid_argument("[__dlpack__] stream=" + std::to_string(handle) +
                                " is no CUDA stream: pass a handle, 1 (the legacy default stream), 2 (the per-thread "
                                "default stream), None (as 1) or -1 (nothing is to wait).");
  const SharedDevice shared = *shared_device_of(self);
  const array a = copy ? anabranch::copy(self, stream_argument(nb::cast(shared.device))) : self;
  const Lent lent = lend(a);
  if (handle != dlpack::stream_none) {
    auto& producer = *lent.ready.stream()->queue();
    shared.interop->let_wait(reinterpret_cast<void*>(handle), producer, lent.ready.value());
  }
  return {a, lent.data, place, lent.read_only, copy};
}

nb::object to_dlpack(const array& value, nb::handle stream, nb::handle max_version, nb::handle dl_device,
                     nb::handle copy) {
  const array self = value;  // another thread may rebind the object
  const Place own = place_of(self), wanted = wanted_place(dl_device, own);
  const bool on_gpu = own != Place{};
  if (!stream.is_none() && !on_gpu) throw std::invalid_argument("[__dlpack__] Memory of the CPU takes no stream.");
  if (wanted != own && copy.is(nb::handle(Py_False)))
    throw std::invalid_argument("[__dlpack__] copy=False, but memory of a GPU gets to the CPU by a copy alone.");
  const bool must_copy = copy.is(nb::handle(Py_True));
  const Exported out = wanted == Place{} ? on_cpu(self, must_copy) : on_device(self, wanted, stream, must_copy);
  std::unique_ptr<Held> held = hold(out.value);
  const dlpack::Tensor tensor = tensor_of(*held, out.data, out.place);
  if (!max_version.is_none() && nb::cast<int>(max_version[0]) >= 1) {
    const std::uint64_t flags = (out.copied ? dlpack::flag_copied : 0) | (out.read_only ? dlpack::flag_read_only : 0);
    auto managed = std::make_unique<dlpack::ManagedVersioned>(
        dlpack::ManagedVersioned{1, 0, held.release(), drop<dlpack::ManagedVersioned>, flags, tensor});
    return capsule_of(std::move(managed), "dltensor_versioned",
                      [](PyObject* c) { drop_unused<dlpack::ManagedVersioned>(c, "dltensor_versioned"); });
  }
  auto managed = std::make_unique<dlpack::Managed>(dlpack::Managed{tensor, held.release(), drop<dlpack::Managed>});
  return capsule_of(std::move(managed), "dltensor", [](PyObject* c) { drop_unused<dlpack::Managed>(c, "dltensor"); });
}

}  // namespace

void add_interchange(ArrayClass& c) {
  c.def("__array__", to_numpy, nb::arg("dtype") = nb::none(), nb::arg("copy") = nb::none(),
        nb::sig("def __array__(self, dtype: object | None = None, copy: bool | None = None) -> Any"),
        "A NumPy array over the same memory where no copy is asked for or needed.");
  c.def("__dlpack__", to_dlpack, nb::kw_only(), nb::arg("stream") = nb::none(), nb::arg("max_version") = nb::none(),
        nb::arg("dl_device") = nb::none(), nb::arg("copy") = nb::none(),
        nb::sig("def __dlpack__(self, *, stream: object | None = None, max_version: tuple[int, int] | None = None, "
                "dl_device: tuple[int, int] | None = None, copy: bool | None = None) -> object"),
        "The array's memory as a DLPack capsule. On a CUDA GPU `stream`, the consumer's (None: the legacy default "
        "stream, -1: none), waits for the array to be computed, and the host does not; `dl_device=(1, 0)` gives a copy "
        "on the CPU.");
  c.def(
      "__dlpack_device__",
      [](const array& a) {
        const Place place = place_of(a);
        return nb::make_tuple(place.type, place.index);
      },
      nb::sig("def __dlpack_device__(self) -> tuple[int, int]"),
      "DLPack's name of the device: (1, 0), the CPU, or (2, index), a CUDA GPU.");
  c.def(
      "__array_namespace__",
      [](nb::handle self, nb::handle version) {
        if (!version.is_none() && nb::cast<std::string>(version) > "2024.12") {
          throw std::invalid_argument(
              "[__array_namespace__] Unknown version of the array API: " + nb::cast<std::string>(version) + ".");
        }
        return nb::module_::import_(nb::cast<std::string>(self.type().attr("__module__")).c_str());
      },
      nb::arg("api_version") = nb::none(),
      nb::sig("def __array_namespace__(self, api_version: str | None = None) -> Any"),
      "The module that has the array functions.");
}

}  // namespace anabranch::python
