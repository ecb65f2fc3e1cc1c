#include "graph/attributes.h"

#include <cmath>

namespace anabranch::graph {

namespace {

// Out of range and NaN become the smallest int64, as on x86; never undefined.
std::int64_t truncated(double v) { return v >= -0x1p63 && v < 0x1p63 ? static_cast<std::int64_t>(v) : INT64_MIN; }

// To int32 and narrower, kernels go by way of int32.
std::int32_t truncated_narrow(double v) {
  return v > -0x1p31 - 1 && v < 0x1p31 ? static_cast<std::int32_t>(v) : INT32_MIN;
}

std::uint64_t truncated_unsigned(double v) {
  return v >= 0x1p63 && v < 0x1p64 ? static_cast<std::uint64_t>(v) : static_cast<std::uint64_t>(truncated(v));
}

// `bits` taken modulo 2^(8 * size) and extended again as the dtype's signedness says.
std::uint64_t wrapped(std::uint64_t bits, Dtype d) {
  const int shift = 64 - 8 * d.size();
  if (kindof(d) == Dtype::Kind::i) {
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(bits << shift) >> shift);
  }
  return bits << shift >> shift;
}

// What a float of dtype `d` holds for v; integers too go to float32 in one step.
template <typename T>
double rounded(T v, Dtype d) {
  switch (d.val) {
    case Dtype::Val::float16: return static_cast<float>(float16_t(static_cast<float>(v)));
    case Dtype::Val::bfloat16: return static_cast<float>(bfloat16_t(static_cast<float>(v)));
    case Dtype::Val::float32: return static_cast<float>(v);
    default: return static_cast<double>(v);
  }
}

// `v` as an element of `d`, where `to_integer` converts to the integer types.
template <typename T, typename F>
Scalar convert(T v, Dtype d, F to_integer) {
  Scalar s;
  s.dtype = d;
  switch (kindof(d)) {
    case Dtype::Kind::b: s.u = v != 0; break;
    case Dtype::Kind::f:
    case Dtype::Kind::V: s.f = rounded(v, d); break;  // V: bfloat16
    case Dtype::Kind::c:
      s.c[0] = static_cast<float>(v);
      s.c[1] = 0;
      break;
    default: s.u = to_integer(v);
  }
  return s;
}

}  // namespace

Scalar Scalar::of_int(std::int64_t v, Dtype d) {
  return convert(v, d, [d](std::int64_t x) { return wrapped(static_cast<std::uint64_t>(x), d); });
}

Scalar Scalar::of_uint(std::uint64_t v, Dtype d) {
  return convert(v, d, [d](std::uint64_t x) { return wrapped(x, d); });
}

Scalar Scalar::of_float(double v, Dtype d) {
  return convert(v, d, [d](double x) {
    if (d.size() < 4 || d == int32) return wrapped(static_cast<std::uint64_t>(std::int64_t{truncated_narrow(x)}), d);
    return wrapped(d == uint64 ? truncated_unsigned(x) : static_cast<std::uint64_t>(truncated(x)), d);
  });
}

Scalar Scalar::of_complex(complex64_t v, Dtype d) {
  if (kindof(d) == Dtype::Kind::b) return of_int(v != complex64_t(0), d);
  Scalar s = of_float(v.real(), d);
  if (kindof(d) == Dtype::Kind::c) s.c[1] = v.imag();
  return s;
}

void Scalar::store(void* to) const {
  switch (dtype.val) {
    case Dtype::Val::float16: {
      const float16_t h(static_cast<float>(f));
      std::memcpy(to, &h, sizeof(h));
      break;
    }
    case Dtype::Val::bfloat16: {
      const bfloat16_t h(static_cast<float>(f));
      std::memcpy(to, &h, sizeof(h));
      break;
    }
    case Dtype::Val::float32: {
      const float v = static_cast<float>(f);
      std::memcpy(to, &v, sizeof(v));
      break;
    }
    default: std::memcpy(to, &u, dtype.size());  // little-endian: the low bytes come first
  }
}

}  // namespace anabranch::graph
