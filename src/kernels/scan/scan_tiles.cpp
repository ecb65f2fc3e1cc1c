#include "kernels/scan/scan_tiles.h"

#include <cstdint>
#include <cstring>
#include <limits>

#include "kernels/elementwise/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/scan/scan_tiles.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/square-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels::HWY_NAMESPACE {
namespace {

// `first` is what leaves the first element of a row as it is: -0 for sums, since 0 would make 0 of -0.
template <typename T>
struct RunningSum {
  static constexpr T first = static_cast<T>(-0.0f);
  template <typename V>
  static HWY_INLINE V apply(V a, V b) {
    return a + b;
  }
};
template <typename T>
struct RunningProduct {
  static constexpr T first = 1;
  template <typename V>
  static HWY_INLINE V apply(V a, V b) {
    return a * b;
  }
};
// Both keep the first NaN.
template <typename T>
struct RunningMaximum {
  using Limits = std::numeric_limits<T>;
  static constexpr T first = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
  template <typename V>
  static HWY_INLINE V apply(V a, V b) {
    return (a >= b) | (a != a) ? a : b;
  }
};
template <typename T>
struct RunningMinimum {
  using Limits = std::numeric_limits<T>;
  static constexpr T first = Limits::has_infinity ? Limits::infinity() : Limits::max();
  template <typename V>
  static HWY_INLINE V apply(V a, V b) {
    return (a <= b) | (a != a) ? a : b;
  }
};

template <typename T, typename Op>
struct Tiles {
  using V = typename Square<T>::V;
  static constexpr int side = Square<T>::side;
  static constexpr std::size_t size = sizeof(T);
  static_assert(sizeof(V) <= carry_bytes);

  static void begin(void* carry) {
    for (int r = 0; r < side; ++r) static_cast<T*>(carry)[r] = Op::first;
  }

  static void run(const char* const* in, std::ptrdiff_t step, char* const* out, std::size_t n, void* carry) {
    V t[side], state = Square<T>::load(carry);
    std::size_t i = 0;
    for (; i + side <= n; i += side) {
      if (step == ScanTiles::dense_rows) {
#pragma GCC unroll 16
        for (int r = 0; r < side; ++r) t[r] = Square<T>::load(in[r] + i * size);
        Square<T>::transpose(t);
      } else {
        const char* from = in[0] + static_cast<std::ptrdiff_t>(i) * step;
#pragma GCC unroll 16
        for (int k = 0; k < side; ++k) t[k] = Square<T>::load(from + k * step);
      }
      // t[k] holds element k of each row.
#pragma GCC unroll 16
      for (int k = 0; k < side; ++k) t[k] = state = Op::apply(state, t[k]);
      Square<T>::transpose(t);
#pragma GCC unroll 16
      for (int r = 0; r < side; ++r) std::memcpy(out[r] + i * size, &t[r], sizeof(V));
    }
    if (i == n) {
      std::memcpy(carry, &state, sizeof(V));
      return;
    }
    // What is left of the rows, by way of a whole tile.
    const std::size_t left = n - i;
    T rest[side][side] = {};
    for (int r = 0; r < side; ++r) {
      if (step == ScanTiles::dense_rows) {
        std::memcpy(rest[r], in[r] + i * size, left * size);
      } else {
        for (std::size_t k = 0; k < left; ++k)
          std::memcpy(&rest[r][k], in[r] + static_cast<std::ptrdiff_t>(i + k) * step, size);
      }
    }
    for (int r = 0; r < side; ++r) t[r] = Square<T>::load(rest[r]);
    Square<T>::transpose(t);
#pragma GCC unroll 16
    for (std::size_t k = 0; k < side; ++k) {
      t[k] = Op::apply(state, t[k]);
      if (k < left) state = t[k];
    }
    std::memcpy(carry, &state, sizeof(V));
    Square<T>::transpose(t);
    for (int r = 0; r < side; ++r) std::memcpy(out[r] + i * size, &t[r], left * size);
  }

  static constexpr ScanTiles tiles{side, run, begin};
};

// Sums and products of integers wrap: those of signed ones are those of unsigned ones.
template <template <typename> class Op>
ScanTiles arithmetic(Dtype dtype) {
  switch (dtype.val) {
    case Dtype::Val::int32:
    case Dtype::Val::uint32: return Tiles<std::uint32_t, Op<std::uint32_t>>::tiles;
    case Dtype::Val::int64:
    case Dtype::Val::uint64: return Tiles<std::uint64_t, Op<std::uint64_t>>::tiles;
    case Dtype::Val::float32: return Tiles<float, Op<float>>::tiles;
    case Dtype::Val::float64: return Tiles<double, Op<double>>::tiles;
    default: return {};
  }
}

template <template <typename> class Op>
ScanTiles choice(Dtype dtype) {
  switch (dtype.val) {
    case Dtype::Val::int32: return Tiles<std::int32_t, Op<std::int32_t>>::tiles;
    case Dtype::Val::uint32: return Tiles<std::uint32_t, Op<std::uint32_t>>::tiles;
    case Dtype::Val::int64: return Tiles<std::int64_t, Op<std::int64_t>>::tiles;
    case Dtype::Val::uint64: return Tiles<std::uint64_t, Op<std::uint64_t>>::tiles;
    case Dtype::Val::float32: return Tiles<float, Op<float>>::tiles;
    case Dtype::Val::float64: return Tiles<double, Op<double>>::tiles;
    default: return {};
  }
}

ScanTiles find(graph::ScanKind kind, Dtype dtype) {
  switch (kind) {
    case graph::ScanKind::Sum: return arithmetic<RunningSum>(dtype);
    case graph::ScanKind::Prod: return arithmetic<RunningProduct>(dtype);
    case graph::ScanKind::Max: return choice<RunningMaximum>(dtype);
    case graph::ScanKind::Min: return choice<RunningMinimum>(dtype);
    case graph::ScanKind::LogAddExp: break;
  }
  return {};
}

}  // namespace
}  // namespace anabranch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anabranch::kernels {

HWY_EXPORT(find);

ScanTiles scan_tiles(graph::ScanKind kind, Dtype dtype) { return HWY_DYNAMIC_DISPATCH(find)(kind, dtype); }

}  // namespace anabranch::kernels
#endif
