// Softmax and logsumexp over the last axis. float32 and the 16-bit floats compute in float32, with vectors; float64 and
// complex64 in themselves, element by element.
#include <cmath>
#include <memory>
#include <utility>

#include "kernels/cpu_kernels.h"
#include "kernels/elementwise/library.h"
#include "kernels/indexing/copy.h"
#include "kernels/indexing/stream_store.h"
#include "kernels/reduce/arithmetic.h"
#include "kernels/reduce/problem.h"
#include "kernels/reduce/softmax_rows.h"

namespace anabranch::kernels {
namespace {

constexpr std::int64_t elements_at_once = 4 << 10;
constexpr std::int64_t elements_per_chunk = 32 << 10;
constexpr std::int64_t part = 64 << 10;  // of a long row
constexpr std::int64_t cached_row = 8 << 10;
constexpr std::int64_t bytes_worth_streaming = 8 << 20;

struct Rows {
  Reduction r;  // its fold finds the largest element
  std::int64_t n, step, row_bytes;
  bool log, stream;

  Rows(const runtime::View& in, const runtime::View& out, bool logsumexp)
      : r(FoldOp::Max, computing_dtype(out.dtype), 1, in, out, true),
        n(r.reduced_count),
        step(r.reduced.back().in),
        row_bytes(logsumexp ? out.dtype.size() : n * out.dtype.size()),
        log(logsumexp),
        stream(!logsumexp && out.dtype == float32 && row_bytes % 64 == 0 && n <= cached_row &&
               reinterpret_cast<std::uintptr_t>(out.data) % 64 == 0 &&
               r.kept_count * row_bytes >= bytes_worth_streaming) {}

