// The buffer protocol (PEP 3118), as a producer: memoryview(x), np.asarray(x) and friends without a copy.
#include "array/object.h"

namespace anabranch::python {
namespace {

// What an exported buffer points into. Its own handle: the object may be bound to another array meanwhile.
struct Export {
  array value;
  std::vector<Py_ssize_t> shape, strides;
};

const char* format_of(Dtype d) {
  constexpr const char* formats[dtype_count] = {"?",        "B", "H", "I", "Q", "b", "h", "i", "q", "e", "f", "d",
                                                "bfloat16",  // none exists; MLX's name for it
                                                "Zf"};
  return formats[static_cast<int>(d.val)];
}

// The last wait for a buffer that a signal handler ended by raising.
struct Interrupted {
  PyObject* array = nullptr;  // not owned, as the frame: for comparing alone
  PyFrameObject* frame = nullptr;
  int line = 0;
  PyObject* exception = nullptr;
};
Interrupted interrupted;

void forget_interrupted() { Py_XDECREF(std::exchange(interrupted, {}).exception); }

array awaited(PyObject* o, const array& a) {
  if (interrupted.exception) forget_interrupted();
  try {
    return on_host(a);
  } catch (const nb::python_error& e) {
    PyFrameObject* frame = PyEval_GetFrame();
    interrupted = {o, frame, frame ? PyFrame_GetLineNumber(frame) : 0, nb::handle(e.value()).inc_ref().ptr()};
    throw;
  }
}

int refuse(const char* why) {
  PyErr_SetString(PyExc_BufferError, why);
  return -1;
}

int get_buffer(PyObject* o, Py_buffer* view, int flags) noexcept {
  view->obj = nullptr;
  return guarded(-1, [&] {
    const array a = array_of(o);
    auto held = std::make_unique<Export>(Export{awaited(o, a), {}, {}});
    const auto itemsize = static_cast<Py_ssize_t>(a.itemsize());
    bool overlaps = false;  // elements that share memory: a write to one would change others
    const Strides strides = a.strides();
    for (std::size_t i = 0; i < strides.size(); ++i) {
      held->shape.push_back(a.shape()[i]);
      held->strides.push_back(strides[i] * itemsize);
      overlaps |= strides[i] == 0 && a.shape()[i] > 1;
    }
    const bool strided = (flags & PyBUF_STRIDES) == PyBUF_STRIDES;
    if (overlaps && (flags & PyBUF_WRITABLE)) return refuse("a broadcast array cannot be written to");
    const bool on_host = lies_on_host(a);
    if (!on_host && (flags & PyBUF_WRITABLE)) {
      return refuse("an array on the GPU cannot be written to from the host: this is a copy of it");
    }
    const bool row_major = a.is_row_contiguous();
    if (!row_major && (!strided || (flags & PyBUF_C_CONTIGUOUS) == PyBUF_C_CONTIGUOUS)) {
      return refuse("the array is not contiguous in row-major order");
    }
    if ((flags & PyBUF_F_CONTIGUOUS) == PyBUF_F_CONTIGUOUS && !(row_major && a.ndim() <= 1)) {
      return refuse("the array is not contiguous in column-major order");
    }
    view->buf = const_cast<void*>(held->value.data_ptr());
    view->len = static_cast<Py_ssize_t>(a.nbytes());
    view->readonly = overlaps || !on_host;
    if (!view->readonly) pin(a);
    view->itemsize = itemsize;
    view->format = flags & PyBUF_FORMAT ? const_cast<char*>(format_of(a.dtype())) : nullptr;
    view->ndim = a.ndim();
    view->shape = flags & PyBUF_ND ? held->shape.data() : nullptr;
    view->strides = strided ? held->strides.data() : nullptr;
    view->suboffsets = nullptr;
    view->internal = held.release();
    Py_INCREF(o);
    view->obj = o;
    return 0;
  });
}

void release_buffer(PyObject*, Py_buffer* view) noexcept { delete static_cast<Export*>(view->internal); }

}  // namespace

void raise_swallowed_interrupt(PyObject* o) {
  if (!interrupted.exception) return;
  PyFrameObject* frame = PyEval_GetFrame();
  const bool same_call =
      interrupted.array == o && interrupted.frame == frame && frame && interrupted.line == PyFrame_GetLineNumber(frame);
  if (same_call) PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(interrupted.exception)), interrupted.exception);
  forget_interrupted();
  if (same_call) throw nb::python_error();
}

PyType_Slot buffer_slots[] = {
    {Py_bf_getbuffer, reinterpret_cast<void*>(get_buffer)},
    {Py_bf_releasebuffer, reinterpret_cast<void*>(release_buffer)},
    {0, nullptr},
};

}  // namespace anabranch::python
