#include "kernels/reduce/fold.h"

#include <array>
#include <cstring>
#include <limits>

#include "kernels/elementwise/targets.h"
#include "kernels/reduce/arithmetic.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/reduce/fold.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels::HWY_NAMESPACE {
namespace {

#if HWY_TARGET <= HWY_AVX3
constexpr int vector_bytes = 64;
#elif HWY_TARGET <= HWY_AVX2
constexpr int vector_bytes = 32;
#else
constexpr int vector_bytes = 16;
#endif

// Operations on vectors and on single elements alike.
template <typename T>
struct FoldSum {
  static constexpr T identity = T(0);
  template <typename V>
  static HWY_INLINE V apply(V a, V b) {
    return a + b;
  }
};
template <typename T>
struct FoldProd {
  static constexpr T identity = T(1);
  template <typename V>
  static HWY_INLINE V apply(V a, V b) {
    if constexpr (is_complex<V>) return Prod()(a, b);
    else return a * b;
  }
};
// Keeps a NaN that it has met.
template <typename T>
struct FoldMax {
  static constexpr T identity =
      std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::lowest();
  template <typename V>
  static HWY_INLINE V apply(V a, V b) {
    return ((a < b) | (b != b)) ? b : a;
  }
};
template <typename T>
struct FoldMin {
  static constexpr T identity =
      std::numeric_limits<T>::has_infinity ? std::numeric_limits<T>::infinity() : std::numeric_limits<T>::max();
  template <typename V>
  static HWY_INLINE V apply(V a, V b) {
    return ((b < a) | (b != b)) ? b : a;
  }
};
constexpr float infinity = std::numeric_limits<float>::infinity();
template <>
struct FoldMax<complex64_t> {
  static constexpr complex64_t identity{-infinity, -infinity};
  static complex64_t apply(complex64_t a, complex64_t b) { return Max()(a, b); }
};
template <>
struct FoldMin<complex64_t> {
  static constexpr complex64_t identity{infinity, infinity};
  static complex64_t apply(complex64_t a, complex64_t b) { return Min()(a, b); }
};

template <typename T>
struct VectorOf {
  using Type [[gnu::vector_size(vector_bytes)]] = T;
};
template <>
struct VectorOf<complex64_t> {
  using Type = complex64_t;
};

// A signed integer as wide as T: what numbers the lanes of its vectors.
template <typename T>
using LaneNumber = std::conditional_t<
    sizeof(T) == 1, std::int8_t,
    std::conditional_t<sizeof(T) == 2, std::int16_t, std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>>>;

// Element i goes to lane i modulo the number of lanes; lanes are folded in blocks of `block_steps` steps each, so that
// rounding errors of a sum grow with its square root at most. `Group` neighbours make up an element (2: a complex sum).
template <typename T, typename Op, int Group = 1>
struct Fold {
  using V = typename VectorOf<T>::Type;
  using Lanes = typename VectorOf<LaneNumber<T>>::Type;
  static constexpr std::size_t lanes = lanes_bytes / sizeof(T), per_vector = sizeof(V) / sizeof(T);
  static constexpr std::size_t vectors = lanes / per_vector;
  static constexpr std::size_t block_steps = 32;
  // Rows shorter than this are folded from left to right.
  static constexpr std::size_t short_row = 24;

  static HWY_INLINE V load(const T* p) {
    V v;
    std::memcpy(&v, p, sizeof(V));
    return v;
  }
  static HWY_INLINE void store(T* p, V v) { std::memcpy(p, &v, sizeof(V)); }

  static HWY_INLINE V identities() {
    if constexpr (is_complex<T>) return Op::identity;
    else return V{} + Op::identity;
  }

