// The buffer protocol (PEP 3118), as a consumer.
#include <bit>
#include <string_view>

#include "array/foreign.h"

namespace anabranch::python {
namespace {

// Sets dtype, complex128 and swapped from a format such as "f", "<i" or "Zd".
bool parse_format(std::string_view format, Py_ssize_t itemsize, ForeignMemory& out) {
  constexpr bool little = std::endian::native == std::endian::little;
  if (!format.empty() && std::string_view("@=<>!^").find(format.front()) != format.npos) {
    const char order = format.front();
    out.swapped = itemsize > 1 && ((order == '<' && !little) || ((order == '>' || order == '!') && little));
    format.remove_prefix(1);
  }
  const auto sized = [&](Dtype d1, Dtype d2, Dtype d4, Dtype d8) {
    out.dtype = itemsize == 1 ? d1 : itemsize == 2 ? d2 : itemsize == 4 ? d4 : d8;
    return itemsize == out.dtype.size();
  };
  if (format == "Zd") return (out.complex128 = itemsize == 16);
  if (format == "Zf") {
    out.dtype = complex64;
    return itemsize == 8;
  }
  if (format.size() != 1) return false;
  switch (format.front()) {
    case '?': out.dtype = bool_; return itemsize == 1;
    case 'b':
    case 'h':
    case 'i':
    case 'l':
    case 'q':
    case 'n': return sized(int8, int16, int32, int64);
    case 'B':
    case 'H':
    case 'I':
    case 'L':
    case 'Q':
    case 'N':
    case 'c': return sized(uint8, uint16, uint32, uint64);
    case 'e': out.dtype = float16; return itemsize == 2;
    case 'f': out.dtype = float32; return itemsize == 4;
    case 'd': out.dtype = float64; return itemsize == 8;
    default: return false;
  }
}

}  // namespace

std::optional<ForeignMemory> memory_of_buffer(PyObject* o) {
  if (!PyObject_CheckBuffer(o)) return std::nullopt;
  ForeignMemory m;
  m.owner = nb::steal(PyMemoryView_FromObject(o));
  if (!m.owner.is_valid()) {
    PyErr_Clear();  // an element type that buffers cannot describe; other protocols may
    return std::nullopt;
  }
  const Py_buffer* b = PyMemoryView_GET_BUFFER(m.owner.ptr());
  const std::string_view format = b->format ? b->format : "B";
  if (!parse_format(format, b->itemsize, m) || b->suboffsets) {
    throw std::invalid_argument("[array] Elements of the buffer format '" + std::string(format) + "' of " +
                                Py_TYPE(o)->tp_name + " have no dtype here.");
  }
  m.data = b->buf;
  m.read_only = b->readonly;
  for (int i = 0; i < b->ndim; ++i) m.shape.push_back(b->shape[i]);
  for (int i = 0; i < b->ndim; ++i) m.byte_strides.push_back(b->strides[i]);
  return m;
}

}  // namespace anabranch::python
