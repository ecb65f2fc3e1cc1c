#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/linalg/packed_gemm.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "kernels/linalg/amx_gemm.h"
#include "kernels/linalg/load_floats-inl.h"
#include "kernels/linalg/packed_gemm.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels {
namespace HWY_NAMESPACE {
namespace {

// The register tile is panel_a rows by two vectors: as many accumulators as registers allow beside the operands.
#undef ANABRANCH_ROWS
#if HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON
#define ANABRANCH_ROWS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13)
constexpr int panel_a = 14;
#else
#define ANABRANCH_ROWS(X) X(0) X(1) X(2) X(3) X(4) X(5)
constexpr int panel_a = 6;
#endif

const hn::ScalableTag<float> df;
constexpr int line = 64;  // bytes, of the caches
// The columns of a panel of b.
template <typename T>
int PanelB() {
  return 2 * static_cast<int>(hn::Lanes(hn::ScalableTag<T>()));
}
// A panel of a stays in the first cache.
PanelFormat Format(Dtype dtype) {
  if (dtype == float64) return {PanelFormat::Kind::Float64, panel_a, PanelB<double>(), 256, 1};
  return {PanelFormat::Kind::Float32, panel_a, PanelB<float>(), 512, 1};
}
// Whether this is the instruction set of machines that have AMX.
bool BesideAmx() { return HWY_TARGET <= HWY_AVX3; }

// What will be read soon and is far away still: fetched a line every few steps, into the first and the second cache.
struct Soon {
  const char *near, *far;
};
constexpr std::int64_t steps_a_line = 4;
// How many lines a tile fetches into each.
std::int64_t LinesOfTile(std::int64_t depth) { return depth / steps_a_line / 2; }

// One register tile. The panel of a stays in the first cache while panels of b stream in from the second, fetched this
// many steps ahead.
constexpr std::int64_t ahead = 8;
template <typename T>
void MultiplyTile(std::int64_t depth, const T* HWY_RESTRICT a, const T* HWY_RESTRICT b, bool accumulate,
                  T* HWY_RESTRICT c, std::int64_t ldc, Soon soon) {
  const hn::ScalableTag<T> d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
#define ANABRANCH_ROW(i)                       \
  auto c##i##0 = hn::Zero(d), c##i##1 = c##i##0; \
  hwy::Prefetch(c + i * ldc);                  \
  hwy::Prefetch(c + i * ldc + lanes);
  ANABRANCH_ROWS(ANABRANCH_ROW)
#undef ANABRANCH_ROW
#define ANABRANCH_ROW(i)                  \
  {                                       \
    const auto x = hn::Set(d, a[i]);     \
    c##i##0 = hn::MulAdd(x, b0, c##i##0); \
    c##i##1 = hn::MulAdd(x, b1, c##i##1); \
  }
#define ANABRANCH_STEPS(count)                                 \
  for (std::int64_t step = 0; step < count; ++step) {          \
    const auto b0 = hn::Load(d, b), b1 = hn::Load(d, b + lanes); \
    hwy::Prefetch(b + ahead * 2 * lanes);                      \
    hwy::Prefetch(b + ahead * 2 * lanes + lanes);              \
    ANABRANCH_ROWS(ANABRANCH_ROW)                              \
    a += panel_a;                                              \
    b += 2 * lanes;                                            \
  }
  const std::int64_t lines = LinesOfTile(depth);
  for (std::int64_t i = 0; i < lines; ++i, soon.near += line) {
    hwy::Prefetch(soon.near);
    ANABRANCH_STEPS(steps_a_line)
  }
  for (std::int64_t i = 0; i < lines; ++i, soon.far += line) {
    __builtin_prefetch(soon.far, 0, 2);
    ANABRANCH_STEPS(steps_a_line)
  }
  const std::int64_t rest = depth - 2 * lines * steps_a_line;
  ANABRANCH_STEPS(rest)
#undef ANABRANCH_STEPS
#undef ANABRANCH_ROW
  if (accumulate) {
#define ANABRANCH_ROW(i)                                       \
  c##i##0 = hn::Add(c##i##0, hn::LoadU(d, c + i * ldc));      \
  c##i##1 = hn::Add(c##i##1, hn::LoadU(d, c + i * ldc + lanes));
    ANABRANCH_ROWS(ANABRANCH_ROW)
#undef ANABRANCH_ROW
  }
#define ANABRANCH_ROW(i)                 \
  hn::StoreU(c##i##0, d, c + i * ldc);  \
  hn::StoreU(c##i##1, d, c + i * ldc + lanes);
  ANABRANCH_ROWS(ANABRANCH_ROW)
#undef ANABRANCH_ROW
}

template <typename T>
void MultiplyPanelsOf(const T* a, const T* b, std::int64_t rows, std::int64_t cols, std::int64_t depth, bool accumulate,
                      T* c, std::int64_t ldc, const char* next) {
  HWY_ALIGN T edge[panel_a * 2 * HWY_LANES(T)];
  const std::int64_t width = PanelB<T>();
  const std::int64_t fetched = LinesOfTile(depth) * line;  // bytes a tile
  for (std::int64_t i = 0; i < rows; i += panel_a) {
    const char* next_a = reinterpret_cast<const char*>(a + (i + panel_a) * depth);
    for (std::int64_t j = 0; j < cols; j += width, next_a += fetched, next += fetched) {
      const T *pa = a + i * depth, *pb = b + j * depth;
      T* to = c + i * ldc + j;
      if (rows - i >= panel_a && cols - j >= width) {
        MultiplyTile(depth, pa, pb, accumulate, to, ldc, {next_a, next});
        continue;
      }
      MultiplyTile(depth, pa, pb, false, edge, width, {next_a, next});
      for (std::int64_t r = 0; r < std::min<std::int64_t>(panel_a, rows - i); ++r)
        for (std::int64_t s = 0; s < std::min(width, cols - j); ++s)
          to[r * ldc + s] = edge[r * width + s] + (accumulate ? to[r * ldc + s] : T(0));
    }
  }
}

void MultiplyPanels(PanelFormat::Kind kind, const void* a, const void* b, std::int64_t rows, std::int64_t cols,
                    std::int64_t depth, bool accumulate, void* c, std::int64_t ldc, const void* next) {
  const auto multiply = [=](auto* typed) {
    using T = std::remove_pointer_t<decltype(typed)>;
    MultiplyPanelsOf(static_cast<const T*>(a), static_cast<const T*>(b), rows, cols, depth, accumulate, typed, ldc,
                     static_cast<const char*>(next));
  };
  if (kind == PanelFormat::Kind::Float64) return multiply(static_cast<double*>(c));
  multiply(static_cast<float*>(c));
}

#if HWY_TARGET != HWY_SCALAR  // the baseline of compilers too old for Highway's emulated vectors: one lane
// `square` rows of as many to columns of as many.
template <typename T>
void TransposeSquare(const T* from, std::int64_t across, int width, float* to) {
  const hn::FixedTag<float, 4> d;
  const hn::RepartitionToWide<decltype(d)> d64;
  const auto r0 = LoadFloats(d, from), r1 = LoadFloats(d, from + across);
  const auto r2 = LoadFloats(d, from + 2 * across), r3 = LoadFloats(d, from + 3 * across);
  const auto lower01 = hn::BitCast(d64, hn::InterleaveLower(d, r0, r1));
  const auto upper01 = hn::BitCast(d64, hn::InterleaveUpper(d, r0, r1));
  const auto lower23 = hn::BitCast(d64, hn::InterleaveLower(d, r2, r3));
  const auto upper23 = hn::BitCast(d64, hn::InterleaveUpper(d, r2, r3));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d64, lower01, lower23)), d, to);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d64, lower01, lower23)), d, to + width);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d64, upper01, upper23)), d, to + 2 * width);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d64, upper01, upper23)), d, to + 3 * width);
}
void TransposeSquare(const double* from, std::int64_t across, int width, double* to) {
  const hn::FixedTag<double, 2> d;
  const auto r0 = hn::LoadU(d, from), r1 = hn::LoadU(d, from + across);
  hn::StoreU(hn::InterleaveLower(d, r0, r1), d, to);
  hn::StoreU(hn::InterleaveUpper(d, r0, r1), d, to + width);
}
#endif

