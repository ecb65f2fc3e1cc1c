#include <charconv>
#include <cmath>
#include <ostream>

#include "anabranch/printing.h"
#include "runtime/sync.h"

namespace anabranch {
namespace {

constexpr ShapeElem shown_at_each_end = 3;
constexpr std::size_t indent = sizeof("array(") - 1;

runtime::Atomic<int> precision{-1};

void append(std::string& out, double v, int digits) {
  char text[512];  // the largest double takes 309 digits before the point
  digits = std::min(digits, 128);
  const auto end = digits < 0 ? std::to_chars(text, text + sizeof text, v, std::chars_format::general, 6)
                              : std::to_chars(text, text + sizeof text, v, std::chars_format::fixed, digits);
  out.append(text, end.ptr);
}

template <typename T>
void append_element(std::string& out, const T& v, int digits) {
  if constexpr (std::is_same_v<T, bool>) {
    out += v ? "True" : "False";
  } else if constexpr (std::is_integral_v<T>) {
    out += std::to_string(v);
  } else if constexpr (std::is_same_v<T, complex64_t>) {
    append(out, v.real(), digits);
    if (v.imag() >= 0 || std::isnan(v.imag())) out += '+';
    append(out, v.imag(), digits);
    out += 'j';
  } else {
    append(out, static_cast<double>(v), digits);
  }
}

template <typename T>
class Printer {
 public:
  Printer(const array& a, std::string& out)
      : shape_(a.shape()), strides_(a.strides()), digits_(precision.load(std::memory_order_relaxed)), out_(out) {}

  void print(const T* at, std::size_t axis) {
    if (axis == shape_.size()) return append_element(out_, *at, digits_);
    const bool innermost = axis + 1 == shape_.size();
    const std::string separator = innermost ? ", " : ",\n" + std::string(indent + axis + 1, ' ');
    const ShapeElem extent = shape_[axis];
    out_ += '[';
    for (ShapeElem i = 0; i < extent; ++i) {
      if (i) out_ += separator;
      if (i == shown_at_each_end && extent > 2 * shown_at_each_end) {
        out_ += "...";
        out_ += separator;
        i = extent - shown_at_each_end;
      }
      print(at + i * strides_[axis], axis + 1);
    }
    out_ += ']';
  }

 private:
  const Shape shape_;
  const Strides strides_;
  const int digits_;
  std::string& out_;
};

}  // namespace

PrintOptions print_options() { return {precision.load(std::memory_order_relaxed)}; }
void set_print_options(PrintOptions options) { precision.store(options.precision, std::memory_order_relaxed); }

std::string to_string(const array& a) {
  std::string out = "array(";
  const void* data = a.data_ptr();
  dispatch_dtype(a.dtype(), [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    Printer<T>(a, out).print(static_cast<const T*>(data), 0);
  });
  out += ", dtype=";
  out += dtype_name(a.dtype());
  out += ')';
  return out;
}

std::ostream& operator<<(std::ostream& out, const array& a) { return out << to_string(a); }

}  // namespace anabranch
