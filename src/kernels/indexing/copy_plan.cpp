#include "kernels/indexing/copy_plan.h"

#include <algorithm>

namespace anabranch::kernels {
namespace {

constexpr int to = DeviceCopy::dst_side, from = DeviceCopy::src_side;

// Positive steps through the destination, its slowest axis first, axes joined where both sides step evenly over them.
void simplify(DeviceCopy& copy) {
  const auto size = static_cast<std::int64_t>(copy.itemsize);
  for (Axis<2>& a : copy.axes) {
    if (a.strides[to] > 0) continue;
    copy.dst += a.strides[to] * (a.extent - 1) * size;
    copy.src += a.strides[from] * (a.extent - 1) * size;
    a.strides = {-a.strides[to], -a.strides[from]};
  }
  std::stable_sort(copy.axes.begin(), copy.axes.end(),
                   [](const Axis<2>& a, const Axis<2>& b) { return a.strides[to] > b.strides[to]; });
  Shape shape;
  Strides dst, src;
  for (const Axis<2>& a : copy.axes) {
    shape.push_back(a.extent);
    dst.push_back(a.strides[to]);
    src.push_back(a.strides[from]);
  }
  copy.axes = merged<2>(shape, {&dst, &src});
}

// Two neighbours become one item, as long as everything stays aligned.
bool widen(DeviceCopy& copy) {
  if (copy.itemsize == 16 || copy.axes.empty()) return false;
  const std::size_t wide = 2 * copy.itemsize;
  const auto odd = [](std::int64_t x) { return x % 2 != 0; };
  Axis<2>& last = copy.axes.back();
  if (last.strides[to] != 1 || last.strides[from] != 1 || odd(last.extent)) return false;
  if (reinterpret_cast<std::uintptr_t>(copy.dst) % wide || reinterpret_cast<std::uintptr_t>(copy.src) % wide)
    return false;
  for (std::size_t i = 0; i + 1 < copy.axes.size(); ++i)
    if (odd(copy.axes[i].strides[to]) || odd(copy.axes[i].strides[from])) return false;
  copy.itemsize = wide;
  for (std::size_t i = 0; i + 1 < copy.axes.size(); ++i) {
    copy.axes[i].strides[to] /= 2;
    copy.axes[i].strides[from] /= 2;
  }
  last.extent /= 2;
  if (last.extent == 1) copy.axes.pop_back();
  return true;
}

void find_transposition(DeviceCopy& copy) {
  constexpr std::int64_t shortest = 8;  // sides of which a tile is worth it
  Axes<2>& axes = copy.axes;
  if (axes.size() < 2 || copy.itemsize == 16) return;
  const Axis<2>& last = axes.back();
  if (last.strides[to] != 1 || last.strides[from] == 0 || last.strides[from] == 1 || last.extent < shortest) return;
  for (std::size_t i = 0; i + 1 < axes.size(); ++i) {
    if (axes[i].strides[from] != 1 || axes[i].extent < shortest) continue;
    std::rotate(axes.begin() + i, axes.begin() + i + 1, axes.end() - 1);
    copy.transposed = true;
    return;
  }
}

}  // namespace

DeviceCopy plan_device_copy(void* dst, const Strides& dst_strides, const void* src, const Strides& src_strides,
                            const Shape& shape, std::size_t itemsize) {
  DeviceCopy copy{static_cast<char*>(dst), static_cast<const char*>(src), itemsize, {}};
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (shape[i] != 1) copy.axes.push_back({shape[i], {dst_strides[i], src_strides[i]}});
  simplify(copy);
  while (widen(copy)) {
  }
  find_transposition(copy);
  return copy;
}

}  // namespace anabranch::kernels