// The type that elements of T are packed as.
template <typename T>
using Packed = std::conditional_t<std::is_same_v<T, double>, double, float>;

template <typename T>
void PackPanel(const T* from, std::int64_t across, std::int64_t along, int extent, std::int64_t depth, int width,
               Packed<T>* to) {
  const hn::ScalableTag<Packed<T>> d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  std::int64_t p = 0;
#if HWY_TARGET != HWY_SCALAR
  constexpr int square = 16 / sizeof(Packed<T>);
  if (extent == width && along == 1 && width >= square) {
    for (; p + square <= depth; p += square) {
      const auto transpose = [&](int w) { TransposeSquare(from + w * across + p, across, width, to + p * width + w); };
      for (int w = 0; w + square <= width; w += square) transpose(w);
      // The last rows may overlap those before.
      if (width % square) transpose(width - square);
    }
  }
#endif
  if (extent == width && across == 1 && along != 1 && width >= lanes) {
    for (; p < depth; ++p) {
      const auto copy = [&](int w) { hn::StoreU(LoadFloats(d, from + p * along + w), d, to + p * width + w); };
      for (int w = 0; w + lanes <= width; w += lanes) copy(w);
      if (width % lanes) copy(width - lanes);
    }
  }
  for (; p < depth; ++p) {
    for (int w = 0; w < extent; ++w) to[p * width + w] = static_cast<Packed<T>>(from[w * across + p * along]);
    for (int w = extent; w < width; ++w) to[p * width + w] = 0;
  }
}