  // From memory: the compiler would put them together one by one.
  static HWY_INLINE Lanes lane_numbers() {
    static constexpr auto numbers = [] {
      std::array<LaneNumber<T>, per_vector> a{};
      for (std::size_t i = 0; i < per_vector; ++i) a[i] = static_cast<LaneNumber<T>>(i);
      return a;
    }();
    Lanes v;
    std::memcpy(&v, numbers.data(), sizeof(v));
    return v;
  }

  static void fill(void* to, std::size_t n) {
    T* p = static_cast<T*>(to);
    for (std::size_t i = 0; i < n * Group; ++i) p[i] = Op::identity;
  }
  static void begin(void* to) { fill(to, lanes / Group); }

  // Folds x[0, n) into `total`, n counted in T.
  static HWY_INLINE void fold_into(V (&total)[vectors], const T* x, std::size_t n) {
    while (n >= lanes) {
      std::size_t steps = n / lanes;
      if (steps > block_steps) steps = block_steps;
      V acc[vectors];
#pragma GCC unroll 16
      for (std::size_t k = 0; k < vectors; ++k) acc[k] = load(x + k * per_vector);
      for (std::size_t s = 1; s < steps; ++s) {
        const T* p = x + s * lanes;
#pragma GCC unroll 16
        for (std::size_t k = 0; k < vectors; ++k) acc[k] = Op::apply(acc[k], load(p + k * per_vector));
      }
#pragma GCC unroll 16
      for (std::size_t k = 0; k < vectors; ++k) total[k] = Op::apply(total[k], acc[k]);
      x += steps * lanes;
      n -= steps * lanes;
    }
    if (n == 0) return;
    const std::size_t whole = n / per_vector;
    const V last = rest_of(x, n);
    // Counted out, so that the lanes stay in registers.
#pragma GCC unroll 16
    for (std::size_t k = 0; k < vectors; ++k) {
      if (k < whole) total[k] = Op::apply(total[k], load(x + k * per_vector));
      if (k == whole) total[k] = Op::apply(total[k], last);
    }
  }

  // What x[0, n) has beyond its whole vectors, followed by identities.
  static HWY_INLINE V rest_of(const T* x, std::size_t n) {
#if HWY_TARGET <= HWY_AVX2
    if constexpr (per_vector > 1 && sizeof(T) >= 4) {
      if (n >= per_vector) {  // the last elements moved to the front, and beyond them the second operand's
        const Lanes from = lane_numbers() + static_cast<LaneNumber<T>>(per_vector - n % per_vector);
        return __builtin_shuffle(load(x + n - per_vector), identities(), from);
      }
    }
#endif
    T last[per_vector];
    store(last, identities());
    std::memcpy(static_cast<void*>(last), x + n / per_vector * per_vector, n % per_vector * sizeof(T));
    return load(last);
  }

  // Halves the lanes until one element is left.
  static HWY_INLINE void finish_to(V (&total)[vectors], T* result) {
#pragma GCC unroll 8
    for (std::size_t half = vectors / 2; half > 0; half /= 2) {
#pragma GCC unroll 8
      for (std::size_t k = 0; k < half; ++k) total[k] = Op::apply(total[k], total[k + half]);
    }
    T rest[per_vector];
    if constexpr (per_vector > 1) {
#pragma GCC unroll 8
      for (std::size_t half = per_vector / 2; half >= Group && half > 0; half /= 2) {
        const Lanes upper = lane_numbers() + static_cast<LaneNumber<T>>(half);  // modulo the number of lanes
        total[0] = Op::apply(total[0], __builtin_shuffle(total[0], upper));
      }
    }
    store(rest, total[0]);
    for (int i = 0; i < Group; ++i) result[i] = rest[i];
  }

  static void fold(const void* x, std::size_t n, void* to) {
    T* held = static_cast<T*>(to);
    V total[vectors];
    for (std::size_t k = 0; k < vectors; ++k) total[k] = load(held + k * per_vector);
    fold_into(total, static_cast<const T*>(x), n * Group);
    for (std::size_t k = 0; k < vectors; ++k) store(held + k * per_vector, total[k]);
  }