  // Element 0 of a row, and where its results go.
  Walk walk(std::int64_t begin, std::int64_t end) const { return {r.kept, begin, end}; }
  char* to(const Walk& at) const { return r.out + at.out(); }
};
using SharedRows = std::shared_ptr<const Rows>;

// Types whose exp and log have no vector form.
template <typename T>
void one_row(const Rows& rows, const T* x, char* to) {
  const FoldKernel& sum_kernel = fold_kernel(FoldOp::Sum, TypeToDtype<T>::value);
  T top, sum;
  rows.r.kernel->rows(x, 0, 1, static_cast<std::size_t>(rows.n), &top);
  T* y = reinterpret_cast<T*>(to);
  alignas(64) char lanes[lanes_bytes];
  T block[block_elements];
  sum_kernel.begin(lanes);
  for (std::int64_t i = 0; i < rows.n; i += block_elements) {
    const std::int64_t m = std::min(block_elements, rows.n - i);
    T* terms = rows.log ? block : y + i;
    for (std::int64_t k = 0; k < m; ++k) terms[k] = library::exp(T(x[i + k] - top));
    sum_kernel.fold(terms, static_cast<std::size_t>(m), lanes);
  }
  sum_kernel.finish(lanes, &sum);
  if (rows.log) {
    *y = std::isinf(std::abs(top)) ? top : T(library::log(sum) + top);
  } else {
    for (std::int64_t i = 0; i < rows.n; ++i) y[i] /= sum;
  }
}

void one_row(const Rows& rows, const float* x, char* to) {
  const SoftmaxKernel& kernel = softmax_kernel();
  const auto n = static_cast<std::size_t>(rows.n);
  float top;
  rows.r.kernel->rows(x, 0, 1, n, &top);
  alignas(64) float y[cached_row + block_slack];
  if (rows.log) {
    y[0] = std::isinf(top) ? top : library::log(kernel.exp_sum(x, top, nullptr, n)) + top;
    rows.r.storer.store(to, 0, y, 1);
  } else if (rows.r.storer.same()) {
    float* result = reinterpret_cast<float*>(to);
    float* terms = rows.n <= cached_row ? y : result;
    const float sum = kernel.exp_sum(x, top, terms, n);
    kernel.scale(terms, 1 / sum, result, n, rows.stream);
  } else {
    const std::int64_t size = rows.row_bytes / rows.n;
    float factor = 1;
    if (rows.n <= cached_row) {
      factor = 1 / kernel.exp_sum(x, top, y, n);
      kernel.scale(y, factor, y, n, false);
      rows.r.storer.store(to, size, y, rows.n);
      return;
    }
    factor = 1 / kernel.exp_sum(x, top, nullptr, n);
    for (std::int64_t i = 0; i < rows.n; i += cached_row) {
      const std::int64_t m = std::min(cached_row, rows.n - i);
      kernel.exp_scale(x + i, top, factor, y, static_cast<std::size_t>(m));
      rows.r.storer.store(to + i * size, size, y, m);
    }
  }
}

// Rows that are not dense, or of another type, are brought together some at a time: where the rows' elements lie side
// by side, as after a transposition, enough of them to use whole cache lines.
template <typename T>
void run_rows(const Rows& rows, std::int64_t begin, std::int64_t end) {
  const Reduction& r = rows.r;
  Walk walk = rows.walk(begin, end);
  if (r.direct(rows.step)) {
    for (; !walk.done(); walk.advance(1)) one_row(rows, reinterpret_cast<const T*>(r.in + walk.in()), rows.to(walk));
    if (rows.stream) stream_fence();
    return;
  }
  const std::int64_t from_size = r.loader.from_size(), most = std::max<std::int64_t>(1, elements_per_chunk / rows.n);
  const bool dense = rows.step == from_size;
  const std::int64_t group = dense ? 1 : std::min<std::int64_t>(64, most);
  const auto elements = static_cast<std::size_t>(group * rows.n + block_slack);
  const std::unique_ptr<T[]> loaded(new T[elements]);
  const std::unique_ptr<char[]> collected(dense ? nullptr : new char[elements * static_cast<std::size_t>(from_size)]);
  while (!walk.done()) {
    const std::int64_t m = std::min(group, walk.run());
    const char* from = r.in + walk.in();
    if (!dense) {
      strided_copy(collected.get(), {rows.n, 1}, from, {r.kept.back().in / from_size, rows.step / from_size},
                   {m, rows.n}, static_cast<std::size_t>(from_size));
      from = collected.get();
    }
    for (std::int64_t k = 0; k < m; ++k, walk.advance(1)) {
      const T* x = reinterpret_cast<const T*>(from + k * rows.n * from_size);
      if (!r.loader.same()) {
        r.loader.load(loaded.get(), from + k * rows.n * from_size, from_size, rows.n);
        x = loaded.get();
      }
      one_row(rows, x, rows.to(walk));
    }
  }
  if (rows.stream) stream_fence();
}

template <typename T>
void add_rows(SharedRows rows, runtime::Launch& launch) {
  const std::int64_t count = rows->r.kept_count, n = rows->n;
  const std::int64_t per_chunk = std::max<std::int64_t>(1, elements_per_chunk / n);
  const bool at_once = count * n <= elements_at_once;
  add_phase(launch, at_once, (count + per_chunk - 1) / per_chunk, 0.8 * static_cast<double>(per_chunk * n),
            [rows = std::move(rows), per_chunk, count](std::size_t chunk) {
              const std::int64_t begin = static_cast<std::int64_t>(chunk) * per_chunk;
              run_rows<T>(*rows, begin, std::min(count, begin + per_chunk));
            });
}

// A few long rows: the largest element and the sum of each part, then of each row, then the results.
void add_long_rows(SharedRows rows, runtime::Launch& launch) {
  struct Partial {
    float top, sum;  // of exp(x - top)
  };
  const std::int64_t parts = (rows->n + part - 1) / part, count = rows->r.kept_count;
  auto* partial =
      static_cast<Partial*>(launch.scratch(static_cast<std::size_t>(count * (parts + 1)) * sizeof(Partial)));
  Partial* whole = partial + count * parts;
  // Calls f(x, m, y) for dense stretches x of m elements of a part, y being where their results go.
  const auto each = [rows, parts](std::int64_t chunk, auto f) {
    const Reduction& r = rows->r;
    const Walk walk = rows->walk(chunk / parts, r.kept_count);
    const std::int64_t begin = chunk % parts * part, end = std::min(rows->n, begin + part);
    const std::int64_t out_size = rows->log ? 0 : rows->row_bytes / rows->n;
    alignas(64) float block[cached_row + block_slack];
    for (std::int64_t i = begin; i < end; i += cached_row) {
      const std::int64_t m = std::min(cached_row, end - i);
      const char* from = r.in + walk.in() + i * rows->step;
      const float* x = reinterpret_cast<const float*>(from);
      if (!r.direct(rows->step)) {
        r.loader.load(block, from, rows->step, m);
        x = block;
      }
      f(x, m, rows->to(walk) + i * out_size);
    }
  };
  const auto join = [](Partial a, Partial b) {
    const float top = Max()(a.top, b.top);
    if (std::isinf(top) && top < 0) return Partial{top, 0};
    return Partial{top, a.sum * library::exp(a.top - top) + b.sum * library::exp(b.top - top)};
  };
  const auto chunks = static_cast<std::size_t>(count * parts);
  launch.parallel(chunks, 0.5 * part, [rows, each, join, partial](std::size_t chunk) {
    Partial sum{-std::numeric_limits<float>::infinity(), 0};
    each(static_cast<std::int64_t>(chunk), [&](const float* x, std::int64_t m, char*) {
      float top;
      rows->r.kernel->rows(x, 0, 1, static_cast<std::size_t>(m), &top);
      // A part of nothing but -inf adds nothing.
      const bool none = std::isinf(top) && top < 0;
      sum = join(sum, {top, none ? 0 : softmax_kernel().exp_sum(x, top, nullptr, static_cast<std::size_t>(m))});
    });
    partial[chunk] = sum;
  });
  launch.then(20.0 * static_cast<double>(chunks), [rows, join, partial, whole, parts](std::size_t) {
    std::int64_t row = 0;
    for (Walk walk = rows->walk(0, rows->r.kept_count); !walk.done(); walk.advance(1), ++row) {
      Partial sum = partial[row * parts];
      for (std::int64_t i = 1; i < parts; ++i) sum = join(sum, partial[row * parts + i]);
      whole[row] = sum;
      if (!rows->log) continue;
      alignas(64) float result[block_slack];
      result[0] = std::isinf(sum.top) ? sum.top : library::log(sum.sum) + sum.top;
      rows->r.storer.store(rows->to(walk), 0, result, 1);
    }
  });
  if (rows->log) return;
  launch.parallel(chunks, 0.5 * part, [rows, each, whole, parts](std::size_t chunk) {
    const Partial sum = whole[static_cast<std::int64_t>(chunk) / parts];
    alignas(64) float y[cached_row + block_slack];
    each(static_cast<std::int64_t>(chunk), [&](const float* x, std::int64_t m, char* to) {
      softmax_kernel().exp_scale(x, sum.top, 1 / sum.sum, y, static_cast<std::size_t>(m));
      rows->r.storer.store(to, rows->row_bytes / rows->n, y, m);
    });
  });
}

void add(const runtime::KernelCall& call, runtime::Launch& launch, bool log) {
  const runtime::View& out = call.out[0];
  auto rows = std::make_shared<const Rows>(call.in[0], out, log);
  if (rows->r.kept_count == 0 || rows->n == 0) return;
  const Dtype computed = computing_dtype(out.dtype);
  if (computed == float64) {
    add_rows<double>(std::move(rows), launch);
  } else if (computed == complex64) {
    add_rows<complex64_t>(std::move(rows), launch);
  } else if (rows->r.kept_count < 16 && rows->n >= 4 * part) {
    add_long_rows(std::move(rows), launch);
  } else {
    add_rows<float>(std::move(rows), launch);
  }
}

}  // namespace

void softmax_cpu(const runtime::KernelCall& call, runtime::Launch& launch) { add(call, launch, false); }
void logsumexp_cpu(const runtime::KernelCall& call, runtime::Launch& launch) { add(call, launch, true); }

}  // namespace anabranch::kernels
