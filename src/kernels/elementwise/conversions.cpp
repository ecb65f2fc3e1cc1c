// Conversions between lanes and to and from 16-bit floats, and the choice between two values.
#include "kernels/elementwise/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/conversions.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/elementwise/loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels::HWY_NAMESPACE {

// Truncation toward zero; what does not fit in I, and NaN, becomes the smallest I. Without a branch, to be vectorised.
template <typename I, RealLane T>
HWY_INLINE I truncated(T x) {
  constexpr T low = static_cast<T>(std::numeric_limits<I>::min());
  return static_cast<I>((x >= low) & (x < -low) ? x : low);
}

// astype<To>. Floats go to integers through int32 (8 and 16 bits, int32) or int64 and wrap from there, as in MLX.
template <typename To>
struct Convert {
  template <typename From>
  static To one(From x) {
    if constexpr (std::is_same_v<From, complex64_t>) {
      if constexpr (std::is_same_v<To, bool>) return (x.real() != 0) | (x.imag() != 0);
      else return Convert::one(x.real());
    } else if constexpr (std::is_same_v<To, bool>) {
      return x != From(0);
    } else if constexpr (std::is_same_v<To, complex64_t>) {
      return To(Convert<float>::one(x), 0);
    } else if constexpr (RealLane<From> && std::is_same_v<To, std::uint64_t>) {
      constexpr From half = 0x1p63;
      const bool upper = (x >= half) & (x < 2 * half);
      const std::uint64_t low = static_cast<std::uint64_t>(truncated<std::int64_t>(upper ? x - half : x));
      return upper ? low + (std::uint64_t{1} << 63) : low;
    } else if constexpr (RealLane<From> && IntegerLane<To>) {
      using Through =
          std::conditional_t<sizeof(To) == 8 || std::is_same_v<To, std::uint32_t>, std::int64_t, std::int32_t>;
      return static_cast<To>(truncated<Through>(x));
    } else if constexpr (BoolLane<From> && RealLane<To>) {
      return static_cast<To>(static_cast<std::int32_t>(x));  // the compiler vectorises no other way
    } else {
      return static_cast<To>(x);
    }
  }
};

template <typename To>
void add_conversions_to(LaneTable& table, graph::Lane to) {
  const auto entry = [&]<typename From>(graph::Lane from, From*) {
    table.convert[static_cast<int>(from)][static_cast<int>(to)] = unary_kernel<Convert<To>, From>();
  };
  entry(graph::Lane::b8, static_cast<bool*>(nullptr));
  entry(graph::Lane::u8, static_cast<std::uint8_t*>(nullptr));
  entry(graph::Lane::u16, static_cast<std::uint16_t*>(nullptr));
  entry(graph::Lane::u32, static_cast<std::uint32_t*>(nullptr));
  entry(graph::Lane::u64, static_cast<std::uint64_t*>(nullptr));
  entry(graph::Lane::i8, static_cast<std::int8_t*>(nullptr));
  entry(graph::Lane::i16, static_cast<std::int16_t*>(nullptr));
  entry(graph::Lane::i32, static_cast<std::int32_t*>(nullptr));
  entry(graph::Lane::i64, static_cast<std::int64_t*>(nullptr));
  entry(graph::Lane::f32, static_cast<float*>(nullptr));
  entry(graph::Lane::f64, static_cast<double*>(nullptr));
  entry(graph::Lane::c64, static_cast<complex64_t*>(nullptr));
}

template <typename T>
void select_loop(const void* a, const void* b, const void* c, void* out, std::size_t n) {
  const std::uint8_t* condition = static_cast<const std::uint8_t*>(a);
  const T* x = static_cast<const T*>(b);
  const T* y = static_cast<const T*>(c);
  T* to = static_cast<T*>(out);
  for (std::size_t i = 0; i < n; i += quantum) {
#pragma GCC ivdep
    for (std::size_t j = 0; j < quantum; ++j) to[i + j] = condition[i + j] ? x[i + j] : y[i + j];
  }
}

HWY_INLINE std::uint32_t bf16_bits(std::uint32_t u) {
  const std::uint32_t rounded = u + 0x7fffu + ((u >> 16) & 1u);
  return ((u & 0x7fffffffu) > 0x7f800000u ? u | 0x400000u : rounded) >> 16;
}

