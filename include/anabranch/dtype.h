// Element types, their categories and MLX's promotion rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "anabranch/half.h"

namespace anabranch {

struct Dtype {
  enum class Val : std::uint8_t {
    bool_,
    uint8,
    uint16,
    uint32,
    uint64,
    int8,
    int16,
    int32,
    int64,
    float16,
    float32,
    float64,
    bfloat16,
    complex64,
  };
  enum class Kind : std::uint8_t { b, u, i, f, c, V };
  enum class Category : std::uint8_t {
    complexfloating,
    floating,
    inexact,
    signedinteger,
    unsignedinteger,
    integer,
    number,
    generic,
  };

  Val val;
  constexpr explicit(false) Dtype(Val v) : val(v) {}
  constexpr operator Val() const { return val; }
  // Bytes of one element.
  constexpr std::uint8_t size() const {
    constexpr std::uint8_t sizes[] = {1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 4, 8, 2, 8};
    return sizes[static_cast<int>(val)];
  }
  friend constexpr bool operator==(Dtype a, Dtype b) { return a.val == b.val; }
};

inline constexpr int dtype_count = 14;

inline constexpr Dtype bool_{Dtype::Val::bool_};
inline constexpr Dtype uint8{Dtype::Val::uint8};
inline constexpr Dtype uint16{Dtype::Val::uint16};
inline constexpr Dtype uint32{Dtype::Val::uint32};
inline constexpr Dtype uint64{Dtype::Val::uint64};
inline constexpr Dtype int8{Dtype::Val::int8};
inline constexpr Dtype int16{Dtype::Val::int16};
inline constexpr Dtype int32{Dtype::Val::int32};
inline constexpr Dtype int64{Dtype::Val::int64};
inline constexpr Dtype float16{Dtype::Val::float16};
inline constexpr Dtype float32{Dtype::Val::float32};
inline constexpr Dtype float64{Dtype::Val::float64};
inline constexpr Dtype bfloat16{Dtype::Val::bfloat16};
inline constexpr Dtype complex64{Dtype::Val::complex64};

inline constexpr Dtype::Category complexfloating = Dtype::Category::complexfloating;
inline constexpr Dtype::Category floating = Dtype::Category::floating;
inline constexpr Dtype::Category inexact = Dtype::Category::inexact;
inline constexpr Dtype::Category signedinteger = Dtype::Category::signedinteger;
inline constexpr Dtype::Category unsignedinteger = Dtype::Category::unsignedinteger;
inline constexpr Dtype::Category integer = Dtype::Category::integer;
inline constexpr Dtype::Category number = Dtype::Category::number;
inline constexpr Dtype::Category generic = Dtype::Category::generic;

// The dtype that an operation on `a` and `b` computes in, as MLX has it.
Dtype promote_types(Dtype a, Dtype b);
Dtype::Kind kindof(Dtype d);
bool issubdtype(Dtype a, Dtype b);
bool issubdtype(Dtype a, Dtype::Category b);
bool issubdtype(Dtype::Category a, Dtype::Category b);
// "float32", "bool" ...
std::string_view dtype_name(Dtype d);

// The Dtype of a C++ element type.
template <typename T>
struct TypeToDtype;
#define ANABRANCH_TYPE(T, D) \
  template <>                \
  struct TypeToDtype<T> {    \
    static constexpr Dtype value = D; \
  };
ANABRANCH_TYPE(bool, bool_)
ANABRANCH_TYPE(std::uint8_t, uint8)
ANABRANCH_TYPE(std::uint16_t, uint16)
ANABRANCH_TYPE(std::uint32_t, uint32)
ANABRANCH_TYPE(std::uint64_t, uint64)
ANABRANCH_TYPE(std::int8_t, int8)
ANABRANCH_TYPE(std::int16_t, int16)
ANABRANCH_TYPE(std::int32_t, int32)
ANABRANCH_TYPE(std::int64_t, int64)
ANABRANCH_TYPE(float16_t, float16)
ANABRANCH_TYPE(float, float32)
ANABRANCH_TYPE(double, float64)
ANABRANCH_TYPE(bfloat16_t, bfloat16)
ANABRANCH_TYPE(complex64_t, complex64)
#undef ANABRANCH_TYPE

// Calls f with a null pointer of the C++ type of `d`: the one place where an element type is chosen at run time.
template <typename F>
decltype(auto) dispatch_dtype(Dtype d, F&& f) {
  switch (d.val) {
    case Dtype::Val::bool_: return f(static_cast<bool*>(nullptr));
    case Dtype::Val::uint8: return f(static_cast<std::uint8_t*>(nullptr));
    case Dtype::Val::uint16: return f(static_cast<std::uint16_t*>(nullptr));
    case Dtype::Val::uint32: return f(static_cast<std::uint32_t*>(nullptr));
    case Dtype::Val::uint64: return f(static_cast<std::uint64_t*>(nullptr));
    case Dtype::Val::int8: return f(static_cast<std::int8_t*>(nullptr));
    case Dtype::Val::int16: return f(static_cast<std::int16_t*>(nullptr));
    case Dtype::Val::int32: return f(static_cast<std::int32_t*>(nullptr));
    case Dtype::Val::int64: return f(static_cast<std::int64_t*>(nullptr));
    case Dtype::Val::float16: return f(static_cast<float16_t*>(nullptr));
    case Dtype::Val::float32: return f(static_cast<float*>(nullptr));
    case Dtype::Val::float64: return f(static_cast<double*>(nullptr));
    case Dtype::Val::bfloat16: return f(static_cast<bfloat16_t*>(nullptr));
    case Dtype::Val::complex64: break;
  }
  return f(static_cast<complex64_t*>(nullptr));
}

}  // namespace anabranch
