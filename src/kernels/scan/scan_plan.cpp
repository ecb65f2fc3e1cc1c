#include "kernels/scan/scan_plan.h"

#include <algorithm>
#include <limits>

#include "anabranch/error.h"

namespace anabranch::kernels {
namespace {

std::int64_t divided_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace

ScanPlan plan_scan(std::int64_t rows, std::int64_t n, int items) {
  constexpr std::int64_t enough_blocks = 1024, tiles_each = 2;
  ScanPlan plan{1, 1, n, 1, 1, 0};
  while (plan.lanes < scan_threads && plan.lanes * items < n) plan.lanes *= 2;
  const std::int64_t tile = plan.lanes * items;
  if (n > tile) {
    const std::int64_t tiles = divided_up(n, tile);
    const std::int64_t chunks =
        std::clamp<std::int64_t>(divided_up(enough_blocks, rows), 1, divided_up(tiles, tiles_each));
    plan.chunk = divided_up(tiles, chunks) * tile;
    plan.chunks = divided_up(n, plan.chunk);
  }
  const std::int64_t tiles = divided_up(plan.chunk, tile);
  if (tiles > std::numeric_limits<int>::max()) throw NotSupported("[gpu] A scan over rows this long.");
  plan.tiles = static_cast<int>(tiles);
  plan.last_tiles = static_cast<int>(divided_up(n - (plan.chunks - 1) * plan.chunk, tile));
  plan.units = divided_up(rows, scan_threads / plan.lanes) * plan.chunks;
  return plan;
}

}  // namespace anabranch::kernels
