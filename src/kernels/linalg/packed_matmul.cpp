// How a product by packed panels is cut into chunks.
#include <algorithm>
#include <cstddef>

#include "kernels/linalg/packed_gemm.h"
#include "runtime/launch.h"

namespace anabranch::kernels {
namespace {

double ns_per_flop(const PanelFormat& format) {
  return format.kind == PanelFormat::Kind::Tiles ? 0.001 : format.kind == PanelFormat::Kind::Float32 ? 0.007 : 0.014;
}
constexpr double ns_per_packed = 0.5;

std::int64_t round_up(std::int64_t x, std::int64_t to) { return (x + to - 1) / to * to; }
std::int64_t chunks_of(std::int64_t extent, std::int64_t step) { return (extent + step - 1) / step; }

Lines rows_of(const MatmulProblem& p, std::int64_t matrix) {
  const std::int64_t offset = batch_offset(p.batch, p.a.batch_strides, matrix) * p.dtype.size();
  return {p.dtype, static_cast<const char*>(p.a.data) + offset, p.a.row_stride, p.a.col_stride, true};
}
Lines cols_of(const MatmulProblem& p, std::int64_t matrix) {
  const std::int64_t offset = batch_offset(p.batch, p.b.batch_strides, matrix) * p.dtype.size();
  return {p.dtype, static_cast<const char*>(p.b.data) + offset, p.b.col_stride, p.b.row_stride, false};
}

// The part of the result that a chunk computes. Its panels of a and b for one depth stay in the second cache; it
// shrinks until there are some two dozen chunks, as far as chunks stay worth their while.
struct TileSize {
  std::int64_t rows, cols;
};
TileSize tile_size(const MatmulProblem& p, const PanelFormat& format) {
  TileSize tile{round_up(240, format.a), format.kind == PanelFormat::Kind::Tiles ? 512 : 256};
  const auto chunks = [&] { return chunks_of(p.m, tile.rows) * chunks_of(p.n, tile.cols); };
  const auto flops = [&] { return 2.0 * static_cast<double>(tile.rows * tile.cols) * static_cast<double>(p.k); };
  while (chunks() < 24 && flops() > 5e7 && tile.cols > 128) {
    tile.cols /= 2;
    if (chunks() < 24 && flops() > 5e7) tile.rows = round_up(tile.rows / 2, format.a);
  }
  return tile;
}

// The elements of the result at (i, j): where sums go, and how they get from there to the result.
struct Target {
  const MatmulProblem& p;
  std::int64_t matrix, i, j, rows, cols;
  runtime::BufferRef sums;  // of 16-bit results

  Target(const MatmulProblem& problem, std::int64_t matrix_, std::int64_t i_, std::int64_t j_, const TileSize& tile)
      : p(problem),
        matrix(matrix_),
        i(i_),
        j(j_),
        rows(std::min(tile.rows, p.m - i)),
        cols(std::min(tile.cols, p.n - j)) {
    if (p.out_dtype.size() == 2) sums = runtime::allocate(static_cast<std::size_t>(rows * ld_sums()) * sizeof(float));
  }
  char* result() const { return static_cast<char*>(p.out) + ((matrix * p.m + i) * p.n + j) * p.out_dtype.size(); }
  void* to() const { return sums ? runtime::memory_of(sums) : result(); }
  // A cache line more than a row, for rows a power of two apart would share a few sets of the cache.
  std::int64_t ld_sums() const { return cols + 16; }
  std::int64_t ld() const { return sums ? ld_sums() : p.n; }
  void finish() const {
    if (sums) round_rows(p.out_dtype, static_cast<const float*>(to()), rows, cols, ld_sums(), result(), p.n);
  }
};

// Steps of k that are packed before they are multiplied: all of them, unless that takes too much memory. Sums of 16-bit
// results can't be put down in between.
std::int64_t slab_depth(const MatmulProblem& p, const PanelFormat& format) {
  constexpr std::int64_t most = std::int64_t{1} << 24;
  if (p.out_dtype.size() == 2) return p.k;
  return std::min(p.k, std::max(most / (p.m + p.n) / format.depth, std::int64_t{1}) * format.depth);
}

// One operand, and where its panels go: those of the first format.depth steps, then those of the next.
struct Packing {
  Lines lines;
  std::int64_t count;
  int width;
  char* to;

