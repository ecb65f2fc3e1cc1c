#include <algorithm>
#include <cstring>
#include <memory>

#include "kernels/cpu_kernels.h"
#include "kernels/indexing/index_reader.h"
#include "kernels/indexing/update.h"

namespace anabranch::kernels {
namespace {

constexpr std::int64_t block = 512;
constexpr std::int64_t ahead = 16;  // how much earlier memory is asked for
constexpr std::int64_t elements_per_chunk = 32 << 10;
constexpr std::int64_t elements_at_once = 2 << 10;
constexpr std::int64_t most_chunks = 16;

// A few sizes are known to the compiler, which saves a call.
void copy_item(char* to, const char* from, std::int64_t bytes) {
  switch (bytes) {
    case 1: *to = *from; break;
    case 2: std::memcpy(to, from, 2); break;
    case 4: std::memcpy(to, from, 4); break;
    case 8: std::memcpy(to, from, 8); break;
    default: std::memcpy(to, from, static_cast<std::size_t>(bytes));
  }
}

struct Scatter {
  IndexReader reader;
  char* out;
  const char* updates;
  CopyPlan slice;          // onto the result's first element from that of the updates
  Strides update_strides;  // along the index axes
  std::int64_t itemsize;
  std::int64_t split_step;    // bytes from one index of the split axis to the next
  std::int64_t split_extent;  // 0: not split
  // Where a slice is a dense run on both sides, how long it is, and what becomes of it; else 0.
  std::int64_t run_length;
  UpdateRun update;  // null: a copy

  // Applies the updates, in order, whose index along the split axis falls to this chunk: no two chunks write one place.
  void run(std::int64_t chunk, std::int64_t chunks) const {
    const std::int64_t low = split_extent * chunk / chunks * split_step;
    const std::int64_t high = split_extent * (chunk + 1) / chunks * split_step;
    std::int64_t offsets[block], from[block];
    for (std::int64_t i = 0; i < reader.count(); i += block) {
      const std::int64_t n = std::min(block, reader.count() - i);
      reader.offsets(i, n, offsets);
      std::fill_n(from, n, 0);
      add_positions(reader.shape(), update_strides, i, n, itemsize, from);
      for (std::int64_t k = 0; k < n; ++k) {
        if (k + ahead < n) __builtin_prefetch(out + offsets[k + ahead], 1);
        if (chunks > 1 && (offsets[k] < low || offsets[k] >= high)) continue;
        if (run_length == 0) {
          slice.run_all(offsets[k], from[k]);
        } else if (update) {
          update(out + offsets[k], itemsize, updates + from[k], itemsize, run_length);
        } else {
          copy_item(out + offsets[k], updates + from[k], run_length * itemsize);
        }
      }
    }
  }
};

}  // namespace

void scatter_cpu(const runtime::KernelCall& call, runtime::Launch& launch) {
  const auto& attrs = call.attrs<graph::ScatterAttrs>();
  const runtime::View& target = call.in[0];
  const runtime::View& updates = call.in[1];
  const runtime::View& out = call.out[0];
  const std::size_t itemsize = out.dtype.size();
  const Strides strides = contiguous_strides(out.shape);
  if (out.data != target.data)
    add_copy(launch, CopyPlan(out.data, strides, target.data, target.strides, out.shape, itemsize));
  const std::int64_t total = element_count(updates.shape);
  if (total == 0) return;

  const std::size_t index_axes = updates.shape.size() - out.shape.size();
  const Shape window(updates.shape.begin() + index_axes, updates.shape.end());
  const Strides window_strides(updates.strides.begin() + index_axes, updates.strides.end());
  const UpdateRun update = update_run(attrs.kind, out.dtype);
  const bool dense = is_row_contiguous(window, strides) && is_row_contiguous(window, window_strides);
  auto work = std::make_shared<Scatter>(Scatter{
      IndexReader("scatter", call.in.subspan(2), attrs.axes, out.shape, strides, window, itemsize), out.as<char>(),
      updates.as<char>(), CopyPlan(out.data, strides, updates.data, window_strides, window, itemsize, update),
      Strides(updates.strides.begin(), updates.strides.begin() + index_axes), static_cast<std::int64_t>(itemsize), 0, 0,
      dense ? element_count(window) : 0, update});

  // Chunks share the outermost axis, if it is indexed and a slice is one deep along it. Each reads all the indices.
  std::int64_t chunks = 1;
  const bool by_first = std::find(attrs.axes.begin(), attrs.axes.end(), 0) != attrs.axes.end() && window[0] == 1;
  if (by_first) {
    const std::int64_t per_index = element_count(window);
    work->split_extent = out.shape[0];
    work->split_step = strides[0] * static_cast<std::int64_t>(itemsize);
    chunks = std::clamp<std::int64_t>(total / elements_per_chunk, 1, std::min(most_chunks, per_index + 1));
  }
  if (launch.phases().empty() && total <= elements_at_once) {
    work->run(0, 1);
    return;
  }
  launch.parallel(static_cast<std::size_t>(chunks), 2.0 * static_cast<double>(total / chunks),
                  [work, chunks](std::size_t chunk) { work->run(static_cast<std::int64_t>(chunk), chunks); });
}

}  // namespace anabranch::kernels
