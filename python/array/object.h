// The parts of the class `array` that the files of this folder contribute.
#pragma once

#include <optional>

#include "common.h"

namespace anabranch::python {

using ArrayClass = nb::class_<array>;

// Classes say that they are the package's, not the extension module's.
inline void in_package(nb::handle cls) { cls.attr("__module__") = "anabranch"; }

// Type slots: terminated by {0, nullptr}.
extern PyType_Slot number_slots[];    // operators.cpp
extern PyType_Slot indexing_slots[];  // subscript.cpp
extern PyType_Slot buffer_slots[];    // buffer.cpp
extern PyType_Slot text_slots[];      // printing.cpp
extern PyType_Slot scalar_slots[];    // scalars.cpp

void add_methods(ArrayClass& c);                  // methods.cpp
void add_scalars(nb::module_& m, ArrayClass& c);  // scalars.cpp
void add_interchange(ArrayClass& c);              // interchange.cpp
void add_gpu_interchange(ArrayClass& c);          // gpu_interchange.cpp
void add_pickling(ArrayClass& c);                 // pickling.cpp
void add_at(nb::module_& m, ArrayClass& c);       // at.cpp

// The stream that the Python scope says; found once for all the nodes that an operation makes.
inline StreamOrDevice current_stream() { return stream_argument(Py_None); }

// `a` in `dtype`, where one is given.
array converted(const array& a, std::optional<Dtype> dtype);
// `o` as the other operand of an operator beside an operand of dtype `beside`; nothing where operators leave it to
// the object itself (strings, lists, None, ...).
std::optional<array> to_operand(PyObject* o, Dtype beside, const StreamOrDevice& stream);
// The Python scalar `o` as a constant beside an operand of dtype `beside`.
array scalar_to_array(PyObject* o, std::optional<Dtype> beside, const StreamOrDevice& stream);

// NumPy first asks for the buffer, passes over any error, and then calls __array__, where this raises again what ended
// the wait for the buffer: a Ctrl-C is not lost. (buffer.cpp)
void raise_swallowed_interrupt(PyObject* o);

// Nested lists and tuples. (sequence.cpp)
array sequence_to_array(PyObject* sequence, std::optional<Dtype> dtype);
// A copy of the memory of `o` where it offers some: buffer protocol, DLPack, __array_interface__ or __array__. In its
// own dtype, but float64 and complex128 become float32 and complex64, unless `dtype` says otherwise. (foreign.cpp)
std::optional<array> foreign_to_array(PyObject* o, std::optional<Dtype> dtype);

// A leaf of uninitialised memory.
struct Fresh {
  Fresh(const Shape& shape, Dtype dtype);
  array value;
  void* data;
};

}  // namespace anabranch::python