struct RoundBf16 {
  static std::uint32_t one(std::uint32_t u) { return bf16_bits(u) << 16; }
};
struct StoreBf16 {
  static std::uint16_t one(std::uint32_t u) { return static_cast<std::uint16_t>(bf16_bits(u)); }
};
struct LoadBf16 {
  static std::uint32_t one(std::uint16_t u) { return std::uint32_t{u} << 16; }
};

#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
// The F16C instructions, two vectors of float32 at a time.
template <bool kStore, bool kLoad>
void f16_loop(const void* a, const void*, const void*, void* out, std::size_t n) {
  const hn::ScalableTag<float> df;
  const hn::Rebind<hwy::float16_t, decltype(df)> dh;
  using From = std::conditional_t<kLoad, hwy::float16_t, float>;
  using To = std::conditional_t<kStore, hwy::float16_t, float>;
  const From* x = static_cast<const From*>(a);
  To* y = static_cast<To*>(out);
  for (std::size_t i = 0; i < n; i += hn::Lanes(df)) {
    if constexpr (kLoad) {
      hn::StoreU(hn::PromoteTo(df, hn::LoadU(dh, x + i)), df, y + i);
    } else if constexpr (kStore) {
      hn::StoreU(hn::DemoteTo(dh, hn::LoadU(df, x + i)), dh, y + i);
    } else {
      hn::StoreU(hn::PromoteTo(df, hn::DemoteTo(dh, hn::LoadU(df, x + i))), df, y + i);
    }
  }
}
#else
template <bool kStore, bool kLoad>
void f16_loop(const void* a, const void*, const void*, void* out, std::size_t n) {
  using From = std::conditional_t<kLoad, float16_t, float>;
  using To = std::conditional_t<kStore, float16_t, float>;
  const From* x = static_cast<const From*>(a);
  To* y = static_cast<To*>(out);
  for (std::size_t i = 0; i < n; ++i) y[i] = To(float(float16_t(float(x[i]))));
}
#endif

void stream(const void* a, const void*, const void*, void* out, std::size_t n) {
  const hn::ScalableTag<std::uint8_t> d;
  const std::uint8_t* from = static_cast<const std::uint8_t*>(a);
  std::uint8_t* to = static_cast<std::uint8_t*>(out);
  for (std::size_t i = 0; i < n; i += hn::Lanes(d)) hn::Stream(hn::LoadU(d, from + i), d, to + i);
}

void conversions(LaneTable& table) {
  add_conversions_to<bool>(table, graph::Lane::b8);
  add_conversions_to<std::uint8_t>(table, graph::Lane::u8);
  add_conversions_to<std::uint16_t>(table, graph::Lane::u16);
  add_conversions_to<std::uint32_t>(table, graph::Lane::u32);
  add_conversions_to<std::uint64_t>(table, graph::Lane::u64);
  add_conversions_to<std::int8_t>(table, graph::Lane::i8);
  add_conversions_to<std::int16_t>(table, graph::Lane::i16);
  add_conversions_to<std::int32_t>(table, graph::Lane::i32);
  add_conversions_to<std::int64_t>(table, graph::Lane::i64);
  add_conversions_to<float>(table, graph::Lane::f32);
  add_conversions_to<double>(table, graph::Lane::f64);
  add_conversions_to<complex64_t>(table, graph::Lane::c64);
  table.select[1] = {select_loop<std::uint8_t>, 0.05f};
  table.select[2] = {select_loop<std::uint16_t>, 0.05f};
  table.select[4] = {select_loop<std::uint32_t>, 0.1f};
  table.select[8] = {select_loop<std::uint64_t>, 0.2f};
  table.round_bf16 = unary_kernel<RoundBf16, std::uint32_t>();
  table.store_bf16 = unary_kernel<StoreBf16, std::uint32_t>();
  table.load_bf16 = unary_kernel<LoadBf16, std::uint16_t>();
  table.stream = stream;
  table.round_f16 = {f16_loop<false, false>, 0.1f};
  table.store_f16 = {f16_loop<true, false>, 0.1f};
  table.load_f16 = {f16_loop<false, true>, 0.1f};
}

}  // namespace anabranch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anabranch::kernels {

HWY_EXPORT(conversions);
void add_conversions(LaneTable& table) { HWY_DYNAMIC_DISPATCH(conversions)(table); }

}  // namespace anabranch::kernels
#endif
