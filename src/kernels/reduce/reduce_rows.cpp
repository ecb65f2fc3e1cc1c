#include "kernels/reduce/problem.h"

namespace anabranch::kernels {
namespace {

constexpr std::int64_t shortest_chunk = 64 << 10, longest_chunk = 256 << 10;  // in elements
constexpr std::int64_t results_per_block = 256;
constexpr std::int64_t shortest_direct_run = 256;
constexpr double ns_per_element = 0.2;

// Each chunk begins slowly, until the processor reads ahead, and where there is much to do there are enough of them. It
// follows from the shape alone, and so does the order of operations.
std::int64_t elements_per_chunk(const Reduction& r) {
  constexpr std::int64_t enough = 8;
  return r.kept_count * r.reduced_count >= enough * longest_chunk ? longest_chunk : shortest_chunk;
}

// Folds the elements at positions [begin, end) of the reduced axes, counted from `origin`.
void fold_range(const Reduction& r, const char* origin, std::int64_t begin, std::int64_t end, void* lanes) {
  const Reduction::Axis& inner = r.reduced.back();
  const bool direct = r.direct(inner.in) && (r.reduced.size() == 1 || inner.extent >= shortest_direct_run);
  alignas(64) char block[(block_elements + block_slack) * 8];
  std::int64_t filled = 0;
  Walk walk(r.reduced, begin, end);
  while (!walk.done()) {
    const char* from = origin + walk.in();
    std::int64_t n = walk.run();
    if (direct) {
      r.kernel->fold(from, static_cast<std::size_t>(n), lanes);
    } else {
      n = std::min(n, block_elements - filled);
      r.loader.load(block + filled * r.size, from, inner.in, n);
      filled += n;
      if (filled == block_elements) {
        r.kernel->fold(block, static_cast<std::size_t>(filled), lanes);
        filled = 0;
      }
    }
    walk.advance(n);
  }
  if (filled) r.kernel->fold(block, static_cast<std::size_t>(filled), lanes);
}

void fold_element(const Reduction& r, const char* origin, std::int64_t begin, std::int64_t end, void* result) {
  alignas(64) char lanes[lanes_bytes];
  r.kernel->begin(lanes);
  fold_range(r, origin, begin, end, lanes);
  r.kernel->finish(lanes, result);
}

// `count` results, whose elements begin at origin, origin + step ...
void fold_results(const Reduction& r, const char* origin, std::int64_t step, std::int64_t count, char* results) {
  const std::int64_t n = r.reduced_count;
  const Reduction::Axis& inner = r.reduced.back();
  if (r.reduced.size() == 1 && r.direct(inner.in)) {
    r.kernel->rows(origin, step, static_cast<std::size_t>(count), static_cast<std::size_t>(n), results);
  } else if (r.reduced.size() == 1 && n <= block_elements / 2) {
    alignas(64) char block[(block_elements + block_slack) * 8];
    const std::int64_t rows = block_elements / n;
    const bool dense = inner.in == r.loader.from_size() && step == n * inner.in;
    for (std::int64_t i = 0; i < count; i += rows) {
      const std::int64_t m = std::min(rows, count - i);
      if (dense) r.loader.load(block, origin + i * step, inner.in, m * n);
      for (std::int64_t k = 0; k < m && !dense; ++k) {
        r.loader.load(block + k * n * r.size, origin + (i + k) * step, inner.in, n);
      }
      r.kernel->rows(block, n * r.size, static_cast<std::size_t>(m), static_cast<std::size_t>(n), results + i * r.size);
    }
  } else {
    for (std::int64_t i = 0; i < count; ++i) fold_element(r, origin + i * step, 0, n, results + i * r.size);
  }
}

// A long row in parts, which make a row of partial results.
void reduce_long_rows(SharedReduction r, runtime::Launch& launch) {
  const std::int64_t length = elements_per_chunk(*r), parts = (r->reduced_count + length - 1) / length;
  char* partial = static_cast<char*>(launch.scratch(static_cast<std::size_t>(r->kept_count * parts * r->size)));
  launch.parallel(static_cast<std::size_t>(r->kept_count * parts), ns_per_element * static_cast<double>(length),
                  [r, parts, length, partial](std::size_t chunk) {
                    const auto i = static_cast<std::int64_t>(chunk);
                    const std::int64_t begin = i % parts * length;
                    fold_element(*r, r->in + Walk(r->kept, i / parts, r->kept_count).in(), begin,
                                 std::min(r->reduced_count, begin + length), partial + i * r->size);
                  });
  launch.then(0.5 * static_cast<double>(r->kept_count * parts), [r, parts, partial](std::size_t) {
    alignas(64) char results[(results_per_block + block_slack) * 8];
    const char* from = partial;
    for (Walk walk(r->kept, 0, r->kept_count); !walk.done();) {
      const std::int64_t n = std::min(walk.run(), results_per_block);
      r->kernel->rows(from, parts * r->size, static_cast<std::size_t>(n), static_cast<std::size_t>(parts), results);
      r->storer.store(r->out + walk.out(), r->kept.back().out, results, n);
      from += n * parts * r->size;
      walk.advance(n);
    }
  });
}

}  // namespace

void reduce_rows(SharedReduction r, runtime::Launch& launch) {
  if (r->kept_count < 32 && r->reduced_count >= 2 * elements_per_chunk(*r)) {
    reduce_long_rows(std::move(r), launch);
    return;
  }
  const std::int64_t per_chunk = std::max<std::int64_t>(1, elements_per_chunk(*r) / r->reduced_count);
  const std::int64_t chunks = (r->kept_count + per_chunk - 1) / per_chunk;
  const double ns = ns_per_element * static_cast<double>(per_chunk * r->reduced_count);
  const bool at_once = r->small();
  add_phase(launch, at_once, chunks, ns, [r = std::move(r), per_chunk](std::size_t chunk) {
    alignas(64) char results[(results_per_block + block_slack) * 8];
    const std::int64_t begin = static_cast<std::int64_t>(chunk) * per_chunk;
    for (Walk walk(r->kept, begin, std::min(r->kept_count, begin + per_chunk)); !walk.done();) {
      const std::int64_t n = std::min(walk.run(), results_per_block);
      fold_results(*r, r->in + walk.in(), r->kept.back().in, n, results);
      r->storer.store(r->out + walk.out(), r->kept.back().out, results, n);
      walk.advance(n);
    }
  });
}

}  // namespace anabranch::kernels
