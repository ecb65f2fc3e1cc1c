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

  // Of floats: the bits of infinity. NaN has the largest key of all, whichever way the order goes.
  Key infinity = 0;
  Key flip = 0;  // all bits of the mask: the order goes the other way
  bool is_float = false, is_signed = false;

  OrderedKeys() = default;
  OrderedKeys(Dtype dtype, bool descending)
      : infinity(infinity_of(dtype)),
        flip(descending ? mask : 0),
        is_float(issubdtype(dtype, floating)),
        is_signed(issubdtype(dtype, signedinteger)) {}

  ANABRANCH_HOST_DEVICE Key key(Bits element) const {
    const Key bits = element;
    if (!is_float) return (bits ^ (is_signed ? top : Key{0})) ^ flip;
    if ((bits & ~top) > infinity) return mask;
    return (bits ^ (bits & top ? mask : top)) ^ flip;
  }
  // For NaN, the one with all bits but the sign.
  ANABRANCH_HOST_DEVICE Bits element(Key key) const {
    if (!is_float) return static_cast<Bits>((key ^ flip) ^ (is_signed ? top : Key{0}));
    if (key == mask) return static_cast<Bits>(mask ^ top);
    const Key bits = key ^ flip;
    return static_cast<Bits>(bits ^ (bits & top ? top : mask));
  }
  // Of equal elements: both zeros have that of 0.
  ANABRANCH_HOST_DEVICE Key equal_key(Bits element) const {
    return key(is_float && static_cast<Key>(element) == top ? Bits{0} : element);
  }

 private:
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