// The same past the caches, for a panel of which no line is shared: by way of a few steps that stay in the first one.
template <typename T>
void StreamPanel(const T* from, std::int64_t across, std::int64_t along, int extent, std::int64_t depth, int width,
                 Packed<T>* to) {
  const hn::ScalableTag<Packed<T>> d;
  constexpr std::int64_t most = 16;
  HWY_ALIGN Packed<T> staged[most * HWY_MAX(panel_a, 2 * HWY_LANES(Packed<T>))];
  for (std::int64_t p = 0; p < depth; p += most) {
    const std::int64_t steps = std::min(most, depth - p);
    PackPanel(from + p * along, across, along, extent, steps, width, staged);
    for (std::int64_t k = 0; k < steps * width; k += static_cast<std::int64_t>(hn::Lanes(d)))
      hn::Stream(hn::Load(d, staged + k), d, to + p * width + k);
  }
}

template <typename T>
void PackPanelsOf(const T* from, std::int64_t across, std::int64_t along, std::int64_t extent, std::int64_t depth,
                  int width, void* to, bool stream) {
  const bool lines = depth * width * std::int64_t{sizeof(Packed<T>)} % line == 0;
  for (std::int64_t i = 0; i < extent; i += width) {
    const auto pack = stream && lines ? StreamPanel<T> : PackPanel<T>;
    pack(from + i * across, across, along, static_cast<int>(std::min<std::int64_t>(width, extent - i)), depth, width,
         static_cast<Packed<T>*>(to) + i * depth);
  }
  if (stream) hwy::FlushStream();
}

void PackPanels(const Lines& lines, const void* from, std::int64_t extent, std::int64_t depth, int width, void* to,
                bool stream) {
  const auto pack = [&](auto typed) {
    PackPanelsOf(static_cast<decltype(typed)>(from), lines.across, lines.along, extent, depth, width, to, stream);
  };
  if (lines.dtype == float64) pack(static_cast<const double*>(nullptr));
  if (lines.dtype == float32) pack(static_cast<const float*>(nullptr));
  if (lines.dtype == float16) pack(static_cast<const float16_t*>(nullptr));
  if (lines.dtype == bfloat16) pack(static_cast<const bfloat16_t*>(nullptr));
}

