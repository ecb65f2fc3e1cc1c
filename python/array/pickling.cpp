// copy, deepcopy and pickle.
#include <cstring>

#include "anabranch/ops.h"
#include "array/object.h"

namespace anabranch::python {
namespace {

nb::tuple state_of(const array& self) {
  const array a = on_host(contiguous(self, false, current_stream()));
  return nb::make_tuple(a.shape(), static_cast<int>(a.dtype().val), nb::bytes(a.data_ptr(), a.nbytes()));
}

void restore(array* self, const nb::tuple& state) {
  const auto shape = nb::cast<Shape>(state[0]);
  const int dtype = nb::cast<int>(state[1]);
  const auto bytes = nb::cast<nb::bytes>(state[2]);
  if (dtype < 0 || dtype >= dtype_count) throw std::invalid_argument("[pickle] Unknown dtype in an array's state.");
  Fresh fresh(shape, Dtype(static_cast<Dtype::Val>(dtype)));
  if (bytes.size() != fresh.value.nbytes()) {
    throw std::invalid_argument("[pickle] An array's state holds " + std::to_string(bytes.size()) + " bytes, not " +
                                std::to_string(fresh.value.nbytes()) + ".");
  }
  if (bytes.size()) std::memcpy(fresh.data, bytes.data(), bytes.size());
  new (self) array(fresh.value);
}

}  // namespace

void add_pickling(ArrayClass& c) {
  c.def("__getstate__", state_of, nb::sig("def __getstate__(self) -> tuple[Any, ...]"));
  c.def("__setstate__", restore, nb::sig("def __setstate__(self, state: tuple[Any, ...], /) -> None"));
  // Arrays are immutable: another object bound to the same value is a copy.
  c.def("__copy__", [](const array& a) { return array(a); }, nb::sig("def __copy__(self) -> array"));
  c.def(
      "__deepcopy__", [](const array& a, nb::handle) { return array(a); }, nb::arg("memo"),
      nb::sig("def __deepcopy__(self, memo: dict[int, Any], /) -> array"));
}

}  // namespace anabranch::python