  // Where the panels of lines from `first` and steps from `k` (a multiple of format.depth) lie, of `depth` steps in
  // all.
  char* at(const PanelFormat& format, std::int64_t first, std::int64_t k, std::int64_t depth) const {
    const std::int64_t steps = std::min(format.depth, depth - k);
    return to + format.bytes(round_up(count, width), k) + format.bytes(first, steps);
  }
};

void pack_phase(const PanelFormat& format, const Packing& a, const Packing& b, std::int64_t k, std::int64_t depth,
                runtime::Launch& launch) {
  const std::int64_t lines = (1 << 16) / format.depth;
  const std::int64_t lines_a = round_up(lines, a.width), lines_b = round_up(lines, b.width);
  const std::int64_t chunks_a = chunks_of(a.count, lines_a), chunks_b = chunks_of(b.count, lines_b);
  const std::int64_t blocks = chunks_of(depth, format.depth);
  launch.parallel(static_cast<std::size_t>(blocks * (chunks_a + chunks_b)), ns_per_packed * (1 << 16),
                  [=](std::size_t chunk) {
                    std::int64_t at = static_cast<std::int64_t>(chunk) % (chunks_a + chunks_b);
                    const std::int64_t block = static_cast<std::int64_t>(chunk) / (chunks_a + chunks_b) * format.depth;
                    const bool is_a = at < chunks_a;
                    if (!is_a) at -= chunks_a;
                    const Packing& from = is_a ? a : b;
                    const std::int64_t together = is_a ? lines_a : lines_b, first = at * together;
                    pack_panels(format, from.lines, first, std::min(together, from.count - first), k + block,
                                std::min(format.depth, depth - block), from.at(format, first, block, depth), true);
                  });
}

}  // namespace

void packed_matmul(const MatmulProblem& p, runtime::Launch& launch) {
  const PanelFormat format = panel_format(p.dtype);
  const TileSize tile = tile_size(p, format);
  const std::int64_t across = chunks_of(p.n, tile.cols), chunks = chunks_of(p.m, tile.rows) * across;
  const std::int64_t slab = slab_depth(p, format);
  const auto panels = [&](std::int64_t lines, int width) {
    return static_cast<char*>(launch.scratch(static_cast<std::size_t>(format.bytes(round_up(lines, width), slab))));
  };
  Packing a{rows_of(p, 0), p.m, format.a, panels(p.m, format.a)};
  Packing b{cols_of(p, 0), p.n, format.b, panels(p.n, format.b)};
  for (std::int64_t matrix = 0; matrix < matrix_count(p.batch); ++matrix) {
    a.lines = rows_of(p, matrix);
    b.lines = cols_of(p, matrix);
    for (std::int64_t k = 0; k < p.k; k += slab) {
      const std::int64_t depth = std::min(slab, p.k - k);
      pack_phase(format, a, b, k, depth, launch);
      const double flops = 2.0 * static_cast<double>(tile.rows * tile.cols) * static_cast<double>(depth);
      launch.parallel(static_cast<std::size_t>(chunks), flops * ns_per_flop(format), [=](std::size_t chunk) {
        const std::int64_t at = static_cast<std::int64_t>(chunk);
        const Target c(p, matrix, at / across * tile.rows, at % across * tile.cols, tile);
        for (std::int64_t block = 0; block < depth; block += format.depth) {
          const std::int64_t next = block + format.depth < depth ? block + format.depth : 0;
          multiply_panels(format, a.at(format, c.i, block, depth), b.at(format, c.j, block, depth), c.rows, c.cols,
                          std::min(format.depth, depth - block), k + block > 0, c.to(), c.ld(),
                          b.at(format, c.j, next, depth));
        }
        c.finish();
      });
    }
  }
}

void unshared_matmul(const MatmulProblem& p, double at_once, runtime::Launch& launch) {
  const PanelFormat format = panel_format(p.dtype);
  const TileSize tile = tile_size(p, format);
  const std::int64_t across = chunks_of(p.n, tile.cols), tiles = chunks_of(p.m, tile.rows) * across;
  const auto compute = [=](std::int64_t at) {
    const std::int64_t matrix = at / tiles, i = at % tiles / across * tile.rows, j = at % across * tile.cols;
    const Target c(p, matrix, i, j, tile);
    const Lines a = rows_of(p, matrix), b = cols_of(p, matrix);
    const std::int64_t deepest = std::min(format.depth, p.k);
    const std::int64_t size_a = format.bytes(round_up(c.rows, format.a), deepest);
    const std::int64_t size_b = format.bytes(round_up(c.cols, format.b), deepest);
    const runtime::BufferRef panels = runtime::allocate(static_cast<std::size_t>(size_a + size_b));
    // b first: its panels are read by aligned vectors.
    char *pb = static_cast<char*>(runtime::memory_of(panels)), *pa = pb + size_b;
    for (std::int64_t k = 0; k < p.k; k += format.depth) {
      const std::int64_t steps = std::min(format.depth, p.k - k);
      pack_panels(format, a, c.i, c.rows, k, steps, pa, false);
      pack_panels(format, b, c.j, c.cols, k, steps, pb, false);
      multiply_panels(format, pa, pb, c.rows, c.cols, steps, k > 0, c.to(), c.ld(), pb);
    }
    c.finish();
  };
  const std::int64_t count = matrix_count(p.batch) * tiles;
  const double packed =
      static_cast<double>(std::min(p.m, tile.rows) + std::min(p.n, tile.cols)) * static_cast<double>(p.k);
  const double ns = p.flops() * ns_per_flop(format) / static_cast<double>(count) + packed * ns_per_packed;
  if (ns * static_cast<double>(count) < at_once) {
    for (std::int64_t at = 0; at < count; ++at) compute(at);
    return;
  }
  const auto per_chunk = static_cast<std::int64_t>(std::clamp(100e3 / ns, 1.0, 1e9));
  launch.parallel(static_cast<std::size_t>(chunks_of(count, per_chunk)), ns * static_cast<double>(per_chunk),
                  [=](std::size_t chunk) {
                    const std::int64_t first = static_cast<std::int64_t>(chunk) * per_chunk;
                    for (std::int64_t at = first; at < std::min(count, first + per_chunk); ++at) compute(at);
                  });
}

}  // namespace anabranch::kernels
