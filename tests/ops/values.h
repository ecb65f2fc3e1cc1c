// Reading results in tests.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "anabranch/anabranch.h"

namespace anabranch::testing {

// The elements in row-major order, as T.
template <typename T = float>
std::vector<T> values(const array& a) {
  const array dense = contiguous(astype(a, TypeToDtype<T>::value));
  const T* data = dense.data<T>();
  return std::vector<T>(data, data + dense.size());
}

// 0, 1, 2 ... as int32 in this shape.
inline array counting(const Shape& shape) { return reshape(arange(static_cast<int>(element_count(shape))), shape); }

inline constexpr Dtype every_dtype[] = {bool_, uint8, uint16,  uint32,   uint64,  int8,    int16,
                                        int32, int64, float16, bfloat16, float32, float64, complex64};

}  // namespace anabranch::testing
