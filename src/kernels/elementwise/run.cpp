#include "kernels/elementwise/run.h"

#include <algorithm>
#include <memory>

#include "kernels/elementwise/execute.h"

namespace anabranch::kernels {

namespace {

// The registers of a program take a sixth of a 48 KiB L1 cache: what passes through it (the block of each operand, and
// the next one on its way) needs the rest. Measured: twice as much is 10 % slower where memory is the limit.
constexpr std::size_t register_bytes = 8 << 10;
constexpr std::size_t smallest_block = 128, largest_block = 2048;
// Below this a domain is computed at once; above it, in chunks that take about so long.
constexpr double immediate_ns = 30e3, chunk_ns = 100e3;

// Outputs larger than this would not stay in the L2 cache. Storing them past it pays where memory is busy with reading;
// measured: up to 7 % where twice as much is read, but a loss of 10 % to 20 % where no more is read than written, and
// for 16-bit floats, which can be computed in place.
constexpr std::size_t streamed_bytes = 4 << 20;
bool worth_streaming(const Layout& layout) {
  const bool wide =
      std::all_of(layout.out.begin(), layout.out.end(), [](const Operand& o) { return o.dtype.size() > 2; });
  return wide && !layout.tiled() && layout.in_bytes >= 2 * layout.out_bytes &&
         static_cast<std::size_t>(layout.count) * layout.out_bytes >= streamed_bytes;
}
// Operands that are smaller all together lie in the L2 cache already, or come there before it matters.
constexpr std::size_t cached_bytes = 2 << 20;

std::size_t block_size(const Compiled& code) {
  const std::size_t fitting = register_bytes / (std::size_t{code.registers} * code.element_size + 1);
  return std::clamp(fitting / quantum * quantum, smallest_block, largest_block);
}

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// What a thread keeps for its next call. Not inlined: each use of a thread's variable would look its address up anew.
struct Kept {
  std::shared_ptr<Task> task;
  std::vector<std::uint8_t> uniform, along_rows;
  std::vector<const void*> in_data;
  std::vector<void*> out_data;
};
[[gnu::noinline]] Kept& kept() {
  static thread_local Kept k;
  return k;
}

}  // namespace

void run_program_cpu(const graph::Program& program, const Shape& shape, std::span<const runtime::View> in,
                     std::span<const runtime::View> out, runtime::Launch& launch) {
  auto& [spare, uniform, along_rows, in_data, out_data] = kept();
  if (!spare) spare = std::make_shared<Task>();
  Task& task = *spare;
  Layout& layout = task.layout;
  lay_out(shape, in, out, layout);
  if (layout.count == 0) return;
  uniform.clear();
  along_rows.clear();
  in_data.clear();
  out_data.clear();
  for (const Operand& operand : layout.in) {
    uniform.push_back(operand.kind == Operand::Kind::uniform);
    along_rows.push_back(layout.row && operand.kind == Operand::Kind::strided && operand.strides.back() == 0);
    in_data.push_back(operand.data);
  }
  for (const Operand& operand : layout.out) out_data.push_back(operand.data);
  compile(program, {uniform, along_rows, in_data, out_data}, task.code);
  task.block = block_size(task.code);

  task.ahead = static_cast<std::size_t>(layout.count) * (layout.in_bytes + layout.out_bytes) >= cached_bytes;
  task.stream = worth_streaming(layout);

  const double ns = task.code.ns;
  if (layout.tiled()) {
    const std::int64_t inner = layout.shape.back(), axis = layout.shape[layout.tile_axis];
    task.tiles_down = static_cast<std::size_t>(ceil_div(axis, static_cast<std::int64_t>(layout.tile_rows)));
    task.tiles_across = static_cast<std::size_t>(ceil_div(inner, tile_columns));
    const std::int64_t tiles =
        layout.count / (axis * inner) * static_cast<std::int64_t>(task.tiles_down * task.tiles_across);
    if (ns * static_cast<double>(layout.count) < immediate_ns) return run_tiles(task, 0, tiles);
    const double tile_ns = ns * static_cast<double>(layout.tile_rows * tile_columns);
    const std::int64_t step = std::max<std::int64_t>(1, static_cast<std::int64_t>(chunk_ns / tile_ns));
    launch.parallel(static_cast<std::size_t>(ceil_div(tiles, step)), tile_ns * static_cast<double>(step),
                    [shared = std::shared_ptr<const Task>(std::move(spare)), step, tiles](std::size_t chunk) {
                      const std::int64_t first = static_cast<std::int64_t>(chunk) * step;
                      run_tiles(*shared, first, std::min(first + step, tiles));
                    });
    return;
  }
  if (ns * static_cast<double>(layout.count) < immediate_ns) return run_range(task, 0, layout.count);
  const std::int64_t block = static_cast<std::int64_t>(task.block);
  const std::int64_t step =
      std::max<std::int64_t>(1, static_cast<std::int64_t>(chunk_ns / (ns * static_cast<double>(block)))) * block;
  const std::int64_t count = layout.count;
  launch.parallel(static_cast<std::size_t>(ceil_div(count, step)), ns * static_cast<double>(step),
                  [shared = std::shared_ptr<const Task>(std::move(spare)), step, count](std::size_t chunk) {
                    const std::int64_t first = static_cast<std::int64_t>(chunk) * step;
                    run_range(*shared, first, std::min(first + step, count));
                  });
}

}  // namespace anabranch::kernels
