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

array without_copy(PyObject* o, std::optional<Dtype> dtype) {
  if (is_array(o)) {
    const array& a = array_of(o);
    if (dtype && *dtype != a.dtype()) refuse_sharing("another dtype takes a copy");
    return a;
  }
  std::optional<ForeignMemory> memory;
  if (!is_python_scalar(o) && !PyList_Check(o) && !PyTuple_Check(o)) memory = foreign_memory(o);
  if (!memory) refuse_sharing("this object has no memory to share");
  if (memory->read_only) refuse_sharing("its memory is read-only, and arrays hand theirs out for writing");
  if (dtype && *dtype != memory->dtype) refuse_sharing("another dtype takes a copy");
  return adopt_memory(*memory);
}

array from_object(nb::handle o, std::optional<Dtype> dtype, bool share, bool copy) {
  if (share) return without_copy(o.ptr(), dtype);
  array a = make_array(o, dtype);
  return copy && is_array(o.ptr()) ? anabranch::copy(a, current_stream()) : a;
}

}  // namespace

void bind_asarray(nb::module_& m) {
  def<[](Args& a) {
    return from_object(a[0], a.maybe_dtype(1), a.given(2) && !a.flag(2, true), a.given(2) && a.flag(2, true));
  }>(m, "asarray(a: Any, dtype: Dtype | None = None, *, copy: bool | None = None) -> array",
     "As array(); with copy=False over the very memory of `a`, whose changes then show, or a ValueError.");
  def<[](Args& a) {
    if (!nb::hasattr(a[0], "__dlpack__")) a.wrong(0, "an object with __dlpack__");
    return from_object(a[0], std::nullopt, a.given(1) && !a.flag(1, true), a.given(1) && a.flag(1, true));
  }>(m, "from_dlpack(x: Any, /, *, copy: bool | None = None) -> array",
     "The array of an object that supports DLPack; with copy=False over its very memory.");
}

}  // namespace anabranch::python
