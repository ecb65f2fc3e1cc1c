#include "kernels/reduce/device_plan.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace anabranch::kernels {
namespace {

// Blocks that keep a GPU of today busy.
constexpr std::int64_t enough_blocks = 1024;

std::int64_t divided_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

int power_of_two_from(std::int64_t n, int most) {
  int p = 1;
  while (p < n && p < most) p *= 2;
  return p;
}

Parts cut(std::int64_t length, std::int64_t wanted, std::int64_t shortest, std::int64_t multiple) {
  const std::int64_t count = std::clamp<std::int64_t>(wanted, 1, divided_up(length, shortest));
  const std::int64_t each = divided_up(divided_up(length, count), multiple) * multiple;
  return {divided_up(length, each), each};
}

// The fastest axis last; one along which nothing moves is not fast, since its elements make no dense run.
template <int N>
Axes<N> simplified(Axes<N> axes) {
  const auto speed = [](const Axis<N>& a) {
    return a.strides[0] == 0 ? std::numeric_limits<std::int64_t>::max() : std::abs(a.strides[0]);
  };
  std::stable_sort(axes.begin(), axes.end(), [&](const Axis<N>& a, const Axis<N>& b) { return speed(a) > speed(b); });
  Axes<N> joined;
  for (const Axis<N>& a : axes) {
    if (a.extent == 1) continue;
    bool joins = !joined.empty();
    for (int n = 0; n < N; ++n) joins = joins && joined.back().strides[n] == a.strides[n] * a.extent;
    if (joins) joined.back() = {joined.back().extent * a.extent, a.strides};
    else joined.push_back(a);
  }
  return joined;
}

}  // namespace

DeviceReduction::DeviceReduction(const runtime::View& from, const runtime::View& to, int reduced_axes, bool ordered)
    : in(from.as<const char>()), out(to.data), results(1), length(1) {
  const std::size_t first_reduced = from.shape.size() - static_cast<std::size_t>(reduced_axes);
  const Strides out_strides = contiguous_strides(to.shape);
  for (std::size_t i = 0; i < from.shape.size(); ++i) {
    std::int64_t step = from.strides[i];
    if (i < first_reduced) {
      kept.push_back({from.shape[i], {step, out_strides[i]}});
      results *= from.shape[i];
      continue;
    }
    if (step < 0 && !ordered) {
      in += (from.shape[i] - 1) * step * from.dtype.size();
      step = -step;
    }
    reduced.push_back({from.shape[i], {step}});
    length *= from.shape[i];
  }
  kept = simplified(kept);
  reduced = simplified(reduced);
}

bool DeviceReduction::by_columns() const {
  if (kept.empty() || reduced.empty()) return false;
  const std::int64_t column = kept.back().strides[in_side], row = reduced.back().strides[0];
  return column != 0 && kept.back().extent >= 4 && (row == 0 || std::abs(column) < std::abs(row));
}

bool DeviceReduction::aligned_rows(int n, std::size_t itemsize) const {
  if (reduced.size() != 1 || reduced[0].strides[0] != 1) return false;
  if (reinterpret_cast<std::uintptr_t>(in) % (static_cast<std::size_t>(n) * itemsize)) return false;
  return std::all_of(kept.begin(), kept.end(), [=](const Axis<2>& a) { return a.strides[in_side] % n == 0; });
}

bool DeviceReduction::aligned_columns(int n, std::size_t itemsize) const {
  if (kept.back().strides[in_side] != 1 || kept.back().extent % n) return false;
  if (reinterpret_cast<std::uintptr_t>(in) % (static_cast<std::size_t>(n) * itemsize)) return false;
  return std::all_of(kept.begin(), kept.end() - 1, [=](const Axis<2>& a) { return a.strides[in_side] % n == 0; }) &&
         std::all_of(reduced.begin(), reduced.end(), [=](const Axis<1>& a) { return a.strides[0] % n == 0; });
}

RowPlan plan_rows(std::int64_t results, std::int64_t length, int vector) {
  // Of many rows, a thread has a few vectors to read; of few, each has a block, or several.
  constexpr std::int64_t vectors_each = 4, shortest_part = 4 << 10;
  const std::int64_t vectors = divided_up(length, vector);
  RowPlan plan{fold_threads, {1, length}};
  if (results >= enough_blocks || vectors <= 32)
    plan.lanes = power_of_two_from(divided_up(vectors, vectors_each), fold_threads);
  else plan.parts = cut(length, enough_blocks / results, shortest_part, vector);
  return plan;
}

ColumnPlan plan_columns(std::int64_t columns, std::int64_t others, std::int64_t length, int vector) {
  // Of much, several blocks follow each other on each multiprocessor, so that little is left over for the last ones.
  constexpr std::int64_t shortest_part = 64, good_part = 256, many_blocks = 4 * enough_blocks;
  ColumnPlan plan;
  const std::int64_t vectors = divided_up(columns, vector);
  plan.width = power_of_two_from(vectors, 32);
  plan.height = fold_threads / plan.width;
  plan.tiles = divided_up(vectors, plan.width);
  const std::int64_t blocks = plan.tiles * others;
  const auto cut_for = [&](std::int64_t wanted, std::int64_t shortest) {
    return cut(length, wanted / std::min(blocks, wanted), std::max<std::int64_t>(shortest, 4 * plan.height),
               plan.height);
  };
  const Parts few = cut_for(enough_blocks, shortest_part), many = cut_for(many_blocks, good_part);
  plan.parts = many.count > few.count ? many : few;
  return plan;
}

HeldRowsPlan plan_held_rows(std::int64_t rows, std::int64_t n, int held, std::size_t itemsize) {
  constexpr int warp = 32, threads_for_short_rows = 128;
  HeldRowsPlan plan;
  const std::int64_t lanes = divided_up(n, held);
  plan.lanes = lanes <= warp ? power_of_two_from(lanes, warp) : static_cast<int>(divided_up(lanes, warp)) * warp;
  plan.threads = lanes <= warp ? threads_for_short_rows : plan.lanes;
  plan.blocks = divided_up(rows, plan.threads / plan.lanes);
  plan.resident_blocks = held_rows_resident(held, itemsize) / plan.threads;
  return plan;
}

}  // namespace anabranch::kernels
