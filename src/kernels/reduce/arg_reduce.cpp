#include <type_traits>
#include <utility>
#include <vector>

#include "graph/attributes.h"
#include "kernels/cpu_kernels.h"
#include "kernels/reduce/arithmetic.h"
#include "kernels/reduce/problem.h"

namespace anabranch::kernels {
namespace {

// The extreme of each block is folded like any maximum; only the block that has it is searched for its place.
constexpr std::int64_t block = 512;
constexpr std::int64_t part = 64 << 10;  // elements of a row that one chunk looks at
constexpr std::int64_t block_rows = 32;  // of columns
constexpr std::int64_t line_elements = 512;
constexpr double ns_per_element = 0.3;

template <typename T>
struct Best {
  T value;
  std::int64_t index;
};

// Whether `a`, which comes later, takes the place of `b`: a NaN does, but for the first.
template <bool Maximum, typename T>
bool better(T a, T b) {
  if (is_nan(b)) return false;
  return is_nan(a) || (Maximum ? less(b, a) : less(a, b));
}

template <typename T>
bool same(T a, T b) {
  return is_nan(b) ? is_nan(a) : a == b;
}

template <typename T, bool Maximum>
struct ArgReduction {
  SharedReduction r;
  std::uint32_t* result;

  // The first extreme of the elements [begin, end) of a row.
  Best<T> of_row(const char* row, std::int64_t begin, std::int64_t end) const {
    const std::int64_t step = r->reduced.back().in, blocks = (end - begin + block - 1) / block;
    alignas(64) T values[part / block], staged[block + block_slack];
    if (r->direct(step)) {
      const std::int64_t whole = (end - begin) / block, rest = end - begin - whole * block;
      const char* from = row + begin * step;
      r->kernel->rows(from, block * step, static_cast<std::size_t>(whole), block, values);
      if (rest) r->kernel->rows(from + whole * block * step, 0, 1, static_cast<std::size_t>(rest), values + whole);
    } else {
      for (std::int64_t b = 0; b < blocks; ++b) {
        const std::int64_t at = begin + b * block, n = std::min(block, end - at);
        r->loader.load(staged, row + at * step, step, n);
        r->kernel->rows(staged, 0, 1, static_cast<std::size_t>(n), values + b);
      }
    }
    std::int64_t found = 0;
    for (std::int64_t b = 1; b < blocks; ++b)
      if (better<Maximum>(values[b], values[found])) found = b;
    const std::int64_t at = begin + found * block, n = std::min(block, end - at);
    const T* x = reinterpret_cast<const T*>(row + at * step);
    if (!r->direct(step)) {
      r->loader.load(staged, row + at * step, step, n);
      x = staged;
    }
    std::int64_t i = 0;
    while (i + 1 < n && !same(x[i], values[found])) ++i;
    return {values[found], at + i};
  }

  void add_rows(runtime::Launch& launch) const {
    const std::int64_t n = r->reduced_count, parts = (n + part - 1) / part;
    const std::int64_t rows = std::max<std::int64_t>(1, part / n), count = r->kept_count;
    if (parts == 1 || count >= 32) {
      add_phase(launch, r->small(), (count + rows - 1) / rows, ns_per_element * static_cast<double>(rows * n),
                [self = *this, rows, n, count](std::size_t chunk) {
                  const std::int64_t begin = static_cast<std::int64_t>(chunk) * rows;
                  for (Walk walk(self.r->kept, begin, std::min(count, begin + rows)); !walk.done(); walk.advance(1)) {
                    const char* row = self.r->in + walk.in();
                    Best<T> best = self.of_row(row, 0, std::min(part, n));
                    for (std::int64_t at = part; at < n; at += part) {
                      const Best<T> next = self.of_row(row, at, std::min(n, at + part));
                      if (better<Maximum>(next.value, best.value)) best = next;
                    }
                    self.result[walk.out() / 4] = static_cast<std::uint32_t>(best.index);
                  }
                });
      return;
    }
    auto* partial = static_cast<Best<T>*>(launch.scratch(static_cast<std::size_t>(count * parts) * sizeof(Best<T>)));
    launch.parallel(static_cast<std::size_t>(count * parts), ns_per_element * part,
                    [self = *this, partial, parts, n](std::size_t chunk) {
                      const auto i = static_cast<std::int64_t>(chunk);
                      const Walk walk(self.r->kept, i / parts, self.r->kept_count);
                      const std::int64_t begin = i % parts * part;
                      partial[i] = self.of_row(self.r->in + walk.in(), begin, std::min(n, begin + part));
                    });
    launch.then(static_cast<double>(count * parts), [self = *this, partial, parts](std::size_t) {
      const Best<T>* at = partial;
      for (Walk walk(self.r->kept, 0, self.r->kept_count); !walk.done(); walk.advance(1), at += parts) {
        const Best<T>* best = at;
        for (const Best<T>* p = at + 1; p < at + parts; ++p)
          if (better<Maximum>(p->value, best->value)) best = p;
        self.result[walk.out() / 4] = static_cast<std::uint32_t>(best->index);
      }
    });
  }

