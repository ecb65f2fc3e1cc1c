// Arrays for other libraries: __array__, DLPack, the array API's namespace.
#include <memory>

#include "anabranch/ops.h"
#include "array/dlpack.h"
#include "array/object.h"

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

dlpack::Tensor tensor_of(Held& held, const void* data) {
  const array& a = held.value;
  return {const_cast<void*>(data),
          dlpack::device_cpu,
          0,
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

nb::object to_dlpack(const array& self, nb::handle stream, nb::handle max_version, nb::handle device, nb::handle copy) {
  if (!stream.is_none()) throw std::invalid_argument("[__dlpack__] Memory of the CPU takes no stream.");
  if (!device.is_none() && nb::cast<int>(device[0]) != dlpack::device_cpu) {
    throw std::invalid_argument("[__dlpack__] The array lies on the CPU and is exported there alone.");
  }
  const array a = copy.is(nb::handle(Py_True)) ? anabranch::copy(self, current_stream()) : self;
  const void* data = evaluated_data(a);
  const bool on_host = lies_on_host(a);
  if (on_host) pin(a);
  std::unique_ptr<Held> held = hold(a);
  const dlpack::Tensor tensor = tensor_of(*held, data);
  if (!max_version.is_none() && nb::cast<int>(max_version[0]) >= 1) {
    const std::uint64_t flags =
        (copy.is(nb::handle(Py_True)) ? dlpack::flag_copied : 0) | (on_host ? 0 : dlpack::flag_read_only);
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
        "The array's memory as a DLPack capsule.");
  c.def(
      "__dlpack_device__", [](const array&) { return nb::make_tuple(dlpack::device_cpu, 0); },
      nb::sig("def __dlpack_device__(self) -> tuple[int, int]"), "DLPack's name of the device: (1, 0), the CPU.");
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
