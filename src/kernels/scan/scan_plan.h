// How a GPU goes about a scan. Host code, so that it can be tested without one.
#pragma once

#include <cstdint>

namespace anabranch::kernels {

inline constexpr int scan_threads = 256;

// `lanes` threads (a power of two, at most a block) go along a row, tile after tile: of the whole row, or of a chunk
// where rows are few and long. Blocks have `rows_each` rows, or chunks, at once; there are `units` of these.
struct ScanPlan {
  int lanes;
  std::int64_t chunks, chunk;  // of a row: their number and length
  int tiles, last_tiles;       // of a chunk, and of a row's last one
  std::int64_t units;
};

// A thread has `items` of each tile.
ScanPlan plan_scan(std::int64_t rows, std::int64_t n, int items);

}  // namespace anabranch::kernels
