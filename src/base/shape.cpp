#include "anabranch/shape.h"

#include <algorithm>
#include <stdexcept>

namespace anabranch {

// So that neither the number of elements nor that of their bytes overflows.
constexpr std::int64_t max_elements = std::int64_t{1} << 60;

std::int64_t element_count(const Shape& shape) {
  std::int64_t n = 1;
  bool empty = false;
  for (ShapeElem e : shape) empty |= e == 0;
  if (empty) return 0;
  for (ShapeElem e : shape) {
    if (__builtin_mul_overflow(n, e, &n) || n >= max_elements)
      throw std::overflow_error("[shape] " + to_string(shape) + " has 2^60 elements or more.");
  }
  return n;
}

Strides contiguous_strides(const Shape& shape) {
  Strides strides(shape.size());
  std::int64_t step = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    strides[i] = step;
    step *= shape[i];
  }
  return strides;
}

bool is_row_contiguous(const Shape& shape, const Strides& strides) {
  std::int64_t step = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    if (shape[i] == 0) return true;
    if (shape[i] != 1 && strides[i] != step) return false;
    step *= shape[i];
  }
  return true;
}

Shape broadcast_shapes(const Shape& a, const Shape& b, const char* function) {
  const Shape& longer = a.size() >= b.size() ? a : b;
  const Shape& shorter = a.size() >= b.size() ? b : a;
  Shape out = longer;
  const std::size_t lead = longer.size() - shorter.size();
  for (std::size_t i = 0; i < shorter.size(); ++i) {
    const ShapeElem x = longer[lead + i], y = shorter[i];
    if (x != y && x != 1 && y != 1) {
      throw std::invalid_argument("[" + std::string(function) + "] Shapes " + to_string(a) + " and " + to_string(b) +
                                  " cannot be broadcast.");
    }
    out[lead + i] = x == 1 ? y : x;
  }
  return out;
}

Strides broadcast_strides(const Shape& shape, const Strides& strides, const Shape& to) {
  Strides out(to.size(), 0);
  const std::size_t lead = to.size() - shape.size();
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (shape[i] != 1) out[lead + i] = strides[i];
  return out;
}

int normalize_axis(std::int64_t axis, int ndim, const char* function) {
  const std::int64_t a = axis < 0 ? axis + ndim : axis;
  if (a < 0 || a >= ndim) {
    throw std::out_of_range("[" + std::string(function) + "] Axis " + std::to_string(axis) +
                            " is out of bounds for array with " + std::to_string(ndim) + " dimensions.");
  }
  return static_cast<int>(a);
}

std::vector<int> normalize_axes(const std::vector<int>& axes, int ndim, const char* function) {
  std::vector<int> out;
  out.reserve(axes.size());
  for (int axis : axes) out.push_back(normalize_axis(axis, ndim, function));
  std::sort(out.begin(), out.end());
  if (std::adjacent_find(out.begin(), out.end()) != out.end())
    throw std::invalid_argument("[" + std::string(function) + "] Repeated axis.");
  return out;
}

std::string to_string(const Shape& shape) {
  std::string out(1, '(');
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i) out += ',';
    out += std::to_string(shape[i]);
  }
  out += ')';
  return out;
}

}  // namespace anabranch
