#include "kernels/elementwise/layout.h"

#include <algorithm>
#include <cstring>

namespace anabranch::kernels {

namespace {

bool is_uniform(const Shape& shape, const Strides& strides) {
  for (std::size_t k = 0; k < shape.size(); ++k) {
    if (shape[k] != 1 && strides[k] != 0) return false;
  }
  return true;
}

bool is_dense(const Shape& shape, const Strides& strides) {
  std::int64_t expected = 1;
  for (std::size_t k = shape.size(); k-- > 0;) {
    if (shape[k] == 1) continue;
    if (strides[k] != expected) return false;
    expected *= shape[k];
  }
  return true;
}

// Merges the axes of `shape` for the strided operands of `layout`, whose strides come in over `shape`.
void merge_axes(const Shape& shape, Layout& layout) {
  layout.shape.clear();
  Shape last_axis;  // of each merged axis, the innermost it consists of
  std::size_t previous = shape.size();
  for (std::size_t k = 0; k < shape.size(); ++k) {
    if (shape[k] == 1) continue;
    const bool merges = previous < shape.size() && std::all_of(layout.in.begin(), layout.in.end(), [&](const Operand& in) {
                          return in.kind != Operand::Kind::strided || in.strides[previous] == in.strides[k] * shape[k];
                        });
    if (merges) {
      layout.shape.back() *= shape[k];
      last_axis.back() = static_cast<ShapeElem>(k);
    } else {
      layout.shape.push_back(shape[k]);
      last_axis.push_back(static_cast<ShapeElem>(k));
    }
    previous = k;
  }
  for (Operand& in : layout.in) {
    if (in.kind != Operand::Kind::strided) continue;
    for (std::size_t j = 0; j < last_axis.size(); ++j) in.strides[j] = in.strides[static_cast<std::size_t>(last_axis[j])];
    while (in.strides.size() > last_axis.size()) in.strides.pop_back();
  }
}

// Tiles pay where an operand's neighbours along the last axis are far apart, those along another one close.
int find_tile_axis(const Layout& layout) {
  const int last = static_cast<int>(layout.shape.size()) - 1;
  if (last < 1 || layout.shape[last] < 8) return -1;
  for (const Operand& in : layout.in) {
    if (in.kind != Operand::Kind::strided || std::abs(in.strides[last]) * in.dtype.size() < 64) continue;
    for (int k = 0; k < last; ++k) {
      const std::int64_t stride = std::abs(in.strides[k]);
      if (stride != 0 && stride * in.dtype.size() < 64 && layout.shape[k] >= 8) return k;
    }
  }
  return -1;
}

template <typename T>
void copy_run(const T* from, std::int64_t stride, std::size_t n, T* to) {
  if (stride == 1) {
    std::memcpy(to, from, n * sizeof(T));
  } else if (stride == 0) {
    std::fill_n(to, n, *from);
  } else {
    for (std::size_t i = 0; i < n; ++i) to[i] = from[static_cast<std::int64_t>(i) * stride];
  }
}

// Runs along the last axis, from the element `block.first` on.
template <typename T>
void gather_range(const Layout& layout, const Operand& operand, const Block& block, T* to) {
  const int rank = static_cast<int>(layout.shape.size());
  const int last = rank - 1;
  Shape index(static_cast<std::size_t>(rank), 0);
  std::int64_t rest = block.first, offset = 0;
  for (int k = last; k >= 0; --k) {
    index[k] = rest % layout.shape[k];
    rest /= layout.shape[k];
    offset += index[k] * operand.strides[k];
  }
  const T* from = reinterpret_cast<const T*>(operand.data);
  const std::int64_t stride = operand.strides[last], extent = layout.shape[last];
  for (std::size_t left = block.count; left > 0;) {
    const std::size_t n = std::min(left, static_cast<std::size_t>(extent - index[last]));
    copy_run(from + offset, stride, n, to);
    to += n;
    left -= n;
    offset -= index[last] * stride;
    index[last] = 0;
    for (int k = last - 1; k >= 0; --k) {
      offset += operand.strides[k];
      if (++index[k] < layout.shape[k]) break;
      offset -= operand.strides[k] * layout.shape[k];
      index[k] = 0;
    }
  }
}

std::int64_t tile_offset(const Operand& operand, const Block& block) {
  std::int64_t offset = 0;
  for (std::size_t k = 0; k < block.outer.size(); ++k) offset += block.outer[k] * operand.strides[k];
  return offset;
}

template <typename T>
void gather_tile(const Layout& layout, const Operand& operand, const Block& block, T* to) {
  const std::int64_t down = operand.strides[layout.tile_axis], across = operand.strides[layout.shape.size() - 1];
  const T* from = reinterpret_cast<const T*>(operand.data) + tile_offset(operand, block);
  if (std::abs(across) <= std::abs(down)) {
    for (std::size_t r = 0; r < block.rows; ++r, from += down, to += block.columns) {
      copy_run(from, across, block.columns, to);
    }
    return;
  }
  // Eight columns at a time: whole cache lines are read, and the parts of lines that are written stay in L1.
  for (std::size_t c = 0; c < block.columns; c += 8) {
    const std::size_t width = std::min<std::size_t>(8, block.columns - c);
    for (std::size_t r = 0; r < block.rows; ++r) {
      const T* x = from + static_cast<std::int64_t>(c) * across + static_cast<std::int64_t>(r) * down;
      T* y = to + r * block.columns + c;
      for (std::size_t j = 0; j < width; ++j) y[j] = x[static_cast<std::int64_t>(j) * across];
    }
  }
}

// Calls f with a null pointer of the unsigned type of `size` bytes.
template <typename F>
void by_size(std::size_t size, F&& f) {
  switch (size) {
    case 1: return f(static_cast<std::uint8_t*>(nullptr));
    case 2: return f(static_cast<std::uint16_t*>(nullptr));
    case 4: return f(static_cast<std::uint32_t*>(nullptr));
    default: return f(static_cast<std::uint64_t*>(nullptr));
  }
}

}  // namespace

void lay_out(const Shape& shape, std::span<const runtime::View> in, std::span<const runtime::View> out, Layout& result) {
  result.count = 1;
  for (const ShapeElem extent : shape) result.count *= extent;
  result.shape.clear();
  result.tile_axis = -1;
  result.in.resize(in.size());
  result.out.resize(out.size());
  result.in_bytes = result.out_bytes = 0;
  bool strided = false;
  for (std::size_t i = 0; i < in.size(); ++i) {
    Operand& operand = result.in[i];
    operand.data = static_cast<std::byte*>(in[i].data);
    operand.dtype = in[i].dtype;
    operand.strides.clear();
    if (result.count == 1 || is_dense(shape, in[i].strides)) {
      operand.kind = Operand::Kind::dense;
    } else if (is_uniform(shape, in[i].strides)) {
      operand.kind = Operand::Kind::uniform;
      continue;
    } else {
      operand.kind = Operand::Kind::strided;
      operand.strides = in[i].strides;
      strided = true;
    }
    result.in_bytes += operand.dtype.size();
  }
  for (std::size_t o = 0; o < out.size(); ++o) {
    result.out[o].data = static_cast<std::byte*>(out[o].data);
    result.out[o].dtype = out[o].dtype;
    result.out[o].strides.clear();
    result.out_bytes += out[o].dtype.size();
  }
  if (!strided) return;
  merge_axes(shape, result);
  result.tile_axis = find_tile_axis(result);
  if (!result.tiled()) return;
  const Strides dense = contiguous_strides(result.shape);
  for (Operand& operand : result.in) {
    if (operand.kind == Operand::Kind::dense) operand.strides = dense;
  }
  for (Operand& operand : result.out) operand.strides = dense;
}

std::byte* contiguous_run(const Layout& layout, const Operand& operand, const Block& block) {
  if (layout.tiled()) return nullptr;
  const std::size_t size = operand.dtype.size();
  if (operand.kind == Operand::Kind::dense) return operand.data + block.first * static_cast<std::int64_t>(size);
  const std::size_t last = layout.shape.size() - 1;
  if (operand.strides[last] != 1) return nullptr;
  std::int64_t rest = block.first / layout.shape[last];
  std::int64_t offset = block.first % layout.shape[last];
  if (offset + static_cast<std::int64_t>(block.count) > layout.shape[last]) return nullptr;
  for (std::size_t k = last; k-- > 0;) {
    offset += rest % layout.shape[k] * operand.strides[k];
    rest /= layout.shape[k];
  }
  return operand.data + offset * static_cast<std::int64_t>(size);
}

void gather(const Layout& layout, const Operand& operand, const Block& block, void* to) {
  if (const std::byte* run = contiguous_run(layout, operand, block)) {
    std::memcpy(to, run, block.count * operand.dtype.size());
    return;
  }
  by_size(operand.dtype.size(), [&]<typename T>(T*) {
    if (layout.tiled()) {
      gather_tile(layout, operand, block, static_cast<T*>(to));
    } else {
      gather_range(layout, operand, block, static_cast<T*>(to));
    }
  });
}

void scatter(const Layout& layout, const Operand& operand, const Block& block, const void* from) {
  const std::size_t size = operand.dtype.size();
  if (std::byte* run = contiguous_run(layout, operand, block)) {
    std::memcpy(run, from, block.count * size);
    return;
  }
  std::byte* to = operand.data + tile_offset(operand, block) * static_cast<std::int64_t>(size);
  const std::byte* source = static_cast<const std::byte*>(from);
  const std::size_t bytes = block.columns * size;
  const std::int64_t down = operand.strides[layout.tile_axis] * static_cast<std::int64_t>(size);
  for (std::size_t r = 0; r < block.rows; ++r, to += down, source += bytes) std::memcpy(to, source, bytes);
}

}  // namespace anabranch::kernels
