// How compiled programs read and write memory: elements, aligned packs of them, and the places of strided operands.
#pragma once

#include "lanes.cuh"

namespace anabranch::kernels::device {

// Element types as they lie in memory.
namespace memory {
template <typename T>
struct Plain {
  using Value = T;
  using Bits = Unsigned<T>;
  static ANABRANCH_DEVICE Value from(Bits bits) { return bits_as<Value>(bits); }
  static ANABRANCH_DEVICE Bits to(Value value) { return bits_as<Bits>(value); }
};
using uint8 = Plain<u8>;
using uint16 = Plain<u16>;
using uint32 = Plain<u32>;
using uint64 = Plain<u64>;
using int8 = Plain<i8>;
using int16 = Plain<i16>;
using int32 = Plain<i32>;
using int64 = Plain<i64>;
using float32 = Plain<f32>;
using float64 = Plain<f64>;
using complex64 = Plain<c64>;
struct bool_ {
  using Value = b8;
  using Bits = u8;
  static ANABRANCH_DEVICE Value from(Bits bits) { return bits != 0; }
  static ANABRANCH_DEVICE Bits to(Value value) { return value; }
};
struct float16 {
  using Value = f32;
  using Bits = u16;
  static ANABRANCH_DEVICE Value from(Bits bits) { return from_float16(bits); }
  static ANABRANCH_DEVICE Bits to(Value value) { return float16_bits(value); }
};
struct bfloat16 {
  using Value = f32;
  using Bits = u16;
  static ANABRANCH_DEVICE Value from(Bits bits) { return from_bfloat16(bits); }
  static ANABRANCH_DEVICE Bits to(Value value) { return bfloat16_bits(value); }
};
}  // namespace memory

struct alignas(8) TwoWords {
  u32 x, y;
};
struct alignas(16) FourWords {
  u32 x, y, z, w;
};

// `kCount` neighbouring elements, on their way as words: what is aligned to its size up to 16 bytes moves in one
// instruction.
template <typename M, int kCount>
struct Pack {
  using Bits = typename M::Bits;
  static constexpr int size = sizeof(Bits), bytes = size * kCount;
  u32 words[(bytes + 3) / 4];

  ANABRANCH_DEVICE void load(const char* from) {
    if constexpr (bytes == 1) {
      words[0] = *reinterpret_cast<const u8*>(from);
    } else if constexpr (bytes == 2) {
      words[0] = *reinterpret_cast<const u16*>(from);
    } else if constexpr (bytes == 4) {
      words[0] = *reinterpret_cast<const u32*>(from);
    } else if constexpr (bytes == 8) {
      const TwoWords two = *reinterpret_cast<const TwoWords*>(from);
      words[0] = two.x, words[1] = two.y;
    } else {
      static_assert(bytes == 16);
      const FourWords four = *reinterpret_cast<const FourWords*>(from);
      words[0] = four.x, words[1] = four.y, words[2] = four.z, words[3] = four.w;
    }
  }
  ANABRANCH_DEVICE void store(char* to) const {
    if constexpr (bytes == 1) *reinterpret_cast<u8*>(to) = static_cast<u8>(words[0]);
    else if constexpr (bytes == 2) *reinterpret_cast<u16*>(to) = static_cast<u16>(words[0]);
    else if constexpr (bytes == 4) *reinterpret_cast<u32*>(to) = words[0];
    else if constexpr (bytes == 8) *reinterpret_cast<TwoWords*>(to) = TwoWords{words[0], words[1]};
    else *reinterpret_cast<FourWords*>(to) = FourWords{words[0], words[1], words[2], words[3]};
  }

  ANABRANCH_DEVICE typename M::Value get(int i) const {
    if constexpr (size == 8) return M::from(bits_as<Bits>(u64(words[2 * i + 1]) << 32 | words[2 * i]));
    else return M::from(static_cast<Bits>(words[i * size / 4] >> i * size % 4 * 8));
  }
  // Elements are set in order; a word begins as its first element.
  ANABRANCH_DEVICE void set(int i, typename M::Value value) {
    const Bits bits = M::to(value);
    if constexpr (size == 8) {
      words[2 * i] = static_cast<u32>(bits), words[2 * i + 1] = static_cast<u32>(bits >> 32);
    } else if (const int shift = i * size % 4 * 8) {
      words[i * size / 4] |= u32(bits) << shift;
    } else {
      words[i * size / 4] = bits;
    }
  }
};

template <typename M>
ANABRANCH_DEVICE typename M::Value load(const char* from) {
  return M::from(*reinterpret_cast<const typename M::Bits*>(from));
}
template <typename M>
ANABRANCH_DEVICE void store(char* to, typename M::Value value) {
  *reinterpret_cast<typename M::Bits*>(to) = M::to(value);
}

// Quotients by a number that is the same for a whole launch: of 31 bits by multiplication, of 64 bits as they come. The
// words are what add_divisor() in kernel_plan.cpp writes.
struct Divisor32 {
  using Index = u32;
  u32 divisor, magic;
  int shift;
  ANABRANCH_DEVICE Divisor32(u64 word, u64 magic_word)
      : divisor(static_cast<u32>(word)),
        magic(static_cast<u32>(magic_word)),
        shift(static_cast<int>(magic_word >> 32)) {}
  ANABRANCH_DEVICE u32 quotient(u32 x) const {
    return magic ? static_cast<u32>(static_cast<u64>(x) * magic >> 32) >> shift : x;
  }
};
struct Divisor64 {
  using Index = u64;
  u64 divisor;
  ANABRANCH_DEVICE Divisor64(u64 word, u64) : divisor(word) {}
  ANABRANCH_DEVICE u64 quotient(u64 x) const { return x / divisor; }
};
// Makes `x` the quotient and returns the remainder.
template <typename D>
ANABRANCH_DEVICE typename D::Index divide(typename D::Index& x, const D& by) {
  const typename D::Index q = by.quotient(x);
  const typename D::Index r = x - q * static_cast<typename D::Index>(by.divisor);
  x = q;
  return r;
}

}  // namespace anabranch::kernels::device
