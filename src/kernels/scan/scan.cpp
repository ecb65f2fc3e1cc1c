// Cumulative sums, products, maxima, minima and log-sums along the last axis.
#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <type_traits>

#include "graph/attributes.h"
#include "kernels/cpu_kernels.h"
#include "kernels/reduce/stage.h"
#include "kernels/rows.h"
#include "kernels/scan/scan_tiles.h"

namespace anabranch::kernels {
namespace {

using graph::ScanKind;
using runtime::View;

template <typename T>
constexpr bool is_half = std::is_same_v<T, float16_t> || std::is_same_v<T, bfloat16_t>;
// 16-bit floats accumulate in float32: a running sum of ones in bfloat16 would stop at 256.
template <typename T>
using Accumulator = std::conditional_t<is_half<T>, float, T>;

template <typename T>
bool is_nan(T x) {
  if constexpr (std::is_floating_point_v<T>) return std::isnan(x);
  else if constexpr (std::is_same_v<T, complex64_t>) return std::isnan(x.real()) || std::isnan(x.imag());
  else return false;
}

template <typename T>
bool less(T a, T b) {
  if constexpr (std::is_same_v<T, complex64_t>) return a.real() != b.real() ? a.real() < b.real() : a.imag() < b.imag();
  else return a < b;
}

template <typename T>
T log_add_exp(T a, T b) {
  if constexpr (std::is_same_v<T, complex64_t>) {
    return std::log(std::exp(a) + std::exp(b));
  } else {
    const double x = static_cast<double>(a), y = static_cast<double>(b);
    if (std::isnan(x) || std::isnan(y)) return static_cast<T>(x + y);
    const double high = std::max(x, y), low = std::min(x, y);
    return static_cast<T>(std::isinf(high) || std::isinf(low) ? high : high + std::log1p(std::exp(low - high)));
  }
}

template <ScanKind kind, typename T>
T neutral() {
  using Limits = std::numeric_limits<T>;
  if constexpr (kind == ScanKind::Sum) return T(0);
  else if constexpr (kind == ScanKind::Prod) return T(1);
  else if constexpr (std::is_same_v<T, complex64_t>)
    return T(kind == ScanKind::Min ? std::numeric_limits<float>::infinity() : -std::numeric_limits<float>::infinity());
  else if constexpr (kind == ScanKind::Min) return Limits::has_infinity ? Limits::infinity() : Limits::max();
  else return Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
}

template <ScanKind kind, typename T>
T combine(T a, T b) {
  if constexpr (kind == ScanKind::Sum || kind == ScanKind::Prod) {
    if constexpr (std::is_same_v<T, bool>) {
      return kind == ScanKind::Sum ? a || b : a && b;
    } else if constexpr (std::is_integral_v<T>) {  // wraps
      using U = std::make_unsigned_t<T>;
      using Wide = std::conditional_t<sizeof(U) < 4, std::uint32_t, U>;
      const Wide x = static_cast<U>(a), y = static_cast<U>(b);
      return static_cast<T>(static_cast<U>(kind == ScanKind::Sum ? x + y : x * y));
    } else {
      return kind == ScanKind::Sum ? a + b : a * b;
    }
  } else if constexpr (kind == ScanKind::LogAddExp) {
    return log_add_exp(a, b);
  } else {
    if (is_nan(a)) return a;
    if (is_nan(b)) return b;
    return (kind == ScanKind::Max ? less(a, b) : less(b, a)) ? b : a;
  }
}

// Rows whose chains of dependent operations run interleaved, so that they hide each other's latency.
constexpr int interleaved = 8;
// Chunks are whole numbers of as many rows as the widest tile has.
constexpr std::int64_t most_at_once = 16;

template <ScanKind kind, typename T, int rows>
void scan_rows(const T* const* in, T* const* out, std::int64_t n, std::int64_t step, bool reverse, bool inclusive) {
  using A = Accumulator<T>;
  A state[rows];
  std::fill(state, state + rows, neutral<kind, A>());
  for (std::int64_t k = 0; k < n; ++k) {
    const std::int64_t i = reverse ? n - 1 - k : k;
    for (int r = 0; r < rows; ++r) {
      const A x = static_cast<A>(in[r][i * step]);
      const A next = k == 0 ? x : combine<kind>(state[r], x);  // the first as it is: -0 stays -0
      out[r][i] = static_cast<T>(inclusive ? next : state[r]);
      state[r] = next;
    }
  }
}

template <ScanKind kind, typename T>
void scan_range(const View& in, const View& out, const graph::ScanAttrs& attrs, std::int64_t first, std::int64_t last) {
  const std::int64_t n = in.shape.back(), step = in.strides.back();
  const T* sources[interleaved];
  T* targets[interleaved];
  for (std::int64_t row = first; row < last;) {
    const std::int64_t rows = last - row >= interleaved ? interleaved : 1;
    for (std::int64_t r = 0; r < rows; ++r) {
      sources[r] = in.as<const T>() + row_offset(in, row + r);
      targets[r] = out.as<T>() + (row + r) * n;
    }
    if (rows == interleaved) scan_rows<kind, T, interleaved>(sources, targets, n, step, attrs.reverse, attrs.inclusive);
    else scan_rows<kind, T, 1>(sources, targets, n, step, attrs.reverse, attrs.inclusive);
    row += rows;
  }
}

template <typename T>
auto range_function(ScanKind kind) {
  switch (kind) {
    case ScanKind::Sum: return scan_range<ScanKind::Sum, T>;
    case ScanKind::Prod: return scan_range<ScanKind::Prod, T>;
    case ScanKind::Max: return scan_range<ScanKind::Max, T>;
    case ScanKind::Min: return scan_range<ScanKind::Min, T>;
    case ScanKind::LogAddExp: break;
  }
  return scan_range<ScanKind::LogAddExp, T>;
}

using Range = void (*)(const View& in, const View& out, const graph::ScanAttrs& attrs, std::int64_t first,
                       std::int64_t last);

// `rows` rows of 16-bit floats from `row` on, by way of blocks of float32.
void scan_half_tile(const ScanTiles& tiles, const View& in, const View& out, std::int64_t row, std::int64_t rows) {
  constexpr std::int64_t columns = 256, size = 2;
  const Loader loader(in.dtype, float32);
  const Storer storer(float32, in.dtype);
  const std::int64_t n = in.shape.back(), step = in.strides.back() * size;
  alignas(64) float block[most_at_once][columns + block_slack] = {};
  alignas(64) char carry[carry_bytes];
  char* blocks[most_at_once];
  const char* sources[most_at_once];
  for (std::int64_t r = 0; r < most_at_once; ++r) {
    blocks[r] = reinterpret_cast<char*>(block[r]);
    sources[r] = in.as<const char>() + row_offset(in, row + std::min(r, rows - 1)) * size;
  }
  tiles.begin(carry);
  for (std::int64_t i = 0; i < n; i += columns) {
    const std::int64_t m = std::min(columns, n - i);
    for (std::int64_t r = 0; r < rows; ++r) loader.load(blocks[r], sources[r] + i * step, step, m);
    tiles.run(blocks, ScanTiles::dense_rows, blocks, static_cast<std::size_t>(m), carry);
    for (std::int64_t r = 0; r < rows; ++r)
      storer.store(out.as<char>() + ((row + r) * n + i) * size, size, block[r], m);
  }
}

// Rows [first, last) by tiles; those that no tile can take go to `other`.
void scan_by_tiles(const ScanTiles& tiles, Range other, const View& in, const View& out, const graph::ScanAttrs& attrs,
                   std::int64_t first, std::int64_t last) {
  constexpr std::int64_t fewest = 4;  // a tile with fewer rows is slower than a scalar loop
  const std::int64_t n = in.shape.back(), size = in.dtype.size(), at_once = static_cast<std::int64_t>(tiles.rows);
  const bool dense = n == 1 || in.strides.back() == 1;
  const char* sources[most_at_once];
  char* targets[most_at_once];
  alignas(64) char carry[carry_bytes];
  for (std::int64_t row = first, rows; row < last; row += rows) {
    rows = std::min(at_once, last - row);
    bool adjacent = rows == at_once;
    for (std::int64_t r = 0; r < at_once; ++r) {
      const std::int64_t i = row + std::min(r, rows - 1);
      sources[r] = in.as<const char>() + row_offset(in, i) * size;
      targets[r] = out.as<char>() + i * n * size;
      adjacent &= sources[r] == sources[0] + r * size;
    }
    if (rows < fewest) {
      other(in, out, attrs, row, row + rows);
    } else if (size == 2) {
      scan_half_tile(tiles, in, out, row, rows);
    } else if (dense || adjacent) {
      tiles.begin(carry);
      tiles.run(sources, dense ? ScanTiles::dense_rows : in.strides.back() * size, targets, static_cast<std::size_t>(n),
                carry);
    } else {
      other(in, out, attrs, row, row + rows);
    }
  }
}

}  // namespace

void scan_cpu(const runtime::KernelCall& call, runtime::Launch& launch) {
  const View in = call.in[0], out = call.out[0];
  const auto attrs = call.attrs<graph::ScanAttrs>();
  const std::int64_t n = in.shape.back(), rows = element_count(in.shape) / n;
  const Range range = dispatch_dtype(
      in.dtype, [&](auto* type) { return range_function<std::remove_pointer_t<decltype(type)>>(attrs.kind); });
  const ScanTiles tiles =
      attrs.reverse || !attrs.inclusive
          ? ScanTiles{}
          : scan_tiles(attrs.kind, in.dtype == float16 || in.dtype == bfloat16 ? float32 : in.dtype);
  const auto run = [=](std::int64_t first, std::int64_t last) {
    if (tiles.run) scan_by_tiles(tiles, range, in, out, attrs, first, last);
    else range(in, out, attrs, first, last);
  };
  const double ns_per_element = attrs.kind == ScanKind::LogAddExp ? 20 : tiles.run ? 0.3 : 0.7;
  std::int64_t rows_per_chunk =
      std::max<std::int64_t>(1, static_cast<std::int64_t>(100'000 / (ns_per_element * static_cast<double>(n))));
  rows_per_chunk = (rows_per_chunk + most_at_once - 1) / most_at_once * most_at_once;
  const std::int64_t chunks = (rows + rows_per_chunk - 1) / rows_per_chunk;
  if (chunks == 1) return run(0, rows);
  launch.parallel(static_cast<std::size_t>(chunks), ns_per_element * static_cast<double>(n * rows_per_chunk),
                  [=](std::size_t chunk) {
                    const std::int64_t first = static_cast<std::int64_t>(chunk) * rows_per_chunk;
                    run(first, std::min(rows, first + rows_per_chunk));
                  });
}

}  // namespace anabranch::kernels