  static void finish(void* from, void* result) {
    const T* held = static_cast<const T*>(from);
    V total[vectors];
    for (std::size_t k = 0; k < vectors; ++k) total[k] = load(held + k * per_vector);
    finish_to(total, static_cast<T*>(result));
  }

  // Rows of `Length` elements, or of n, from left to right; eight rows side by side, since each waits for its own
  // results.
  template <std::size_t Length>
  static void short_rows(const char* x, std::ptrdiff_t step, std::size_t count, std::size_t n, T* results) {
    const std::size_t length = Length ? Length : n;
    std::size_t i = 0;
    for (; i + 8 <= count; i += 8, x += 8 * step, results += 8 * Group) {
      for (std::size_t g = 0; g < Group; ++g) {
        T acc[8];
#pragma GCC unroll 8
        for (int k = 0; k < 8; ++k) acc[k] = Op::identity;
        for (std::size_t j = g; j < length * Group; j += Group) {
#pragma GCC unroll 8
          for (int k = 0; k < 8; ++k) acc[k] = Op::apply(acc[k], reinterpret_cast<const T*>(x + k * step)[j]);
        }
#pragma GCC unroll 8
        for (std::size_t k = 0; k < 8; ++k) results[k * Group + g] = acc[k];
      }
    }
    for (; i < count; ++i, x += step, results += Group) {
      const T* row = reinterpret_cast<const T*>(x);
      for (std::size_t g = 0; g < Group; ++g) {
        T acc = Op::identity;
        for (std::size_t j = g; j < length * Group; j += Group) acc = Op::apply(acc, row[j]);
        results[g] = acc;
      }
    }
  }

  static void rows(const void* x, std::ptrdiff_t step, std::size_t count, std::size_t n, void* to) {
    const char* from = static_cast<const char*>(x);
    T* results = static_cast<T*>(to);
    switch (n) {
      case 2: return short_rows<2>(from, step, count, n, results);
      case 3: return short_rows<3>(from, step, count, n, results);
      case 4: return short_rows<4>(from, step, count, n, results);
      case 8: return short_rows<8>(from, step, count, n, results);
      default: break;
    }
    if (n < short_row) return short_rows<0>(from, step, count, n, results);
    for (std::size_t i = 0; i < count; ++i, results += Group, from += step) {
      V total[vectors];
#pragma GCC unroll 16
      for (std::size_t k = 0; k < vectors; ++k) total[k] = identities();
      fold_into(total, reinterpret_cast<const T*>(from), n * Group);
      finish_to(total, results);
    }
  }

  // Eight rows at a time, in a tree.
  static void columns(void* to, const void* x, std::ptrdiff_t step, std::size_t count, std::size_t n) {
    T* acc = static_cast<T*>(to);
    const char* rows = static_cast<const char*>(x);
    n *= Group;
    const std::size_t whole = n / per_vector * per_vector;
    for (; count >= 8; count -= 8, rows += 8 * step) {
      const T* row[8];
      for (int r = 0; r < 8; ++r) row[r] = reinterpret_cast<const T*>(rows + r * step);
      for (std::size_t j = 0; j < whole; j += per_vector) {
        const V a = Op::apply(load(row[0] + j), load(row[1] + j)), b = Op::apply(load(row[2] + j), load(row[3] + j));
        const V c = Op::apply(load(row[4] + j), load(row[5] + j)), d = Op::apply(load(row[6] + j), load(row[7] + j));
        store(acc + j, Op::apply(load(acc + j), Op::apply(Op::apply(a, b), Op::apply(c, d))));
      }
      for (std::size_t j = whole; j < n; ++j) {
        const T a = Op::apply(row[0][j], row[1][j]), b = Op::apply(row[2][j], row[3][j]);
        const T c = Op::apply(row[4][j], row[5][j]), d = Op::apply(row[6][j], row[7][j]);
        acc[j] = Op::apply(acc[j], Op::apply(Op::apply(a, b), Op::apply(c, d)));
      }
    }
    for (; count > 0; --count, rows += step) {
      const T* row = reinterpret_cast<const T*>(rows);
      for (std::size_t j = 0; j < whole; j += per_vector) store(acc + j, Op::apply(load(acc + j), load(row + j)));
      for (std::size_t j = whole; j < n; ++j) acc[j] = Op::apply(acc[j], row[j]);
    }
  }

