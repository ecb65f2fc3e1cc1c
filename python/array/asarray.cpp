// Other libraries' memory as arrays: asarray and from_dlpack.
#include "anabranch/ops.h"
#include "array/foreign.h"
#include "array/object.h"
#include "functions/function.h"

namespace anabranch::python {
namespace {

[[noreturn]] void refuse_sharing(const char* why) {
  throw std::invalid_argument(std::string("[asarray] copy=False, but ") + why + ".");
}

array shared(const ForeignMemory& memory) {
  array a = adopt_memory(memory);
  pin(a);
  return a;
}

array without_copy(PyObject* o, std::optional<Dtype> dtype) {
  if (is_array(o)) {
    const array& a = array_of(o);
    if (dtype && *dtype != a.dtype()) refuse_sharing("another dtype takes a copy");
    return a;
  }
  std::optional<ForeignMemory> memory;
  if (!is_python_scalar(o) && !PyList_Check(o) && !PyTuple_Check(o)) memory = foreign_memory(o);
  if (!memory) refuse_sharing("this object has no memory to share");
  if (memory->read_only && !memory->stream)
    refuse_sharing("its memory is read-only, and arrays hand theirs out for writing");
  if (dtype && *dtype != memory->dtype) refuse_sharing("another dtype takes a copy");
  return shared(*memory);
}

array from_object(nb::handle o, std::optional<Dtype> dtype, bool share, bool copy) {
  if (share) return without_copy(o.ptr(), dtype);
  array a = make_array(o, dtype);
  return copy && is_array(o.ptr()) ? anabranch::copy(a, current_stream()) : a;
}

// As the array API has it: a copy only where one is asked for, or needed. Not of what comes in otherwise (array(),
// asarray()), which is a value from then on: DLPack is how libraries of one process share memory.
array through_dlpack(PyObject* o, std::optional<bool> copy) {
  if (is_array(o)) return copy.value_or(false) ? anabranch::copy(array_of(o), current_stream()) : array_of(o);
  const ForeignMemory memory = *memory_of_dlpack(o);
  if (!copy.value_or(false) && can_share(memory)) return shared(memory);
  if (copy && !*copy) {
    throw std::invalid_argument(std::string("[from_dlpack] copy=False, but the memory of ") + Py_TYPE(o)->tp_name +
                                (memory.read_only ? " is read-only, and arrays hand theirs out for writing."
                                                  : " is not laid out as an array's."));
  }
  return copy_memory(memory, memory.complex128 ? complex64 : memory.dtype);
}

}  // namespace

void bind_asarray(nb::module_& m) {
  def<[](Args& a) {
    return from_object(a[0], a.maybe_dtype(1), a.given(2) && !a.flag(2, true), a.given(2) && a.flag(2, true));
  }>(m, "asarray(a: Any, dtype: Dtype | None = None, *, copy: bool | None = None) -> array",
     "As array(); with copy=False over the very memory of `a`, whose changes then show, or a ValueError.");
  def<[](Args& a) {
    if (!nb::hasattr(a[0], "__dlpack__")) a.wrong(0, "an object with __dlpack__");
    return through_dlpack(a[0].ptr(), a.given(1) ? std::optional(a.flag(1, true)) : std::nullopt);
  }>(m, "from_dlpack(x: Any, /, *, copy: bool | None = None) -> array",
     "The array of an object that supports DLPack, over its very memory, on the CPU or a CUDA GPU: what others write "
     "there shows. A copy where `copy` is True, or where its layout cannot be an array's, for which copy=False is a "
     "ValueError.");
}

}  // namespace anabranch::python
