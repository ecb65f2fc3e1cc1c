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
  // Of memory on a device: a stream there that was made to wait for whoever wrote to it. None: of the host's.
  std::optional<Stream> stream;

  std::size_t itemsize() const { return complex128 ? 16 : dtype.size(); }
};

// What `o` offers: through the buffer protocol, DLPack, __cuda_array_interface__, __array_interface__ or __array__.
// Nothing where it offers none. Throws what a producer throws, and std::invalid_argument for element types that have no
// dtype here.
std::optional<ForeignMemory> foreign_memory(PyObject* o);
// The same through one of them. (foreign_buffer.cpp, foreign_dlpack.cpp, foreign_gpu.cpp)
std::optional<ForeignMemory> memory_of_buffer(PyObject* o);
std::optional<ForeignMemory> memory_of_dlpack(PyObject* o);
std::optional<ForeignMemory> memory_of_cuda_array(PyObject* o);
// The stream that reads memory which `o` has on a device, as DLPack names that: the scope's there. Throws
// std::invalid_argument for devices that are not ours. (foreign_gpu.cpp)
Stream reading_stream(nb::handle o, int device_type, int index);

// Whether an array can be over that memory itself: it is laid out as one's, and where it is the host's, it may be
// written to, since arrays hand theirs out for writing.
bool can_share(const ForeignMemory& memory);
// An array over that memory itself. Throws std::invalid_argument where its layout cannot be ours.
array adopt_memory(const ForeignMemory& memory);
// A copy, as foreign_to_array.
array copy_memory(const ForeignMemory& memory, std::optional<Dtype> dtype);

}  // namespace anabranch::python
