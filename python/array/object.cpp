#include "array/object.h"

#include "functions/wait.h"
#include "graph/node.h"
#include "runtime/arena.h"

namespace anabranch::python {

PyTypeObject* array_type = nullptr;

void refuse_uninitialized() { throw TypeError("[array] This object was made by __new__ and never initialized."); }

PyObject* wrap(array&& a) noexcept {
  PyObject* o;
  try {
    o = nb::inst_alloc(nb::handle(reinterpret_cast<PyObject*>(array_type))).release().ptr();
  } catch (...) {
    set_python_error();
    return nullptr;
  }
  new (nb::inst_ptr<array>(nb::handle(o))) array(std::move(a));
  nb::inst_mark_ready(nb::handle(o));
  return o;
}

namespace {

// Where memory is short, waits for work in flight, without the GIL.
runtime::BufferRef allocate(std::size_t bytes) {
  try {
    return runtime::allocate(bytes);
  } catch (const runtime::OutOfMemory&) {
    runtime::BufferRef buffer;
    waiting([&] { buffer = runtime::allocate_or_wait(bytes); });
    return buffer;
  }
}

}  // namespace

Fresh::Fresh(const Shape& shape, Dtype dtype) : value(graph::NodeRef()), data(nullptr) {
  const std::int64_t n = element_count(shape);
  runtime::BufferRef buffer = allocate(static_cast<std::size_t>(n) * dtype.size());
  data = buffer->data;
  value = array(graph::NodeRef::adopt(new graph::Operation(dtype, shape, std::move(buffer))));
}

namespace {

template <PyType_Slot* slots>
void append(std::vector<PyType_Slot>& all) {
  for (PyType_Slot* s = slots; s->slot; ++s) all.push_back(*s);
}

}  // namespace

void bind_array(nb::module_& m) {
  static std::vector<PyType_Slot> slots;
  append<number_slots>(slots);
  append<indexing_slots>(slots);
  append<buffer_slots>(slots);
  append<text_slots>(slots);
  append<scalar_slots>(slots);
  // == is elementwise, so arrays hash by identity.
  slots.push_back({Py_tp_hash, reinterpret_cast<void*>(PyBaseObject_Type.tp_hash)});
  slots.push_back({0, nullptr});

  ArrayClass c(m, "array", nb::type_slots(slots.data()), nb::pooled(256),
               "An n-dimensional array, computed when its value is needed.");
  in_package(c);
  array_type = reinterpret_cast<PyTypeObject*>(c.ptr());
  c.def(
      "__init__",
      [](array* self, nb::handle val, std::optional<Dtype> dtype) { new (self) array(make_array(val, dtype)); },
      nb::arg("val"), nb::arg("dtype") = nb::none(),
      nb::sig("def __init__(self, val: Any, dtype: Dtype | None = None) -> None"),
      "The array of a scalar, of nested lists or tuples (rows of one length), or a copy of something that offers "
      "memory: NumPy arrays, buffers, DLPack.");
  c.def_prop_ro("shape", [](const array& a) { return a.shape(); }, "The extents, outermost first.");
  c.def_prop_ro("ndim", &array::ndim, "The number of axes.");
  c.def_prop_ro("size", &array::size, "The number of elements.");
  c.def_prop_ro("dtype", &array::dtype, "The type of the elements.");
  c.def_prop_ro("itemsize", &array::itemsize, "The bytes of one element.");
  c.def_prop_ro("nbytes", &array::nbytes, "The bytes of all elements.");
  add_methods(c);
  add_scalars(m, c);
  add_interchange(c);
  add_gpu_interchange(c);
  add_pickling(c);
  add_at(m, c);
}

}  // namespace anabranch::python
