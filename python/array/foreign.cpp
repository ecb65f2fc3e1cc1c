#include "array/foreign.h"

#include <algorithm>
#include <cstring>

#include "array/object.h"
#include "functions/wait.h"
#include "graph/node.h"
#include "runtime/registry.h"

namespace anabranch::python {
namespace {

// Copies from here on are spread over the processors.
constexpr std::size_t large = std::size_t{1} << 19;

// The dtype of copies that nobody asked another one of: double precision is for those who do.
Dtype default_dtype(const ForeignMemory& m) {
  if (m.complex128) return complex64;
  return m.dtype == float64 ? float32 : m.dtype;
}

bool is_dense(const ForeignMemory& m) {
  auto step = static_cast<std::int64_t>(m.itemsize());
  for (std::size_t i = m.shape.size(); i-- > 0;) {
    if (m.shape[i] == 0) return true;
    if (m.shape[i] != 1 && m.byte_strides[i] != step) return false;
    step *= m.shape[i];
  }
  return true;
}

// Whether strides count whole elements, as those of arrays do.
bool has_element_strides(const ForeignMemory& m) {
  const auto itemsize = static_cast<std::int64_t>(m.itemsize());
  return std::all_of(m.byte_strides.begin(), m.byte_strides.end(), [&](std::int64_t s) { return s % itemsize == 0; }) &&
         reinterpret_cast<std::uintptr_t>(m.data) % std::min<std::size_t>(m.itemsize(), 8) == 0;
}

bool is_laid_out_as_ours(const ForeignMemory& m) { return !m.swapped && !m.complex128 && has_element_strides(m); }

// Calls f(element) in row-major order.
template <typename F>
void for_each_element(const ForeignMemory& m, const F& f, const char* at, std::size_t axis = 0) {
  if (axis == m.shape.size()) return f(at);
  for (std::int64_t i = 0; i < m.shape[axis]; ++i) for_each_element(m, f, at + i * m.byte_strides[axis], axis + 1);
}

// Element by element: for what arrays cannot describe (byte order, double precision complex, misalignment).
array copy_elements(const ForeignMemory& m) {
  Fresh fresh(m.shape, m.complex128 ? complex64 : m.dtype);
  char* to = static_cast<char*>(fresh.data);
  const std::size_t word = m.complex128 || m.dtype == complex64 ? m.itemsize() / 2 : m.itemsize();
  for_each_element(
      m,
      [&](const char* from) {
        char bytes[16];
        std::memcpy(bytes, from, m.itemsize());
        if (m.swapped) {
          for (std::size_t w = 0; w < m.itemsize(); w += word) std::reverse(bytes + w, bytes + w + word);
        }
        if (m.complex128) {
          double parts[2];
          std::memcpy(parts, bytes, sizeof parts);
          const float narrow[2] = {static_cast<float>(parts[0]), static_cast<float>(parts[1])};
          std::memcpy(bytes, narrow, sizeof narrow);
        }
        std::memcpy(to, bytes, fresh.value.itemsize());
        to += fresh.value.itemsize();
      },
      static_cast<const char*>(m.data));
  return fresh.value;
}

// `build` makes an operation on the stream that it is given. Its value, now: on a stream of its own, not after what the
// scope's stream has to do.
template <typename F>
array computed_now(const F& build) {
  const array a = build(Stream(runtime::open_unlisted_stream(Device(Device::cpu))));
  evaluate(a);
  const graph::Operation* made = graph::base_of(a.node().get());
  return array(graph::NodeRef::adopt(new graph::Operation(a.dtype(), a.shape(), made->buffer)));
}

// An object that has memory which nothing but __array_interface__ describes, through NumPy; or bfloat16 of ml_dtypes,
// which no protocol describes, as its bits.
std::optional<ForeignMemory> memory_of_numpy(PyObject* o) {
  const nb::handle h(o);
  if (PyType_Check(o)) return std::nullopt;
  if (nb::hasattr(h, "dtype") && nb::hasattr(h, "view")) {
    const nb::object name = nb::getattr(h.attr("dtype"), "name", nb::none());
    if (nb::isinstance<nb::str>(name) && nb::cast<std::string>(name) == "bfloat16") {
      std::optional<ForeignMemory> m = memory_of_buffer(nb::object(h.attr("view")("uint16")).ptr());
      if (m) m->dtype = bfloat16;
      return m;
    }
  }
  if (nb::hasattr(h, "__array__")) return memory_of_buffer(nb::object(h.attr("__array__")()).ptr());
  if (nb::hasattr(h, "__array_interface__")) {
    return memory_of_buffer(nb::object(nb::module_::import_("numpy").attr("asarray")(h)).ptr());
  }
  return std::nullopt;
}

}  // namespace

std::optional<ForeignMemory> foreign_memory(PyObject* o) {
  if (std::optional<ForeignMemory> m = memory_of_buffer(o)) return m;
  std::string refusal;
  try {
    if (std::optional<ForeignMemory> m = memory_of_dlpack(o)) return m;
  } catch (const nb::python_error& e) {
    if (!e.matches(PyExc_BufferError)) throw;
    refusal = nb::cast<std::string>(nb::str(e.value()));  // another protocol may do
  }
  if (!nb::hasattr(nb::handle(o), "__dlpack__"))
    if (std::optional<ForeignMemory> m = memory_of_cuda_array(o)) return m;
  if (std::optional<ForeignMemory> m = memory_of_numpy(o)) return m;
  if (!refusal.empty()) throw std::invalid_argument("[array] " + refusal);
  return std::nullopt;
}

bool can_share(const ForeignMemory& m) { return is_laid_out_as_ours(m) && (m.stream || !m.read_only); }

array adopt_memory(const ForeignMemory& m) {
  if (!is_laid_out_as_ours(m)) {
    throw std::invalid_argument(
        "[array] This memory cannot be used without a copy: an array's elements are in native "
        "byte order and aligned.");
  }
  const auto itemsize = static_cast<std::int64_t>(m.itemsize());
  // The memory begins at the lowest address; elements are counted from there.
  std::int64_t lowest = 0, highest = 0;
  Strides strides;
  for (std::size_t i = 0; i < m.shape.size(); ++i) {
    strides.push_back(m.byte_strides[i] / itemsize);
    const std::int64_t reach = strides[i] * std::max<std::int64_t>(m.shape[i] - 1, 0);
    (reach < 0 ? lowest : highest) += reach;
  }
  const bool empty = element_count(m.shape) == 0;
  if (empty) lowest = highest = 0;
  const std::int64_t extent = empty ? 0 : highest - lowest + 1;
  // On a device, others of our streams wait for this event of the one that was made to wait.
  Event ready;
  if (m.stream) waiting([&] { ready = m.stream->record(); });
  char* data = static_cast<char*>(m.data) + lowest * itemsize;
  const auto hold = [owner = kept(m.owner)](void*) {};  // as long as the function is there
  const array memory = m.stream ? graph::adopted(data, Shape{extent}, m.dtype, m.read_only, ready, hold)
                                : array(data, Shape{extent}, m.dtype, hold);
  return graph::view(memory, m.shape, empty ? contiguous_strides(m.shape) : strides, -lowest);
}

array copy_memory(const ForeignMemory& m, std::optional<Dtype> wanted) {
  const Dtype dtype = wanted.value_or(default_dtype(m));
  const std::size_t bytes = static_cast<std::size_t>(element_count(m.shape)) * m.itemsize();
  if (m.stream) {
    const array source = adopt_memory(m);
    const array made = dtype == m.dtype ? graph::operation(graph::Op::Copy, m.shape, dtype, {source.node()}, *m.stream)
                                        : graph::elementwise(graph::Op::AsType, m.shape, dtype, {&source}, *m.stream);
    evaluate(made);  // whoever owns the memory may write to it from now on
    return made;
  }
  if (!is_laid_out_as_ours(m)) return converted(copy_elements(m), dtype);
  if (dtype == m.dtype && bytes < large && is_dense(m)) {
    Fresh fresh(m.shape, dtype);
    if (bytes) std::memcpy(fresh.data, m.data, bytes);
    return fresh.value;
  }
  const array source = adopt_memory(m);
  return computed_now([&](const Stream& stream) {
    return dtype == m.dtype ? graph::operation(graph::Op::Copy, m.shape, dtype, {source.node()}, stream)
                            : graph::elementwise(graph::Op::AsType, m.shape, dtype, {&source}, stream);
  });
}

std::optional<array> foreign_to_array(PyObject* o, std::optional<Dtype> dtype) {
  if (!PyObject_CheckBuffer(o) && !PyType_Check(o) && nb::hasattr(nb::handle(o), "__mlx_array__")) {
    const nb::object a = nb::handle(o).attr("__mlx_array__")();
    if (!is_array(a.ptr())) throw TypeError("[array] __mlx_array__ must return an array.");
    return converted(array_of(a.ptr()), dtype);
  }
  const std::optional<ForeignMemory> m = foreign_memory(o);
  if (!m) return std::nullopt;
  return copy_memory(*m, dtype);
}

}  // namespace anabranch::python