void StoreRounded(hn::VFromD<decltype(df)> v, bfloat16_t* to) {
  const hn::RebindToUnsigned<decltype(df)> d32;
  const hn::Rebind<std::uint16_t, decltype(df)> d16;
  const auto bits = hn::BitCast(d32, v);
  const auto upper = hn::ShiftRight<16>(bits);
  const auto odd = hn::And(upper, hn::Set(d32, 1));
  const auto rounded = hn::ShiftRight<16>(hn::Add(hn::Add(bits, hn::Set(d32, 0x7fff)), odd));
  const auto nan = hn::Gt(hn::And(bits, hn::Set(d32, 0x7fffffff)), hn::Set(d32, 0x7f800000));
  const auto result = hn::IfThenElse(nan, hn::Or(upper, hn::Set(d32, 0x40)), rounded);
  hn::StoreU(hn::TruncateTo(d16, result), d16, reinterpret_cast<std::uint16_t*>(to));
}
void StoreRounded(hn::VFromD<decltype(df)> v, float16_t* to) {
#if HWY_TARGET <= HWY_AVX2
  const hn::Rebind<hwy::float16_t, decltype(df)> d16;
  hn::StoreU(hn::DemoteTo(d16, v), d16, reinterpret_cast<hwy::float16_t*>(to));
#else
  HWY_ALIGN float wide[HWY_LANES(float)];
  hn::Store(v, df, wide);
  for (std::size_t i = 0; i < hn::Lanes(df); ++i) to[i] = float16_t(wide[i]);
#endif
}

template <typename T>
void RoundRowsTo(const float* from, std::int64_t rows, std::int64_t cols, std::int64_t ld_from, T* to,
                 std::int64_t ld_to) {
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(df));
  for (std::int64_t i = 0; i < rows; ++i, from += ld_from, to += ld_to) {
    std::int64_t j = 0;
    for (; j + lanes <= cols; j += lanes) StoreRounded(hn::LoadU(df, from + j), to + j);
    for (; j < cols; ++j) to[j] = T(from[j]);
  }
}

void RoundRows(Dtype dtype, const float* from, std::int64_t rows, std::int64_t cols, std::int64_t ld_from, void* to,
               std::int64_t ld_to) {
  if (dtype == float16) RoundRowsTo(from, rows, cols, ld_from, static_cast<float16_t*>(to), ld_to);
  if (dtype == bfloat16) RoundRowsTo(from, rows, cols, ld_from, static_cast<bfloat16_t*>(to), ld_to);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace anabranch::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anabranch::kernels {

HWY_EXPORT(Format);
HWY_EXPORT(BesideAmx);
HWY_EXPORT(MultiplyPanels);
HWY_EXPORT(PackPanels);
HWY_EXPORT(RoundRows);

PanelFormat panel_format(Dtype dtype) {
#if defined(__x86_64__)
  if (dtype == bfloat16 && HWY_DYNAMIC_DISPATCH(BesideAmx)() && amx_usable()) return amx_format;
#endif
  return HWY_DYNAMIC_DISPATCH(Format)(dtype);
}

void pack_panels(const PanelFormat& format, const Lines& lines, std::int64_t first, std::int64_t count, std::int64_t k,
                 std::int64_t depth, void* to, bool stream) {
  const void* from =
      static_cast<const char*>(lines.data) + (first * lines.across + k * lines.along) * lines.dtype.size();
#if defined(__x86_64__)
  if (format.kind == PanelFormat::Kind::Tiles) {
    return pack_tiles(static_cast<const std::uint16_t*>(from), lines.across, lines.along, count, depth, lines.left,
                      static_cast<std::uint16_t*>(to));
  }
#endif
  HWY_DYNAMIC_DISPATCH(PackPanels)
  (lines, from, count, depth, lines.left ? format.a : format.b, to, stream);
}

void multiply_panels(const PanelFormat& format, const void* a, const void* b, std::int64_t rows, std::int64_t cols,
                     std::int64_t depth, bool accumulate, void* c, std::int64_t ldc, const void* next) {
#if defined(__x86_64__)
  if (format.kind == PanelFormat::Kind::Tiles)
    return multiply_tiles(a, b, rows, cols, depth, accumulate, static_cast<float*>(c), ldc);
#endif
  HWY_DYNAMIC_DISPATCH(MultiplyPanels)(format.kind, a, b, rows, cols, depth, accumulate, c, ldc, next);
}

void round_rows(Dtype dtype, const float* from, std::int64_t rows, std::int64_t cols, std::int64_t ld_from, void* to,
                std::int64_t ld_to) {
  HWY_DYNAMIC_DISPATCH(RoundRows)(dtype, from, rows, cols, ld_from, to, ld_to);
}

}  // namespace anabranch::kernels
#endif