  // `n` neighbouring results.
  void of_columns(const char* origin, std::int64_t n, char* to, std::int64_t to_step) const {
    const std::int64_t element = r->kept.back().in, step = r->reduced.back().in, count = r->reduced_count;
    const bool direct = r->direct(element);
    alignas(64) T best[line_elements], extreme[line_elements], staged[line_elements + block_slack];
    std::int64_t found[line_elements] = {};
    for (std::int64_t begin = 0; begin < count; begin += block_rows) {
      const std::int64_t rows = std::min(block_rows, count - begin);
      r->kernel->fill(extreme, static_cast<std::size_t>(n));
      if (direct) {
        r->kernel->columns(extreme, origin + begin * step, step, static_cast<std::size_t>(rows),
                           static_cast<std::size_t>(n));
      } else {
        for (std::int64_t i = begin; i < begin + rows; ++i) {
          r->loader.load(staged, origin + i * step, element, n);
          r->kernel->columns(extreme, staged, 0, 1, static_cast<std::size_t>(n));
        }
      }
      for (std::int64_t j = 0; j < n; ++j) {
        const bool take = begin == 0 || better<Maximum>(extreme[j], best[j]);
        best[j] = take ? extreme[j] : best[j];
        found[j] = take ? begin : found[j];
      }
    }
    for (std::int64_t j = 0; j < n; ++j) {
      std::int64_t i = found[j];
      const std::int64_t last = std::min(i + block_rows, count) - 1;
      for (; i < last; ++i) {
        r->loader.load(staged, origin + i * step + j * element, element, 1);
        if (same(staged[0], best[j])) break;
      }
      const auto index = static_cast<std::uint32_t>(i);
      std::memcpy(to + j * to_step, &index, sizeof(index));
    }
  }

  void add_columns(runtime::Launch& launch) const {
    const std::int64_t extent = r->kept.back().extent, lines = (extent + line_elements - 1) / line_elements;
    const std::int64_t runs = r->kept_count / extent, line = (extent + lines - 1) / lines;
    const std::int64_t group = std::max<std::int64_t>(1, part / (line * r->reduced_count));
    const std::int64_t all = runs * lines;
    add_phase(launch, r->small(), (all + group - 1) / group,
              ns_per_element * static_cast<double>(group * line * r->reduced_count),
              [self = *this, extent, lines, line, group, all](std::size_t chunk) {
                const std::int64_t begin = static_cast<std::int64_t>(chunk) * group;
                for (std::int64_t i = begin; i < std::min(all, begin + group); ++i) {
                  const std::int64_t at = i % lines * line, n = std::min(line, extent - at);
                  if (n <= 0) continue;
                  const Walk walk(self.r->kept, i / lines * extent + at, self.r->kept_count);
                  self.of_columns(self.r->in + walk.in(), n, self.r->out + walk.out(), self.r->kept.back().out);
                }
              });
  }
};

template <bool Maximum>
void add(SharedReduction r, const runtime::View& out, runtime::Launch& launch) {
  dispatch_dtype(r->fold_dtype, [&](auto* p) {
    using T = std::remove_pointer_t<decltype(p)>;
    if constexpr (!is_half<T> && !std::is_same_v<T, bool>) {
      const ArgReduction<T, Maximum> work{std::move(r), out.as<std::uint32_t>()};
      work.r->by_columns() ? work.add_columns(launch) : work.add_rows(launch);
    }
  });
}

}  // namespace

// The first NaN, where there is one, is the extreme.
void arg_reduce_cpu(const runtime::KernelCall& call, runtime::Launch& launch) {
  const bool maximum = call.attrs<graph::ArgReduceAttrs>().maximum;
  const auto r = std::make_shared<const Reduction>(maximum ? FoldOp::Max : FoldOp::Min,
                                                   computing_dtype(call.in[0].dtype), 1, call.in[0], call.out[0], true);
  if (r->kept_count == 0) return;
  maximum ? add<true>(r, call.out[0], launch) : add<false>(r, call.out[0], launch);
}

}  // namespace anabranch::kernels