  static constexpr FoldKernel kernel{begin, fold, finish, rows, columns, fill};
};

template <template <typename> class Op>
const FoldKernel* of_dtype(Dtype dtype) {
  switch (dtype.val) {
    case Dtype::Val::uint8: return &Fold<std::uint8_t, Op<std::uint8_t>>::kernel;
    case Dtype::Val::uint16: return &Fold<std::uint16_t, Op<std::uint16_t>>::kernel;
    case Dtype::Val::uint32: return &Fold<std::uint32_t, Op<std::uint32_t>>::kernel;
    case Dtype::Val::uint64: return &Fold<std::uint64_t, Op<std::uint64_t>>::kernel;
    case Dtype::Val::int8: return &Fold<std::int8_t, Op<std::int8_t>>::kernel;
    case Dtype::Val::int16: return &Fold<std::int16_t, Op<std::int16_t>>::kernel;
    case Dtype::Val::int32: return &Fold<std::int32_t, Op<std::int32_t>>::kernel;
    case Dtype::Val::int64: return &Fold<std::int64_t, Op<std::int64_t>>::kernel;
    case Dtype::Val::float32: return &Fold<float, Op<float>>::kernel;
    case Dtype::Val::float64: return &Fold<double, Op<double>>::kernel;
    case Dtype::Val::complex64: return &Fold<complex64_t, Op<complex64_t>>::kernel;
    default: return nullptr;
  }
}

const FoldKernel* sum_of_dtype(Dtype dtype) {
  switch (dtype.val) {
    case Dtype::Val::uint32: return &Fold<std::uint32_t, FoldSum<std::uint32_t>>::kernel;
    case Dtype::Val::uint64: return &Fold<std::uint64_t, FoldSum<std::uint64_t>>::kernel;
    case Dtype::Val::float32: return &Fold<float, FoldSum<float>>::kernel;
    case Dtype::Val::float64: return &Fold<double, FoldSum<double>>::kernel;
    case Dtype::Val::complex64: return &Fold<float, FoldSum<float>, 2>::kernel;
    default: return nullptr;
  }
}

const FoldKernel* prod_of_dtype(Dtype dtype) {
  switch (dtype.val) {
    case Dtype::Val::uint32: return &Fold<std::uint32_t, FoldProd<std::uint32_t>>::kernel;
    case Dtype::Val::uint64: return &Fold<std::uint64_t, FoldProd<std::uint64_t>>::kernel;
    case Dtype::Val::float32: return &Fold<float, FoldProd<float>>::kernel;
    case Dtype::Val::float64: return &Fold<double, FoldProd<double>>::kernel;
    case Dtype::Val::complex64: return &Fold<complex64_t, FoldProd<complex64_t>>::kernel;
    default: return nullptr;
  }
}

const FoldKernel* find(FoldOp op, Dtype dtype) {
  switch (op) {
    case FoldOp::Sum: return sum_of_dtype(dtype);
    case FoldOp::Prod: return prod_of_dtype(dtype);
    case FoldOp::Max: return of_dtype<FoldMax>(dtype);
    default: return of_dtype<FoldMin>(dtype);
  }
}

}  // namespace
}  // namespace anabranch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anabranch::kernels {

HWY_EXPORT(find);

const FoldKernel& fold_kernel(FoldOp op, Dtype dtype) { return *HWY_DYNAMIC_DISPATCH(find)(op, dtype); }

}  // namespace anabranch::kernels
#endif
