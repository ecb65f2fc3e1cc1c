// Memory that belongs to somebody else, as Python's protocols describe it.
#pragma once

#include <optional>

#include "common.h"

namespace anabranch::python {

struct ForeignMemory {
  nb::object owner;  // keeps the memory
  void* data = nullptr;
  Dtype dtype = float32;
  bool complex128 = false;  // then dtype says nothing
  bool swapped = false;     // bytes in the other order
  bool read_only = false;
  Shape shape;
  Strides byte_strides;

  std::size_t itemsize() const { return complex128 ? 16 : dtype.size(); }
};

// What `o` offers: through the buffer protocol, DLPack, __array_interface__ or __array__. Nothing where it offers none.
// Throws what a producer throws, and std::invalid_argument for element types that have no dtype here.
std::optional<ForeignMemory> foreign_memory(PyObject* o);
// The same through one of them. (foreign_buffer.cpp, foreign_dlpack.cpp)
std::optional<ForeignMemory> memory_of_buffer(PyObject* o);
std::optional<ForeignMemory> memory_of_dlpack(PyObject* o);

// An array over that memory itself. Throws std::invalid_argument where its layout cannot be ours.
array adopt_memory(const ForeignMemory& memory);
// A copy, as foreign_to_array.
array copy_memory(const ForeignMemory& memory, std::optional<Dtype> dtype);

}  // namespace anabranch::python
