#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/linalg/skinny.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <type_traits>

#include "kernels/linalg/load_floats-inl.h"
#include "kernels/linalg/skinny.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels {
namespace HWY_NAMESPACE {
namespace {

// The type that computes elements of T.
template <typename T>
using Wide = std::conditional_t<std::is_same_v<T, double>, double, float>;

// Rows at a time: their accumulators for four columns fill the registers.
#if HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr int row_block = 4;
#else
constexpr int row_block = 2;
#endif

// Rows x cols dot products of length depth. Lanes are summed at the end, then what is left over, one by one.
template <int Rows, int Cols, typename T>
void DotBlock(const T* a, std::int64_t row_stride, const Wide<T>* narrow, std::int64_t narrow_ld, std::int64_t depth,
              Wide<T>* sums, std::int64_t sums_ld) {
  const hn::ScalableTag<Wide<T>> d;
  using V = hn::VFromD<decltype(d)>;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  V acc[Rows][Cols];
  HWY_UNROLL(4)
  for (int r = 0; r < Rows; ++r) HWY_UNROLL(4)
  for (int c = 0; c < Cols; ++c) acc[r][c] = hn::Zero(d);
  std::int64_t p = 0;
  for (; p + lanes <= depth; p += lanes) {
    V x[Cols];
    HWY_UNROLL(4)
    for (int c = 0; c < Cols; ++c) x[c] = hn::LoadU(d, narrow + c * narrow_ld + p);
    HWY_UNROLL(4)
    for (int r = 0; r < Rows; ++r) {
      // Rows are too short for the processor to fetch ahead by itself.
      hwy::Prefetch(a + (r + Rows) * row_stride + p);
      const V y = LoadFloats(d, a + r * row_stride + p);
      HWY_UNROLL(4)
      for (int c = 0; c < Cols; ++c) acc[r][c] = hn::MulAdd(y, x[c], acc[r][c]);
    }
  }
  HWY_UNROLL(4)
  for (int r = 0; r < Rows; ++r) {
    HWY_UNROLL(4)
    for (int c = 0; c < Cols; ++c) {
      Wide<T> sum = hn::GetLane(hn::SumOfLanes(d, acc[r][c]));
      for (std::int64_t q = p; q < depth; ++q)
        sum += static_cast<Wide<T>>(a[r * row_stride + q]) * narrow[c * narrow_ld + q];
      sums[c * sums_ld + r] = sum;
    }
  }
}

template <int Cols, typename T>
void DotRows(const T* a, std::int64_t row_stride, const Wide<T>* narrow, std::int64_t narrow_ld, std::int64_t rows,
             std::int64_t depth, Wide<T>* sums, std::int64_t sums_ld) {
  std::int64_t r = 0;
  for (; r + row_block <= rows; r += row_block)
    DotBlock<row_block, Cols>(a + r * row_stride, row_stride, narrow, narrow_ld, depth, sums + r, sums_ld);
  for (; r < rows; ++r) DotBlock<1, Cols>(a + r * row_stride, row_stride, narrow, narrow_ld, depth, sums + r, sums_ld);
}

template <typename T>
void RowsTimesNarrowOf(const T* a, std::int64_t row_stride, const Wide<T>* narrow, std::int64_t narrow_ld,
                       std::int64_t rows, std::int64_t cols, std::int64_t depth, Wide<T>* sums, std::int64_t sums_ld) {
  // A few rows at a time stay in the cache for all columns.
  constexpr std::int64_t together = 4 * row_block;
  for (std::int64_t r = 0; r < rows; r += together) {
    const std::int64_t count = std::min(together, rows - r);
    std::int64_t c = 0;
    const auto pass = [&](auto width) {
      for (; c + width() <= cols; c += width())
        DotRows<width()>(a + r * row_stride, row_stride, narrow + c * narrow_ld, narrow_ld, count, depth,
                         sums + c * sums_ld + r, sums_ld);
    };
    pass(std::integral_constant<int, 4>());
    pass(std::integral_constant<int, 2>());
    pass(std::integral_constant<int, 1>());
  }
}

// Adds `steps` columns of a, times one element of each of Cols narrow columns, to the sums.
template <int Cols, typename T>
void AddColumns(const T* a, std::int64_t step, const Wide<T>* narrow, std::int64_t narrow_ld, std::int64_t rows,
                std::int64_t steps, Wide<T>* sums, std::int64_t sums_ld) {
  constexpr int vectors = Cols == 4 ? 2 : 4;
  const hn::ScalableTag<Wide<T>> d;
  using V = hn::VFromD<decltype(d)>;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t r = 0;
  for (; r + vectors * lanes <= rows; r += vectors * lanes) {
    V acc[Cols][vectors];
    HWY_UNROLL(4)
    for (int c = 0; c < Cols; ++c) HWY_UNROLL(4)
    for (int v = 0; v < vectors; ++v) acc[c][v] = hn::LoadU(d, sums + c * sums_ld + r + v * lanes);
    for (std::int64_t p = 0; p < steps; ++p) {
      V x[Cols];
      HWY_UNROLL(4)
      for (int c = 0; c < Cols; ++c) x[c] = hn::Set(d, narrow[c * narrow_ld + p]);
      HWY_UNROLL(4)
      for (int v = 0; v < vectors; ++v) {
        const V y = LoadFloats(d, a + p * step + r + v * lanes);
        HWY_UNROLL(4)
        for (int c = 0; c < Cols; ++c) acc[c][v] = hn::MulAdd(x[c], y, acc[c][v]);
      }
    }
    HWY_UNROLL(4)
    for (int c = 0; c < Cols; ++c) HWY_UNROLL(4)
    for (int v = 0; v < vectors; ++v) hn::StoreU(acc[c][v], d, sums + c * sums_ld + r + v * lanes);
  }
  for (; r < rows; ++r)
    for (int c = 0; c < Cols; ++c)
      for (std::int64_t p = 0; p < steps; ++p)
        sums[c * sums_ld + r] += static_cast<Wide<T>>(a[p * step + r]) * narrow[c * narrow_ld + p];
}

template <typename T>
void ColumnsTimesNarrowOf(const T* a, std::int64_t step, const Wide<T>* narrow, std::int64_t narrow_ld,
                          std::int64_t rows, std::int64_t cols, std::int64_t depth, Wide<T>* sums,
                          std::int64_t sums_ld) {
  // As many columns of a as there are streams that the processor fetches ahead.
  constexpr std::int64_t together = 16;
  for (std::int64_t c = 0; c < cols; ++c) std::fill_n(sums + c * sums_ld, rows, Wide<T>(0));
  for (std::int64_t p = 0; p < depth; p += together) {
    const std::int64_t steps = std::min(together, depth - p);
    std::int64_t c = 0;
    const auto pass = [&](auto width) {
      for (; c + width() <= cols; c += width())
        AddColumns<width()>(a + p * step, step, narrow + c * narrow_ld + p, narrow_ld, rows, steps, sums + c * sums_ld,
                            sums_ld);
    };
    pass(std::integral_constant<int, 4>());
    pass(std::integral_constant<int, 2>());
    pass(std::integral_constant<int, 1>());
  }
}

// Calls f with a typed pointer to the long operand.
template <typename F>
void WithType(Dtype dtype, const void* a, F f) {
  if (dtype == float32) f(static_cast<const float*>(a));
  if (dtype == float64) f(static_cast<const double*>(a));
  if (dtype == float16) f(static_cast<const float16_t*>(a));
  if (dtype == bfloat16) f(static_cast<const bfloat16_t*>(a));
}

void RowsTimesNarrow(Dtype dtype, const void* a, std::int64_t row_stride, const void* narrow, std::int64_t narrow_ld,
                     std::int64_t rows, std::int64_t cols, std::int64_t depth, void* sums, std::int64_t sums_ld) {
  WithType(dtype, a, [&]<typename T>(const T* from) {
    RowsTimesNarrowOf(from, row_stride, static_cast<const Wide<T>*>(narrow), narrow_ld, rows, cols, depth,
                      static_cast<Wide<T>*>(sums), sums_ld);
  });
}

void ColumnsTimesNarrow(Dtype dtype, const void* a, std::int64_t step, const void* narrow, std::int64_t narrow_ld,
                        std::int64_t rows, std::int64_t cols, std::int64_t depth, void* sums, std::int64_t sums_ld) {
  WithType(dtype, a, [&]<typename T>(const T* from) {
    ColumnsTimesNarrowOf(from, step, static_cast<const Wide<T>*>(narrow), narrow_ld, rows, cols, depth,
                         static_cast<Wide<T>*>(sums), sums_ld);
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace anabranch::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anabranch::kernels {

HWY_EXPORT(RowsTimesNarrow);
HWY_EXPORT(ColumnsTimesNarrow);

void rows_times_narrow(Dtype dtype, const void* a, std::int64_t row_stride, const void* narrow, std::int64_t narrow_ld,
                       std::int64_t rows, std::int64_t cols, std::int64_t depth, void* sums, std::int64_t sums_ld) {
  HWY_DYNAMIC_DISPATCH(RowsTimesNarrow)
  (dtype, a, row_stride, narrow, narrow_ld, rows, cols, depth, sums, sums_ld);
}

void columns_times_narrow(Dtype dtype, const void* a, std::int64_t step, const void* narrow, std::int64_t narrow_ld,
                          std::int64_t rows, std::int64_t cols, std::int64_t depth, void* sums, std::int64_t sums_ld) {
  HWY_DYNAMIC_DISPATCH(ColumnsTimesNarrow)
  (dtype, a, step, narrow, narrow_ld, rows, cols, depth, sums, sums_ld);
}

}  // namespace anabranch::kernels
#endif
