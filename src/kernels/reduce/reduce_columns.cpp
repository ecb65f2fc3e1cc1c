#include "kernels/reduce/problem.h"

namespace anabranch::kernels {
namespace {

constexpr std::int64_t elements_per_chunk = 128 << 10;
constexpr std::int64_t line_elements = 2048;        // results under way, read where they lie
constexpr std::int64_t staged_line_elements = 512;  // through a block of 8 rows
constexpr std::int64_t rows_per_block = 512;        // rounding errors grow with the square root of this
constexpr std::int64_t enough_lines = 32;           // to occupy a machine without cutting columns
constexpr double ns_per_element = 0.2;

// How the results are cut into lines, and the columns into parts.
struct Columns {
  SharedReduction r;
  std::int64_t extent, line, lines_per_run, lines, part, parts;
  std::int64_t tuple;  // rows that lie densely behind each other and are folded as one: narrow ones fill no vector

  explicit Columns(SharedReduction reduction) : r(std::move(reduction)) {
    const Reduction::Axis& column = r->kept.back();
    extent = column.extent;
    line = std::min(extent, r->direct(column.in) ? line_elements : staged_line_elements);
    lines_per_run = (extent + line - 1) / line;
    lines = r->kept_count / extent * lines_per_run;
    const bool cut = lines < enough_lines && r->reduced_count * line >= 2 * elements_per_chunk;
    part = cut ? std::max<std::int64_t>(8, elements_per_chunk / line / 8 * 8) : r->reduced_count;
    parts = (r->reduced_count + part - 1) / part;
    tuple = 1;
    if (extent <= 64 && r->reduced.size() == 1 && column.in == r->loader.from_size() &&
        r->reduced.back().in == extent * column.in) {
      tuple = staged_line_elements / extent;
    }
  }

  struct Line {
    std::int64_t in, out, n, index;  // byte offsets, results, number of the first result
  };
  Line line_at(std::int64_t i) const {
    const std::int64_t run = i / lines_per_run, at = i % lines_per_run * line;
    const Walk walk(r->kept, run * extent + at, r->kept_count);
    return {walk.in(), walk.out(), std::min(line, extent - at), run * extent + at};
  }

  // Folds `count` rows of n elements, `step` bytes apart, into acc.
  void fold_rows(const char* from, std::int64_t step, std::int64_t count, std::int64_t n, char* acc) const {
    const std::int64_t element = r->kept.back().in;
    if (r->direct(element)) {
      r->kernel->columns(acc, from, step, static_cast<std::size_t>(count), static_cast<std::size_t>(n));
      return;
    }
    alignas(64) char block[8 * staged_line_elements * 8];
    const std::int64_t padded = (n + block_slack - 1) / block_slack * block_slack * r->size;
    for (std::int64_t i = 0; i < count; i += 8) {
      const std::int64_t m = std::min<std::int64_t>(8, count - i);
      for (std::int64_t k = 0; k < m; ++k) r->loader.load(block + k * padded, from + (i + k) * step, element, n);
      r->kernel->columns(acc, block, padded, static_cast<std::size_t>(m), static_cast<std::size_t>(n));
    }
  }

  void fold_tuples(const char* from, std::int64_t step, std::int64_t count, std::int64_t n, char* acc) const {
    const std::int64_t wide = count / tuple;
    if (wide < 2) {
      fold_rows(from, step, count, n, acc);
      return;
    }
    alignas(64) char lines[staged_line_elements * 8];
    r->kernel->fill(lines, static_cast<std::size_t>(tuple * n));
    fold_rows(from, step * tuple, wide, tuple * n, lines);
    fold_rows(from + wide * tuple * step, step, count - wide * tuple, n, lines);
    r->kernel->columns(acc, lines, n * r->size, static_cast<std::size_t>(tuple), static_cast<std::size_t>(n));
  }

  // acc = fold of the rows [begin, end) of a line that begins at `origin`.
  void fold_line(const char* origin, std::int64_t begin, std::int64_t end, std::int64_t n, char* acc) const {
    alignas(64) char block[line_elements * 8];
    r->kernel->fill(acc, static_cast<std::size_t>(n));
    const std::int64_t most = rows_per_block * tuple, step = r->reduced.back().in;
    std::int64_t in_block = 0;
    const bool blocked = end - begin > most;
    if (blocked) r->kernel->fill(block, static_cast<std::size_t>(n));
    for (Walk walk(r->reduced, begin, end); !walk.done();) {
      const std::int64_t count = std::min(walk.run(), most - in_block);
      char* to = blocked ? block : acc;
      tuple > 1 ? fold_tuples(origin + walk.in(), step, count, n, to)
                : fold_rows(origin + walk.in(), step, count, n, to);
      walk.advance(count);
      in_block += count;
      if (blocked && (in_block == most || walk.done())) {
        r->kernel->columns(acc, block, 0, 1, static_cast<std::size_t>(n));
        r->kernel->fill(block, static_cast<std::size_t>(n));
        in_block = 0;
      }
    }
  }
};

}  // namespace

void reduce_columns(SharedReduction r, runtime::Launch& launch) {
  const bool at_once = r->small();
  const auto c = std::make_shared<const Columns>(std::move(r));
  const Reduction& all = *c->r;
  const double ns = ns_per_element * static_cast<double>(c->part * c->line);
  if (c->parts == 1) {
    const std::int64_t group = std::max<std::int64_t>(1, elements_per_chunk / (c->part * c->line));
    add_phase(launch, at_once, (c->lines + group - 1) / group, ns * static_cast<double>(group),
              [c, group](std::size_t chunk) {
                alignas(64) char acc[(line_elements + block_slack) * 8];
                const std::int64_t begin = static_cast<std::int64_t>(chunk) * group;
                for (std::int64_t i = begin; i < std::min(c->lines, begin + group); ++i) {
                  const auto at = c->line_at(i);
                  c->fold_line(c->r->in + at.in, 0, c->part, at.n, acc);
                  c->r->storer.store(c->r->out + at.out, c->r->kept.back().out, acc, at.n);
                }
              });
    return;
  }
  // partial[part][result]
  const std::int64_t row_bytes = all.kept_count * all.size;
  char* partial = static_cast<char*>(launch.scratch(static_cast<std::size_t>(c->parts * row_bytes)));
  launch.parallel(static_cast<std::size_t>(c->lines * c->parts), ns, [c, partial, row_bytes](std::size_t chunk) {
    const std::int64_t part = static_cast<std::int64_t>(chunk) / c->lines;
    const auto at = c->line_at(static_cast<std::int64_t>(chunk) % c->lines);
    const std::int64_t begin = part * c->part, end = std::min(c->r->reduced_count, begin + c->part);
    c->fold_line(c->r->in + at.in, begin, end, at.n, partial + part * row_bytes + at.index * c->r->size);
  });
  launch.parallel(static_cast<std::size_t>(c->lines), ns_per_element * static_cast<double>(c->parts * c->line),
                  [c, partial, row_bytes](std::size_t chunk) {
                    alignas(64) char acc[(line_elements + block_slack) * 8];
                    const auto at = c->line_at(static_cast<std::int64_t>(chunk));
                    const auto n = static_cast<std::size_t>(at.n);
                    c->r->kernel->fill(acc, n);
                    c->r->kernel->columns(acc, partial + at.index * c->r->size, row_bytes,
                                          static_cast<std::size_t>(c->parts), n);
                    c->r->storer.store(c->r->out + at.out, c->r->kept.back().out, acc, at.n);
                  });
}

}  // namespace anabranch::kernels
