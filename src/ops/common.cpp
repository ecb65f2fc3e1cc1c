#include "ops/common.h"

namespace anabranch::ops {

std::string message(const char* function, const std::string& text) { return "[" + std::string(function) + "] " + text; }

void refuse(const char* function, const std::string& text) { throw std::invalid_argument(message(function, text)); }

void require_extents(const char* function, const Shape& shape) {
  for (ShapeElem extent : shape) {
    if (extent < 0) refuse(function, "Negative dimensions not allowed, got shape " + to_string(shape) + ".");
  }
  element_count(shape);
}

array constant(double value, Dtype dtype, const StreamOrDevice& s) {
  return graph::full(Shape{}, Scalar::of_float(value, dtype), to_stream(s));
}

namespace {

Scalar convert(const Scalar& v, Dtype dtype) {
  switch (kindof(v.dtype)) {
    case Dtype::Kind::b:
    case Dtype::Kind::u: return Scalar::of_uint(v.u, dtype);
    case Dtype::Kind::i: return Scalar::of_int(v.i, dtype);
    case Dtype::Kind::f:
    case Dtype::Kind::V: return Scalar::of_float(v.f, dtype);  // V: bfloat16
    default: return Scalar::of_complex(complex64_t(v.c[0], v.c[1]), dtype);
  }
}

template <typename T>
Scalar scalar_of(T v, Dtype dtype) {
  if constexpr (std::is_same_v<T, complex64_t>) {
    return Scalar::of_complex(v, dtype);
  } else if constexpr (std::is_unsigned_v<T>) {
    return Scalar::of_uint(v, dtype);
  } else if constexpr (std::is_integral_v<T>) {
    return Scalar::of_int(v, dtype);
  } else {
    return Scalar::of_float(static_cast<double>(v), dtype);
  }
}

}  // namespace

std::optional<Scalar> known_value(const array& a, Dtype dtype) {
  const graph::Node* node = a.node().get();
  const graph::Operation* base = graph::base_of(node);
  if (base->op == Op::Full) return convert(base->scalar, dtype);
  if (base->op != Op::Leaf || a.size() != 1) return std::nullopt;
  const char* data =
      static_cast<const char*>(base->buffer->data) + graph::offset_of(node) * static_cast<std::int64_t>(a.itemsize());
  return dispatch_dtype(a.dtype(), [&](auto* type) {
    return scalar_of(*reinterpret_cast<const std::remove_pointer_t<decltype(type)>*>(data), dtype);
  });
}

array broadcast(const array& a, const Shape& shape) {
  if (a.shape() == shape) return a;
  return graph::view(a, shape, broadcast_strides(a.shape(), a.strides(), shape));
}

array permute(const array& a, const SmallVector<int, 4>& axes) {
  const Strides strides = a.strides();
  Shape shape;
  Strides permuted;
  bool identity = true;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<std::size_t>(axes[i]);
    identity &= axis == i;
    shape.push_back(a.shape()[axis]);
    permuted.push_back(strides[axis]);
  }
  return identity ? a : graph::view(a, shape, permuted);
}

std::optional<array> view_as(const array& a, const Shape& shape) {
  if (a.shape() == shape) return a;
  if (a.is_row_contiguous() || a.size() == 0) return graph::view(a, shape, contiguous_strides(shape));
  // Groups of old axes that lie one inside the other can be split and joined as one.
  const Shape& from = a.shape();
  const Strides from_strides = a.strides();
  Strides strides(shape.size(), 0);
  std::size_t i = 0, k = 0;
  while (i < from.size() && k < shape.size()) {
    std::size_t i_end = i + 1, k_end = k + 1;
    std::int64_t old_count = from[i], new_count = shape[k];
    while (old_count != new_count) {
      if (old_count < new_count) {
        old_count *= from[i_end++];
      } else {
        new_count *= shape[k_end++];
      }
    }
    std::int64_t step = 0, expected = 0;
    bool first = true;
    for (std::size_t j = i_end; j-- > i;) {
      if (from[j] == 1) continue;
      if (first) {
        step = from_strides[j];
      } else if (from_strides[j] != expected) {
        return std::nullopt;
      }
      first = false;
      expected = from_strides[j] * from[j];
    }
    for (std::size_t j = k_end; j-- > k;) {
      strides[j] = step;
      step *= shape[j];
    }
    i = i_end;
    k = k_end;
  }
  return graph::view(a, shape, strides);
}

}  // namespace anabranch::ops
