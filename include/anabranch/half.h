// Storage types of 16-bit floats and of complex numbers. Arithmetic happens in float; these only convert.
#pragma once

#include <bit>
#include <complex>
#include <cstdint>

namespace anabranch {

// The upper half of an IEEE 754 binary32; conversion rounds to nearest, ties to even, and keeps NaN a NaN.
struct bfloat16_t {
  std::uint16_t bits = 0;
  bfloat16_t() = default;
  constexpr explicit bfloat16_t(float x) : bits(from(std::bit_cast<std::uint32_t>(x))) {}
  constexpr operator float() const { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

 private:
  static constexpr std::uint16_t from(std::uint32_t u) {
    if ((u & 0x7fffffffu) > 0x7f800000u) return static_cast<std::uint16_t>((u >> 16) | 0x40u);
    return static_cast<std::uint16_t>((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
  }
};

// IEEE 754 binary16; conversion rounds to nearest, ties to even, subnormals included.
struct float16_t {
  std::uint16_t bits = 0;
  float16_t() = default;
  constexpr explicit float16_t(float x) : bits(from(x)) {}
  constexpr operator float() const { return to(bits); }

 private:
  static constexpr std::uint16_t from(float x) {
    const std::uint32_t u = std::bit_cast<std::uint32_t>(x);
    const std::uint16_t sign = static_cast<std::uint16_t>((u >> 16) & 0x8000u);
    const std::uint32_t a = u & 0x7fffffffu;
    if (a > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u | ((a >> 13) & 0x3ffu));
    if (a >= 0x47800000u) return static_cast<std::uint16_t>(sign | 0x7c00u);
    if (a < 0x38800000u) {  // subnormal: let float addition round at the right bit
      const float r = std::bit_cast<float>(a) + 0.5f;
      return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(r) - 0x3f000000u));
    }
    return static_cast<std::uint16_t>(sign | ((a - 0x38000000u + 0xfffu + ((a >> 13) & 1u)) >> 13));
  }
  static constexpr float to(std::uint16_t h) {
    const std::uint32_t sign = static_cast<std::uint32_t>(h & 0x8000u) << 16;
    const std::uint32_t a = h & 0x7fffu;
    if (a >= 0x7c00u) return std::bit_cast<float>(sign | 0x7f800000u | ((a & 0x3ffu) << 13));
    if (a < 0x400u) return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(static_cast<float>(a) * 0x1p-24f));
    return std::bit_cast<float>(sign | ((a << 13) + 0x38000000u));
  }
};

using complex64_t = std::complex<float>;

}  // namespace anabranch
