#include "anabranch/dtype.h"

#include <algorithm>
#include <array>

namespace anabranch {
namespace {

constexpr int index(Dtype d) { return static_cast<int>(d.val); }

// Row a, column b, in the order of Dtype::Val. Symmetric.
constexpr auto promotions = [] {
  using V = Dtype::Val;
  std::array<std::array<V, dtype_count>, dtype_count> t{};
  const V unsigned_by_log[] = {V::uint8, V::uint16, V::uint32, V::uint64};
  const V signed_by_log[] = {V::int8, V::int16, V::int32, V::int64};
  auto is_unsigned = [](V v) { return v >= V::uint8 && v <= V::uint64; };
  auto is_signed = [](V v) { return v >= V::int8 && v <= V::int64; };
  for (int i = 0; i < dtype_count; ++i) {
    for (int j = 0; j < dtype_count; ++j) {
      const V a = static_cast<V>(i), b = static_cast<V>(j);
      V r;
      if (a == b) {
        r = a;
      } else if (a == V::complex64 || b == V::complex64) {
        r = V::complex64;
      } else if (a == V::float64 || b == V::float64) {
        r = V::float64;
      } else if (a >= V::float16 || b >= V::float16) {  // a real float with anything
        const V f = a >= V::float16 ? a : b, g = a >= V::float16 ? b : a;
        r = g >= V::float16 ? V::float32 : f;
      } else if (a == V::bool_ || b == V::bool_) {
        r = a == V::bool_ ? b : a;
      } else if (is_unsigned(a) && is_unsigned(b)) {
        r = unsigned_by_log[std::max(i, j) - 1];
      } else if (is_signed(a) && is_signed(b)) {
        r = signed_by_log[std::max(i, j) - 5];
      } else {
        const int u = (is_unsigned(a) ? i : j) - 1, s = (is_unsigned(a) ? j : i) - 5;
        r = u == 3 ? V::float32 : signed_by_log[std::max(u + 1, s)];
      }
      t[i][j] = r;
    }
  }
  return t;
}();

constexpr std::string_view names[] = {"bool",  "uint8", "uint16",  "uint32",  "uint64",  "int8",     "int16",
                                      "int32", "int64", "float16", "float32", "float64", "bfloat16", "complex64"};

Dtype::Category category(Dtype d) {
  using V = Dtype::Val;
  if (d == bool_) return generic;
  if (d.val <= V::uint64) return unsignedinteger;
  if (d.val <= V::int64) return signedinteger;
  return d == complex64 ? complexfloating : floating;
}

}  // namespace

Dtype promote_types(Dtype a, Dtype b) { return promotions[index(a)][index(b)]; }

Dtype::Kind kindof(Dtype d) {
  using K = Dtype::Kind;
  if (d == bool_) return K::b;
  if (d == bfloat16) return K::V;  // NumPy has no such type
  switch (category(d)) {
    case unsignedinteger: return K::u;
    case signedinteger: return K::i;
    case complexfloating: return K::c;
    default: return K::f;
  }
}

bool issubdtype(Dtype a, Dtype b) { return a == b; }
bool issubdtype(Dtype a, Dtype::Category b) { return issubdtype(category(a), b); }

bool issubdtype(Dtype::Category a, Dtype::Category b) {
  auto parent = [](Dtype::Category c) {
    switch (c) {
      case complexfloating:
      case floating: return inexact;
      case signedinteger:
      case unsignedinteger: return integer;
      case inexact:
      case integer: return number;
      default: return generic;
    }
  };
  while (a != b) {
    if (a == generic) return false;
    a = parent(a);
  }
  return true;
}

std::string_view dtype_name(Dtype d) { return names[index(d)]; }

}  // namespace anabranch
