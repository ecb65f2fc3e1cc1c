// Elements as unsigned keys that compare as the elements do: one kernel finds the largest and the smallest of signed
// and unsigned integers and of floats of one width.
#pragma once

#include <cstdint>
#include <type_traits>

#include "anabranch/dtype.h"
#include "kernels/host_device.h"

namespace anabranch::kernels {

// `Bits` are those of an element, in the lower bits of an unsigned `Key`.
template <typename Bits, typename Key = Bits>
struct OrderedKeys {
  static constexpr int width = 8 * sizeof(Bits);
  static constexpr Key mask = static_cast<Key>(static_cast<Bits>(~Bits{0}));
  static constexpr Key top = Key{1} << (width - 1);

  OrderedKeys() = default;
  OrderedKeys(Dtype dtype, bool descending) {
    const bool is_float = issubdtype(dtype, floating), is_signed = issubdtype(dtype, signedinteger);
    infinity = is_float ? infinity_of(dtype) : mask;
    negative = is_float ? mask ^ top : Key{0};
    turn = (is_float || is_signed ? top : Key{0}) ^ (descending ? mask : Key{0});
    last = static_cast<Bits>(is_float ? mask ^ top : mask ^ turn);
    of_top = is_float ? Key{0} : top;
  }

  // Without branches: this is much of what a thread does with an element. NaN has the largest key of all, whichever way
  // the order goes.
  ANABRANCH_HOST_DEVICE Key key(Bits element) const {
    const Key bits = element;
    return (bits & ~top) > infinity ? mask : turned(bits) ^ turn;
  }
  // For NaN, the one with all bits but the sign.
  ANABRANCH_HOST_DEVICE Bits element(Key key) const {
    return key == mask ? last : static_cast<Bits>(turned(key ^ turn));
  }
  // Of equal elements: both zeros have that of 0.
  ANABRANCH_HOST_DEVICE Key equal_key(Bits element) const {
    return key(static_cast<Key>(element) == top ? static_cast<Bits>(of_top) : element);
  }

 private:
  Key infinity = 0;  // the bits of infinity; of integers, more than there are
  Key negative = 0;  // what is inverted where the sign bit is set
  Key turn = 0;      // and what always is
  Key of_top = 0;    // what -0, or the integer with its bits, is taken for
  Bits last = 0;     // the element of the largest key

  ANABRANCH_HOST_DEVICE Key turned(Key bits) const { return bits ^ ((Key{0} - (bits >> (width - 1))) & negative); }

  static Key infinity_of(Dtype dtype) {
    switch (dtype.val) {
      case Dtype::Val::float16: return static_cast<Key>(0x7c00);
      case Dtype::Val::bfloat16: return static_cast<Key>(0x7f80);
      case Dtype::Val::float32: return static_cast<Key>(0x7f800000);
      case Dtype::Val::float64: return static_cast<Key>(0x7ff0000000000000);
      default: return 0;
    }
  }
};

}  // namespace anabranch::kernels
